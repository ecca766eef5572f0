// Package modbustest is a scripted Modbus slave on a pseudo-terminal, in the
// spirit of httptest: it answers requests with whatever bytes a test chooses,
// sound or not, and can be unplugged and plugged in again.
package modbustest

import (
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"gridhub/edge/driver/slave"
)

// Chunk is some bytes of an answer and how long the slave waits before them.
type Chunk struct {
	After time.Duration
	Bytes []byte
}

// Answer scripts what comes back for one request (a whole RTU frame); nil is
// silence. n counts requests from 0.
type Answer func(n int, request []byte) []Chunk

// Bus is a serial line with the scripted slave at its end.
type Bus struct {
	t    testing.TB
	path string // a link, as /dev/serial/by-id has

	mu       sync.Mutex
	answer   Answer
	requests [][]byte
	pty      *slave.PTY
	done     sync.WaitGroup
}

// NewBus plugs a bus in; it is unplugged when the test ends.
func NewBus(t testing.TB, answer Answer) *Bus {
	t.Helper()
	b := &Bus{t: t, path: filepath.Join(t.TempDir(), "usb-serial"), answer: answer}
	b.Plug()
	t.Cleanup(b.Unplug)
	return b
}

// Path is the port's name; it stays the same when the bus is plugged in again.
func (b *Bus) Path() string { return b.path }

// Script replaces the answers; n counts from 0 again.
func (b *Bus) Script(a Answer) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.answer, b.requests = a, nil
}

// Requests returns the frames that came since the last Script.
func (b *Bus) Requests() [][]byte {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([][]byte(nil), b.requests...)
}

// Say sends bytes that nobody asked for, as a device does that is late.
func (b *Bus) Say(p []byte) {
	b.t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	if _, err := b.pty.Master.Write(p); err != nil {
		b.t.Fatal(err)
	}
}

// Plug gives the bus a new pseudo-terminal and points the link to it.
func (b *Bus) Plug() {
	b.t.Helper()
	pty, err := slave.OpenPTY()
	if err != nil {
		b.t.Fatalf("pseudo-terminal: %v", err)
	}
	_ = os.Remove(b.path)
	if err := os.Symlink(pty.Path(), b.path); err != nil {
		b.t.Fatal(err)
	}
	b.mu.Lock()
	b.pty = pty
	b.mu.Unlock()
	b.done.Go(func() { b.serve(pty.Master) })
}

// Unplug pulls the adapter out: the port's file is gone, and who has it open
// meets errors.
func (b *Bus) Unplug() {
	b.mu.Lock()
	pty := b.pty
	b.pty = nil
	b.mu.Unlock()
	if pty == nil {
		return
	}
	_ = os.Remove(b.path)
	pty.Close()
	b.done.Wait()
}

// serve answers requests of eight bytes, as all reading functions have.
func (b *Bus) serve(master *os.File) {
	var buf []byte
	chunk := make([]byte, 256)
	for {
		n, err := master.Read(chunk)
		if err != nil {
			return
		}
		buf = append(buf, chunk[:n]...)
		for len(buf) >= 8 {
			request := append([]byte(nil), buf[:8]...)
			buf = buf[8:]
			for _, c := range b.next(request) {
				time.Sleep(c.After) // the slave is slow on purpose
				if _, err := master.Write(c.Bytes); err != nil {
					return
				}
			}
		}
	}
}

func (b *Bus) next(request []byte) []Chunk {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.requests = append(b.requests, request)
	if b.answer == nil {
		return nil
	}
	return b.answer(len(b.requests)-1, request)
}
