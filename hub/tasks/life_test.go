package tasks

import (
	"fmt"
	"slices"
)

// reopen closes a case, and opens it again unless it returns false.
func (s *story) reopen() bool {
	s.add(Closed, Body{})
	s.pass(900)
	if s.rng.IntN(4) == 0 {
		return false
	}
	if s.rng.IntN(2) == 0 {
		s.add(Archived, Body{})
		s.pass(900)
	}
	s.add(Filed, Body{})
	s.pass(900)
	if s.rng.IntN(4) == 0 {
		s.add(Graded, Body{Severity: grades[s.rng.IntN(4)]})
	}
	if s.rng.IntN(6) == 0 {
		return false // nobody was sent yet
	}
	s.add(Dispatched, Body{})
	return true
}

// sinceReopened are the events that count: from the last time that the case was
// filed after it had been closed.
func sinceReopened(events []Event) []Event {
	for i := len(events) - 1; i > 0; i-- {
		if events[i].Type == Filed && (events[i-1].Type == Closed || events[i-1].Type == Archived) {
			return events[i:]
		}
	}
	return events
}

// simple is a clock from the first of two events until the other; what opened a
// case again is its report too.
func (b *brute) simple(from, until EventType, events []Event) (begin, end int) {
	begin, end = -1, -1
	again := events[0].Type == Filed
	if again && until == Filed {
		return -1, -1
	}
	earlier := -1
	for i, e := range events {
		switch {
		case begin < 0 && (e.Type == from || again && from == Reported):
			begin = minute(e.At)
		case e.Type == until && begin >= 0 && end < 0:
			end = minute(e.At)
		}
		if e.Type == Joined && end < 0 && !parted(events, i) {
			at := e.Body.Starts[from]
			if from == Reported {
				at = e.Body.Since
			}
			if m := minute(at); at != 0 && (earlier < 0 || m < earlier) {
				earlier = m
			}
		}
		if earlier >= 0 && earlier < begin {
			begin = earlier
		}
	}
	return begin, end
}

// before holds the clocks of the lives that ended against the minutes.
func (b *brute) before(m Matter, s *story, cal Calendar) string {
	c := Fold(s.events)
	m.Describe(&c, s.events, cal, s.at)
	former := c.Former
	for i, e := range s.events {
		if i == 0 || e.Type != Filed || len(sinceReopened(s.events[:i+1])) > 1 {
			continue
		}
		n := len(m.Clocks(s.events[:i], cal, e.At.Time()))
		if n > len(former) {
			return fmt.Sprintf("%d clocks of an earlier life, want %d\n%v", len(former), n, s.events)
		}
		if fault := b.each(m, former[:n], s.events[:i], minute(e.At)); fault != "" {
			return "before it was reopened: " + fault
		}
		former = former[n:]
		b.reopened(c, s.events[i:])
	}
	if len(former) > 0 {
		return fmt.Sprintf("%d clocks of an earlier life too many\n%v", len(former), s.events)
	}
	return ""
}

// reopened notes what became of a case that was opened again.
func (b *brute) reopened(c Case, since []Event) {
	b.seen.Store("reopened", true)
	for _, t := range []EventType{Joined, Rework} {
		if slices.ContainsFunc(since, func(e Event) bool { return e.Type == t }) {
			b.seen.Store("reopened and "+map[EventType]string{Joined: "joined", Rework: "reworked"}[t], true)
		}
	}
	if slices.ContainsFunc(c.Clocks, func(k Clock) bool { return k.Light == "red" && k.Started >= since[0].At }) {
		b.seen.Store("reopened and red", true)
	}
}
