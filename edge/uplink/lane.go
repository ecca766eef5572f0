package uplink

import (
	"context"
	"time"

	"gridhub/devices/telemetry"
	"gridhub/devices/wire"
	"gridhub/streams/journal"
)

// maxBatchBytes bounds what one batch reads from the journal; as JSON it grows
// by about four, and a hub takes 256 KiB.
const maxBatchBytes = 32 << 10

// lane reads one stream's journal for a session.
type lane struct {
	*session
	index  int
	stream *stream
	fresh  uint64 // numbers from here on are live in this session
}

// live offers what is appended from now on. Ordinary records wait a little for
// company; urgent ones do not.
func (l lane) live(ctx context.Context) error {
	r := l.stream.journal.Reader(l.fresh)
	defer r.Close()
	linger := l.u.cfg.Linger
	if l.stream.name == wire.Alarm {
		linger = 0
	}
	for {
		b, err := l.read(ctx, r, 1, 0)
		if err != nil {
			return err
		}
		sleep(ctx, linger)
		if room := l.u.cfg.BatchRecords - len(b.records); room > 0 && l.stream.journal.Next() > b.last+1 {
			more, err := l.read(ctx, r, room, 0)
			if err != nil {
				return err
			}
			b.last, b.records = more.last, append(b.records, more.records...)
		}
		if err := l.room(ctx, 2*maxOutstanding); err != nil {
			return err
		}
		if err := l.offer(ctx, live, b); err != nil {
			return err
		}
	}
}

// backlog offers what waited before the session, oldest first and not faster
// than configured, leaving out what is acknowledged.
func (l lane) backlog(ctx context.Context) error {
	at := l.stream.floor()
	var p place
	defer p.leave()
	for {
		from, to, ok := l.stream.open(at, l.fresh-1)
		if !ok {
			return nil
		}
		if err := l.room(ctx, maxOutstanding); err != nil {
			return err
		}
		n, err := l.run(ctx, backlog, &p, from, to)
		if err != nil {
			return err
		}
		at = n + 1
	}
}

// again offers what was sent and is not acknowledged in time.
func (l lane) again(ctx context.Context) error {
	tick := time.NewTicker(l.u.cfg.Resend / 4)
	defer tick.Stop()
	var p place
	defer p.leave()
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
		for _, run := range l.sent[l.index].overdue(time.Now()) {
			for at := run[0]; at <= run[1]; {
				n, err := l.run(ctx, again, &p, at, run[1])
				if err != nil {
					return err
				}
				at = n + 1
			}
		}
	}
}

// place is where a lane reads a journal. Finding a number takes a look at all
// that lies before it in its neighbourhood, so a reader that stands where the
// lane goes on is kept.
type place struct {
	reader *journal.Reader
	next   uint64 // the number that reader returns next
}

func (p *place) at(j *journal.Journal, from uint64) *journal.Reader {
	if p.reader == nil || p.next != from {
		p.leave()
		p.reader = j.Reader(from)
	}
	return p.reader
}

func (p *place) leave() {
	if p.reader != nil {
		p.reader.Close()
	}
}

// run offers one batch that begins at from and ends at to at the latest. It
// returns the last number it holds, and keeps to the rate of a backlog.
func (l lane) run(ctx context.Context, kind int, p *place, from, to uint64) (last uint64, err error) {
	b, err := l.read(ctx, p.at(l.stream.journal, from), l.u.cfg.BatchRecords, to)
	if err != nil {
		return 0, err
	}
	p.next = b.last + 1
	if b.last >= to {
		p.next = 0 // the reader may be further
	}
	if err := l.offer(ctx, kind, b); err != nil {
		return 0, err
	}
	sleep(ctx, time.Duration(len(b.records))*time.Second/time.Duration(l.u.cfg.BacklogRate))
	return b.last, ctx.Err()
}

// room waits until fewer than limit batches are unacknowledged.
func (l lane) room(ctx context.Context, limit int) error {
	for {
		changed := l.stream.changed()
		if l.sent[l.index].count() < limit {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// read makes a batch of the next records, of number to at most (0 = any).
func (l lane) read(ctx context.Context, r *journal.Reader, limit int, to uint64) (batch, error) {
	records, err := r.Next(ctx, limit, maxBatchBytes)
	if err != nil {
		return batch{}, err
	}
	b := batch{stream: l.index, first: records[0].Number}
	for _, rec := range records {
		if to != 0 && rec.Number > to {
			break
		}
		w := spooled(rec)
		b.last = rec.Number
		if w.Lost > 0 {
			if to != 0 {
				w.Lost = min(w.Lost, to-rec.Number+1)
			}
			b.last = rec.Number + w.Lost - 1
		}
		b.records = append(b.records, w)
	}
	return b, nil
}

// spooled turns a journal's record into the wire's; what cannot be read any
// more is told as lost.
func spooled(rec journal.Record) reading {
	w := reading{Record: wire.Record{At: telemetry.At(rec.At), Lost: rec.Lost, Cause: rec.Cause}}
	if rec.Kind == journal.Data {
		var err error
		if w, err = decode(rec.Data); err != nil {
			w = reading{Record: wire.Record{At: telemetry.At(rec.At), Lost: 1, Cause: err.Error()}}
		}
	}
	if w.Lost > 0 {
		w.Quality = telemetry.Bad
	}
	w.Seq = rec.Number
	return w
}
