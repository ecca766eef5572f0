package main

import "time"

// truth counts from the plan what the month's figures must be. It asks nothing
// of the hub.
func (m *month) truth() map[string]int {
	out := map[string]int{}
	count := func(name string, is bool) {
		if is {
			out[name]++
		}
	}
	in := func(t time.Time) bool { return !t.IsZero() && t.Before(m.to) }
	for _, p := range m.problems {
		count("reported", in(p.at))
		count("valid", in(p.at) && !(p.fate.rejected && in(p.steps[len(p.steps)-1].at)))
		count("filed", in(p.filed))
		count("missed", in(p.filed) && p.public())
		count("dispatched", in(p.dispatched))
		count("redispatched", in(p.dispatched) && in(p.movedAt))
		count("spot", in(p.spotted))
		life, begun := p.life(m.to)
		rests := in(p.rest[0]) && !in(p.rest[1])
		count("suspended", rests)
		if !begun || rests {
			continue
		}
		closed := in(life.closed)
		overran := !in(life.claimed) && life.late && in(life.due)
		count("closed", closed)
		count("closed_on_time", closed && !life.late)
		count("due", closed || overran)
		count("rework", (closed || overran) && in(p.reworkAt))
		count("disposed", in(life.claimed))
		count("to_dispose", in(life.claimed) || overran)
	}
	return out
}

// life is the newest that began before an instant.
func (p *problem) life(before time.Time) (out lifetime, ok bool) {
	for _, l := range p.lives {
		if l.began.Before(before) {
			out, ok = l, true
		}
	}
	return out, ok
}

// sealed is how many seals the whole plan ends in.
func (m *month) sealed() (n int) {
	for _, p := range m.problems {
		for _, s := range p.steps {
			if s.cmd.Type == "archived" {
				n++
			}
		}
	}
	return n
}
