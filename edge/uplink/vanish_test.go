package uplink

import (
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"gridhub/devices/wire"
	"gridhub/edge/uplink/hubtest"
)

// hole is a way to the hub that can swallow everything: connections stay open,
// new ones are taken, and nothing comes out at the other end.
type hole struct {
	listener net.Listener

	mu     sync.Mutex
	dark   bool
	lit    chan struct{} // closed when it is not dark any more
	opened []net.Conn
}

func newHole(t *testing.T, target string) *hole {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	h := &hole{listener: l, lit: make(chan struct{})}
	close(h.lit)
	var group sync.WaitGroup
	group.Go(func() {
		for {
			in, err := l.Accept()
			if err != nil {
				return
			}
			out, err := net.Dial("tcp", target)
			if err != nil {
				in.Close()
				continue
			}
			h.mu.Lock()
			h.opened = append(h.opened, in, out)
			h.mu.Unlock()
			group.Go(func() { h.carry(in, out) })
			group.Go(func() { h.carry(out, in) })
		}
	})
	t.Cleanup(func() {
		l.Close()
		h.set(false)
		h.mu.Lock()
		for _, c := range h.opened {
			c.Close()
		}
		h.mu.Unlock()
		group.Wait()
	})
	return h
}

// carry does not even read while it is dark, as a machine that lost its power:
// the sender's buffers fill.
func (h *hole) carry(from, to net.Conn) {
	buf := make([]byte, 4096)
	for {
		n, err := from.Read(buf)
		h.mu.Lock()
		lit, dark := h.lit, h.dark
		h.mu.Unlock()
		<-lit
		if dark {
			return // what was on the way is gone, and nobody says so
		}
		if err != nil {
			to.Close()
			return
		}
		if _, err := to.Write(buf[:n]); err != nil {
			_, _ = io.Copy(io.Discard, from)
			return
		}
	}
}

func (h *hole) set(dark bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case dark && !h.dark:
		h.lit = make(chan struct{})
	case !dark && h.dark:
		close(h.lit)
	}
	h.dark = dark
}

// TestTheHubVanishes has the hub vanish without a word, with nothing on the way
// and in the middle of a backlog that fills every buffer: the gateway notices,
// tries on while nobody answers, returns, and loses nothing.
func TestTheHubVanishes(t *testing.T) {
	broker := hubtest.StartBroker(t)
	hub := hubtest.New(t, broker.Address(), gateway)
	way := newHole(t, broker.Address())
	spool := openSpool(t, t.TempDir())
	cfg := quick(way.listener.Addr().String())
	cfg.KeepAlive = 4 * time.Second
	u := run(t, cfg, spool)
	put := func(n int) {
		for range n {
			spool.Put(sample(int(spool.data.journal.Next())), false)
		}
	}
	online := func(want bool, within time.Duration) {
		t.Helper()
		began := time.Now()
		for u.Status().Online != want {
			if time.Since(began) > within {
				t.Fatalf("online is still %v after %v: %s", !want, within, u.Status().Cause)
			}
			time.Sleep(20 * time.Millisecond)
		}
		t.Logf("online is %v after %v", want, time.Since(began).Round(100*time.Millisecond))
	}
	online(true, time.Minute)
	put(100)
	waitFloor(t, spool, 1, 101)

	way.set(true)                              // nothing is on the way
	online(false, 2*cfg.KeepAlive-time.Second) // one and a half times that
	put(20_000)
	time.Sleep(time.Second) // it tries to connect, and nobody answers
	way.set(false)
	online(true, time.Minute)

	way.set(true) // in the middle of the backlog
	put(20_000)
	online(false, 2*cfg.KeepAlive-time.Second)
	way.set(false)
	online(true, time.Minute)
	hub.Wait("everything", func(s hubtest.State) bool { return s.Upto(wire.Data) == 40_100 })
	waitFloor(t, spool, 1, 40_101)
}
