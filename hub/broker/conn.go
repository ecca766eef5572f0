package broker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"runtime/debug"
	"sync"
	"time"

	mqtt "github.com/mochi-mqtt/server/v2"

	"gridhub/devices"
)

// connectLimit bounds the one packet that is read from a stranger.
const connectLimit = 32 << 10

// A conn is one client's connection. One goroutine reads it, cuts it into
// frames and owns the fields above the mutex; the library behind it sees only
// what read has checked, and writes through wire.
type conn struct {
	b         *Broker
	realm     *realm
	lis       *listener
	nc        net.Conn
	cut       func()      // closes the transport at once, without ceremony
	hello     Credentials // what the transport knows; the rest comes with CONNECT
	in        *reader
	msg       Message // reused for every publish
	lastTopic string  // the topic of msg as the client wrote it

	v5          bool
	id          devices.ID // empty until authenticated
	anonymous   bool       // conformance profile: the id is a mere client id
	conv        *convention
	up          string // own publish tree
	down        string // own subscribe tree
	keepalive   time.Duration
	readBy      time.Time // deadline in force
	lastFrame   time.Time
	paid        time.Time // until when PublishRate is used up
	requestID   uint16    // of the SUBSCRIBE or UNSUBSCRIBE in progress
	session     *session
	client      *mqtt.Client
	will        *will
	expiry      time.Duration // of the session after the connection
	peerMaximum int           // the client's receive maximum
	tookOver    bool

	gone chan struct{} // closed when dead

	mu        sync.Mutex // guards what follows
	out       *[]byte    // bytes not yet with the writer
	flush     bool       // the writer is to take them
	writing   int        // bytes with the writer
	writer    bool       // the writer is at work
	closing   bool       // take nothing more, close when written
	dead      bool
	cause     string
	window    window
	roomy     chan struct{} // closed when the window has room again
	gathering bool          // on the gatherer's list
}

// serve runs one accepted connection to its end. A panic while reading it ends
// this connection and is counted; the process lives.
func (c *conn) serve() {
	defer func() {
		if p := recover(); p != nil {
			c.b.stats.Panics.Add(1)
			c.b.log.Error("connection panicked", "remote", c.hello.RemoteAddr, "device", c.id,
				"panic", fmt.Sprint(p), "stack", string(debug.Stack()))
			c.kill("panic")
		}
		c.finish()
	}()
	if err := c.greet(); err != nil {
		c.refuse(err)
		return
	}
	c.end(c.read())
}

// read handles frames until the connection ends and says why.
func (c *conn) read() error {
	for {
		f, err := c.in.next()
		if err != nil {
			return err
		}
		c.lastFrame = time.Time{}
		if err := c.handle(f); err != nil {
			return err
		}
	}
}

// errPolite ends a connection whose client said DISCONNECT.
var errPolite = errors.New("client disconnected")

// handle takes one frame of an authenticated client.
func (c *conn) handle(f frame) error {
	switch f.kind() {
	case typePublish:
		return c.publish(f)
	case typePingreq:
		c.send(0xd0, 0)
		return nil
	case typePuback, typePubrec, typePubcomp:
		return c.acknowledged(f)
	case typePubrel:
		return c.release(f)
	case typeSubscribe, typeUnsubscribe:
		return c.subscribe(f)
	case typeDisconnect:
		return c.disconnected(f)
	case typeAuth:
		if c.anonymous {
			return c.pass(f)
		}
	}
	return errProtocol // a second CONNECT included [MQTT-3.1.0-2]
}

// deadlineSlack is how late a read deadline may be, so that a busy connection
// does not set a new one before every read.
const deadlineSlack = 250 * time.Millisecond

// awaitInput sets the read deadline: FrameTimeout from a frame's first byte,
// else one and a half keepalives from the last frame [MQTT-3.1.2-22]. It also
// notices that the broker is stopping.
func (c *conn) awaitInput(since time.Time) error {
	var by time.Time
	switch {
	case closed(c.b.stopping):
		return errStopping
	case c.session == nil:
		return nil // one deadline covers the whole greeting
	case !since.IsZero():
		by = since.Add(c.b.cfg.FrameTimeout)
	default:
		if c.lastFrame.IsZero() { // the clock runs while we wait, not while the sink does
			c.lastFrame = time.Now()
		}
		by = c.lastFrame.Add(c.keepalive * 3 / 2)
	}
	if over := c.readBy.Sub(by); over < 0 || over > deadlineSlack {
		c.readBy = by.Add(deadlineSlack)
		if err := c.nc.SetReadDeadline(c.readBy); err != nil {
			return err
		}
	}
	if closed(c.b.stopping) {
		return errStopping
	}
	return nil
}

var errStopping = errors.New("broker is stopping")

// end answers the reason for which reading stopped, and closes.
func (c *conn) end(err error) {
	cause, code := causeOf(err)
	switch {
	case errors.Is(err, errPolite):
		c.kill(cause)
		return
	case closed(c.b.stopping):
		c.settle()
		cause, code = "stopping", codeShuttingDown
	case late(err) && !c.in.since.IsZero():
		cause, code = "frame-timeout", codeMalformed
	}
	if c.v5 && code != 0 {
		c.send(typeDisconnect<<4, 1, code)
	}
	c.closeAfterWrite(cause)
}

// causeOf names an end for counters, and gives its version 5 reason code, 0
// when nobody is left to read it.
func causeOf(err error) (cause string, code byte) {
	var library *libraryError
	switch {
	case errors.Is(err, errPolite):
		return "disconnect", 0
	case errors.Is(err, io.EOF), errors.Is(err, net.ErrClosed):
		return "closed", 0
	case late(err):
		return "keepalive", codeKeepalive
	case errors.Is(err, errTooLarge):
		return "oversize", codeTooLarge
	case errors.Is(err, errAlias):
		return "topic-alias", codeAliasInvalid
	case errors.Is(err, errMalformed):
		return "malformed", codeMalformed
	case errors.Is(err, errFlood):
		return "qos2-flood", codeTooManyPublishes
	case errors.Is(err, errProtocol):
		return "protocol", codeProtocol
	case errors.As(err, &library):
		return "protocol", library.code.Code
	}
	return "lost", 0
}

// late reports whether a deadline ended the read; WebSocket has an error of its
// own for that.
func late(err error) bool {
	return errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, context.DeadlineExceeded)
}

// sendAway ends a connection from outside, telling a version 5 client why.
func (c *conn) sendAway(code byte, cause string) {
	if c.v5 {
		c.send(typeDisconnect<<4, 1, code)
	}
	c.closeAfterWrite(cause)
}

// settle waits until everything accepted from this client is answered, at most
// StopTimeout.
func (c *conn) settle() {
	limit := time.NewTimer(c.b.cfg.StopTimeout)
	defer limit.Stop()
	for {
		c.mu.Lock()
		if c.dead || c.window.undecided == 0 {
			c.mu.Unlock()
			return
		}
		if c.roomy == nil {
			c.roomy = make(chan struct{})
		}
		roomy := c.roomy
		c.mu.Unlock()
		select {
		case <-roomy:
		case <-c.gone:
			return
		case <-limit.C:
			return
		}
	}
}

// finish gives back everything the connection held. It runs once, last.
func (c *conn) finish() {
	c.in.giveBack()
	<-c.gone // the writer has closed the transport, or is about to
	c.mu.Lock()
	cause := c.cause
	c.mu.Unlock()
	if c.session != nil {
		c.realm.detach(c, cause)
	}
	c.b.stats.ended(cause)
}
