// Package modbus reads Modbus devices over TCP and over serial lines (RTU).
//
// A Line owns one connection or port. It opens it when the first device is
// read, opens it again with growing pauses after it was lost, and never lets a
// late, damaged or foreign answer become a value: over TCP the transaction
// number tells them apart, on a serial line unit, function, length and CRC.
// What registers mean is the codec's, when to ask is the scheduler's.
package modbus

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"gridhub/devices"
	codec "gridhub/devices/codec/modbus"
	"gridhub/devices/profile"
	"gridhub/edge/driver"
)

// Pauses before a lost line is opened again.
const (
	firstPause   = 500 * time.Millisecond
	longestPause = 30 * time.Second
)

// transport is an open way to devices. Its errors: errSilent, a codec error,
// or anything else, which means that it is lost.
type transport interface {
	// exchange asks unit for b and returns its data bytes, waiting at most
	// timeout for the answer.
	exchange(ctx context.Context, unit byte, b codec.Block, timeout time.Duration) ([]byte, error)
	close()
}

// errSilent means that no sound answer came in time.
var errSilent = errors.New("no answer")

// Line is one port or connection with its devices. It is for one goroutine.
type Line struct {
	name    string
	timeout time.Duration
	open    func(ctx context.Context) (transport, error)
	log     *slog.Logger

	way     transport // nil = not open
	failed  error     // why it could not be opened
	pause   time.Duration
	notTill time.Time // no new attempt to open before
}

var _ driver.Line = (*Line)(nil)

// TCP returns a line that speaks Modbus TCP to l.Address.
func TCP(l profile.Line, log *slog.Logger) *Line {
	return newLine(l, log, func(ctx context.Context) (transport, error) { return dialTCP(ctx, l.Address, l.Timeout) })
}

// Serial returns a line that speaks Modbus RTU on the port l.Path.
func Serial(l profile.Line, log *slog.Logger) *Line {
	return newLine(l, log, func(context.Context) (transport, error) { return openRTU(l) })
}

func newLine(l profile.Line, log *slog.Logger, open func(context.Context) (transport, error)) *Line {
	return &Line{name: l.Name, timeout: l.Timeout, open: open, log: log.With("line", l.Name)}
}

// Read asks for every block of the station's layout and decodes them.
func (l *Line) Read(ctx context.Context, s driver.Station) (driver.Reading, error) {
	blocks := s.Layout.Blocks()
	answers := make([][]byte, len(blocks))
	for i, b := range blocks {
		data, err := l.ask(ctx, s, b)
		if err != nil {
			if ctx.Err() != nil {
				return driver.Reading{}, ctx.Err()
			}
			return driver.Reading{}, explain(s.ID, b, err)
		}
		answers[i] = data
	}
	values, quality, err := s.Layout.Decode(answers)
	if err != nil {
		return driver.Reading{}, &driver.ReadError{Device: s.ID, Cause: driver.Damaged, Err: err}
	}
	return driver.Reading{Values: values, Quality: quality}, nil
}

// Close lets go of the port or connection.
func (l *Line) Close() error {
	if l.way != nil {
		l.way.close()
		l.way = nil
	}
	return nil
}

// lostError means that the line itself is not there.
type lostError struct{ err error }

func (e *lostError) Error() string { return e.err.Error() }
func (e *lostError) Unwrap() error { return e.err }

// ask exchanges one request. A way that was open before and turns out to be
// lost is opened once more at once: many devices close idle connections.
func (l *Line) ask(ctx context.Context, s driver.Station, b codec.Block) ([]byte, error) {
	for used := l.way != nil; ; used = false {
		if err := l.ensure(ctx); err != nil {
			return nil, err
		}
		data, err := l.way.exchange(ctx, s.Address, b, cmp.Or(s.Timeout, l.timeout))
		if err == nil || answered(err) || ctx.Err() != nil {
			return data, err
		}
		l.Close()
		if !used {
			l.postpone(err)
			return nil, &lostError{err}
		}
	}
}

// ensure opens the way unless it is open or was tried in vain just now.
func (l *Line) ensure(ctx context.Context) error {
	if l.way != nil {
		return nil
	}
	if time.Now().Before(l.notTill) {
		return &lostError{l.failed}
	}
	way, err := l.open(ctx)
	if err != nil {
		l.postpone(err)
		return &lostError{err}
	}
	if l.failed != nil {
		l.log.Info("line is back")
	}
	l.way, l.failed, l.pause = way, nil, 0
	return nil
}

// postpone sets when the line may be opened again.
func (l *Line) postpone(err error) {
	if l.failed == nil {
		l.log.Warn("line is down", "error", err)
	}
	l.failed = err
	l.pause = min(max(2*l.pause, firstPause), longestPause)
	l.notTill = time.Now().Add(l.pause)
}

// answered reports whether err leaves the line usable.
func answered(err error) bool {
	var e codec.Exception
	return errors.As(err, &e) || errors.Is(err, errSilent) || damaged(err)
}

func damaged(err error) bool {
	return errors.Is(err, codec.ErrCRC) || errors.Is(err, codec.ErrLength) || errors.Is(err, codec.ErrShort) || errors.Is(err, codec.ErrForeign)
}

// explain puts err into the words of the driver contract.
func explain(id devices.ID, b codec.Block, err error) error {
	re := &driver.ReadError{Device: id, Err: fmt.Errorf("%s %d (%d): %w", b.Table, b.Address, b.Count, err)}
	var refusal codec.Exception
	var lost *lostError
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
