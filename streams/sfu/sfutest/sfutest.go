// Package sfutest is the other end of an SFU for tests: real peers that send
// numbered packets and keep what they receive, on loopback.
//
// It speaks no signalling of its own: a Negotiate brings an offer to the SFU
// and its answer back, by whatever way the test is about.
package sfutest

import (
	"context"
	"log/slog"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/pion/ice/v4"
	"github.com/pion/webrtc/v4"

	"gridhub/streams/sfu"
)

// Patience is how long a test waits for media before it fails.
const Patience = 20 * time.Second

// Negotiate returns the SFU's answer to an offer.
type Negotiate func(offer string) (answer string, err error)

// Start runs an SFU on a free loopback port until the test ends, and fails
// the test when it does not end cleanly. change may adapt its configuration.
func Start(t testing.TB, change func(*sfu.Config)) *sfu.SFU {
	t.Helper()
	s, _ := StartStop(t, change)
	return s
}

// StartStop is Start with the means to end the SFU before the test does.
func StartStop(t testing.TB, change func(*sfu.Config)) (s *sfu.SFU, stop func()) {
	t.Helper()
	c := sfu.Default()
	c.Address, c.Loopback = "127.0.0.1:0", true
	if change != nil {
		change(&c)
	}
	s, err := sfu.New(c, Log(t))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	t.Cleanup(stop)
	return s, stop
}

// Log writes what an operator should know of to the test's output.
func Log(t testing.TB) *slog.Logger {
	return slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn}))
}

// Connection is a peer connection with every codec and interceptor a client
// has by default. It is closed when the test ends.
func Connection(t testing.TB, change ...func(*webrtc.SettingEngine)) *webrtc.PeerConnection {
	t.Helper()
	var e webrtc.SettingEngine
	e.SetIncludeLoopbackCandidate(true)
	e.SetICEMulticastDNSMode(ice.MulticastDNSModeDisabled)
	for _, f := range change {
		f(&e)
	}
	m := &webrtc.MediaEngine{}
	if err := m.RegisterDefaultCodecs(); err != nil {
		t.Fatal(err)
	}
	pc, err := webrtc.NewAPI(webrtc.WithSettingEngine(e), webrtc.WithMediaEngine(m)).NewPeerConnection(webrtc.Configuration{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = pc.GracefulClose() })
	return pc
}

// Offer is pc's offer, complete with candidates.
func Offer(t testing.TB, pc *webrtc.PeerConnection) string {
	t.Helper()
	o, err := pc.CreateOffer(nil)
	if err != nil {
		t.Fatal(err)
	}
	gathered := webrtc.GatheringCompletePromise(pc)
	if err := pc.SetLocalDescription(o); err != nil {
		t.Fatal(err)
	}
	<-gathered
	return pc.LocalDescription().SDP
}

// Exchange offers and applies the answer.
func Exchange(t testing.TB, pc *webrtc.PeerConnection, with Negotiate) {
	t.Helper()
	answer, err := with(Offer(t, pc))
	if err != nil {
		t.Fatal(err)
	}
	if err := pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: answer}); err != nil {
		t.Fatal(err)
	}
}

// Connected waits until pc can carry media.
func Connected(t testing.TB, pc *webrtc.PeerConnection) {
	t.Helper()
	up := make(chan struct{}, 8)
	pc.OnConnectionStateChange(func(s webrtc.PeerConnectionState) {
		if s == webrtc.PeerConnectionStateConnected {
			up <- struct{}{}
		}
	})
	if pc.ConnectionState() == webrtc.PeerConnectionStateConnected {
		return
	}
	select {
	case <-up:
	case <-time.After(Patience):
		t.Fatal("no connection")
	}
}

// Settled waits until no more than want goroutines are left, or none has
// ended for a while, and returns how many there are.
func Settled(want int) int {
	now := runtime.NumGoroutine()
	for quiet := 0; quiet < 20 && now > want; quiet++ {
		time.Sleep(50 * time.Millisecond)
		if n := runtime.NumGoroutine(); n < now {
			now, quiet = n, 0
		}
	}
	return now
}
