// Package dlt645 reads electricity meters (DL/T 645-1997 and -2007), and water,
// gas and heat meters that speak like them, over a serial line or through a
// converter on the network.
//
// A Line owns one port or connection and never lets a late, damaged or foreign
// answer become a value: number, control code, identifier and checksum tell
// them apart. What the data mean is the codec's, when to ask is the
// scheduler's.
package dlt645

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"gridhub/devices"
	codec "gridhub/devices/codec/dlt645"
	"gridhub/devices/profile"
	"gridhub/edge/driver"
	"gridhub/edge/driver/bus"
)

// maxMore bounds the continuations of one answer.
const maxMore = 15

// Line is one port or connection with its meters. It is for one goroutine.
type Line struct {
	timeout time.Duration
	perByte time.Duration
	way     *bus.Way[bus.Stream]
	suspect bool // the last answer did not come: it may still be on its way
}

var _ driver.Line = (*Line)(nil)

// New returns the line that l describes. Nothing is opened before the first
// reading.
func New(l profile.Line, log *slog.Logger) *Line {
	open := func(ctx context.Context) (bus.Stream, error) { return bus.Open(ctx, l) }
	return &Line{timeout: l.Timeout, perByte: bus.PerByte(l), way: bus.NewWay(log.With("line", l.Name), open)}
}

// Read asks for every identifier of the station's layout and decodes them.
func (l *Line) Read(ctx context.Context, s driver.Station) (driver.Reading, error) {
	layout, ok := s.Layout.(codec.Layout)
	address, err := codec.ParseAddress(s.Address)
	if !ok || err != nil {
		return driver.Reading{}, &driver.ReadError{Device: s.ID, Cause: driver.Unfit, Err: fmt.Errorf("address %q, profile %T: want a meter's number and identifiers", s.Address, s.Layout)}
	}
	var answers [][]byte
	for _, di := range layout.Asks() {
		data, err := l.ask(ctx, layout.Edition, address, di, cmp.Or(s.Timeout, l.timeout))
		if ctx.Err() != nil {
			return driver.Reading{}, ctx.Err()
		}
		if err != nil {
			return driver.Reading{}, explain(s.ID, layout.Edition.Text(di), err)
		}
		answers = append(answers, data)
	}
	values, quality, err := layout.Decode(answers)
	if err != nil {
		return driver.Reading{}, &driver.ReadError{Device: s.ID, Cause: driver.Damaged, Err: err}
	}
	return driver.Reading{Values: values, Quality: quality}, nil
}

// Find asks the only meter on the line for its number, by the request of 2007
// or, where meters do not know it, by the answer to a question to anyone.
func (l *Line) Find(ctx context.Context, e codec.Edition) (codec.Address, error) {
	ask := codec.ReadAddress()
	if e == codec.E1997 {
		ask = e.Read(codec.Anyone, 0x9010)
	}
	var found codec.Address
	err := l.exchange(ctx, ask, l.timeout, func(f codec.Frame) (err error) {
		if e == codec.E1997 {
			_, _, err = e.Answer(ask, f)
			found = f.Address
			return err
		}
		found, err = codec.Number(f)
		return err
	})
	if codec.IsRefusal(err) { // the number is in the frame all the same
		err = nil
	}
	return found, err
}

// Close lets go of the port or connection.
func (l *Line) Close() error { return l.way.Close() }

// ask reads one identifier with its continuations.
func (l *Line) ask(ctx context.Context, e codec.Edition, a codec.Address, di codec.DI, timeout time.Duration) (all []byte, err error) {
	ask := e.Read(a, di)
	for n := byte(1); ; n++ {
		more := false
		err := l.exchange(ctx, ask, timeout, func(f codec.Frame) error {
			data, follows, err := e.Answer(ask, f)
			if err == nil {
				all, more = append(all, data...), follows
			}
			return err
		})
		if err != nil || !more {
			return all, err
		}
		if n > maxMore {
			return nil, fmt.Errorf("more than %d continuations: %w", maxMore, codec.ErrShort)
		}
		ask = e.ReadMore(a, di, n)
	}
}

// exchange sends ask and hands frames to take until it accepts one or refuses
// for good: a frame that take calls foreign is passed over.
func (l *Line) exchange(ctx context.Context, ask codec.Frame, timeout time.Duration, take func(codec.Frame) error) error {
	return l.way.Do(ctx, func(s bus.Stream) error {
		if err := l.settle(ctx, s, timeout); err != nil {
			return err
		}
		if _, err := s.Write(ask.Bytes()); err != nil {
			return err
		}
		err := l.receive(ctx, s, timeout, take)
		l.suspect = err != nil && !codec.IsRefusal(err)
		return err
	}, func(err error) bool { return !answered(err) })
}

// settle makes the line quiet: what is still in the buffers belongs to nobody,
// and after a missing answer it may yet come.
func (l *Line) settle(ctx context.Context, s bus.Stream, timeout time.Duration) error {
	if err := s.Flush(); err != nil || !l.suspect {
		return err
	}
	var bin [codec.MaxFrame]byte
	for end := time.Now().Add(timeout); time.Now().Before(end) && ctx.Err() == nil; {
		n, err := s.Read(bin[:])
		if err != nil {
			return err
		}
		if n == 0 { // a whole tick of silence
			break
		}
	}
	return ctx.Err()
}

// receive waits for a frame that take accepts. While bytes arrive the deadline
// moves: at 1200 baud a long answer takes two seconds.
func (l *Line) receive(ctx context.Context, s bus.Stream, timeout time.Duration, take func(codec.Frame) error) error {
	var buf []byte
	var chunk [codec.MaxFrame]byte
	var fault error
	heard := 0 // frames of others
	last := time.Now().Add(timeout + codec.MaxFrame*l.perByte)
	for deadline := time.Now().Add(timeout + time.Duration(len(chunk)/8)*l.perByte); time.Now().Before(deadline); {
		n, err := s.Read(chunk[:])
		if err != nil {
			return err
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if n == 0 {
			continue
		}
		deadline = last
		buf = append(buf, chunk[:n]...)
		buf = buf[max(0, len(buf)-4*codec.MaxFrame):] // a line that babbles must not fill the memory
		rest, frames, done, err := scan(buf, take)
		heard += frames
		if done {
			return err
		}
		if buf = rest; err != nil {
			fault = err
		}
	}
	if fault == nil {
		fault = unanswered(heard, buf)
	}
	return fault
}

// unanswered says what came instead of an answer: frames, or the rest that
// made none.
func unanswered(frames int, rest []byte) error {
	if frames > 0 {
		return &driver.NoAnswer{Symptom: driver.Stranger, Heard: rest}
	}
	return driver.Unanswered(driver.Garbage, rest)
}

// scan hands every whole frame in buf to take until one is accepted or refuses
// for good. The error that is not final says what looked like an answer.
func scan(buf []byte, take func(codec.Frame) error) (rest []byte, others int, done bool, err error) {
	for ; ; others++ {
		f, behind, ok, fault := codec.Next(buf)
		if !ok {
			return buf, others, false, fault
		}
		buf = behind
		if err := take(f); !errors.Is(err, codec.ErrForeign) {
			return buf, others, true, err
		}
	}
}

// answered reports whether err leaves the line usable.
func answered(err error) bool {
	var none *driver.NoAnswer
	return codec.IsRefusal(err) || errors.As(err, &none) || damaged(err)
}

func damaged(err error) bool {
	return errors.Is(err, codec.ErrSum) || errors.Is(err, codec.ErrShort) || errors.Is(err, codec.ErrForeign)
}

// explain puts err into the words of the driver contract.
func explain(id devices.ID, what string, err error) error {
	re := &driver.ReadError{Device: id, Err: fmt.Errorf("data %s: %w", what, err)}
	var refusal codec.Refusal
	var lost *bus.Lost
	switch {
	case errors.As(err, &lost):
		re.Cause = driver.LineDown
	case errors.As(err, &refusal):
		re.Cause = fmt.Sprintf("%s%d", driver.Exception, refusal.Code)
	case damaged(err):
		re.Cause, re.Retry = driver.Damaged, true
	default:
		re.Cause, re.Retry = driver.Timeout, true
	}
	return re
}
