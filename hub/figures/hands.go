package figures

import (
	"slices"
	"time"

	"gridhub/devices/telemetry"
)

// part is that of one department in a case, within a period.
type part struct {
	department       string
	held             time.Duration // how long it kept the case waiting
	last             telemetry.Millis
	lost             time.Duration // what its passing of the buck cost
	passed, toAndFro bool
}

// part finds that of a department; nil where it has none.
func (f *Fact) part(department string) *part {
	i := slices.IndexFunc(f.parts, func(p part) bool { return p.department == department })
	if i < 0 {
		return nil
	}
	return &f.parts[i]
}

// markHands counts a case for each department that held it in the period, at the
// last instant at which it did: held; passed, when the department gave it back on
// its own authority or its objection was dismissed (推诿); to_and_fro, when it
// then went to another that had had it before. The desk is counted like a
// department. Time before and after the period counts in others.
func (f *Fact) markHands(p period) {
	for _, s := range f.Stays(p.to) {
		from, to := max(s.From, p.from), min(s.To, p.to)
		if s.To < p.from || s.From >= p.to {
			continue
		}
		d := f.part(s.Department)
		if d == nil {
			f.parts = append(f.parts, part{department: s.Department})
			d = &f.parts[len(f.parts)-1]
		}
		d.held += max(0, to.Sub(from))
		d.last = max(d.last, min(to, p.to-1))
	}
	for i := range f.Passes {
		pass := &f.Passes[i]
		if d := f.part(pass.From); d != nil && pass.Passed() && pass.Gave >= p.from && pass.Gave < p.to {
			d.lost += pass.Lost(p.to)
			d.passed, d.toAndFro = true, d.toAndFro || pass.Back
		}
	}
	for i := range f.parts {
		d := &f.parts[i]
		add := func(count string, is bool) {
			if is {
				f.marks = append(f.marks, mark{count, d.last, d.department})
			}
		}
		add("held", true)
		add("passed", d.passed)
		add("to_and_fro", d.toAndFro)
	}
}

// hold brings into the lines how long a case was held there, and what passing it
// cost. A line has a case once, for all the departments that it stands for.
func (f *Fact) hold(whole *line, at func(mark) *line) {
	type sum struct {
		*line
		held, lost time.Duration
	}
	sums := make([]sum, 0, 8)
	add := func(l *line, d *part) {
		i := slices.IndexFunc(sums, func(s sum) bool { return s.line == l })
		if i < 0 {
			i, sums = len(sums), append(sums, sum{line: l})
		}
		sums[i].held += d.held
		sums[i].lost += d.lost
	}
	for i := range f.parts {
		d := &f.parts[i]
		add(whole, d)
		add(at(mark{"held", d.last, d.department}), d)
	}
	for _, s := range sums {
		s.line.held = append(s.line.held, s.held.Seconds())
		if s.lost > 0 {
			s.line.lost = append(s.line.lost, s.lost.Seconds())
		}
	}
}
