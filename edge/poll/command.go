package poll

import (
	"context"
	"errors"
	"fmt"
	"time"

	"gridhub/devices"
	"gridhub/devices/telemetry"
	"gridhub/devices/wire"
	"gridhub/edge/driver"
)

// maxTurns is how many commands may wait for one line. One more is refused at
// once: whoever asks can do something else, a queue cannot.
const maxTurns = 16

// Errors of Turn.
var (
	ErrBusy    = fmt.Errorf("%d commands wait for the line already", maxTurns)
	ErrUnknown = errors.New("no such device on this line")
	ErrStopped = errors.New("the line is not read any more")
)

// Work is what somebody else does on a line in one turn: a command. It returns
// what the device said afterwards.
type Work func(ctx context.Context, line driver.Line, s driver.Station) (driver.Reading, error)

// command is work that waits for its turn.
type command struct {
	ctx  context.Context
	job  *job
	work Work
	done chan outcome // capacity 1, one outcome each
}

type outcome struct {
	driver.Reading
	err error
}

// Station returns the device id of this line.
func (s *Scheduler) Station(id devices.ID) (driver.Station, bool) {
	for _, j := range s.jobs { // never changed after New
		if j.Task.Station.ID == id {
			return j.Task.Station, true
		}
	}
	return driver.Station{}, false
}

// Station returns the device id of this line.
func (l *Listener) Station(id devices.ID) (driver.Station, bool) {
	v, ok := l.heard[id] // never changed after Listen
	if !ok {
		return driver.Station{}, false
	}
	return v.Task.Station, true
}

// Tell sends a text to the device id. It needs no turn: whoever speaks when it
// likes can be spoken to.
func (l *Listener) Tell(ctx context.Context, id devices.ID, text string) error {
	t, ok := l.source.(driver.Teller)
	if !ok {
		return &driver.ReadError{Device: id, Cause: driver.Unfit, Err: driver.ErrNoControl}
	}
	return t.Tell(ctx, id, text)
}

// Turn does work on the line, between two readings and before any that is due;
// of two turns in a row a due reading goes between. What the device says is a
// record as any other. A turn whose ctx ends before it began is not begun; it
// waits no longer than the reading at hand and the turns before it take.
func (s *Scheduler) Turn(ctx context.Context, id devices.ID, work Work) (driver.Reading, error) {
	c := &command{ctx: ctx, work: work, done: make(chan outcome, 1)}
	for _, j := range s.jobs {
		if j.Task.Station.ID == id {
			c.job = j
		}
	}
	if c.job == nil {
		return driver.Reading{}, ErrUnknown
	}
	select {
	case s.turns <- c:
	default:
		return driver.Reading{}, ErrBusy
	}
	select {
	case o := <-c.done:
		return o.Reading, o.err
	case <-s.stopped:
	}
	select { // it may have been the last one
	case o := <-c.done:
		return o.Reading, o.err
	default:
		return driver.Reading{}, ErrStopped
	}
}

// next waits for a command, at most for d.
func (s *Scheduler) next(ctx context.Context, d time.Duration) *command {
	select {
	case c := <-s.turns:
		return c
	default:
	}
	if d <= 0 {
		return nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case c := <-s.turns:
		return c
	case <-t.C:
	case <-ctx.Done():
	}
	return nil
}

// obey carries out a command. It is broken off with ctx, the line's, too.
func (s *Scheduler) obey(ctx context.Context, c *command) {
	both, cancel := context.WithCancelCause(c.ctx)
	defer cancel(nil)
	defer context.AfterFunc(ctx, func() { cancel(ErrStopped) })()
	if both.Err() != nil {
		c.done <- outcome{err: context.Cause(both)}
		return
	}
	r, err := c.work(both, s.line, c.job.Station)
	if err == nil && len(r.Values) > 0 {
		rec := wire.Record{Device: c.job.Station.ID, At: telemetry.At(time.Now()), Own: r.Own, Quality: r.Quality, Values: values(r.Values)}
		s.note(c.job, rec, r, nil)
		s.sink(rec, c.job.report(rec))
	}
	c.done <- outcome{r, err}
}
