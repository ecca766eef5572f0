package sfu_test

import (
	"context"
	"testing"

	"github.com/pion/webrtc/v4"

	"gridhub/streams/sfu"
	"gridhub/streams/sfu/sfutest"
)

// room returns the room id with members whose gates are open.
func room(t testing.TB, s *sfu.SFU, id string, members ...string) *sfu.Room {
	t.Helper()
	r, err := s.Room(id)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range members {
		if err := r.Join(sfu.Member{ID: m, Person: "person " + m}); err != nil {
			t.Fatal(err)
		}
		if err := r.Gate(m, sfu.Gate{Send: true, Receive: true}); err != nil {
			t.Fatal(err)
		}
	}
	return r
}

// by negotiates directly with the room, for one member.
func by(id string, with func(ctx context.Context, id, offer string) (string, error)) sfutest.Negotiate {
	return func(offer string) (string, error) { return with(context.Background(), id, offer) }
}

func publish(t testing.TB, r *sfu.Room, id string) *sfutest.Source {
	t.Helper()
	return sfutest.Publish(t, sfutest.Connection(t), by(id, r.Publish))
}

func subscribe(t testing.TB, r *sfu.Room, id string, audio, video int) *sfutest.Sink {
	t.Helper()
	return sfutest.Subscribe(t, sfutest.Connection(t), audio, video, by(id, r.Subscribe))
}

// offerOf is an offer of n audio tracks.
func offerOf(t testing.TB, n int) string {
	t.Helper()
	pc := sfutest.Connection(t)
	for range n {
		if _, err := pc.AddTransceiverFromKind(webrtc.RTPCodecTypeAudio); err != nil {
			t.Fatal(err)
		}
	}
	return sfutest.Offer(t, pc)
}
