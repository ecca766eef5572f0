package sfu_test

import (
	"context"
	"net"
	"testing"
	"time"

	"github.com/pion/webrtc/v4"

	"gridhub/streams/sfu"
	"gridhub/streams/sfu/sfutest"
)

// gapLimit is how long a listener may hear nothing while a speaker changes
// networks, from the last packet over the old address to the first over the new.
const gapLimit = 2 * time.Second

// at binds a peer to one address of this machine, as a phone is to its network.
func at(address string) func(*webrtc.SettingEngine) {
	return func(e *webrtc.SettingEngine) {
		e.SetIPFilter(func(ip net.IP) bool { return ip.String() == address })
	}
}

// elsewhere is another address of this machine; one that has no other keeps
// its address, and changes ports alone.
func elsewhere(t *testing.T) string {
	t.Helper()
	all, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range all {
		if n, ok := a.(*net.IPNet); ok && n.IP.To4() != nil && !n.IP.IsLoopback() {
			return n.IP.String()
		}
	}
	return "127.0.0.1"
}

// A phone changes from one network to another in the middle of a word: its
// address is another, the old one says no goodbye. Who listens hears the same
// stream go on, in one numbering, after a short gap.
func TestASpeakerChangesNetworks(t *testing.T) {
	s := sfutest.Start(t, func(c *sfu.Config) { c.Address, c.TCP = "0.0.0.0:0", false })
	room, err := s.Room("call")
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"phone", "desk"} {
		if err := room.Join(sfu.Member{ID: id, Person: id}); err != nil {
			t.Fatal(err)
		}
		if err := room.Gate(id, sfu.Gate{Send: true, Receive: true}); err != nil {
			t.Fatal(err)
		}
	}
	publish := func(offer string) (string, error) { return room.Publish(t.Context(), "phone", offer) }
	first := sfutest.Publish(t, sfutest.Connection(t, at("127.0.0.1")), publish)
	walking, stop := context.WithCancel(t.Context())
	go first.Play(walking)
	desk := sfutest.Subscribe(t, sfutest.Connection(t), 1, 1, func(offer string) (string, error) {
		return room.Subscribe(t.Context(), "desk", offer)
	})
	desk.More(t, 20)

	stop() // the old network is gone: nothing more comes from there, and no farewell
	left := time.Now()
	before := len(desk.Got("audio"))
	second := sfutest.Publish(t, sfutest.Connection(t, at(elsewhere(t))), publish)
	go second.Play(t.Context())
	desk.Wait(t, "audio", before+2)
	gap := time.Since(left)
	t.Logf("the gap was %v", gap)
	if gap > gapLimit {
		t.Errorf("the listener heard nothing for %v, want at most %v", gap, gapLimit)
	}
	desk.More(t, 20)
	got := desk.Got("audio")
	for i := 1; i < len(got); i++ {
		if got[i].SSRC != got[0].SSRC || int16(got[i].SequenceNumber-got[i-1].SequenceNumber) <= 0 {
			t.Fatalf("packet %d is %d/%d after %d/%d", i, got[i].SSRC, got[i].SequenceNumber, got[i-1].SSRC, got[i-1].SequenceNumber)
		}
	}
}
