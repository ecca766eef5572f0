package tasks

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// TestNoRungIsEarlyOrForgotten climbs the ladders of random histories, an hour or
// less at a time, and holds what was told against the clocks: they had reached it
// at that instant and not a minute before, and nothing they reached was left out.
func TestNoRungIsEarlyOrForgotten(t *testing.T) {
	cal := OfficeHours(china).With(autumn)
	ladder := DefaultStanding().Escalation
	told := 0
	for seed := range uint64(400) {
		rng := rand.New(rand.NewPCG(seed, 7))
		m := Matter{Limits: limits(rng)}
		s := tell(rng)
		told += climbs(t, m, ladder, s, cal, rng)
		if t.Failed() {
			t.Fatalf("history %d: %v", seed, s.events)
		}
	}
	if told < 500 {
		t.Errorf("only %d rungs were reached", told)
	}
}

// climbs lets time pass through a story.
func climbs(t *testing.T, m Matter, ladder []Rung, s *story, cal Calendar, rng *rand.Rand) (told int) {
	var said []Event
	now := s.events[0].At.Time()
	for !now.After(s.at) {
		var past []Event
		for _, e := range s.events {
			if !e.At.Time().After(now) {
				past = append(past, e)
			}
		}
		c := Fold(append(past, said...))
		due, next := m.climb(ladder, &c, past, cal, now)
		for _, e := range due {
			hold(t, m, past, e, cal, now)
		}
		if !next.IsZero() && !next.After(now) {
			t.Errorf("the next rung is at %s, and it is %s", next, now)
		}
		said, told = append(said, due...), told+len(due)
		c = Fold(append(past, said...))
		complete(t, m, &c, past, ladder, cal, now)
		now = now.Add(time.Duration(1+rng.IntN(60)) * time.Minute)
	}
	return told
}

// hold holds one rung against the clock.
func hold(t *testing.T, m Matter, past []Event, e Event, cal Calendar, now time.Time) {
	t.Helper()
	used := func(at time.Time) float64 {
		for _, k := range m.clocks(past, e.Body.Order, cal, at) {
			if k.Name == e.Body.Kind && k.Started == e.Body.Since {
				return k.Used * 100
			}
		}
		return -1
	}
	if have := used(now); have < e.Body.Share-0.1 {
		t.Errorf("%s: told %g%%, the clock shows %g%%", e.Body.Kind, e.Body.Share, have)
	}
	if before := e.At.Time().Add(-time.Minute); before.After(past[len(past)-1].At.Time()) && used(before) > e.Body.Share+0.05 { // the clock shows a thousandth
		t.Errorf("%s: %g%% was reached before %s", e.Body.Kind, e.Body.Share, e.At.Time())
	}
}

// complete wants every rung that a running clock has passed among what was told.
func complete(t *testing.T, m Matter, c *Case, past []Event, ladder []Rung, cal Calendar, now time.Time) {
	t.Helper()
	for order := range len(c.Orders) + 1 {
		for _, k := range m.clocks(past, order, cal, now) {
			for _, r := range ladder {
				is := Escalation{Limit: k.Name, Order: order, Since: k.Started, Share: r.At}.is
				if k.Stopped == 0 && k.Used*100 > r.At+0.05 && c.Open() && !slices.ContainsFunc(c.Escalations, is) {
					t.Errorf("%s/%d shows %g%% at %s, and %g%% was not told", k.Name, order, k.Used*100, now, r.At)
				}
			}
		}
	}
}
