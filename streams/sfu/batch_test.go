package sfu

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/ipv4"
)

func loopback(t *testing.T) *net.UDPConn {
	t.Helper()
	c, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	if err := c.SetReadBuffer(4 << 20); err != nil {
		t.Fatal(err)
	}
	return c
}

// car is a packet of size bytes that tells which it is.
func car(n, size int) []byte {
	b := bytes.Repeat([]byte{byte(n)}, size)
	copy(b, fmt.Sprintf("%06d", n))
	return b
}

func receive(t *testing.T, c *net.UDPConn, want []byte) {
	t.Helper()
	b := make([]byte, 2000)
	_ = c.SetReadDeadline(time.Now().Add(5 * time.Second))
	n, err := c.Read(b)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(b[:n], want) {
		t.Fatalf("got %d bytes %.6q, want %d bytes %.6q", n, b[:n], len(want), want)
	}
}

// sizes make trains that end with a shorter car, are full, cannot be joined.
var sizes = []int{1200, 1200, 700, 1200, 1200, 1200, 1200, 1200, 1200, 1200, 1200, 1200, 900, 1000, 20, 1300}

func TestCorkedPacketsLeaveWholeAndInOrder(t *testing.T) {
	c := newBatchConn(loopback(t))
	to := []*net.UDPConn{loopback(t), loopback(t)}
	c.cork()
	for _, r := range to {
		for i, size := range sizes {
			if n, err := c.WriteToAddrPort(car(i, size), r.LocalAddr().(*net.UDPAddr).AddrPort()); n != size || err != nil {
				t.Fatal(n, err)
			}
		}
	}
	_ = to[0].SetReadDeadline(time.Now())
	if _, err := to[0].Read(make([]byte, 1)); err == nil {
		t.Error("a packet left before uncork")
	}
	c.uncork()
	for _, r := range to {
		for i, size := range sizes {
			receive(t, r, car(i, size))
		}
	}
	if n, err := c.WriteToAddrPort(car(99, 30), to[0].LocalAddr().(*net.UDPAddr).AddrPort()); n != 30 || err != nil {
		t.Error(n, err)
	}
	receive(t, to[0], car(99, 30)) // nobody corks: at once
}

func TestFullBatchLeavesBeforeUncork(t *testing.T) {
	c, a, b := newBatchConn(loopback(t)), loopback(t), loopback(t)
	c.cork()
	for i := range 3 * maxTrains { // each longer than the last: no two share a train
		r := []*net.UDPConn{a, b}[i%2]
		if _, err := c.WriteToAddrPort(car(i, 100+i), r.LocalAddr().(*net.UDPAddr).AddrPort()); err != nil {
			t.Fatal(err)
		}
	}
	receive(t, a, car(0, 100)) // still corked
	c.uncork()
	for i := 1; i < 3*maxTrains; i++ {
		receive(t, []*net.UDPConn{a, b}[i%2], car(i, 100+i))
	}
}

// uncut is a network that cannot cut trains.
type uncut struct{ batchWriter }

func (u uncut) WriteBatch(ms []ipv4.Message, flags int) (int, error) {
	for i, m := range ms {
		if len(m.OOB) > 0 {
			return i, errors.New("invalid argument")
		}
		if _, err := u.batchWriter.WriteBatch(ms[i:i+1], flags); err != nil {
			return i, err
		}
	}
	return len(ms), nil
}

func TestRefusedTrainLeavesPacketByPacket(t *testing.T) {
	c, r := newBatchConn(loopback(t)), loopback(t)
	c.out = uncut{c.out}
	for range 2 {
		c.cork()
		for i, size := range sizes {
			if _, err := c.WriteToAddrPort(car(i, size), r.LocalAddr().(*net.UDPAddr).AddrPort()); err != nil {
				t.Fatal(err)
			}
		}
		c.uncork()
		for i, size := range sizes {
			receive(t, r, car(i, size))
		}
		if c.segments.Load() {
			t.Error("trains are still made")
		}
	}
}

func TestCorkedWritersDoNotMixPackets(t *testing.T) {
	const packets = 500
	c := newBatchConn(loopback(t))
	var all sync.WaitGroup
	for w := range 4 {
		r := loopback(t)
		all.Go(func() {
			to := r.LocalAddr().(*net.UDPAddr).AddrPort()
			for i := range packets {
				if i%7 == 0 {
					c.cork()
				}
				_, _ = c.WriteToAddrPort(car(i, 200+w), to)
				if i%7 == 6 {
					c.uncork()
				}
			}
			c.flush()
		})
		defer func() {
			for i := range packets {
				receive(t, r, car(i, 200+w))
			}
		}()
	}
	all.Wait()
}

func TestFlushAfterCloseReturns(t *testing.T) {
	c, r := newBatchConn(loopback(t)), loopback(t)
	c.cork()
	for i := range 3 {
		_, _ = c.WriteToAddrPort(car(i, 100+i), r.LocalAddr().(*net.UDPAddr).AddrPort())
	}
	_ = c.Close()
	c.uncork()
}
