// Package listen is where devices connect to that push: environmental monitors
// (HJ 212) and vehicle or handheld terminals (JT/T 808). A Server listens on
// one port for one protocol.
//
// A message is acknowledged when its readings are on disk, and not at all when
// they could not be stored: the device then sends it again. A message that
// comes again is acknowledged again but read once. Of a message in parts each
// is acknowledged, since a device may wait for that before it sends the next:
// the last to come when the readings are on disk, the others when they are kept
// there themselves, over restarts. Devices that the configuration does not know
// get no acknowledgement and leave no reading. Neither protocol proves who
// speaks: keep such ports inside a network of one's own.
package listen

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"sync"
	"time"

	"gridhub/devices"
	"gridhub/devices/profile"
	"gridhub/edge/driver"
)

// Limits of one port. At the limit a new connection is closed at once: the
// device tries again.
const (
	maxConnections = 512
	maxSilence     = 15 * time.Minute // then a connection is dead
	maxStrangers   = 64               // unknown devices that are logged by name
	writeTimeout   = 10 * time.Second
	acceptPause    = time.Second // after a failed accept, and before a port that is taken is tried again
)

// Server is one port.
type Server struct {
	address  string
	protocol profile.Protocol
	stations map[string]driver.Station // by address
	settle   driver.Settle
	shelf    *shelf
	log      *slog.Logger

	mu        sync.Mutex
	open      map[net.Conn]bool
	sessions  map[devices.ID]*terminal // JT/T 808: who can be sent a text
	seen      map[devices.ID]*recent   // HJ 212: what was received lately
	strangers map[string]bool
	bound     chan struct{} // closed when the port is taken
	at        net.Addr
}

var _ driver.Source = (*Server)(nil)

// New returns the server that l describes, for its devices. They speak one
// protocol. settle says when what was delivered is on disk; folder is the line's
// own, for parts of messages, and need not be there.
func New(l profile.Line, stations []driver.Station, settle driver.Settle, folder string, log *slog.Logger) (*Server, error) {
	s := &Server{
		address: l.Address, stations: map[string]driver.Station{}, settle: settle, log: log.With("line", l.Name),
		open: map[net.Conn]bool{}, sessions: map[devices.ID]*terminal{}, seen: map[devices.ID]*recent{},
		strangers: map[string]bool{}, bound: make(chan struct{}), shelf: newShelf(folder, log.With("line", l.Name)),
	}
	for _, st := range stations {
		s.protocol = st.Profile.Protocol
		s.stations[s.key(st.Address)] = st
		s.seen[st.ID] = &recent{}
	}
	if s.protocol != profile.HJ212 && s.protocol != profile.JT808 {
		return nil, fmt.Errorf("nobody listens for %s", s.protocol)
	}
	return s, nil
}

// Address is where the server listens; it waits until the port is taken.
func (s *Server) Address(ctx context.Context) (net.Addr, error) {
	select {
	case <-s.bound:
		return s.at, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Listen serves until ctx ends and all connections are closed. A port that is
// taken is tried again: the gateway's other lines work on.
func (s *Server) Listen(ctx context.Context, deliver driver.Deliver) error {
	l, err := s.bind(ctx)
	if err != nil {
		return nil // ctx ended
	}
	if err := s.shelf.load(); err != nil { // whole messages are read all the same
		s.log.Error("messages in parts will not be acknowledged", "error", err)
	}
	defer context.AfterFunc(ctx, func() {
		l.Close()
		s.hangUp()
	})()
	var serving sync.WaitGroup
	defer serving.Wait()
	for {
		c, err := l.Accept()
		switch {
		case ctx.Err() != nil:
			return nil
		case errors.Is(err, net.ErrClosed):
			return err
		case err != nil: // too many open files, mostly: it passes
			s.log.Error("cannot accept connections", "error", err)
			pause(ctx, acceptPause)
			continue
		}
		if !s.admit(c) {
			c.Close()
			continue
		}
		serving.Go(func() {
			defer s.leave(c)
			s.serve(ctx, c, deliver)
		})
	}
}

func (s *Server) bind(ctx context.Context) (net.Listener, error) {
	for told := false; ; {
		l, err := new(net.ListenConfig).Listen(ctx, "tcp", s.address)
		if err == nil {
			s.at = l.Addr()
			close(s.bound)
			return l, nil
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if !told {
			s.log.Error("port cannot be taken, trying on", "address", s.address, "error", err)
			told = true
		}
		pause(ctx, acceptPause)
	}
}

func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

func (s *Server) admit(c net.Conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.open) >= maxConnections {
		return false
	}
	s.open[c] = true
	return true
}

func (s *Server) leave(c net.Conn) {
	s.mu.Lock()
	delete(s.open, c)
	s.mu.Unlock()
	c.Close()
}

func (s *Server) hangUp() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.open {
		c.Close()
	}
}

// talk is what a protocol does with the bytes of one connection: it takes
// whole messages off the front, answers them, and returns the rest. An error
// ends the connection.
type talk func(ctx context.Context, buf []byte) (rest []byte, err error)

// serve reads a connection until it ends. ctx ends it through hangUp.
func (s *Server) serve(ctx context.Context, c net.Conn, deliver driver.Deliver) {
	var hear talk
	if s.protocol == profile.HJ212 {
		hear = (&station{server: s, conn: c, deliver: deliver}).hear
	} else {
		t := &terminal{server: s, conn: c, deliver: deliver}
		defer t.end()
		hear = t.hear
	}
	var buf []byte
	chunk := make([]byte, 2048)
	for ctx.Err() == nil {
		if err := c.SetReadDeadline(time.Now().Add(maxSilence)); err != nil {
			return
		}
		n, err := c.Read(chunk)
		if err != nil {
			return
		}
		if buf, err = hear(ctx, append(buf, chunk[:n]...)); err != nil {
			s.log.Warn("connection is closed", "from", c.RemoteAddr().String(), "error", err)
			return
		}
	}
}

// durably runs deliver and waits until what it delivered for a device is on
// disk. It reports whether it is: what is not, is not acknowledged.
func (s *Server) durably(ctx context.Context, id devices.ID, deliver func()) bool {
	wait := s.settle()
	deliver()
	err := wait(ctx)
	if err != nil && ctx.Err() == nil {
		s.log.Error("what a device sent is not on disk and is not acknowledged", "device", id, "error", err)
	}
	return err == nil
}

// send writes an answer.
func send(c net.Conn, b []byte) error {
	if err := c.SetWriteDeadline(time.Now().Add(writeTimeout)); err != nil {
		return err
	}
	_, err := c.Write(b)
	return err
}

// key is an address as it is compared: editions of JT/T 808 fill numbers with
// zeros, MNs of HJ 212 are taken as they stand.
func (s *Server) key(address string) string {
	if t := strings.TrimLeft(address, "0"); s.protocol == profile.JT808 && t != "" {
		return t
	}
	return address
}

// known returns the device with an address. Strangers are logged once each.
func (s *Server) known(address string) (driver.Station, bool) {
	st, ok := s.stations[s.key(address)]
	if ok {
		return st, true
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.strangers[address] && len(s.strangers) < maxStrangers {
		s.strangers[address] = true
		s.log.Warn("a device that no file describes wants to be heard", "address", address)
	}
	return driver.Station{}, false
}
