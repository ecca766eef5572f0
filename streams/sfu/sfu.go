// Package sfu forwards live audio and video between the members of a room
// without decoding it.
//
// It owns the media sockets, the peer connections (two per member: one that
// publishes, one that subscribes; the client always offers, so offers never
// cross) and one packet ring per published track, from which lost packets,
// newcomers and recorders are served. It promises that only a member of a room
// publishes into it or hears it, that nothing passes a closed gate, and that
// no slow member delays another.
// It knows no calls and no rights: who is a member, and whose gate is open, is
// decided by its caller.
package sfu

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/webrtc/v4"
)

// The reasons for which a request is refused.
var (
	ErrFull      = errors.New("limit reached")
	ErrNotMember = errors.New("not a member of the room")
	ErrClosed    = errors.New("closed")
)

// closeWithin is how long a peer connection may take to end all its
// goroutines before the log says so.
const closeWithin = 5 * time.Second

// Observer hears what happens in rooms. It is called without locks held, one
// call at a time per event, and must return soon.
type Observer interface {
	// TracksChanged says that what peer can receive, or where it arrives, has
	// changed: see Room.View.
	TracksChanged(room, peer string)
	// PeerState says that a peer's media flows, or no longer does.
	PeerState(room, peer string, connected bool)
}

// Farewell is what an Observer may hear besides: that a peer itself closed a
// connection that was in use. Who speaks to it by other means need not listen.
type Farewell interface {
	PeerClosed(room, peer string)
}

// SFU is the media plane of one process. Safe for concurrent use.
type SFU struct {
	config  Config
	log     *slog.Logger
	sockets *sockets
	engines engines
	closing sync.WaitGroup // peer connections on their way out
	dropped atomic.Uint64

	mu       sync.Mutex
	watchers audience
	rooms    map[string]*Room
	closed   bool
}

// New checks c and binds the media sockets, so that a port in use is an error
// here. Run must follow: it is what closes them.
func New(c Config, log *slog.Logger) (*SFU, error) {
	if err := c.Validate(); err != nil {
		return nil, fmt.Errorf("sfu: %w", err)
	}
	s := &SFU{config: c, log: log, rooms: map[string]*Room{}}
	var err error
	if s.sockets, err = listen(c, mediaLog{log: log}); err != nil {
		return nil, fmt.Errorf("sfu: %w", err)
	}
	if s.engines, err = newEngines(c, s.sockets, mediaLog{log: log}); err != nil {
		return nil, errors.Join(fmt.Errorf("sfu: %w", err), s.sockets.Close())
	}
	return s, nil
}

// Observe adds one who hears of changes, in all rooms; call it before the first
// room.
func (s *SFU) Observe(o Observer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.watchers = append(s.watchers[:len(s.watchers):len(s.watchers)], o)
}

// Port is the media port in use, for a configuration that asked for any.
func (s *SFU) Port() int { return s.sockets.port }

// Addresses are where media arrives: the bound addresses, and those that
// clients are told instead.
func (s *SFU) Addresses() []netip.AddrPort {
	var all []netip.AddrPort
	for _, ip := range s.sockets.ips {
		a, _ := netip.AddrFromSlice(ip)
		all = append(all, netip.AddrPortFrom(a.Unmap(), uint16(s.sockets.port)))
	}
	for _, text := range s.config.Advertise { // checked by Validate
		if a, err := netip.ParseAddr(text); err == nil {
			all = append(all, netip.AddrPortFrom(a.Unmap(), uint16(s.sockets.port)))
		}
	}
	return all
}

// Dropped counts the packets that were left out, in all, because a writer
// could not keep up. Lost packets of the network are not among them.
func (s *SFU) Dropped() uint64 { return s.dropped.Load() }

// Run serves until ctx ends, then closes every room and returns when the last
// peer connection and the sockets have ended, or after twice closeWithin.
func (s *SFU) Run(ctx context.Context) error {
	<-ctx.Done()
	s.mu.Lock()
	s.closed = true
	rooms := make([]*Room, 0, len(s.rooms))
	for _, r := range s.rooms {
		rooms = append(rooms, r)
	}
	s.mu.Unlock()
	for _, r := range rooms {
		r.Close()
	}
	done := make(chan error, 1)
	go func() {
		s.closing.Wait()
		done <- s.sockets.Close()
	}()
	select {
	case err := <-done:
		return err
	case <-time.After(2 * closeWithin):
		return fmt.Errorf("sfu: peer connections or sockets did not end within %v", 2*closeWithin)
	}
}

// Room returns the room called id, and makes it where there is none.
func (s *SFU) Room(id string) (*Room, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r, ok := s.rooms[id]; ok {
		return r, nil
	}
	if s.closed {
		return nil, ErrClosed
	}
	if len(s.rooms) >= s.config.MaxRooms {
		return nil, fmt.Errorf("room %s: %d rooms: %w", id, len(s.rooms), ErrFull)
	}
	r := newRoom(s, id)
	s.rooms[id] = r
	return r, nil
}

func (s *SFU) forget(r *Room) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.rooms[r.id] == r {
		delete(s.rooms, r.id)
	}
}

func (s *SFU) watching() audience {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.watchers
}

// hangUp closes pc in the background: closing waits for handlers that may be
// waiting for whoever called us.
func (s *SFU) hangUp(pc *webrtc.PeerConnection) {
	if pc == nil {
		return
	}
	s.closing.Go(func() {
		slow := time.AfterFunc(closeWithin, func() {
			s.log.Warn("peer connection is slow to close", "after", closeWithin)
		})
		defer slow.Stop()
		if err := pc.GracefulClose(); err != nil {
			s.log.Debug("peer connection closed", "err", err)
		}
	})
}

// audience are all who hear of changes.
type audience []Observer

func (a audience) TracksChanged(room, peer string) {
	for _, o := range a {
		o.TracksChanged(room, peer)
	}
}

func (a audience) peerClosed(room, peer string) {
	for _, o := range a {
		if f, ok := o.(Farewell); ok {
			f.PeerClosed(room, peer)
		}
	}
}

func (a audience) PeerState(room, peer string, connected bool) {
	for _, o := range a {
		o.PeerState(room, peer, connected)
	}
}
