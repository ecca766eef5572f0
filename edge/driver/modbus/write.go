package modbus

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	codec "gridhub/devices/codec/modbus"
	"gridhub/devices/profile"
	"gridhub/edge/driver"
)

var _ driver.Commander = (*Line)(nil)

// A device may need a moment until its reading shows what was set, and a
// command that got lost on the line is sent once more, unless it is a pulse.
const (
	writes    = 2
	looks     = 3
	lookPause = 100 * time.Millisecond // before a further look
)

// Write sets a coil or registers and reads s back. It reads s first, too: a
// device that cannot be read could not prove anything, and a connection that
// the device has closed meanwhile is noticed before the command is on its way.
func (l *Line) Write(ctx context.Context, s driver.Station, control string, value float64) (driver.Reading, error) {
	c := s.Profile.Control(control)
	unit, err := strconv.ParseUint(s.Address, 10, 8)
	if c == nil || err != nil {
		return driver.Reading{}, unfit(s, fmt.Errorf("%s, unit %q: %w", control, s.Address, driver.ErrNoControl))
	}
	w, err := s.Profile.Write(c, value)
	if err != nil {
		return driver.Reading{}, unfit(s, err)
	}
	l.way.Impatient() // somebody waits for the outcome
	if _, err := l.sound(ctx, s); err != nil {
		return driver.Reading{}, err
	}
	r, err := l.write(ctx, s, c, byte(unit), w, value)
	for n := 1; n < writes && err != nil && driver.MayRetry(err) && !c.Pulse && ctx.Err() == nil; n++ {
		r, err = l.write(ctx, s, c, byte(unit), w, value)
	}
	return r, err
}

// write sends w once and looks what came of it. The reading decides: a reply
// that got lost is no failure, and a line that echoes proves nothing.
func (l *Line) write(ctx context.Context, s driver.Station, c *profile.Control, unit byte, w codec.Write, value float64) (driver.Reading, error) {
	said := l.send(ctx, s, unit, w)
	if final(said) {
		return driver.Reading{}, said
	}
	silent := said != nil && (c.Pulse || s.Profile.Outcome(c) == nil) // no reading can stand for the reply
	for n := range looks {
		if n > 0 {
			rest(ctx, lookPause)
		}
		r, err := l.sound(ctx, s)
		switch {
		case err != nil:
			return driver.Reading{}, err
		case silent:
			return driver.Reading{}, said
		case s.Profile.Told(c, value, r.Values):
			return r, nil
		}
	}
	if said != nil {
		return driver.Reading{}, said
	}
	return driver.Reading{}, &driver.ReadError{Device: s.ID, Cause: driver.Unproven,
		Err: fmt.Errorf("confirmed %s %v, but its reading does not show it", c.Name, value)}
}

// busy is a device that has taken the request and is at it (Application
// Protocol V1.1b3, 7): its reading will tell.
const busy = codec.Exception(5)

// final reports whether err leaves nothing to look at: the device refused.
func final(err error) bool {
	var refusal codec.Exception
	return errors.As(err, &refusal) && refusal != busy
}

// errSent keeps a command from being sent again by itself after the line was
// lost behind it.
var errSent = errors.New("line lost after the command was sent")

// send sends w once and returns what its reply was.
func (l *Line) send(ctx context.Context, s driver.Station, unit byte, w codec.Write) error {
	sent := false
	err := l.way.Do(ctx, func(t transport) error {
		if sent {
			return errSent
		}
		sent = true
		_, err := t.exchange(ctx, unit, w, cmp.Or(s.Timeout, l.timeout))
		t.overlapped() // an adapter's echo looks like a reply
		return err
	}, func(err error) bool { return err != errSent && !answered(err) })
	if err == nil || ctx.Err() != nil {
		return err
	}
	return explain(s.ID, fmt.Sprintf("write %s %d", w.Table, w.Address), err)
}

// sound reads s, again if that can help.
func (l *Line) sound(ctx context.Context, s driver.Station) (r driver.Reading, err error) {
	for range looks {
		if r, err = l.Read(ctx, s); err == nil || !driver.MayRetry(err) || ctx.Err() != nil {
			break
		}
	}
	return r, err
}

func unfit(s driver.Station, err error) error {
	return &driver.ReadError{Device: s.ID, Cause: driver.Unfit, Err: err}
}

func rest(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}
