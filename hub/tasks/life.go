package tasks

import (
	"slices"

	"gridhub/devices/telemetry"
)

// A case that is opened again (重开) begins another life. Its limits start anew,
// its claim is proven anew, and who must take part is ordered anew with the next
// dispatch; what it had come to before stays in the events, and in Former.

// openings are the indexes of the events that opened a case again: it was filed
// after it had come to an end.
func openings(events []Event) (out []int) {
	closed := false
	for i := range events {
		switch {
		case events[i].Type == Closed || events[i].Type == Spot:
			closed = true
		case closed && events[i].Type == Filed:
			out, closed = append(out, i), false
		}
	}
	return out
}

// life are the events of the newest life.
func life(events []Event) []Event {
	if at := openings(events); len(at) > 0 {
		return events[at[len(at)-1]:]
	}
	return events
}

// former are the clocks of the lives that ended, as they stood when the case was
// opened again.
func (m Matter) former(events []Event, cal Calendar) (out []Clock) {
	for _, n := range openings(events) {
		out = append(out, m.clocks(events[:n], 0, cal, events[n].At.Time())...)
	}
	return out
}

// begins reports whether e, the i-th event of a life, starts a limit. What opens
// a case again stands for its report and for its being taken in.
func (l Limit) begins(e *Event, i int) bool {
	return e.Type == l.From || i == 0 && e.Type == Filed && (l.From == Reported || l.From == Screened)
}

// skipped reports whether a limit has no place in a life: a case that is opened
// again is not taken in and not filed once more.
func (l Limit) skipped(life []Event) bool {
	return len(life) > 0 && life[0].Type == Filed && (l.Until == Screened || l.Until == Filed)
}

// reopen begins a life.
func (c *Case) reopen(e *Event) {
	c.Reopened, c.newest = e.At, map[EventType]telemetry.Millis{}
	c.proofs = nil
	for i := range c.Orders {
		c.Orders[i].former = true
	}
}

// Newest holds the first time of each event of the case's newest life: Times,
// unless it was opened again.
func (c *Case) Newest() map[EventType]telemetry.Millis {
	if c.newest != nil {
		return c.newest
	}
	return c.Times
}

// due lists the orders that a dispatch to a department sends: one for each that
// must take part and has none of this life. N is that of its order of a former
// life, else a new one.
func (c *Case) due(must []string, lead string) (out []WorkOrder) {
	n := len(c.Orders)
	for _, d := range must {
		i := slices.IndexFunc(c.Orders, func(o WorkOrder) bool { return o.Department == d })
		switch {
		case d == lead || i >= 0 && !c.Orders[i].former:
		case i >= 0:
			out = append(out, WorkOrder{N: i + 1, Department: d})
		default:
			n++
			out = append(out, WorkOrder{N: n, Department: d})
		}
	}
	return out
}
