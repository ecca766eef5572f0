package tasks

import (
	"cmp"
	"slices"

	"gridhub/devices/telemetry"
)

// joining is the event by which a case takes another in, with what the other's
// clocks began from and when they rested: a clock is not wound back by a merge.
func joining(drop *Case) Event {
	b := Body{Other: drop.ID, Since: drop.Reported, Starts: map[EventType]telemetry.Millis{}}
	if drop.Reopened != 0 {
		b.Starts[Reported] = drop.Reopened
	}
	for t, at := range drop.Newest() {
		if moves(t) && t != Reported && !slices.Contains([]EventType{Merged, Unmerged, Suspended, Resumed}, t) {
			b.Starts[t] = at
		}
	}
	b.Rests = drop.rests
	return Event{Type: Joined, Body: b}
}

// rest collects when a case was suspended; one that lasts has no end.
func (c *Case) rest(e *Event) {
	n := len(c.rests)
	lasts := n > 0 && c.rests[n-1].To == 0
	switch {
	case c.State == Suspended && !lasts:
		c.rests = append(c.rests, Rest{From: e.At})
	case c.State != Suspended && c.State != Merged && lasts:
		c.rests[n-1].To = e.At
	}
}

// began is when the case that e joins came to a step; 0: it had not.
func (e *Event) began(t EventType) telemetry.Millis {
	if at := e.Body.Starts[t]; at != 0 || t != Reported {
		return at
	}
	return e.Body.Since
}

// joined reports whether the case that events[i] joined has not been parted.
func joined(events []Event, i int) bool {
	return !slices.ContainsFunc(events[i:], func(e Event) bool { return e.Type == Parted && e.Body.Other == events[i].Body.Other })
}

// rested are the pauses, as events, of the cases that were joined: those before
// this case itself was reported, or opened again, when only the others stood for
// the matter.
func rested(events []Event) []Event {
	var out []Event
	for i := range events {
		e := &events[i]
		if e.Type != Joined || len(e.Body.Rests) == 0 || !joined(events, i) {
			continue
		}
		for _, r := range e.Body.Rests {
			if r.To == 0 || r.To > events[0].At {
				r.To = events[0].At
			}
			if r.From < r.To {
				out = append(out, Event{Type: Suspended, At: r.From}, Event{Type: Resumed, At: r.To})
			}
		}
	}
	slices.SortStableFunc(out, func(a, b Event) int { return cmp.Compare(a.At, b.At) })
	return out
}
