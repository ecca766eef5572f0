package broker

import (
	"sync"
	"time"
)

// keepBuffer is the largest write buffer worth pooling.
const keepBuffer = 64 << 10

var writeBuffers = sync.Pool{New: func() any { b := make([]byte, 0, 512); return &b }}

// Everything to one client goes through its outbox: bytes appended by anyone,
// written by a goroutine that exists only while there is something to write.
// Nobody ever waits for a slow receiver; one that lets WriteQueue bytes pile
// up, or a write last longer than WriteTimeout, loses its connection.

// enqueueLocked appends bytes with add; c.mu is held.
func (c *conn) enqueueLocked(add func([]byte) []byte) {
	if c.dead || c.closing {
		return
	}
	if c.out == nil {
		c.out = writeBuffers.Get().(*[]byte)
	}
	*c.out = add(*c.out)
	if len(*c.out)+c.writing > c.b.cfg.WriteQueue {
		c.killLocked("slow")
	}
}

// flushLocked has the outbox written, by the writer at work or a new one; c.mu
// is held.
func (c *conn) flushLocked() {
	c.flush = c.out != nil
	if c.flush && !c.writer && !c.dead {
		c.writer = true
		c.b.serving.Go(c.drain) // c is alive, so Run still waits
	}
}

// send appends p to the outbox and has it written.
func (c *conn) send(p ...byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.enqueueLocked(func(b []byte) []byte { return append(b, p...) })
	c.flushLocked()
}

// drain writes until the outbox is empty, then ends.
func (c *conn) drain() {
	for {
		buf := c.takeOut()
		if buf == nil {
			return
		}
		_ = c.nc.SetWriteDeadline(time.Now().Add(c.b.cfg.WriteTimeout))
		_, err := c.nc.Write(*buf)
		recycle(buf)
		if err != nil {
			c.kill("write")
		}
	}
}

// takeOut takes what is to be written next; nil ends the writer. Bytes that
// nobody has flushed are acknowledgements still being gathered: they stay.
func (c *conn) takeOut() *[]byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.writing = 0
	if buf := c.out; c.flush && !c.dead {
		c.out, c.flush, c.writing = nil, false, len(*buf)
		return buf
	}
	c.writer = false
	if c.closing {
		c.killLocked("closed")
	}
	return nil
}

func recycle(buf *[]byte) {
	if cap(*buf) <= keepBuffer {
		*buf = (*buf)[:0]
		writeBuffers.Put(buf)
	}
}

// closeAfterWrite ends the connection once the outbox is written.
func (c *conn) closeAfterWrite(cause string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.setCause(cause)
	c.closing = true
	if c.out == nil && !c.writer {
		c.killLocked(cause)
		return
	}
	c.flushLocked()
}

// kill ends the connection at once, for the first cause given.
func (c *conn) kill(cause string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.killLocked(cause)
}

func (c *conn) killLocked(cause string) {
	if c.dead {
		return
	}
	c.setCause(cause)
	c.dead = true
	close(c.gone)
	c.cut()
	c.b.budget.wake()
}

func (c *conn) setCause(cause string) {
	if c.cause == "" {
		c.cause = cause
	}
}
