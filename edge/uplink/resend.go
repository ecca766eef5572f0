package uplink

import (
	"context"
	"errors"
	"fmt"
	"time"

	"gridhub/devices"
	"gridhub/devices/telemetry"
	"gridhub/streams/journal"
)

// Look says which records are to be offered again.
type Look struct {
	From, To telemetry.Millis // by the gateway's clock as it is set now, To excluded
	Device   devices.ID       // empty: of all
}

// ErrOffline means that there is no connection to the hub.
var ErrOffline = errors.New("no connection to the hub")

// lookBack is one Resend under way.
type lookBack struct {
	Look
	done chan<- resent // capacity 1
}

type resent struct {
	n   uint64
	err error
}

// Resend offers records again that the hub acknowledged and this disk still
// keeps, with the numbers that they had, not faster than a backlog and behind
// everything else. What the hub has it drops; what it lost it stores. It
// returns how many were offered. It fails with ErrOffline, and when the
// connection or ctx ends on the way: it may be asked again.
func (u *Uplink) Resend(ctx context.Context, l Look) (uint64, error) {
	if !u.Status().Online {
		return 0, ErrOffline
	}
	done := make(chan resent, 1)
	select {
	case u.looks <- lookBack{l, done}:
	case <-ctx.Done():
		return 0, ctx.Err()
	}
	select {
	case r := <-done:
		return r.n, r.err
	case <-ctx.Done():
		return 0, ctx.Err()
	}
}

// lookBacks serves Resend, one at a time.
func (s *session) lookBacks(ctx context.Context) error {
	for {
		select {
		case l := <-s.u.looks:
			var r resent
			for i, st := range s.u.streams {
				n, err := lane{session: s, index: i, stream: st}.lookBack(ctx, l.Look)
				r.n, r.err = r.n+n, errors.Join(r.err, err)
			}
			l.done <- r
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// lookBack offers one stream's records that are asked for and acknowledged;
// the others are on their way as it is.
func (l lane) lookBack(ctx context.Context, want Look) (n uint64, err error) {
	upto := l.stream.floor()
	r := l.stream.journal.Reader(l.stream.journal.First())
	defer r.Close()
	for at := l.stream.journal.First(); at < upto; {
		records, err := r.Next(ctx, min(l.u.cfg.BatchRecords, int(min(upto-at, 1<<20))), maxBatchBytes)
		if err != nil {
			return n, fmt.Errorf("%s from %d: %w", l.stream.name, at, err)
		}
		last := records[len(records)-1]
		at = last.Number + max(last.Lost, 1)
		b := want.choose(l.index, records, l.u.time.scale())
		if len(b.records) == 0 {
			continue
		}
		if err := l.offer(ctx, backlog, b); err != nil {
			return n, err
		}
		n += uint64(len(b.records))
		sleep(ctx, time.Duration(len(b.records))*time.Second/time.Duration(l.u.cfg.BacklogRate))
	}
	return n, nil
}

// choose makes a batch of those records that are asked for, by the stamps that
// they get when they are sent. Gaps were told.
func (want Look) choose(stream int, records []journal.Record, by scale) batch {
	b := batch{stream: stream}
	for _, rec := range records {
		if rec.Kind != journal.Data {
			continue
		}
		w, err := decode(rec.Data)
		if err != nil || !want.covers(w, by) {
			continue
		}
		if w.Seq = rec.Number; b.first == 0 {
			b.first = rec.Number
		}
		b.last = rec.Number
		b.records = append(b.records, w)
	}
	return b
}

// covers reports whether r is asked for: the hub shows a reading where its
// stamp is, or where its device's own clock says.
func (want Look) covers(r reading, by scale) bool {
	if want.Device != "" && want.Device != r.Device {
		return false
	}
	within := func(at telemetry.Millis) bool { return want.From <= at && at < want.To }
	at, _ := by.at(r.mark, r.At)
	return within(at) || r.Own != 0 && within(r.Own)
}
