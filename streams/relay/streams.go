package relay

import (
	"crypto/tls"
	"net"
	"sync"
	"time"
)

const (
	// streamFirst is how long a new connection may say nothing.
	streamFirst = 10 * time.Second
	// streamIdle is how long a known one may: clients check every few seconds.
	streamIdle = 2 * time.Minute
)

// streams is a listener that closes what came in through it, both when it
// closes and when a connection says nothing for too long: the library does
// neither, not even after a handshake that failed.
type streams struct {
	net.Listener
	name string
	tls  *tls.Config // nil: none

	mu     sync.Mutex
	live   map[*stream]bool
	closed bool
}

func newStreams(name string, l net.Listener, c *tls.Config) *streams {
	return &streams{Listener: l, name: name, tls: c, live: map[*stream]bool{}}
}

// door is what the server accepts from.
func (s *streams) door() net.Listener {
	if s.tls != nil {
		return tls.NewListener(s, s.tls)
	}
	return s
}

func (s *streams) Accept() (net.Conn, error) {
	conn, err := s.Listener.Accept()
	if err != nil {
		return nil, err
	}
	c := &stream{Conn: conn, of: s}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		_ = conn.Close()
		return nil, net.ErrClosed
	}
	c.silence = time.AfterFunc(streamFirst, func() { _ = c.Close() })
	s.live[c] = true
	return c, nil
}

func (s *streams) Close() error {
	s.mu.Lock()
	s.closed = true
	live := make([]*stream, 0, len(s.live))
	for c := range s.live {
		live = append(live, c)
	}
	s.mu.Unlock()
	err := s.Listener.Close()
	for _, c := range live {
		_ = c.Close()
	}
	return err
}

// count is how many connections are open.
func (s *streams) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.live)
}

// stream is one connection.
type stream struct {
	net.Conn
	of      *streams
	silence *time.Timer
}

func (c *stream) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if err == nil {
		c.silence.Reset(streamIdle)
	}
	return n, err
}

func (c *stream) Close() error {
	c.silence.Stop()
	c.of.mu.Lock()
	delete(c.of.live, c)
	c.of.mu.Unlock()
	return c.Conn.Close()
}
