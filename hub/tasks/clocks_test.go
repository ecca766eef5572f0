package tasks

import (
	"math/rand/v2"
	"testing"
	"time"

	"gridhub/devices/telemetry"
)

// TestClocksAgainstMinutes compares the clocks of random histories with a
// brute force that looks at every minute.
func TestClocksAgainstMinutes(t *testing.T) {
	zone := time.FixedZone("CST", 8*3600)
	cal := OfficeHours(zone)
	cal.Holidays = map[string]bool{"2026-10-01": true, "2026-10-02": true}
	cal.Makeup = map[string]bool{"2026-10-10": true}
	rng := rand.New(rand.NewPCG(1, 2))
	start := time.Date(2026, 9, 28, 0, 0, 0, 0, zone)
	for range 400 {
		kind := []LimitKind{Emergency, WorkingHours, WorkingDays, CalendarHours}[rng.IntN(4)]
		limit := Limit{Name: "handle", From: Dispatched, Until: Claimed, Kind: kind, Value: []string{"2h", "90m", "1d", "3d"}[rng.IntN(4)]}
		events, now := history(rng, start)
		got, ok := limit.clock(events, cal, now)
		if !ok {
			t.Fatal("no clock")
		}
		used, due := brute(limit, events, cal, now)
		if want := used.Minutes(); abs(got.Used*mustLength(t, limit, cal).Minutes()-want) > 3 {
			t.Fatalf("%s %s: used %.1f min, brute force %.1f min\n%v", kind, limit.Value, got.Used*mustLength(t, limit, cal).Minutes(), want, events)
		}
		if !due.IsZero() && got.Due.Time().Sub(due).Abs() > time.Minute {
			t.Fatalf("%s %s: due %s, brute force %s\n%v", kind, limit.Value, got.Due.Time().In(zone), due, events)
		}
	}
}

func mustLength(t *testing.T, l Limit, cal Calendar) time.Duration {
	d, err := l.length(cal)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func abs(f float64) float64 { return max(f, -f) }

// history dispatches, suspends and resumes at random minutes, and may claim.
func history(rng *rand.Rand, start time.Time) ([]Event, time.Time) {
	at := start.Add(time.Duration(rng.IntN(3*1440)) * time.Minute)
	add := func(out []Event, typ EventType) []Event {
		return append(out, Event{Type: typ, At: telemetry.At(at)})
	}
	events := add(nil, Dispatched)
	for range rng.IntN(3) {
		at = at.Add(time.Duration(1+rng.IntN(2000)) * time.Minute)
		events = add(events, Suspended)
		at = at.Add(time.Duration(1+rng.IntN(4000)) * time.Minute)
		events = add(events, Resumed)
	}
	at = at.Add(time.Duration(1+rng.IntN(3000)) * time.Minute)
	if rng.IntN(2) == 0 {
		events = add(events, Claimed)
		at = at.Add(time.Duration(rng.IntN(3000)) * time.Minute)
	}
	return events, at
}

// brute walks minute by minute from the dispatch to now (or the claim) and
// says how much was counted, and when the limit was reached if it was.
func brute(l Limit, events []Event, cal Calendar, now time.Time) (used time.Duration, due time.Time) {
	length, _ := l.length(cal)
	begin, end := events[0].At.Time(), now
	if last := events[len(events)-1]; last.Type == Claimed {
		end = last.At.Time()
	}
	for m := begin; m.Before(end); m = m.Add(time.Minute) {
		if counts(l.Kind, m.In(cal.Zone), cal) && (l.Kind == Emergency || !suspended(events, m)) {
			used += time.Minute
			if used == length {
				due = m.Add(time.Minute)
			}
		}
	}
	return used, due
}

func counts(kind LimitKind, m time.Time, cal Calendar) bool {
	if kind != WorkingHours && kind != WorkingDays {
		return true
	}
	since := time.Duration(m.Hour())*time.Hour + time.Duration(m.Minute())*time.Minute
	for _, h := range cal.Hours {
		if cal.works(m) && since >= h[0] && since < h[1] {
			return true
		}
	}
	return false
}

func suspended(events []Event, m time.Time) bool {
	on := false
	for _, e := range events {
		if e.At.Time().After(m) {
			break
		}
		on = e.Type == Suspended || on && e.Type != Resumed
	}
	return on
}
