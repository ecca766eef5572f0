package uplink

import (
	"context"
	"encoding/json"
	"fmt"
	"runtime/debug"
	"sync"
	"time"

	"gridhub/devices/wire"
)

// maxInFlight is how many messages may wait for their PUBACK. Full: the sender
// waits.
const maxInFlight = 100

// lanes of a stream, in the order of their urgency.
const (
	live    = iota // what is measured now
	again          // what was sent and not acknowledged in time
	backlog        // what waited before the connection
	lanes
)

// session is one connection at work. Each lane of each stream prepares one
// batch ahead (a channel of capacity 1, the lane waits); one sender takes the
// most urgent.
type session struct {
	u      *Uplink
	conn   *connection
	ready  []chan batch  // stream × lane, most urgent first
	wake   chan struct{} // capacity 1: a lane has something
	slots  chan struct{} // capacity maxInFlight
	sent   []*outstanding
	end    context.CancelCauseFunc
	waiter sync.WaitGroup

	telling sync.Mutex // held while inventory and status are published
	told    uint64     // the edition of them that the hub has
}

// batch is what one message carries: consecutive records of one stream.
type batch struct {
	stream      int
	first, last uint64
	records     []reading
}

// session connects, introduces the gateway, and delivers until the connection
// or ctx ends.
func (u *Uplink) session(ctx context.Context) error {
	conn, err := u.connect(ctx, u.receive)
	if err != nil {
		return err
	}
	work, end := context.WithCancelCause(ctx)
	defer end(nil)
	s := &session{u: u, conn: conn, wake: make(chan struct{}, 1), slots: make(chan struct{}, maxInFlight), end: end}
	if err := s.introduce(work); err != nil {
		conn.client.Disconnect(0)
		return conn.reason(err)
	}
	u.setOnline()
	defer u.line.enter(conn)()
	u.log.Info("connected to the hub", "url", conn.url)
	s.start(work)
	select {
	case err = <-conn.lost:
		err = fmt.Errorf("%w: %w", errLost, err)
	case <-work.Done():
		err = context.Cause(work)
	}
	end(err)
	s.waiter.Wait()
	if ctx.Err() != nil {
		conn.leave(u.time.scale().now, "stopped")
	} else {
		conn.client.Disconnect(0)
	}
	return err
}

// introduce says which devices there are and that we are here.
func (s *session) introduce(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	s.told = s.u.edition.Load()
	if err := s.conn.say(ctx, wire.Inventory, false, s.u.stock()); err != nil {
		return err
	}
	return s.conn.say(ctx, wire.Status, true, s.u.presence())
}

// start begins the lanes and the sender, after all that they share is made.
func (s *session) start(ctx context.Context) {
	var all []lane
	for i, st := range s.u.streams {
		s.sent = append(s.sent, &outstanding{stream: st, resend: s.u.cfg.Resend})
		for range lanes {
			s.ready = append(s.ready, make(chan batch, 1))
		}
		all = append(all, lane{session: s, index: i, stream: st, fresh: st.journal.Next()})
	}
	for _, l := range all {
		s.run(ctx, l.live)
		s.run(ctx, l.again)
		s.run(ctx, l.backlog)
	}
	s.run(ctx, s.send)
	s.run(ctx, s.herald)
	s.run(ctx, s.accounts)
	s.run(ctx, s.lookBacks)
}

// run starts work that ends the session when it fails or panics.
func (s *session) run(ctx context.Context, work func(context.Context) error) {
	s.waiter.Go(func() {
		defer func() {
			if r := recover(); r != nil {
				s.u.log.Error("uplink panicked, connecting anew", "panic", r, "stack", string(debug.Stack()))
				s.end(fmt.Errorf("panic: %v", r))
			}
		}()
		if err := work(ctx); err != nil {
			s.end(err)
		}
	})
}

// offer hands a batch to the sender, waiting until the one before is taken.
func (s *session) offer(ctx context.Context, lane int, b batch) error {
	select {
	case s.ready[b.stream*lanes+lane] <- b:
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case s.wake <- struct{}{}:
	default:
	}
	return nil
}

// take returns the most urgent batch.
func (s *session) take(ctx context.Context) (batch, error) {
	for {
		for _, lane := range s.ready {
			select {
			case b := <-lane:
				return b, nil
			default:
			}
		}
		select {
		case <-s.wake:
		case <-ctx.Done():
			return batch{}, ctx.Err()
		}
	}
}

// send publishes batches, at most maxInFlight without PUBACK.
func (s *session) send(ctx context.Context) error {
	for {
		b, err := s.take(ctx)
		if err != nil {
			return err
		}
		select {
		case s.slots <- struct{}{}:
		case <-ctx.Done():
			return ctx.Err()
		}
		s.orient(ctx)
		if err := s.publish(ctx, b); err != nil {
			return err
		}
	}
}

// orientation is how long a batch waits for the hub to tell the time.
const orientation = 2 * time.Second

// orient waits until it is known when anything was. A gateway without a clock
// that sent at once would put its readings into hours that never were; the hub
// tells the time with its first acknowledgement, which at a hub that has never
// heard of this gateway follows the first batch.
func (s *session) orient(ctx context.Context) {
	select {
	case <-s.u.time.known():
	case <-ctx.Done():
	default:
		t := time.NewTimer(orientation)
		defer t.Stop()
		select {
		case <-s.u.time.known():
		case <-t.C:
		case <-ctx.Done():
		}
	}
}

// publish sends one batch; its PUBACK only frees the slot.
func (s *session) publish(ctx context.Context, b batch) error {
	if err := s.renew(ctx); err != nil {
		return err
	}
	st := s.u.streams[b.stream]
	scale := s.u.time.scale()
	payload, err := s.u.cfg.Encoding.marshal(wire.Batch{
		V: wire.Version, Stream: st.name, Epoch: st.journal.Epoch(), First: b.first, Last: b.last,
		Floor: st.floor(), Now: scale.now, Records: st.stamped(scale, b.records),
	})
	if err != nil {
		return fmt.Errorf("batch %d-%d: %w", b.first, b.last, err)
	}
	s.sent[b.stream].add(b.first, b.last, time.Now())
	token := s.conn.client.Publish(wire.Up(s.u.id, wire.Batches), 1, false, payload)
	s.run(ctx, func(ctx context.Context) error {
		err := await(ctx, token)
		<-s.slots
		return err
	})
	return nil
}

// receive sorts what comes down. It runs on paho's goroutine and never blocks.
func (u *Uplink) receive(kind string, payload []byte) {
	if kind != wire.Ack {
		if u.down != nil {
			u.down(kind, payload)
		}
		return
	}
	var a wire.Acknowledgement
	if err := json.Unmarshal(payload, &a); err != nil || a.V != wire.Version {
		u.log.Warn("acknowledgement not understood", "error", err, "version", a.V)
		return
	}
	u.heard.Add(1)
	u.time.told(a.Now)
	u.hubTime.hear(a.Now)
	for _, st := range u.streams {
		if st.name == a.Stream {
			st.acknowledge(a)
		}
	}
}
