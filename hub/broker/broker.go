// Package broker is the hub's embedded MQTT broker, versions 3.1.1 and 5, over
// TCP, TLS, Unix sockets and WebSocket.
//
// It owns every connection: it accepts, bounds, cuts the bytes into packets and
// decides what each client may do before the library that keeps subscriptions
// and outbound messages sees any of it. What a client publishes goes to a Sink
// and is acknowledged when the sink calls it durable, in the client's order,
// never before. Wills are checked like publishes and kept, delayed and
// published here. Nothing waits for a slow receiver, and everything a client
// can make grow has a limit in Config.
//
// It leaves out who exists (an Authority), what messages mean (a Sink),
// retained messages and state across restarts (the hub's stores).
package broker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"gridhub/devices"
)

// Broker serves MQTT. Its methods are safe for concurrent use.
type Broker struct {
	cfg       Config
	authority Authority
	sink      Sink
	log       *slog.Logger
	events    Events
	now       func() time.Time

	identities *realm
	island     *realm // of the conformance listeners; nil without one
	web        *listener
	budget     *budget
	queued     atomic.Int64 // bytes that sessions hold for their clients
	gather     gatherer
	presence   presence
	stats      Stats
	doors      doors

	ready    chan struct{}  // closed when every listener listens
	stopping chan struct{}  // closed when Run begins to stop
	serving  sync.WaitGroup // connections and what works for them
	delays   sync.WaitGroup // wills that wait
}

// New checks cfg and returns a broker that Run will start.
func New(cfg Config, a Authority, s Sink, log *slog.Logger, ev Events) (*Broker, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("broker: %w", err)
	}
	for _, l := range cfg.Listeners {
		if l.Network == "tls" && l.TLS == nil {
			return nil, fmt.Errorf("broker: listener %s: TLS without a certificate", l.Name)
		}
	}
	if a == nil || s == nil {
		return nil, errors.New("broker: an authority and a sink are needed")
	}
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	b := &Broker{cfg: cfg, authority: a, sink: s, log: log, events: ev, now: time.Now,
		budget: newBudget(cfg.MaxInflightBytes), gather: gatherer{delay: cfg.AckGather},
		ready: make(chan struct{}), stopping: make(chan struct{})}
	b.gather.serving = &b.serving
	b.presence.init(ev.Presence)
	b.doors.init(cfg)
	return b, b.makeRealms()
}

func (b *Broker) makeRealms() (err error) {
	if b.identities, err = newRealm(b, false); err != nil {
		return fmt.Errorf("broker: %w", err)
	}
	b.web = &listener{Listener: Listener{Name: "websocket", Profile: ProfileIdentity}, realm: b.identities}
	for _, l := range b.cfg.Listeners {
		if l.Profile == ProfileConformance && b.island == nil {
			if b.island, err = newRealm(b, true); err != nil {
				return fmt.Errorf("broker: %w", err)
			}
		}
	}
	return nil
}

// Run listens and serves until ctx ends, then stops cleanly: no new
// connections, no further packets, everything accepted answered within
// StopTimeout, connections closed. It returns when all its goroutines have
// ended; the sink must still be at work until then. It is called once.
func (b *Broker) Run(ctx context.Context) error {
	listeners, err := b.listen(ctx)
	if err != nil {
		return fmt.Errorf("broker: %w", err)
	}
	var loops sync.WaitGroup
	for _, l := range listeners {
		loops.Go(func() { b.accept(l) })
	}
	reporting := make(chan struct{})
	go func() { b.presence.run(); close(reporting) }()
	close(b.ready)
	b.housekeep(ctx)

	close(b.stopping)
	for _, l := range listeners {
		_ = l.net.Close()
	}
	loops.Wait()
	b.doors.stop()
	b.serving.Wait()
	for _, r := range b.realms() {
		r.end()
	}
	b.delays.Wait()
	b.presence.close()
	<-reporting
	return nil
}

// housekeep sweeps until ctx ends.
func (b *Broker) housekeep(ctx context.Context) {
	tick := time.NewTicker(5 * time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			for _, r := range b.realms() {
				r.sweep(b.now())
			}
		}
	}
}

func (b *Broker) realms() []*realm {
	if b.island == nil {
		return []*realm{b.identities}
	}
	return []*realm{b.identities, b.island}
}

// Ready is closed when Run listens on every address.
func (b *Broker) Ready() <-chan struct{} { return b.ready }

// Addr returns where the listener of that name listens; nil before Ready.
func (b *Broker) Addr(name string) net.Addr {
	select {
	case <-b.ready:
		return b.doors.addrs[name]
	default:
		return nil
	}
}

// Connected reports whether id has a connection now.
func (b *Broker) Connected(id devices.ID) bool { return b.identities.online(id) }

// Disconnect ends the connection and the session of id at once, for instance
// because its credentials were revoked: nothing it sends from now on is taken,
// and a connection that is just being authenticated is refused.
func (b *Broker) Disconnect(id devices.ID, reason string) {
	if c := b.identities.cut(id); c != nil {
		b.log.Info("connection cut", "device", id, "cause", reason)
		b.presence.note(b.identities, id, false, reason)
	}
}

// refused counts and reports something a client did not get.
func (b *Broker) refused(c *conn, what, detail, cause string) {
	b.stats.refused(what)
	if b.events.Refused == nil {
		return
	}
	b.events.Refused(Refusal{ID: c.id, Remote: c.hello.RemoteAddr, What: what,
		Detail: detail[:min(len(detail), maxTopicBytes)], Cause: cause, At: b.now()})
}
