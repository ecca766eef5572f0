package sfu_test

import (
	"strings"
	"testing"

	"gridhub/streams/sfu"
	"gridhub/streams/sfu/sfutest"
)

// What a publisher is told of Opus: mend losses from the next packet, and send
// no silence.
func TestAnswerAsksForFECAndDTX(t *testing.T) {
	s := sfutest.Start(t, nil)
	room, err := s.Room("call")
	if err != nil {
		t.Fatal(err)
	}
	if err := room.Join(sfu.Member{ID: "phone", Person: "wang"}); err != nil {
		t.Fatal(err)
	}
	pc := sfutest.Connection(t)
	sfutest.Publish(t, pc, func(offer string) (string, error) { return room.Publish(t.Context(), "phone", offer) })
	answer := pc.RemoteDescription().SDP
	for _, want := range []string{"useinbandfec=1", "usedtx=1"} {
		if !strings.Contains(answer, want) {
			t.Errorf("%s is not in\n%s", want, answer)
		}
	}
}
