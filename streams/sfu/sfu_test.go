package sfu_test

import (
	"testing"

	"gridhub/streams/sfu/sfutest"
)

func TestTwoPeersHearAndSeeEachOther(t *testing.T) {
	r := room(t, sfutest.Start(t, nil), "call", "centre", "field")
	a, b := publish(t, r, "centre"), publish(t, r, "field")
	go a.Play(t.Context())
	go b.Play(t.Context())
	for _, id := range []string{"centre", "field"} {
		s := subscribe(t, r, id, 1, 1)
		s.Wait(t, "audio", 20)
		video := s.Wait(t, "video", 20)
		if video[0].Payload[1]&1 != 0 {
			t.Errorf("%s: video starts with %x, want a key frame", id, video[0].Payload)
		}
		for i := 1; i < len(video); i++ {
			if video[i].SequenceNumber != video[i-1].SequenceNumber+1 {
				t.Errorf("%s: packet %d follows %d", id, video[i].SequenceNumber, video[i-1].SequenceNumber)
			}
		}
		v, err := r.View(id)
		if err != nil || len(v.Playing) != 2 || v.Playing[0].Person == "person "+id {
			t.Errorf("view of %s: %+v, %v", id, v, err)
		}
	}
}
