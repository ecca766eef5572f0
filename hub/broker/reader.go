package broker

import (
	"net"
	"sync"
	"time"
)

// Buffer sizes of a reader. An idle connection keeps the small one; in a burst
// it reads into the big one, so that many frames cost one system call.
const (
	smallBuffer = 256
	bigBuffer   = 8 << 10
)

var bigBuffers = sync.Pool{New: func() any { return new([bigBuffer]byte) }}

// A reader cuts one connection into frames. It belongs to one goroutine.
type reader struct {
	nc    net.Conn
	max   int // bytes of the largest frame it will wait for
	buf   []byte
	small []byte
	big   *[bigBuffer]byte // borrowed; nil while the small buffer is enough
	r, w  int              // unread bytes are buf[r:w]
	last  int              // bytes the last read brought
	at    time.Time        // when the last bytes arrived
	since time.Time        // when waiting for the rest of a frame began

	// wait is called before every blocking read with since (zero: between
	// frames) and sets the deadline.
	wait func(since time.Time) error
}

func newReader(max int, wait func(time.Time) error) *reader {
	small := make([]byte, smallBuffer)
	return &reader{max: max, buf: small, small: small, wait: wait}
}

// next returns the next frame, valid until the call after it.
func (r *reader) next() (frame, error) {
	for {
		f, size, whole, err := split(r.buf[r.r:r.w], r.max)
		if err != nil {
			return frame{}, err
		}
		if whole {
			r.r += size
			r.since = time.Time{}
			return f, nil
		}
		if err := r.fill(size); err != nil {
			return frame{}, err
		}
	}
}

// fill reads once, after making room for a frame of size bytes.
func (r *reader) fill(size int) error {
	r.makeRoom(size)
	if r.r < r.w && r.since.IsZero() {
		r.since = time.Now() // not r.at: handling what came before may have taken long
	}
	if err := r.wait(r.since); err != nil {
		return err
	}
	n, err := r.nc.Read(r.buf[r.w:])
	if n > 0 {
		r.at = time.Now()
		r.w += n
		r.last = n
		return nil
	}
	return err
}

// makeRoom moves what is unread to the front of the buffer that suits it: one
// of its own for a frame larger than the big buffer, the big one in a burst,
// the small one when little comes.
func (r *reader) makeRoom(size int) {
	unread := r.buf[r.r:r.w]
	to := r.buf
	switch {
	case size > bigBuffer:
		if len(to) < size {
			to = make([]byte, size)
		}
	case size > smallBuffer || r.w == len(r.buf):
		to = r.borrow()
	case len(unread) == 0 && r.last < smallBuffer || len(to) > bigBuffer:
		to = r.small
	}
	r.r, r.w = 0, copy(to, unread)
	r.buf = to
	if r.big != nil && &to[0] != &r.big[0] {
		r.giveBack()
	}
}

func (r *reader) borrow() []byte {
	if r.big == nil {
		r.big = bigBuffers.Get().(*[bigBuffer]byte)
	}
	return r.big[:]
}

// giveBack returns the borrowed buffer; nothing may point into it any more.
func (r *reader) giveBack() {
	if r.big != nil {
		bigBuffers.Put(r.big)
		r.big = nil
	}
}
