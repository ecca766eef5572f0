package tasks_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"gridhub/devices/telemetry"
	"gridhub/hub/identity"
	"gridhub/hub/store"
	"gridhub/hub/store/storetest"
	"gridhub/hub/tasks"
)

// TestPeriodsAreTheEvents lets a crowd work, ends most cases, and compares what
// Period shows of any period with the events themselves. Then the calendar
// changes, and the digests are made again.
func TestPeriodsAreTheEvents(t *testing.T) {
	b := newPool(t)
	db := storetest.Open(t)
	b.Pool = b.over(db, tasks.OfficeHours(zone))
	rng := rand.New(rand.NewPCG(3, 1))
	for n := range 60 {
		c, err := b.Report(t.Context(), dispatcher, tasks.Report{ID: fmt.Sprintf("random-%04d", n), Matter: "AQ06", Source: "patrol", Place: here, At: telemetry.At(b.clock)})
		if err != nil {
			t.Fatal(err)
		}
		for range 40 {
			b.clock = b.clock.Add(time.Duration(rng.IntN(60)) * time.Minute)
			who, cmd := anything(rng, c)
			if at, help := onward(rng, c); help.Type != "" && rng.IntN(5) > 0 {
				who, cmd = at, help
			}
			if c.State == tasks.Filed {
				cmd, who = tasks.Command{Type: []tasks.EventType{tasks.Dispatched, tasks.Dispatched, tasks.Voided}[rng.IntN(3)], Assignee: "p-017"}, dispatcher
			}
			if c.State == tasks.Checked {
				who, cmd = dispatcher, tasks.Command{Type: tasks.Closed}
			}
			if c.State == tasks.Closed {
				who, cmd = dispatcher, tasks.Command{Type: []tasks.EventType{tasks.Archived, tasks.Filed, tasks.Noted}[rng.IntN(3)], Text: "x"}
			}
			if got, err := b.do(who, c, cmd); err == nil {
				c = got
			}
			if c.State == tasks.Archived {
				break
			}
		}
	}
	b.compare(rng)
	free := tasks.OfficeHours(zone)
	free.Hours = free.Hours[:1] // the afternoons are free
	b.Pool = b.over(db, free)
	b.compare(rng)
	last := 0
	if err := b.Settle(t.Context(), func(done, of int) { last = done - of }); err != nil || last != 0 {
		t.Fatalf("%d from the end: %v", last, err)
	}
	b.compare(rng)
	if err := b.Settle(t.Context(), func(int, int) { t.Error("made twice") }); err != nil {
		t.Fatal(err)
	}
	var kept, ended int
	if err := db.QueryRow(t.Context(), `SELECT COUNT(*), COUNT(digest) FROM cases WHERE live = 0`).Scan(&ended, &kept); err != nil || kept < 10 || kept > ended {
		t.Errorf("%d of %d ended cases have a digest, %v", kept, ended, err)
	}
}

func (b *bench) over(db *store.DB, cal tasks.Calendar) *tasks.Pool {
	b.t.Helper()
	p, err := tasks.Open(b.t.Context(), db, tasks.Options{Matters: []tasks.Matter{gas, house}, Calendar: cal, Now: func() time.Time { return b.clock }})
	if err != nil {
		b.t.Fatal(err)
	}
	return p
}

// compare asks for periods and computes what should come from all events.
func (b *bench) compare(rng *rand.Rand) {
	b.t.Helper()
	whole := int64(telemetry.At(b.clock)) - int64(telemetry.At(monday))
	for range 12 {
		from := telemetry.At(monday) + telemetry.Millis(rng.Int64N(whole))
		to := from + telemetry.Millis(rng.Int64N(whole))
		got := map[identity.CaseID]tasks.Digest{}
		err := b.Period(b.t.Context(), from, to, func(d tasks.Digest) error {
			if _, twice := got[d.ID]; twice {
				b.t.Errorf("%s twice", d.ID)
			}
			got[d.ID] = d
			return nil
		})
		if err != nil {
			b.t.Fatal(err)
		}
		seen := 0
		cases, err := b.List(b.t.Context(), tasks.Filter{Limit: 1000})
		if err != nil {
			b.t.Fatal(err)
		}
		for _, c := range cases {
			_, events, err := b.Get(b.t.Context(), c.ID)
			if err != nil {
				b.t.Fatal(err)
			}
			want, in := b.should(events, from, to)
			have, shown := got[want.ID]
			if in != shown {
				b.t.Fatalf("%s in [%d, %d): shown %v, want %v", events[0].Case, from, to, shown, in)
			}
			if in {
				seen++
			}
			if in && !bytes.Equal(tasks.Packed(plain(have)), tasks.Packed(plain(want))) {
				b.t.Fatalf("%s at %d:\n%+v, its events say\n%+v", want.ID, to, have, want)
			}
		}
		if seen != len(got) {
			b.t.Fatalf("%d of %d", seen, len(got))
		}
	}
}

// should is what Period shows of a case.
func (b *bench) should(events []tasks.Event, from, to telemetry.Millis) (tasks.Digest, bool) {
	var before []tasks.Event
	last := telemetry.Millis(0)
	for _, e := range events {
		if e.At < to {
			before = append(before, e)
		}
		if e.Type != tasks.Archived {
			last = max(last, e.At)
		}
	}
	if c := tasks.Fold(events); len(before) == 0 || last < from && !c.Open() {
		return tasks.Digest{Case: tasks.Case{ID: events[0].Case}}, false
	}
	return tasks.NewDigest(b.Describe(before, to), before, to), true
}

// plain leaves out the archiving: no figure counts it, and a digest has it also
// where it comes after the period.
func plain(d tasks.Digest) tasks.Digest {
	times := map[tasks.EventType]telemetry.Millis{}
	for t, at := range d.Times {
		if t != tasks.Archived {
			times[t] = at
		}
	}
	if d.State == tasks.Archived {
		d.State = tasks.Closed
	}
	d.Times, d.Last = times, 0
	return d
}

// TestPeriodShowsEveryCaseOnce shows more cases than one read brings, and stops
// where it is told to.
func TestPeriodShowsEveryCaseOnce(t *testing.T) {
	b := newPool(t)
	for n := range 1100 {
		b.report(fmt.Sprintf("report-%04d", n))
	}
	from, to := telemetry.At(monday), telemetry.At(monday.Add(time.Hour))
	seen := map[identity.CaseID]int{}
	if err := b.Period(t.Context(), from, to, func(d tasks.Digest) error { seen[d.ID]++; return nil }); err != nil || len(seen) != 1100 {
		t.Fatalf("%d cases, %v", len(seen), err)
	}
	for id, n := range seen {
		if n != 1 {
			t.Errorf("%s was shown %d times", id, n)
		}
	}
	enough, n := errors.New("enough"), 0
	err := b.Period(t.Context(), from, to, func(tasks.Digest) error {
		if n++; n == 3 {
			return enough
		}
		return nil
	})
	if !errors.Is(err, enough) || n != 3 {
		t.Errorf("after %d cases: %v", n, err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := b.Period(ended, from, to, func(tasks.Digest) error { return nil }); !errors.Is(err, context.Canceled) {
		t.Errorf("ended: %v", err)
	}
}
