package tasks

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"math"
	"slices"
	"time"

	"gridhub/devices/telemetry"
	"gridhub/hub/identity"
)

// Digest is what is counted of a case: the case as it stood at an instant, its
// clocks, and what its events say beside them. It holds facts and no rates, so
// that other formulas need no other digests. Of a case that has ended it is kept
// beside the case, written with the event that ended it; it is never a second
// truth, as it follows from the events, the matter's limits and the calendar,
// and is made again from them when one of the latter changes.
type Digest struct {
	Case
	Paused time.Duration // suspended altogether, up to the instant also by a pause that lasts
	Pauses int
	Resent bool // dispatched to another department later
	Last   telemetry.Millis
}

// NewDigest sums events up; c is what they amount to, with the clocks as they
// stood at the instant.
func NewDigest(c Case, events []Event, at telemetry.Millis) Digest {
	d := Digest{Case: c, Resent: resent(events)}
	d.Paused, d.Pauses = paused(events, at)
	if n := len(events); n > 0 {
		d.Last = events[n-1].At
	}
	return d
}

// paused sums the suspensions; one that lasts counts up to the end.
func paused(events []Event, end telemetry.Millis) (sum time.Duration, n int) {
	since := telemetry.Millis(0)
	for i := range events {
		e := &events[i]
		switch {
		case e.Type == Suspended:
			since, n = e.At, n+1
		case since != 0 && !slices.Contains(unmoving, e.Type):
			sum, since = sum+e.At.Sub(since), 0
		}
	}
	if since != 0 {
		sum += end.Sub(since)
	}
	return sum, n
}

// unmoving are the events that end no suspension.
var unmoving = []EventType{Noted, Evidence, Called, Sensed, Joined, Parted, Extended}

// resent reports whether another department got the case later.
func resent(events []Event) (again bool) {
	department := ""
	for i := range events {
		if e := &events[i]; e.Type == Dispatched {
			again = again || department != "" && e.Body.Department != department
			department = e.Body.Department
		}
	}
	return again
}

// settled is the digest of a case that is kept beside it. Its bytes are nil, and
// ended is never, as long as what is counted still depends on the time.
type settled struct {
	ended telemetry.Millis // the last event but for the archiving: a digest serves every instant after it
	basis string           // what it follows from beside the events
	bytes []byte
}

// never is the end of a case that is open.
const never = telemetry.Millis(math.MaxInt64)

// settle sums an ended case up. A digest is kept only when it says the same right
// after the last event and long after it.
func (p *Pool) settle(events []Event, c *Case) settled {
	out := settled{ended: never}
	if c.Open() {
		return out
	}
	last := telemetry.Millis(0)
	for i := range events {
		if events[i].Type != Archived {
			last = max(last, events[i].At)
		}
	}
	soon, late := last+1, last+telemetry.Millis(longest*24*time.Hour/time.Millisecond)
	now := p.digest(events, soon)
	b := now.encode()
	if then := p.digest(events, late); !bytes.Equal(b, then.encode()) {
		return out
	}
	return settled{ended: last, basis: p.basis[c.Matter], bytes: b}
}

// digest sums all events up at an instant.
func (p *Pool) digest(events []Event, at telemetry.Millis) Digest {
	return NewDigest(p.Describe(events, at), events, at)
}

// basisOf names what a digest follows from beside the events: its own format,
// the matter's limits and the calendar.
func basisOf(m Matter, c Calendar) (string, error) {
	b, err := json.Marshal(struct {
		Format           int
		Limits           []Limit
		Zone             string
		Hours            [][2]time.Duration
		Holidays, Makeup map[string]bool
	}{digestFormat, m.Limits, c.Zone.String(), c.Hours, c.Holidays, c.Makeup})
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:8]), nil
}

// Period shows every case that began before to and was open, or had an event, in
// or after [from, to), as it stood at to: what happened later is not seen. Of
// ended cases the kept digests serve, of others their events are read. see is
// not called concurrently, in no order; an error of it ends the reading.
func (p *Pool) Period(ctx context.Context, from, to telemetry.Millis, see func(Digest) error) error {
	return p.PeriodWithin(ctx, from, to, identity.Reach{Street: true}, see)
}

// PeriodWithin is Period for the cases that are within reach.
func (p *Pool) PeriodWithin(ctx context.Context, from, to telemetry.Millis, reach identity.Reach, see func(Digest) error) error {
	var unsettled []known
	texts := names{}
	err := digests(ctx, p.db, from, to, reach, func(r *digestRow) error {
		if r.basis != p.basis[r.matter] || r.ended >= to {
			unsettled = append(unsettled, r.known)
			return nil
		}
		d, err := decodeDigest(r.bytes, texts)
		if err != nil {
			return err
		}
		d.ID, d.Matter = r.id, r.matter
		return see(d)
	})
	if err != nil {
		return err
	}
	for some := range slices.Chunk(unsettled, readAt) {
		read, err := p.recall(ctx, p.db, some...)
		if err != nil {
			return err
		}
		for _, c := range some {
			if err := p.asOf(read[c.id], to, see); err != nil {
				return err
			}
		}
	}
	return ctx.Err()
}

// asOf shows a case as its events up to an instant make it.
func (p *Pool) asOf(events []Event, to telemetry.Millis, see func(Digest) error) error {
	before := slices.DeleteFunc(slices.Clone(events), func(e Event) bool { return e.At >= to })
	if len(before) == 0 || before[0].Type != Reported {
		return nil
	}
	return see(p.digest(before, to))
}
