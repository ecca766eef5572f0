package relay_test

import (
	"context"
	"log/slog"
	"net/netip"
	"testing"

	"github.com/pion/webrtc/v4"

	"gridhub/streams/relay"
	"gridhub/streams/sfu"
	"gridhub/streams/sfu/sfutest"
)

// TestSoundAndPictureOverTCPOnly holds that a member whose network lets no UDP
// out is seen and heard, and sees and hears.
func TestSoundAndPictureOverTCPOnly(t *testing.T) {
	media := sfutest.Start(t, nil)
	c := relay.Default()
	c.TCP, c.MinPort = "127.0.0.1:0", 20000
	r, err := relay.New(c, nil, media.Addresses, nil, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
	})

	room, err := media.Room("call")
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"field", "centre"} {
		if err := room.Join(sfu.Member{ID: id}); err != nil {
			t.Fatal(err)
		}
		if err := room.Gate(id, sfu.Gate{Send: true, Receive: true}); err != nil {
			t.Fatal(err)
		}
	}
	by := func(id string, with func(ctx context.Context, id, offer string) (string, error)) sfutest.Negotiate {
		return func(offer string) (string, error) { return with(t.Context(), id, offer) }
	}
	field := sfutest.Publish(t, relayed(t, r), by("field", room.Publish))
	centre := sfutest.Publish(t, sfutest.Connection(t), by("centre", room.Publish))
	go field.Play(t.Context())
	go centre.Play(t.Context())
	atCentre := sfutest.Subscribe(t, sfutest.Connection(t), 1, 1, by("centre", room.Subscribe))
	atField := sfutest.Subscribe(t, relayed(t, r), 1, 1, by("field", room.Subscribe))
	atCentre.More(t, 20)
	atField.More(t, 20)
	if n := r.Held(); n != 2 {
		t.Errorf("%d allocations, want one for each connection of the field", n)
	}
}

// relayed is a connection that goes through the relay or nowhere.
func relayed(t *testing.T, r *relay.Relay) *webrtc.PeerConnection {
	t.Helper()
	pc := sfutest.Connection(t)
	as := r.Credentials("wang")
	if err := pc.SetConfiguration(webrtc.Configuration{
		ICEServers:         []webrtc.ICEServer{{URLs: []string{url(r.Addresses()["tcp"])}, Username: as.Username, Credential: as.Password}},
		ICETransportPolicy: webrtc.ICETransportPolicyRelay,
	}); err != nil {
		t.Fatal(err)
	}
	return pc
}

func url(a netip.AddrPort) string { return "turn:" + a.String() + "?transport=tcp" }
