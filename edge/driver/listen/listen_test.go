package listen

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"os"
	"sync"
	"testing"
	"time"

	"gridhub/devices"
	"gridhub/devices/codec/hj212"
	"gridhub/devices/codec/jt808"
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
	return startOn(t, p, address, onDisk)
}

// onDisk is a disk that is never late.
func onDisk() func(context.Context) error { return func(context.Context) error { return nil } }

// startOn is start with a disk.
func startOn(t *testing.T, p *profile.Profile, address string, settle driver.Settle) (*Server, chan told, func() net.Conn) {
	t.Helper()
	s, heard, dial, _ := startIn(t, t.TempDir(), p, address, settle)
	return s, heard, dial
}

// startIn is startOn with a folder; stop ends the server.
func startIn(t *testing.T, folder string, p *profile.Profile, address string, settle driver.Settle) (_ *Server, _ chan told, dial func() net.Conn, stop func()) {
	t.Helper()
	layout, err := p.Compile(nil)
	if err != nil {
		t.Fatal(err)
	}
	s, err := New(profile.Line{Name: "push", Kind: profile.Listen, Address: "127.0.0.1:0"},
		[]driver.Station{{ID: "dev-1", Address: address, Profile: p, Layout: layout}}, settle, folder, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	heard := make(chan told, 1000) // more than any test sends
	var serving sync.WaitGroup
	serving.Go(func() {
		if err := s.Listen(ctx, func(id devices.ID, r driver.Reading, err error) { heard <- told{id, r} }); err != nil {
			t.Errorf("listen: %v", err)
		}
	})
	stop = func() {
		cancel()
		serving.Wait()
	}
	t.Cleanup(stop)
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
	}, stop
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
	s, err := New(profile.Line{Name: "push", Address: taken.Addr().String()}, []driver.Station{{ID: "d", Address: site, Profile: dust, Layout: layout}}, onDisk, t.TempDir(), slog.New(slog.DiscardHandler))
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

// slowDisk is a disk that the test lets go on, or break.
type slowDisk chan error

func (d slowDisk) settle() func(context.Context) error {
	return func(ctx context.Context) error {
		select {
		case err := <-d:
			return err
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// TestAcknowledgedMeansDurable holds that no answer leaves before the disk has
// what was sent, none at all when it could not be stored, and that the message
// is then read when it comes again.
func TestAcknowledgedMeansDurable(t *testing.T) {
	disk := make(slowDisk)
	_, heard, dial := startOn(t, dust, site, disk.settle)
	c := dial()
	for range 2 { // the second time as the device sends it again
		put(t, c, []byte(public))
		<-heard
		silent(t, c)
		disk <- errors.New("disk full")
		silent(t, c)
	}
	put(t, c, []byte(public))
	<-heard
	disk <- nil
	if ack := receive(t, c); ack.CN != hj212.Received {
		t.Errorf("acknowledged with %+v", ack)
	}

	_, heard, dial = startOn(t, handheld, "13912344329", disk.settle)
	w := &walker{t: t, conn: dial()}
	w.signOn()
	report := jt808.Report(0, 2, 104.0657, 30.6598, 36, 90, monday)
	w.send(jt808.Position, report)
	<-heard
	silent(t, w.conn)
	disk <- errors.New("disk full")
	silent(t, w.conn)
	again := w.send(jt808.Position, report)
	<-heard
	disk <- nil
	w.confirmed(again, jt808.Position, jt808.OK)
}

// silent holds that nothing waits to be read. What the server sends would be
// there: it answers, if it does, in the goroutine that the test waited for.
func silent(t *testing.T, c net.Conn) {
	t.Helper()
	if err := c.SetReadDeadline(time.Now().Add(20 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	if n, err := c.Read(make([]byte, 1)); n != 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("an answer left before its time: %d bytes, %v", n, err)
	}
	if err := c.SetDeadline(time.Now().Add(30 * time.Second)); err != nil {
		t.Fatal(err)
	}
}
