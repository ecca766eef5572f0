package listen

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"sync"
	"time"

	"gridhub/devices"
	"gridhub/devices/codec/fields"
	"gridhub/devices/codec/jt808"
	"gridhub/devices/profile"
	"gridhub/devices/telemetry"
	"gridhub/edge/driver"
)

// terminal is one connection of JT/T 808.
type terminal struct {
	server  *Server
	conn    net.Conn
	deliver driver.Deliver

	mu      sync.Mutex
	serial  uint16 // of our messages
	phone   string
	newer   bool // speaks the edition of 2019
	id      devices.ID
	waiting map[uint16]chan jt808.Result // texts that the terminal has not answered
}

// hear is a talk.
func (t *terminal) hear(ctx context.Context, buf []byte) (rest []byte, err error) {
	for {
		m, rest, err := jt808.Next(buf)
		if m == nil && err == nil {
			return rest, nil
		}
		if err != nil {
			t.server.log.Debug("damaged message", "error", err)
		}
		if m != nil {
			if err := t.message(ctx, m); err != nil {
				return nil, err
			}
		}
		buf = rest
	}
}

// message reads one message and answers it.
func (t *terminal) message(ctx context.Context, m *jt808.Message) error {
	st, ok := t.server.known(m.Phone)
	if !ok {
		if m.ID == jt808.Register {
			return t.answer(jt808.NoSuchTerminal(m, t.next()))
		}
		return t.answer(jt808.Reply(m, t.next(), jt808.Failed))
	}
	t.greet(st, m)
	switch m.ID {
	case jt808.TerminalAnswer:
		t.answered(m)
		return nil
	case jt808.Register:
		// Any code is taken back from a number that is known: the terminal
		// keeps it over our restarts.
		return t.answer(jt808.Welcome(m, t.next(), "gridhub"))
	case jt808.Heartbeat, jt808.Authenticate, jt808.SignOff:
		return t.answer(jt808.Reply(m, t.next(), jt808.OK))
	case jt808.Position, jt808.Batch:
		return t.report(ctx, st, m)
	}
	return t.answer(jt808.Reply(m, t.next(), jt808.Unsupported))
}

// report takes a message with positions, or a packet of one, and answers it when
// it is on disk. One that cannot be kept is not answered: the terminal sends it
// again. One in more packets than can be joined is refused.
func (t *terminal) report(ctx context.Context, st driver.Station, m *jt808.Message) error {
	if m.Total > maxParts {
		t.server.log.Warn("message has too many packets", "device", st.ID, "packets", m.Total, "most", maxParts)
		return t.answer(jt808.Reply(m, t.next(), jt808.Failed))
	}
	whole, stored, err := t.join(st, m)
	if err != nil {
		t.server.log.Error("what a device sent is not acknowledged", "device", st.ID, "error", err)
		return nil
	}
	result := jt808.OK
	if whole != nil {
		if !t.server.durably(ctx, st.ID, func() { result = t.positions(st, whole) }) {
			return nil
		}
		stored()
	}
	return t.answer(jt808.Reply(m, t.next(), result))
}

// positions hands on every position of m, the oldest first as they stand.
func (t *terminal) positions(st driver.Station, m *jt808.Message) jt808.Result {
	places, err := m.Positions()
	for _, p := range places {
		r := driver.Reading{}
		r.Values, r.Quality = st.Layout.(fields.Layout).Decode(p.Values)
		if !p.At.IsZero() {
			r.Own = telemetry.At(p.At)
		}
		t.deliver(st.ID, r, nil)
	}
	if err != nil {
		t.server.log.Warn("message breaks off", "device", st.ID, "error", err)
		return jt808.Wrong
	}
	return jt808.OK
}

// join gathers the packets of a split message. The whole is nil while some are
// missing; what came is on disk then. stored is to be called when the whole is.
func (t *terminal) join(st driver.Station, m *jt808.Message) (whole *jt808.Message, stored func(), err error) {
	if m.Total <= 1 {
		return m, func() {}, nil
	}
	key := fmt.Sprintf("%s %04x %d", st.ID, uint16(m.ID), m.Serial-m.Number+1)
	parts, err := t.server.shelf.put(key, int(m.Number), int(m.Total), m.Body)
	if parts == nil || err != nil {
		return nil, nil, err
	}
	one := *m
	one.Body = slices.Concat(parts...)
	return &one, func() { t.server.shelf.finish(key, parts) }, nil
}

func (t *terminal) answer(m *jt808.Message) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	return send(t.conn, m.Bytes())
}

// next is the next number of our messages.
func (t *terminal) next() uint16 {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.serial++
	return t.serial
}

// greet notes who speaks on this connection, so that it can be sent a text. A
// newer connection of the same terminal takes its place.
func (t *terminal) greet(st driver.Station, m *jt808.Message) {
	t.mu.Lock()
	known := t.id == st.ID
	t.id, t.phone, t.newer = st.ID, m.Phone, m.New
	t.mu.Unlock()
	if known {
		return
	}
	t.server.mu.Lock()
	defer t.server.mu.Unlock()
	t.server.sessions[st.ID] = t
}

// end forgets the connection.
func (t *terminal) end() {
	t.server.mu.Lock()
	defer t.server.mu.Unlock()
	if t.server.sessions[t.id] == t {
		delete(t.server.sessions, t.id)
	}
}

func (t *terminal) answered(m *jt808.Message) {
	serial, _, result, err := m.Answered()
	if err != nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if c, ok := t.waiting[serial]; ok {
		c <- result // capacity 1, one answer each
		delete(t.waiting, serial)
	}
}

// ErrAway means that a terminal has no connection.
var ErrAway = errors.New("terminal is not connected")

// refusal is a terminal's general reply that is not success.
type refusal jt808.Result

func (r refusal) Error() string { return fmt.Sprintf("refuses the text: result %d", byte(r)) }

var _ driver.Teller = (*Server)(nil)

// patience is how long a terminal may take to confirm: it may stand where the
// mobile network is thin.
const patience = 20 * time.Second

// Tell shows and speaks text on the terminal id: its general reply says that
// it did.
func (s *Server) Tell(ctx context.Context, id devices.ID, text string) error {
	if s.protocol != profile.JT808 {
		return &driver.ReadError{Device: id, Cause: driver.Unfit, Err: driver.ErrNoControl}
	}
	within, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	err := s.Text(within, id, jt808.Urgent|jt808.Display|jt808.Speak, text)
	var refused refusal
	switch {
	case err == nil || ctx.Err() != nil:
		return err
	case errors.As(err, &refused):
		return &driver.ReadError{Device: id, Cause: fmt.Sprintf("%s%d", driver.Exception, byte(refused)), Err: err}
	case within.Err() != nil:
		return &driver.ReadError{Device: id, Cause: driver.Timeout, Err: err}
	}
	return &driver.ReadError{Device: id, Cause: driver.LineDown, Err: err}
}

// Text shows or speaks text on the terminal id and returns when the terminal
// has confirmed it, or refused, or ctx ends.
func (s *Server) Text(ctx context.Context, id devices.ID, flags byte, text string) error {
	s.mu.Lock()
	t := s.sessions[id]
	s.mu.Unlock()
	if t == nil {
		return fmt.Errorf("%s: %w", id, ErrAway)
	}
	serial, confirmed := t.await()
	defer t.giveUp(serial)
	if err := t.answer(jt808.Text(t.number(), t.edition(), serial, flags, text)); err != nil {
		return fmt.Errorf("%s: %w", id, err)
	}
	select {
	case result := <-confirmed:
		if result != jt808.OK {
			return fmt.Errorf("%s: %w", id, refusal(result))
		}
		return nil
	case <-ctx.Done():
		return fmt.Errorf("%s does not confirm the text: %w", id, ctx.Err())
	}
}

// await takes a number and returns where its answer will come.
func (t *terminal) await() (uint16, chan jt808.Result) {
	serial := t.next()
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.waiting == nil {
		t.waiting = map[uint16]chan jt808.Result{}
	}
	c := make(chan jt808.Result, 1)
	t.waiting[serial] = c
	return serial, c
}

func (t *terminal) giveUp(serial uint16) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.waiting, serial)
}

func (t *terminal) number() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.phone
}

func (t *terminal) edition() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.newer
}
