package broker

import (
	"sync"
	"time"
)

// Reason codes that we send (MQTT 5.0, 2.4).
const (
	codeNoSuchID         = 0x92
	codeNotAuthorized    = 0x87
	codeTopicInvalid     = 0x90
	codeTooManyPublishes = 0x93
	codeAliasInvalid     = 0x94
	codeTooLarge         = 0x95
	codeQuota            = 0x97
	codeMalformed        = 0x81
	codeProtocol         = 0x82
	codeBadCredentials   = 0x86
	codeBadClientID      = 0x85
	codeUnavailable      = 0x88
	codeBadVersion       = 0x84
	codeShuttingDown     = 0x8b
	codeKeepalive        = 0x8d
	codeTakenOver        = 0x8e
	codeAdministrative   = 0x98
	codeRate             = 0x9f
)

// Ack is the sink's way to answer one message. The zero Ack answers nobody.
type Ack struct {
	c    *conn
	seq  uint32
	size int32
	qos  byte
}

// Done says that the message is durable (nil) or could not be kept. It must be
// called once; it never blocks and may be called from any goroutine.
//
// A durable QoS 1 publish gets its PUBACK, QoS 2 its PUBREC, in the client's
// order; what is decided in close succession leaves in one write. A failed one
// gets reason 0x97 in version 5; a 3.1.1 client gets no answer and loses its
// connection, so that it sends again.
func (a Ack) Done(err error) {
	if a.c == nil {
		return
	}
	if a.qos > 0 {
		a.c.decide(a.seq, err)
	}
	if err != nil {
		a.c.b.stats.SinkFailed.Add(1)
	}
	a.c.b.budget.give(int(a.size))
}

// decide records the sink's answer and sends what is now in order.
func (c *conn) decide(seq uint32, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	state, code := byte(slotDone), byte(0)
	if err != nil {
		state, code = slotFailed, codeQuota
	}
	s := c.window.decide(seq, state, code)
	if s.kind == typePubrec {
		c.session.inbound.decided(c, s.id, err == nil)
	}
	c.answerLocked()
}

// answerLocked queues the answers that are in order. They are written at once
// if nothing else is with the sink, else together after a short gathering.
func (c *conn) answerLocked() {
	for {
		s, ok := c.window.pop()
		if !ok {
			break
		}
		if s.state == slotFailed && !c.v5 {
			c.setCause("sink")
			c.closing = true
			break
		}
		c.enqueueLocked(func(b []byte) []byte { return appendAck(b, s.kind, s.id, s.code) })
	}
	if c.roomy != nil && (c.window.undecided == 0 || c.window.len() <= c.b.cfg.ReceiveMaximum*3/4) { // not for every single one
		close(c.roomy)
		c.roomy = nil
	}
	switch {
	case c.closing && c.out == nil && !c.writer:
		c.killLocked("closed")
	case c.window.undecided == 0 || c.closing:
		c.flushLocked()
	case c.out != nil && !c.gathering:
		c.gathering = true
		c.b.gather.add(c)
	}
}

// awaitRoom blocks while the window is full. It reports false when the
// connection has ended.
func (c *conn) awaitRoom() bool {
	for {
		c.mu.Lock()
		if c.dead || c.closing || c.window.len() < c.b.cfg.ReceiveMaximum {
			dead := c.dead || c.closing
			c.mu.Unlock()
			return !dead
		}
		if c.roomy == nil {
			c.roomy = make(chan struct{})
		}
		roomy := c.roomy
		c.mu.Unlock()
		select {
		case <-roomy:
		case <-c.gone:
			return false
		}
	}
}

// A gatherer flushes connections whose acknowledgements may still be joined by
// others of the same commit. Its list holds each connection at most once.
type gatherer struct {
	delay   time.Duration
	mu      sync.Mutex
	waiting []*conn
	running bool
	serving *sync.WaitGroup
}

func (g *gatherer) add(c *conn) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.waiting = append(g.waiting, c)
	if !g.running {
		g.running = true
		g.serving.Go(g.run) // c is alive, so Run still waits
	}
}

// run ends when a whole delay brought nothing.
func (g *gatherer) run() {
	for {
		time.Sleep(g.delay)
		g.mu.Lock()
		batch := g.waiting
		g.waiting = nil
		g.running = len(batch) > 0
		g.mu.Unlock()
		if len(batch) == 0 {
			return
		}
		for _, c := range batch {
			c.mu.Lock()
			c.gathering = false
			c.flushLocked()
			c.mu.Unlock()
		}
	}
}
