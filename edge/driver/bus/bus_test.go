package bus

import (
	"errors"
	"io"
	"net"
	"testing"
	"time"
)

// dead is a port as tarm/serial shows it once the adapter is gone: end of
// file, at once and for ever.
type dead struct{ reads int }

func (d *dead) Read([]byte) (int, error)    { d.reads++; return 0, io.EOF }
func (d *dead) Write(p []byte) (int, error) { return len(p), nil }
func (d *dead) Flush() error                { return nil }
func (d *dead) Close() error                { return nil }

// TestEndlessEOF holds that such a port is given up instead of being read in
// circles.
func TestEndlessEOF(t *testing.T) {
	port := &dead{}
	way := &tty{path: t.TempDir(), port: port}
	var err error
	for end := time.Now().Add(time.Minute); err == nil && time.Now().Before(end); {
		_, err = way.Read(make([]byte, 8))
	}
	if !errors.Is(err, ErrUnplugged) || port.reads > 10 {
		t.Errorf("%v after %d reads, want ErrUnplugged after a few", err, port.reads)
	}
}

// TestSocket holds that a connection reads in ticks, tells its end from
// silence, and throws away what waits.
func TestSocket(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	s, err := Dial(t.Context(), l.Addr().String(), time.Second)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	c, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 8)
	if n, err := s.Read(buf); n != 0 || err != nil {
		t.Errorf("silence: %d, %v", n, err)
	}
	c.Write([]byte("late"))
	for n := 0; n == 0; { // until it has arrived
		if n, err = s.Read(buf[:1]); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Flush(); err != nil {
		t.Fatal(err)
	}
	c.Write([]byte("new"))
	if n, err := io.ReadFull(readUntil{s}, buf[:3]); err != nil || string(buf[:n]) != "new" {
		t.Errorf("after a flush: %q, %v", buf[:n], err)
	}
	c.Close()
	if _, err := s.Read(buf); !errors.Is(err, io.EOF) {
		t.Errorf("hung up: %v", err)
	}
}

// readUntil reads over silence.
type readUntil struct{ Stream }

func (r readUntil) Read(p []byte) (n int, err error) {
	for n == 0 && err == nil {
		n, err = r.Stream.Read(p)
	}
	return n, err
}
