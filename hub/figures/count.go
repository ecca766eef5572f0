package figures

import (
	"cmp"
	"slices"

	"gridhub/devices/telemetry"
	"gridhub/hub/identity"
	"gridhub/hub/tasks"
)

// Formula is the version of the definitions in this file. A change of any of
// them is a new version, so that last month's numbers keep their meaning.
const Formula = "2"

// Of counts a period [from, to) over cases. It is pure: the same cases give
// the same figures. A case counts where its event lies in the period:
//
//   - reported, filed, handled (claimed), closed: the event of that name;
//   - closed on time: closed, and no limit but the arrival overran;
//   - open: reported before to, and not closed, rejected, voided or archived
//     before it; overdue: open, with a limit that ran out before to;
//   - response: filed → onscene, of arrivals in the period;
//     time to close: reported → closed, of closings in the period;
//     handling: first dispatched → claimed, of claims in the period;
//   - suspended: open and suspended at the period's end; such a case is not
//     overdue, its limits rest. Suspended for: how long, of the closings in the
//     period whose case was suspended; time to close contains it.
//
// A case that was opened again is open; its first closing stays counted in the
// period in which it was.
//
// A time that a wrong clock made negative is left out of the spreads; the case
// still counts.
func Of(facts []Fact, from, to telemetry.Millis) Summary {
	facts = slices.Clone(facts)
	slices.SortFunc(facts, func(a, b Fact) int { return cmp.Compare(a.ID, b.ID) })
	p := period{from, to}
	cases := make([]tasks.Case, len(facts))
	for i, f := range facts {
		cases[i] = f.Case
	}
	suspended := func(c tasks.Case) bool { return p.open(c) && c.State == tasks.Suspended }
	return Summary{
		Formula:      Formula,
		Reported:     count(cases, p.has(tasks.Reported)),
		Filed:        count(cases, p.has(tasks.Filed)),
		Handled:      count(cases, p.has(tasks.Claimed)),
		Closed:       count(cases, p.has(tasks.Closed)),
		OnTime:       count(cases, func(c tasks.Case) bool { return p.has(tasks.Closed)(c) && onTime(first(c)) }),
		Open:         count(cases, p.open),
		Overdue:      count(cases, func(c tasks.Case) bool { return p.open(c) && !suspended(c) && p.overdue(c) }),
		Suspended:    count(cases, suspended),
		SuspendedFor: p.pauses(facts),
		Response:     p.spread(cases, tasks.Filed, tasks.Onscene),
		Close:        p.spread(cases, tasks.Reported, tasks.Closed),
		Handling:     p.spread(cases, tasks.Dispatched, tasks.Claimed),
	}
}

type period struct{ from, to telemetry.Millis }

// has says whether a case's first event of a type lies in the period.
func (p period) has(e tasks.EventType) func(tasks.Case) bool {
	return func(c tasks.Case) bool {
		at, ok := when(c, e)
		return ok && at >= p.from && at < p.to
	}
}

// when returns the time of the first event of a type. The report is told
// twice; the case's own field serves where the map is silent.
func when(c tasks.Case, e tasks.EventType) (telemetry.Millis, bool) {
	at, ok := c.Times[e]
	if !ok && e == tasks.Reported && c.Reported != 0 {
		return c.Reported, true
	}
	return at, ok
}

func (p period) open(c tasks.Case) bool {
	at, ok := when(c, tasks.Reported)
	if !ok || at >= p.to {
		return false
	}
	if c.Open() && c.Updated < p.to {
		return true // also when it was closed and opened again
	}
	for _, end := range []tasks.EventType{tasks.Closed, tasks.Spot, tasks.Rejected, tasks.Voided, tasks.Archived, tasks.Merged} {
		if at, ended := c.Times[end]; ended && at < p.to {
			return false
		}
	}
	return true
}

// overdue says whether a limit ran out before the period's end while it ran.
func (p period) overdue(c tasks.Case) bool {
	return slices.ContainsFunc(c.Clocks, func(k tasks.Clock) bool {
		running := k.Stopped == 0 || k.Stopped >= p.to
		return running && k.Due != 0 && k.Due < p.to && k.Started < p.to
	})
}

// first are the clocks by which a case's first closing is judged.
func first(c tasks.Case) []tasks.Clock {
	if c.Reopened != 0 {
		return c.Former
	}
	return c.Clocks
}

// onTime says whether no limit that decides was overrun.
func onTime(clocks []tasks.Clock) bool {
	return !slices.ContainsFunc(clocks, func(k tasks.Clock) bool {
		return k.Decides() && k.Due != 0 && (k.Stopped == 0 || k.Stopped > k.Due)
	})
}

func count(cases []tasks.Case, is func(tasks.Case) bool) Count {
	out := Count{Cases: []identity.CaseID{}}
	for _, c := range cases {
		if is(c) {
			out.N++
			out.Cases = behind(out.Cases, c.ID)
		}
	}
	return out
}

// behind adds a case to those that are named.
func behind(list []identity.CaseID, id identity.CaseID) []identity.CaseID {
	if len(list) < mostBehind {
		list = append(list, id)
	}
	return list
}

// spread describes the times between two events of the cases whose second one
// lies in the period.
func (p period) spread(cases []tasks.Case, from, to tasks.EventType) Spread {
	out := Spread{Cases: []identity.CaseID{}}
	var seconds []float64
	for _, c := range cases {
		began, ok := when(c, from)
		if !ok || !p.has(to)(c) || c.Times[to] < began {
			continue
		}
		seconds = append(seconds, c.Times[to].Sub(began).Seconds())
		out.Cases = behind(out.Cases, c.ID)
	}
	out.N = len(seconds)
	if out.N == 0 {
		return out
	}
	slices.Sort(seconds)
	out.Mean, out.Median, out.P90 = mean(seconds), median(seconds), p90(seconds)
	return out
}

// pauses describes how long the cases closed in the period were suspended, of
// those that were.
func (p period) pauses(facts []Fact) Spread {
	out := Spread{Cases: []identity.CaseID{}}
	var seconds []float64
	for _, f := range facts {
		if f.Pauses > 0 && p.has(tasks.Closed)(f.Case) {
			seconds = append(seconds, f.Paused.Seconds())
			out.Cases = behind(out.Cases, f.ID)
		}
	}
	if out.N = len(seconds); out.N > 0 {
		slices.Sort(seconds)
		out.Mean, out.Median, out.P90 = mean(seconds), median(seconds), p90(seconds)
	}
	return out
}

func mean(v []float64) float64 {
	sum := 0.0
	for _, x := range v {
		sum += x
	}
	return sum / float64(len(v))
}

// median is the middle of sorted values, of two the mean.
func median(v []float64) float64 {
	n := len(v)
	return (v[(n-1)/2] + v[n/2]) / 2
}

// p90 is the smallest value that nine in ten do not exceed (nearest rank): it
// is always one that happened, so its case can be opened.
func p90(v []float64) float64 { return v[(9*len(v)+9)/10-1] }
