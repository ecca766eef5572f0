package broker

import (
	"io"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"gridhub/devices"
)

// TestPeerVanishes has a client vanish without a word, its connection open: it
// is given up after one and a half times its keepalive and no sooner, its will
// is published once, its session is kept, and what is sent to it meanwhile waits
// for it.
func TestPeerVanishes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const keepalive = 30 * time.Second
		var gone atomic.Int32
		r := startClocked(t, nil, Events{Presence: func(_ devices.ID, online bool, _ time.Time, _ string) {
			if !online {
				gone.Add(1)
			}
		}})
		defer r.stop()
		p := r.pipe(t)
		p.join(hello{persist: true, keepalive: 30, willTopic: "gh/1/a/up/status", will: "gone", willQoS: 1, retain: true})
		p.subscribe("gh/1/a/down/#", 1, 1)
		_ = p.nc.SetReadDeadline(time.Time{})
		go func() { _, _ = io.Copy(io.Discard, p.nc) }() // its machine takes what comes, and nobody is there
		time.Sleep(keepalive*3/2 - time.Millisecond)
		synctest.Wait()
		if !r.Connected("a") {
			t.Fatal("given up before one and a half times the keepalive")
		}
		if err := r.Send("a", "task", []byte("while nobody knew"), 1); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		synctest.Wait()
		if r.Connected("a") {
			t.Fatal("not given up after one and a half times the keepalive")
		}
		m := r.sink.await(t, 1)[0]
		if m.From != "a" || m.Kind != "status" || string(m.Payload) != "gone" || !m.Will || !m.Retain {
			t.Errorf("the will came as %+v", m)
		}
		if err := r.Send("a", "task", []byte("while it was away"), 1); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour)
		p = r.pipe(t)
		if !p.join(hello{persist: true, keepalive: 30}) {
			t.Fatal("its session is gone")
		}
		for _, want := range []string{"while nobody knew", "while it was away"} {
			if got := p.receive(); got.payload != want {
				t.Errorf("got %+v, want %q", got, want)
			}
		}
		if n := gone.Load(); n != 1 {
			t.Errorf("it was told to be gone %d times", n)
		}
	})
}
