package figures

import (
	"strings"

	"gridhub/devices/telemetry"
	"gridhub/hub/tasks"
)

// Fact is one case as it stood at the end of a period, with what is counted of
// it. It is a pure function of the case's events before that end: what happens
// later never changes an earlier period.
type Fact struct {
	tasks.Digest
	marks []mark
	parts []part // of each department that held the case
}

// mark says that a case counts under a name, at an instant of the period.
type mark struct {
	name       string
	at         telemetry.Millis
	department string // that it counts for; empty: the case's
}

// factOf is the fact of a case for a period.
func factOf(d tasks.Digest, p period) Fact {
	f := Fact{Digest: d, marks: make([]mark, 0, 32)}
	f.mark(p)
	f.markHands(p)
	return f
}

// mark collects everything that the case counts for. The names and which are
// parts of which stand in parts.
func (f *Fact) mark(p period) {
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
	dispatched := at(tasks.Dispatched)
	add("dispatched", dispatched, dispatched != 0)
	add("redispatched", dispatched, f.Resent)
	add("hotline_sent", dispatched, dispatched != 0 && f.Source == "hotline")
	add("hotline_resent", dispatched, f.Resent && f.Source == "hotline")
	f.markDisposal(add, p)
	f.markClocks(add, p)
	add("suspended", max(p.from, min(f.Last, p.to-1)), f.State == tasks.Suspended)
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
		if k.Decides() && k.Stopped == 0 && k.Due != 0 && k.Due < p.to && (!late || k.Due < at) {
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

// parts says which count is a part of which: a rate of anything else is a
// mistake in the formula. What clocks count is known by its ending.
var parts = map[string][]string{
	"reported": nil, "valid": {"reported"}, "filed": nil, "missed": {"filed"}, "hotline": {"reported"}, "repeated": {"hotline", "reported"},
	"spot": {"reported", "valid"}, "dispatched": nil, "redispatched": {"dispatched"}, "hotline_sent": {"dispatched"}, "hotline_resent": {"hotline_sent", "redispatched", "dispatched"},
	"to_dispose": nil, "disposed": {"to_dispose"}, "disposed_on_time": {"disposed", "to_dispose"},
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
