package figures

import (
	"time"

	"gridhub/devices/telemetry"
)

// share of one department in a case, within a period.
type part struct {
	held time.Duration // how long it kept the case waiting
	last telemetry.Millis
	lost time.Duration // what its passing of the buck cost
}

// markHands counts a case for each department that held it in the period, at the
// last instant at which it did: held; passed, when the department gave it back on
// its own authority or its objection was dismissed (推诿); to_and_fro, when it
// then went to another that had had it before. The desk is counted like a
// department. Time before and after the period counts in others.
func (f *Fact) markHands(p period) {
	f.parts = map[string]part{}
	for _, s := range f.Stays(p.to) {
		from, to := max(s.From, p.from), min(s.To, p.to)
		if s.To < p.from || s.From >= p.to {
			continue
		}
		d := f.parts[s.Department]
		d.held += max(0, to.Sub(from))
		d.last = max(d.last, min(to, p.to-1))
		f.parts[s.Department] = d
	}
	passed, back := map[string]bool{}, map[string]bool{}
	for _, pass := range f.Passes {
		if d, held := f.parts[pass.From]; held && pass.Passed() && pass.Gave >= p.from && pass.Gave < p.to {
			d.lost += pass.Lost(p.to)
			f.parts[pass.From] = d
			passed[pass.From] = true
			back[pass.From] = back[pass.From] || pass.Back
		}
	}
	for name, d := range f.parts {
		add := func(count string, is bool) {
			if is {
				f.marks = append(f.marks, mark{count, d.last, name})
			}
		}
		add("held", true)
		add("passed", passed[name])
		add("to_and_fro", back[name])
	}
}

// hold brings into the lines how long a case was held there, and what passing it
// cost. A line has a case once, for all the departments that it stands for.
func (f *Fact) hold(at func(mark) []*line) {
	held, lost := map[*line]time.Duration{}, map[*line]time.Duration{}
	for name, d := range f.parts {
		for _, l := range at(mark{"held", d.last, name}) {
			held[l] += d.held
			if d.lost > 0 {
				lost[l] += d.lost
			}
		}
	}
	for l, d := range held {
		l.held = append(l.held, d.Seconds())
	}
	for l, d := range lost {
		l.lost = append(l.lost, d.Seconds())
	}
}
