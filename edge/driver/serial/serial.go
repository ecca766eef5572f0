// Package serial hears devices that speak by themselves on a serial line, or
// on a connection to a converter: receivers of GNSS (NMEA 0183), instruments
// that send lines of text, and sensors that send frames of a fixed layout,
// some of which want to be asked by a few constant bytes.
//
// A Source hears one device. It hands on one reading for each period of the
// device, the first that is whole, and says so when there is none. A damaged
// line or frame never becomes a value.
package serial

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"gridhub/devices/codec/fields"
	"gridhub/devices/codec/nmea"
	"gridhub/devices/profile"
	"gridhub/devices/telemetry"
	"gridhub/edge/driver"
	"gridhub/edge/driver/bus"
)

// Source is one device that speaks.
type Source struct {
	station driver.Station
	layout  fields.Layout
	every   time.Duration
	way     *bus.Way[bus.Stream]
}

var _ driver.Source = (*Source)(nil)

// New returns the source for the device s on the line l, of which one reading
// is wanted every so often. Nothing is opened before Listen.
func New(l profile.Line, s driver.Station, every time.Duration, log *slog.Logger) (*Source, error) {
	layout, ok := s.Layout.(fields.Layout)
	if !ok {
		return nil, fmt.Errorf("device %s: profile %T does not speak by itself", s.ID, s.Layout)
	}
	open := func(ctx context.Context) (bus.Stream, error) { return bus.Open(ctx, l) }
	return &Source{s, layout, every, bus.NewWay(log.With("line", l.Name), open)}, nil
}

// Listen hears until ctx ends, then closes the line.
func (s *Source) Listen(ctx context.Context, deliver driver.Deliver) error {
	defer s.way.Close()
	for ctx.Err() == nil {
		err := s.way.Do(ctx, func(st bus.Stream) error { return s.hear(ctx, st, deliver) }, func(error) bool { return true })
		if ctx.Err() != nil {
			return nil
		}
		deliver(s.station.ID, driver.Reading{}, &driver.ReadError{Device: s.station.ID, Cause: driver.LineDown, Err: err})
		sleep(ctx, max(s.way.Pause(), s.every))
	}
	return nil
}

func sleep(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

// hear reads the open stream until it is lost or ctx ends.
func (s *Source) hear(ctx context.Context, st bus.Stream, deliver driver.Deliver) error {
	e := ear{layout: s.layout, nmea: s.station.Profile.Protocol == profile.NMEA}
	request := s.station.Profile.Request()
	var chunk [512]byte
	due := time.Now() // of the next reading
	for asked := (time.Time{}); ; {
		if request != nil && time.Since(asked) >= s.every {
			if _, err := st.Write(request); err != nil {
				return err
			}
			asked = time.Now()
		}
		n, err := st.Read(chunk[:])
		if err != nil || ctx.Err() != nil {
			return errors.Join(err, ctx.Err())
		}
		r, ok := e.hear(chunk[:n])
		now := time.Now()
		switch {
		case ok && now.After(due.Add(-s.every/10)): // a device's period is not quite ours
			deliver(s.station.ID, r, nil)
		case now.After(due.Add(s.every + grace)):
			deliver(s.station.ID, driver.Reading{}, s.missing(&e))
		default:
			continue
		}
		e.forget()
		due = now.Add(s.every)
	}
}

// grace is how late a device may be.
const grace = time.Second

// missing says why there was no reading.
func (s *Source) missing(e *ear) error {
	re := &driver.ReadError{Device: s.station.ID, Cause: driver.Timeout, Err: driver.Unanswered(driver.Garbage, e.heard)}
	if e.damage != nil {
		re.Cause, re.Err = driver.Damaged, e.damage
	}
	return re
}

// ear gathers bytes until they say something.
type ear struct {
	layout fields.Layout
	nmea   bool
	fix    nmea.Receiver

	buf    []byte
	heard  []byte // the first bytes since the last reading
	damage error  // the newest since the last reading
}

// maxBuf bounds what waits for the end of a line or frame.
const maxBuf = 4 << 10

// hear takes what was read, nothing after a moment of silence, and returns the
// newest reading that it completes.
func (e *ear) hear(p []byte) (r driver.Reading, ok bool) {
	if len(e.heard) < 64 {
		e.heard = append(e.heard, p...)
	}
	e.buf = append(e.buf, p...)
	e.buf = e.buf[max(0, len(e.buf)-maxBuf):]
	if e.nmea {
		return e.sentences(len(p) == 0)
	}
	for {
		said, rest, err := e.layout.Next(e.buf)
		e.buf = rest
		if err != nil {
			e.damage = err
		}
		if said == nil {
			return r, ok
		}
		r, ok = e.reading(said), true
	}
}

// sentences reads whole lines; after a moment of silence an instant is over.
func (e *ear) sentences(quiet bool) (r driver.Reading, ok bool) {
	for {
		line, rest, whole := strings.Cut(string(e.buf), "\n")
		if !whole {
			break
		}
		e.buf = []byte(rest)
		fix, done, err := e.fix.Hear(strings.TrimSpace(line))
		if errors.Is(err, nmea.ErrChecksum) {
			e.damage = err
		}
		if done {
			r, ok = e.placed(fix), true
		}
	}
	if quiet {
		if fix, done := e.fix.Take(); done {
			return e.placed(fix), true
		}
	}
	return r, ok
}

func (e *ear) placed(fix nmea.Fix) driver.Reading {
	r := e.reading(fix.Values)
	if !fix.At.IsZero() {
		r.Own = telemetry.At(fix.At)
	}
	return r
}

func (e *ear) reading(said map[string]float64) (r driver.Reading) {
	r.Values, r.Quality = e.layout.Decode(said)
	return r
}

// forget begins a new period.
func (e *ear) forget() { e.heard, e.damage = nil, nil }
