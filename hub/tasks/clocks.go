package tasks

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"gridhub/devices/telemetry"
)

// Clocks computes every limit of the matter on a case's events at now. It is
// a pure function of its arguments: pause, resume, extension, another severity,
// rework, re-dispatch, merge and reopening all follow from the events: a case that
// was opened again counts from then. Of several limits with one name, the first
// whose condition holds counts. Limits whose kind is
// plan have no clock of their own, those of orders one for each order.
func (m Matter) Clocks(events []Event, cal Calendar, now time.Time) []Clock {
	return m.clocks(events, 0, cal, now)
}

// clocks are those of one order; 0 is the case.
func (m Matter) clocks(events []Event, order int, cal Calendar, now time.Time) []Clock {
	out := []Clock{}
	m.each(events, order, cal, now, func(l Limit, r run) { out = append(out, r.clock(l, cal)) })
	return out
}

// each shows the limits of one order that have begun, as they run at now.
func (m Matter) each(events []Event, order int, cal Calendar, now time.Time, see func(Limit, run)) {
	var seen []string
	for _, l := range m.Limits {
		if l.ofOrder() != (order > 0) || slices.Contains(seen, l.Name) {
			continue
		}
		if r, ok := l.run(events, order, cal, now); ok {
			seen = append(seen, l.Name)
			see(l, r)
		}
	}
}

// ofOrder reports whether a limit is of each co-handler's order.
func (l Limit) ofOrder() bool { return l.From == Ordered || l.From == Taken }

// run is a limit that has begun.
type run struct {
	start, stop telemetry.Millis // stop is 0 while it runs
	length      time.Duration    // counted time that it allows
	active      []span           // in which it counts
}

func (l Limit) run(events []Event, order int, cal Calendar, now time.Time) (run, bool) {
	length, err := l.length(cal)
	whole := events
	var start, stop telemetry.Millis
	if order > 0 {
		start, stop = l.orderBounds(events, order)
	} else {
		events = life(events)
		start, stop = l.bounds(events)
	}
	if err != nil || start == 0 || l.Kind == ByPlan || !l.applies(whole, stop) {
		return run{}, false
	}
	end := now
	if stop != 0 {
		end = stop.Time()
	}
	return run{start, stop, l.extended(events, order, cal, start, stop, length), l.active(events, start.Time(), end)}, true
}

// clock is what a limit that has begun shows.
func (r run) clock(l Limit, cal Calendar) Clock {
	share := float64(cal.sum(l.Kind, r.active)) / float64(r.length)
	return Clock{Name: l.Name, Kind: l.Kind, Until: l.Until, Started: r.start, Stopped: r.stop,
		Due:  telemetry.At(cal.due(l.Kind, r.active, r.length)),
		Used: math.Round(share*1000) / 1000, Light: light(share)}
}

// active are the intervals in which the clock runs: all of the time for a limit
// that never pauses.
func (l Limit) active(events []Event, from, to time.Time) []span {
	if l.Kind == Emergency {
		return []span{{from, to}}
	}
	if r := rested(events); r != nil {
		events = append(r, events...)
	}
	return running(events, from, to)
}

// extended is the length after the extensions that were granted while the
// handling clock ran: what had been used by then, and what lies between then
// and the day granted. A later pause therefore moves that day too, and an
// extension never shortens.
func (l Limit) extended(events []Event, order int, cal Calendar, start, stop telemetry.Millis, length time.Duration) time.Duration {
	if l.Until != Claimed && l.Until != Done {
		return length
	}
	for i, e := range events {
		if e.Type != Extended || e.Body.Order != order || e.Body.Until <= e.At || e.At < start || stop != 0 && e.At > stop {
			continue
		}
		used := cal.sum(l.Kind, l.active(events[:i], start.Time(), e.At.Time()))
		length = max(length, used+cal.Counted(l.Kind, e.At.Time(), e.Body.Until.Time()))
	}
	return length
}

// applies reports whether the limit's condition holds, with the severity that
// was in force when the clock stopped, or is.
func (l Limit) applies(events []Event, stop telemetry.Millis) bool {
	facts := map[string]string{}
	for _, e := range events {
		if stop != 0 && e.At > stop {
			continue
		}
		switch e.Type {
		case Reported:
			facts["region"], facts["severity"] = e.Body.Region, e.Body.Severity
		case Graded:
			facts["severity"] = e.Body.Severity
		}
	}
	for term := range strings.FieldsSeq(l.When) {
		key, values, _ := strings.Cut(term, "=")
		if !slices.Contains(strings.Split(values, "|"), facts[key]) {
			return false
		}
	}
	return true
}

// checkWhen says what is wrong with a condition: severity=major|critical, or
// region=A, or both with a space between.
func (l Limit) checkWhen() error {
	for term := range strings.FieldsSeq(l.When) {
		key, values, _ := strings.Cut(term, "=")
		if key != "severity" && key != "region" || values == "" {
			return fmt.Errorf("limit %s: when %q: want severity=major|critical or region=A", l.Name, l.When)
		}
	}
	return nil
}

// sum is the counted time of several intervals.
func (c Calendar) sum(kind LimitKind, spans []span) (sum time.Duration) {
	for _, s := range spans {
		sum += c.Counted(kind, s.from, s.to)
	}
	return sum
}

// due is the instant at which the intervals have counted length; when they do
// not reach it, the rest counts on from the end of the last.
func (c Calendar) due(kind LimitKind, spans []span, length time.Duration) time.Time {
	for _, s := range spans {
		have := c.Counted(kind, s.from, s.to)
		if have >= length {
			return c.After(kind, s.from, length)
		}
		length -= have
	}
	return c.After(kind, spans[len(spans)-1].to, length)
}

// running cuts [from, to) into the intervals in which the case was not
// suspended; the last one may be empty and then only marks where to go on.
func running(events []Event, from, to time.Time) []span {
	var out []span
	begin, paused := from, false
	for _, e := range events {
		at := minTime(maxTime(e.At.Time(), from), to)
		switch {
		case e.Type == Suspended && !paused:
			out, paused = append(out, span{begin, at}), true
		case paused && moves(e.Type) && e.Type != Merged && e.Type != Unmerged:
			begin, paused = at, false
		}
	}
	if paused {
		begin = to
	}
	return append(out, span{begin, to})
}

// light is the traffic light of a clock: green below 80 %, red above 100 %.
func light(share float64) string {
	switch {
	case share > 1:
		return "red"
	case share >= 0.8:
		return "yellow"
	}
	return "green"
}

// bounds finds where a clock of a life starts and stops. Arrival counts from
// the newest dispatch, everything else from the first start; a rework ends the
// check and begins a new handling clock, and the next claim a new check. A check
// that waits for orders starts when the last of them is closed. A clock that is
// not over when a case is joined counts from the earlier of the two starts.
func (l Limit) bounds(events []Event) (start, stop telemetry.Millis) {
	var waits waits
	var earlier telemetry.Millis
	over, reworked := false, false
	if l.skipped(events) {
		return 0, 0
	}
	for i := range events {
		e := &events[i]
		began := l.begins(e, i)
		if l.From == Claimed {
			began = waits.completes(e)
		}
		switch {
		case began && (start == 0 || l.Until == Onscene || l.From == Claimed && reworked):
			if start, stop = e.At, 0; earlier != 0 && l.Until != Onscene && !reworked {
				start = min(start, earlier)
			}
			over, reworked = false, false
		case e.Type == Rework && l.Until == Claimed && start != 0:
			start, stop, over, reworked = e.At, 0, false, true
		case e.Type == Rework && l.From == Claimed && start != 0:
			if reworked = true; stop == 0 {
				stop = e.At
			}
		case l.ends(e.Type) && !over:
			if over, start = true, cmp.Or(start, earlier); start != 0 && stop == 0 {
				stop = e.At
			}
		case e.Type == Joined && !over && !reworked && joined(events, i):
			if at := e.began(l.From); at != 0 && (earlier == 0 || at < earlier) {
				earlier = at
			}
			if start != 0 && earlier != 0 && l.Until != Onscene {
				start = min(start, earlier)
			}
		}
	}
	return cmp.Or(start, earlier), stop
}

// instead are the steps that stop a clock of the desk as well as the one it waits
// for: what is looked at on site, turned down or set right on the spot waits for
// the desk no more, and who looked is done too when nothing was there.
var instead = map[EventType][]EventType{
	Screened: {Verifying, Rejected, Spot},
	Verified: {Rejected},
	Filed:    {Verifying, Rejected, Spot},
}

// ends reports whether a step stops the clock.
func (l Limit) ends(t EventType) bool { return t == l.Until || slices.Contains(instead[l.Until], t) }

func maxTime(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// missing lists the kinds of evidence that the matter demands before step t
// and the case does not have. What was handled on the spot is proven like any
// other claim.
func (m Matter) missing(c *Case, t EventType) []string {
	var out []string
	for _, p := range m.Evidence {
		if (p.Before == t || t == Spot && p.Before == Claimed) && !slices.Contains(c.proofs, p.Kind) {
			out = append(out, p.Kind)
		}
	}
	return out
}

// Describe fills what depends on the matter and the time: clocks, the steps
// possible now, the evidence still missing before the claim.
func (m Matter) Describe(c *Case, events []Event, cal Calendar, now time.Time) {
	c.Clocks, c.Former, c.Missing = m.Clocks(events, cal, now), m.former(events, cal), m.missing(c, Claimed)
	c.Next = slices.DeleteFunc(c.next(), func(t EventType) bool { return m.bars(c, t) != nil || m.spare(c, t) })
	c.Waiting, c.Held = c.waiting(), c.held()
	for i := range c.Orders {
		o := &c.Orders[i]
		o.Clocks, o.Next = m.clocks(events, o.N, cal, now), o.next(c)
	}
}

// orderBounds finds where a clock of one co-handler's order starts and stops. An
// order that is sent again begins anew; one given back or waived runs no more.
func (l Limit) orderBounds(events []Event, order int) (start, stop telemetry.Millis) {
	for _, e := range events {
		if e.Body.Order != order {
			continue
		}
		switch e.Type {
		case l.From:
			start, stop = e.At, 0
		case Ordered:
			start, stop = 0, 0
		case l.Until, Declined, Done, Waived:
			if start != 0 && stop == 0 {
				stop = e.At
			}
		}
	}
	return start, stop
}

// waits follows which orders the check waits for, and whether the lead claimed.
type waits struct {
	open    map[int]bool
	claimed bool
}

// completes reports whether with e the lead has claimed and no order is open that
// the check waits for.
func (w *waits) completes(e *Event) bool {
	before := w.claimed && len(w.open) == 0
	switch e.Type {
	case Claimed:
		w.claimed, before = true, false
	case Rework, Dispatched:
		w.claimed = false
	case Ordered:
		delete(w.open, e.Body.Order)
		if e.Body.Must {
			if w.open == nil {
				w.open = map[int]bool{}
			}
			w.open[e.Body.Order] = true
		}
	case Done, Waived:
		delete(w.open, e.Body.Order)
	}
	return !before && w.claimed && len(w.open) == 0
}
