package figures

import (
	"strings"
	"time"

	"gridhub/devices/telemetry"
	"gridhub/hub/tasks"
)

// Fact is one case as it stood at the end of a period, with what is counted of
// it. It is a pure function of the case's events before that end: what happens
// later never changes an earlier period.
type Fact struct {
	tasks.Case
	Paused time.Duration // suspended altogether, also by now
	pauses int
	marks  []mark
	parts  map[string]part // of each department that held the case
}

// mark says that a case counts under a name, at an instant of the period.
type mark struct {
	name       string
	at         telemetry.Millis
	department string // that it counts for; empty: the case's
}

// factOf computes the fact of a case for a period; false when it had not begun.
func factOf(events []tasks.Event, describe func([]tasks.Event, telemetry.Millis) tasks.Case, p period) (Fact, bool) {
	var before []tasks.Event
	for _, e := range events {
		if e.At < p.to {
			before = append(before, e)
		}
	}
	if len(before) == 0 || before[0].Type != tasks.Reported {
		return Fact{}, false
	}
	f := Fact{Case: describe(before, p.to)}
	f.Paused, f.pauses = paused(before, p.to)
	f.mark(before, p)
	f.markHands(p)
	return f, true
}

// paused sums the suspensions; one that lasts counts up to the end.
func paused(events []tasks.Event, end telemetry.Millis) (sum time.Duration, n int) {
	since := telemetry.Millis(0)
	for _, e := range events {
		switch {
		case e.Type == tasks.Suspended:
			since, n = e.At, n+1
		case since != 0 && e.Type != tasks.Noted && e.Type != tasks.Evidence && e.Type != tasks.Called && e.Type != tasks.Sensed &&
			e.Type != tasks.Joined && e.Type != tasks.Parted && e.Type != tasks.Extended:
			sum, since = sum+e.At.Sub(since), 0
		}
	}
	if since != 0 {
		sum += end.Sub(since)
	}
	return sum, n
}

// mark collects everything that the case counts for. The names and which are
// parts of which stand in parts.
func (f *Fact) mark(events []tasks.Event, p period) {
	add := func(name string, at telemetry.Millis, is bool) {
		if is && at >= p.from && at < p.to {
			f.marks = append(f.marks, mark{name, at, ""})
		}
	}
	at := func(t tasks.EventType) telemetry.Millis { return f.Times[t] }
	reported, filed := f.Reported, at(tasks.Filed)
	public := f.Source == "hotline" || f.Source == "resident" || f.Source == "partner"
	add("reported", reported, true)
	add("valid", reported, f.State != tasks.Rejected && f.State != tasks.Voided)
	add("filed", filed, filed != 0)
	add("spot", f.Newest()[tasks.Spot], f.State == tasks.Spot || f.State == tasks.Archived && f.Newest()[tasks.Closed] == 0)
	add("missed", filed, filed != 0 && public)
	add("hotline", reported, f.Source == "hotline")
	add("repeated", reported, f.Source == "hotline" && (f.State == tasks.Merged || len(f.Joined) > 0))
	dispatched, redispatched := dispatches(events)
	add("dispatched", dispatched, dispatched != 0)
	add("redispatched", dispatched, redispatched)
	f.markDisposal(add, p)
	f.markClocks(add, p)
	last := events[len(events)-1].At
	add("suspended", max(p.from, min(last, p.to-1)), f.State == tasks.Suspended)
}

// markDisposal counts what was to be disposed of and closed. A suspended or
// merged case is in none of these; one whose limit ran out earlier and that is
// still not done is due in this period too. One that was opened again is disposed
// of and closed once more, by the limits of its newest life.
func (f *Fact) markDisposal(add func(string, telemetry.Millis, bool), p period) {
	if f.State == tasks.Suspended || f.State == tasks.Merged || f.State == tasks.Rejected || f.State == tasks.Voided {
		return
	}
	ranOut, late := f.overran(p)
	ranOut = max(ranOut, p.from)
	claimed, wasClaimed := f.Newest()[tasks.Claimed]
	add("disposed", claimed, wasClaimed)
	add("disposed_on_time", claimed, wasClaimed && f.inTime("handle"))
	add("to_dispose", claimed, wasClaimed)
	add("to_dispose", ranOut, !wasClaimed && late)
	closed, done := f.Newest()[tasks.Closed]
	done = done && !f.Open()
	due := closed
	if !done {
		due = ranOut
	}
	add("closed", closed, done)
	add("closed_on_time", closed, done && onTime(f.Clocks))
	add("due", due, done || late)
	add("rework", due, (done || late) && f.Reworks > 0)
}

// overran is when the first limit ran out that is still running.
func (f *Fact) overran(p period) (at telemetry.Millis, late bool) {
	for _, k := range f.Clocks {
		if k.Name != arrive && k.Stopped == 0 && k.Due != 0 && k.Due < p.to && (!late || k.Due < at) {
			at, late = k.Due, true
		}
	}
	return at, late
}

func (f *Fact) inTime(clock string) bool {
	for _, k := range f.Clocks {
		if k.Name == clock {
			return k.Stopped != 0 && k.Stopped <= k.Due
		}
	}
	return true
}

// markClocks counts each limit by its own: due when it was met or missed.
func (f *Fact) markClocks(add func(string, telemetry.Millis, bool), p period) {
	for _, k := range f.Clocks {
		if k.Due == 0 || f.State == tasks.Suspended {
			continue
		}
		end := k.Stopped
		if end == 0 {
			end = max(k.Due, p.from)
		}
		add(k.Name+"_due", end, k.Stopped != 0 || k.Due < p.to)
		add(k.Name+"_on_time", end, k.Stopped != 0 && k.Stopped <= k.Due)
	}
}

// dispatches finds the first dispatch, and whether another department got the
// case later.
func dispatches(events []tasks.Event) (first telemetry.Millis, again bool) {
	department := ""
	for _, e := range events {
		if e.Type != tasks.Dispatched {
			continue
		}
		if first == 0 {
			first = e.At
		}
		again = again || department != "" && e.Body.Department != department
		department = e.Body.Department
	}
	return first, again
}

// parts says which count is a part of which: a rate of anything else is a
// mistake in the formula. What clocks count is known by its ending.
var parts = map[string][]string{
	"reported": nil, "valid": {"reported"}, "filed": nil, "missed": {"filed"}, "hotline": {"reported"}, "repeated": {"hotline", "reported"},
	"spot": {"reported", "valid"}, "dispatched": nil, "redispatched": {"dispatched"}, "to_dispose": nil, "disposed": {"to_dispose"}, "disposed_on_time": {"disposed", "to_dispose"},
	"due": nil, "closed": {"due"}, "closed_on_time": {"closed", "due"}, "rework": {"due"}, "suspended": nil,
	"held": nil, "passed": {"held"}, "to_and_fro": {"passed", "held"},
}

// counted reports whether a name is one of a count.
func counted(name string) bool {
	_, ok := parts[name]
	return ok || strings.HasSuffix(name, "_due") || strings.HasSuffix(name, "_on_time")
}

// partOf reports whether all that counts under name counts under whole too.
func partOf(name, whole string) bool {
	for _, w := range parts[name] {
		if w == whole {
			return true
		}
	}
	clock, ok := strings.CutSuffix(name, "_on_time")
	return ok && parts[name] == nil && whole == clock+"_due"
}
