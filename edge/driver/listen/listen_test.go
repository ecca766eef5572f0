package listen

import (
	"context"
	"log/slog"
	"net"
	"sync"
	"testing"
	"time"

	"gridhub/devices"
	"gridhub/devices/profile"
	"gridhub/edge/driver"
)

// told is what reached deliver.
type told struct {
	id devices.ID
	r  driver.Reading
}

// start serves one device on a free port and returns the server, what it is
// told, and a way to connect.
func start(t *testing.T, p *profile.Profile, address string) (*Server, chan told, func() net.Conn) {
	t.Helper()
	layout, err := p.Compile(nil)
	if err != nil {
		t.Fatal(err)
	}
	s, err := New(profile.Line{Name: "push", Kind: profile.Listen, Address: "127.0.0.1:0"},
		[]driver.Station{{ID: "dev-1", Address: address, Profile: p, Layout: layout}}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	heard := make(chan told, 1000) // more than any test sends
	var serving sync.WaitGroup
	serving.Go(func() {
		if err := s.Listen(ctx, func(id devices.ID, r driver.Reading, err error) { heard <- told{id, r} }); err != nil {
			t.Errorf("listen: %v", err)
		}
	})
	t.Cleanup(func() {
		stop()
		serving.Wait()
	})
	at, err := s.Address(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return s, heard, func() net.Conn {
		c, err := net.Dial("tcp", at.String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		if err := c.SetDeadline(time.Now().Add(30 * time.Second)); err != nil {
			t.Fatal(err)
		}
		return c
	}
}

func value(r driver.Reading, metric string) float64 {
	for _, f := range r.Values {
		if f.Metric == metric {
			return f.Value
		}
	}
	return -1e9
}

// TestCleanEnd holds that Listen ends with its connections.
func TestCleanEnd(t *testing.T) {
	_, _, dial := start(t, dust, site)
	dial()
	dial() // start's clean-up waits for Listen
}

func TestPortInUse(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	layout, err := dust.Compile(nil)
	if err != nil {
		t.Fatal(err)
	}
	s, err := New(profile.Line{Name: "push", Address: taken.Addr().String()}, []driver.Station{{ID: "d", Address: site, Profile: dust, Layout: layout}}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	var serving sync.WaitGroup
	defer serving.Wait()
	defer stop()
	serving.Go(func() { _ = s.Listen(ctx, nil) })
	taken.Close() // who had it lets go
	if _, err := s.Address(t.Context()); err != nil {
		t.Error(err)
	}
}
