package sfu

import (
	"errors"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"

	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"
)

const (
	// maxTrains leave in one system call.
	maxTrains = 64
	// lookBack is among how many trains that of an address is sought.
	lookBack = 4
	// maxCars packets of a train: a frame of video at the rates of calls.
	maxCars = 8
	// maxTrainBytes is below what one system call may carry to one address.
	maxTrainBytes = 48 << 10
)

// batchConn is a UDP socket that, while it is corked, gathers what is written
// and lets it leave together: sendmmsg for many addresses, and segmentation by
// the kernel for equal packets to one address, which then takes the way
// through the network stack once. That way is half of what forwarding costs.
//
// It holds at most maxTrains; one more flushes. A packet that the kernel
// refuses is a lost packet, as ever with UDP. Safe for concurrent use.
type batchConn struct {
	*net.UDPConn
	out      batchWriter
	segments atomic.Bool // the kernel cuts trains into packets
	corks    atomic.Int32

	flushing sync.Mutex // held over the system calls, so that order is kept; before mu
	leaving  []train    // guarded by flushing
	messages []ipv4.Message

	mu     sync.Mutex
	trains []train
}

type batchWriter interface {
	WriteBatch(ms []ipv4.Message, flags int) (int, error)
}

// train is packets to one address, equally long but for the last.
type train struct {
	to   netip.AddrPort
	size int // of a car
	cars int
	full bool // the last car is shorter: none may follow
	load []byte
	// addr and oob are to and size as the system call wants them.
	addr net.UDPAddr
	oob  []byte
}

func newBatchConn(conn *net.UDPConn) *batchConn {
	c := &batchConn{UDPConn: conn, out: ipv6.NewPacketConn(conn)}
	if conn.LocalAddr().(*net.UDPAddr).IP.To4() != nil {
		c.out = ipv4.NewPacketConn(conn)
	}
	c.segments.Store(canSegment(conn))
	return c
}

// ReadFromAddrPort implements ice.AddrPortReaderWriter.
func (c *batchConn) ReadFromAddrPort(b []byte) (int, netip.AddrPort, error) {
	return c.ReadFromUDPAddrPort(b)
}

// WriteToAddrPort implements ice.AddrPortReaderWriter. While the socket is
// corked it takes a copy of b and succeeds.
func (c *batchConn) WriteToAddrPort(b []byte, to netip.AddrPort) (int, error) {
	if c.corks.Load() == 0 || len(b) > maxTrainBytes {
		return c.WriteToUDPAddrPort(b, to)
	}
	for !c.board(b, to) {
		c.flush()
	}
	if c.corks.Load() == 0 {
		c.flush() // whoever had corked it may have flushed just before
	}
	return len(b), nil
}

// board adds b to the newest train to its address, or starts one. False: there
// is no room.
func (c *batchConn) board(b []byte, to netip.AddrPort) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if t := c.boarding(to); t != nil && c.segments.Load() && t.takes(b) {
		t.add(b)
		return true
	}
	if len(c.trains) == maxTrains {
		return false
	}
	// Within the capacity lies a former train, whose memory is used again.
	if len(c.trains) == cap(c.trains) {
		c.trains = append(c.trains, train{})
	} else {
		c.trains = c.trains[:len(c.trains)+1]
	}
	t := &c.trains[len(c.trains)-1]
	t.to, t.size, t.cars, t.full, t.load = to, len(b), 0, false, t.load[:0]
	t.add(b)
	return true
}

// boarding is the newest train to an address, if it is among the last few:
// several writers at a time fill one each.
func (c *batchConn) boarding(to netip.AddrPort) *train {
	for i := len(c.trains) - 1; i >= max(0, len(c.trains)-lookBack); i-- {
		if c.trains[i].to == to {
			return &c.trains[i]
		}
	}
	return nil
}

func (t *train) takes(b []byte) bool {
	return !t.full && len(b) <= t.size && t.cars < maxCars && len(t.load)+len(b) <= maxTrainBytes
}

func (t *train) add(b []byte) {
	t.load, t.full = append(t.load, b...), len(b) < t.size
	t.cars++
}

// cork lets packets gather until uncork is called as often.
func (c *batchConn) cork() { c.corks.Add(1) }

// uncork sends what has gathered, whoever else still corks.
func (c *batchConn) uncork() {
	c.corks.Add(-1)
	c.flush()
}

func (c *batchConn) flush() {
	c.flushing.Lock()
	defer c.flushing.Unlock()
	c.mu.Lock()
	c.trains, c.leaving = c.leaving[:0], c.trains
	c.mu.Unlock()
	c.messages = c.messages[:0]
	for i := range c.leaving {
		c.messages = append(c.messages, c.leaving[i].message(c.messages))
	}
	for sent := 0; sent < len(c.messages); {
		n, err := c.out.WriteBatch(c.messages[sent:], 0)
		if sent += max(0, n); err == nil {
			continue
		} else if errors.Is(err, net.ErrClosed) || sent == len(c.messages) {
			return
		}
		c.single(&c.leaving[sent])
		sent++
	}
}

// message writes t as the system call wants it, into the memory of the message
// that stood in its place before.
func (t *train) message(before []ipv4.Message) ipv4.Message {
	t.addr.Port, t.addr.Zone = int(t.to.Port()), t.to.Addr().Zone()
	t.addr.IP = append(t.addr.IP[:0], t.to.Addr().Unmap().AsSlice()...)
	m := ipv4.Message{Addr: &t.addr}
	if n := len(before); n < cap(before) {
		m.Buffers = before[:n+1][n].Buffers[:0]
	}
	m.Buffers = append(m.Buffers, t.load)
	if t.cars > 1 {
		t.oob = segmentSize(t.oob[:0], t.size)
		m.OOB = t.oob
	}
	return m
}

// single sends the packets of a train, which was refused, one by one. Where
// that works the kernel or the network's driver cannot cut them.
func (c *batchConn) single(t *train) {
	if t.cars == 1 {
		return
	}
	for at := 0; at < len(t.load); at += t.size {
		if _, err := c.WriteToUDPAddrPort(t.load[at:min(at+t.size, len(t.load))], t.to); err == nil {
			c.segments.Store(false)
		}
	}
}
