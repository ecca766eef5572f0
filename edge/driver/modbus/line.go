// Package modbus reads and sets Modbus devices over TCP, over serial lines
// (RTU), and RTU over TCP.
//
// A Line owns one connection or port and never lets a late, damaged or foreign
// answer become a value: over TCP the transaction
// number tells them apart, on a serial line unit, function, length and CRC.
// What registers mean is the codec's, when to ask is the scheduler's.
package modbus

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"time"

	"gridhub/devices"
	codec "gridhub/devices/codec/modbus"
	"gridhub/devices/profile"
	"gridhub/edge/driver"
	"gridhub/edge/driver/bus"
)

// transport is an open way to devices. Its errors: a *NoAnswer, a codec error,
// or anything else, which means that it is lost.
type transport interface {
	// exchange asks q of unit and returns the data bytes of the answer, waiting
	// at most timeout for it.
	exchange(ctx context.Context, unit byte, q question, timeout time.Duration) ([]byte, error)
	// overlapped reports, once, whether a question had more than one answer.
	overlapped() bool
	Close() error
}

// question is a request and what its reply is like: a codec.Block to be read,
// or a codec.Write.
type question interface {
	Request() []byte
	Answer(body []byte) ([]byte, error)
	// Reply returns the length of the serial frame that begins with head, and
	// whether it can be the reply; the length is the same for any head.
	Reply(head []byte) (size int, like bool)
}

// Line is one port or connection with its devices. It is for one goroutine.
type Line struct {
	timeout time.Duration
	way     *bus.Way[transport]
	log     *slog.Logger
	splits  splits
}

var _ driver.Line = (*Line)(nil)

// New returns the line that l describes: RTU on a serial port, or on a
// connection where l's framing says so, else Modbus TCP.
func New(l profile.Line, log *slog.Logger) *Line {
	if l.Kind == profile.TCP && l.Framing != profile.RTU {
		return newLine(l, log, func(ctx context.Context) (transport, error) { return dialTCP(ctx, l.Address, l.Timeout) })
	}
	return newLine(l, log, func(ctx context.Context) (transport, error) { return openRTU(ctx, l) })
}

func newLine(l profile.Line, log *slog.Logger, open func(context.Context) (transport, error)) *Line {
	log = log.With("line", l.Name)
	return &Line{timeout: l.Timeout, way: bus.NewWay(log, open), log: log, splits: splits{}}
}

// Read asks for every block of the station's layout and decodes them.
func (l *Line) Read(ctx context.Context, s driver.Station) (driver.Reading, error) {
	layout, ok := s.Layout.(codec.Layout)
	unit, err := strconv.ParseUint(s.Address, 10, 8)
	if !ok || err != nil {
		return driver.Reading{}, &driver.ReadError{Device: s.ID, Cause: driver.Unfit, Err: fmt.Errorf("address %q, profile %T: want a Modbus unit and registers", s.Address, s.Layout)}
	}
	layout = l.splits.known(s.ID, layout)
	r := driver.Reading{}
	answers, layout, err := l.askAll(ctx, s, byte(unit), layout, &r.Overlap)
	if err != nil {
		return driver.Reading{}, err
	}
	if r.Values, r.Quality, err = layout.Decode(answers); err != nil {
		return driver.Reading{}, &driver.ReadError{Device: s.ID, Cause: driver.Damaged, Err: err}
	}
	return r, nil
}

// askAll asks for every block. A device that refuses one because it lacks some
// of its registers is asked for smaller ones instead, now and later.
func (l *Line) askAll(ctx context.Context, s driver.Station, unit byte, layout codec.Layout, overlap *bool) (answers [][]byte, used codec.Layout, err error) {
	for i := 0; i < len(layout.Blocks()); i++ {
		b := layout.Blocks()[i]
		data, twice, err := l.ask(ctx, s, unit, b)
		*overlap = *overlap || twice
		if ctx.Err() != nil {
			return nil, layout, ctx.Err()
		}
		if smaller, ok := split(layout, i, err); ok {
			l.log.Warn("device lacks registers, they are read apart", "device", s.ID, "table", b.Table, "address", b.Address, "count", b.Count)
			layout = l.splits.learn(s.ID, smaller)
			i--
			continue
		}
		if err != nil {
			return nil, layout, explain(s.ID, fmt.Sprintf("%s %d (%d)", b.Table, b.Address, b.Count), err)
		}
		answers = append(answers, data)
	}
	return answers, layout, nil
}

// Close lets go of the port or connection.
func (l *Line) Close() error { return l.way.Close() }

// ask exchanges one request; twice means that more than one answer came.
func (l *Line) ask(ctx context.Context, s driver.Station, unit byte, b codec.Block) (data []byte, twice bool, err error) {
	err = l.way.Do(ctx, func(t transport) (err error) {
		data, err = t.exchange(ctx, unit, b, cmp.Or(s.Timeout, l.timeout))
		twice = t.overlapped()
		return err
	}, func(err error) bool { return !answered(err) })
	return data, twice, err
}

// answered reports whether err leaves the line usable.
func answered(err error) bool {
	var e codec.Exception
	var none *driver.NoAnswer
	return errors.As(err, &e) || errors.As(err, &none) || damaged(err)
}

func damaged(err error) bool {
	return errors.Is(err, codec.ErrCRC) || errors.Is(err, codec.ErrLength) || errors.Is(err, codec.ErrShort) || errors.Is(err, codec.ErrForeign)
}

// explain puts err into the words of the driver contract.
func explain(id devices.ID, what string, err error) error {
	re := &driver.ReadError{Device: id, Err: fmt.Errorf("%s: %w", what, err)}
	var refusal codec.Exception
	var lost *bus.Lost
	switch {
	case errors.As(err, &lost):
		re.Cause = driver.LineDown
	case errors.As(err, &refusal):
		re.Cause, re.Retry = fmt.Sprintf("%s%d", driver.Exception, byte(refusal)), refusal.Passing()
	case damaged(err):
		re.Cause, re.Retry = driver.Damaged, true
	default:
		re.Cause, re.Retry = driver.Timeout, true
	}
	return re
}
