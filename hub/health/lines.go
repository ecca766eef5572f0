package health

import (
	"slices"
	"strings"
	"time"

	"gridhub/devices"
	"gridhub/devices/telemetry"
)

// supply judges whether all lines fell silent together, which no cable does.
func (c *court) supply(lines map[string][]member) bool {
	if len(lines) < 2 {
		return false
	}
	var all []member
	first, last := telemetry.Millis(0), telemetry.Millis(0)
	for name, l := range lines {
		for _, m := range l {
			if name == "" || m.since == 0 || m.mute || m.Cause == lineDown || strings.HasPrefix(m.Cause, "exception") {
				return c.recovering(supplyKey(c.id), lines)
			}
			if first == 0 || m.since < first {
				first = m.since
			}
			last = max(last, m.since)
		}
		all = append(all, l...)
	}
	if last.Sub(first) > together || len(all) < 3 {
		return c.recovering(supplyKey(c.id), lines)
	}
	c.found[supplyKey(c.id)] = &Outage{Cause: Power, Subject: Subject{Gateway: c.id}, Devices: every(lines), Since: first,
		Why: []Words{allLines(len(lines), len(all))}, Next: nextSupply}
	return true
}

// recovering lets a fault of several devices stand while they return one after
// the other, for a time.
func (c *court) recovering(key string, lines map[string][]member) bool {
	f := c.state.Open[key]
	if f == nil {
		return false
	}
	var still []devices.ID
	back := telemetry.Millis(0)
	for _, l := range lines {
		for _, m := range l {
			if m.since == 0 && m.Well > f.Since && (back == 0 || m.Well < back) {
				back = m.Well
			}
			if m.since != 0 && slices.Contains(f.Devices, m.id) {
				still = append(still, m.id)
			}
		}
	}
	if len(still) == 0 || back != 0 && c.passed(max(back, f.Found), recovery) {
		return false
	}
	c.keep(key)
	slices.Sort(still)
	c.found[key].Devices = still
	return true
}

// line judges one line and what hangs on it.
func (c *court) line(name string, all []member) {
	var failing []member
	for _, m := range all {
		if m.since != 0 {
			failing = append(failing, m)
		}
	}
	if name != "" {
		if f := c.common(name, all, failing); f != nil {
			f.Subject, f.Devices = Subject{Gateway: c.id, Line: name}, ids(failing)
			c.found[lineKey(c.id, name)] = f
			return
		}
		if c.recovering(lineKey(c.id, name), map[string][]member{name: all}) {
			return
		}
	}
	for _, m := range failing {
		c.alone(m, all, failing, name != "")
	}
}

// common returns the fault of a line whose devices fail together, nil if they
// do not, or not yet.
func (c *court) common(name string, all, failing []member) *Outage {
	if len(failing) == 0 {
		return nil
	}
	first := earliest(failing)
	f := &Outage{Cause: Line, Since: first.since, Next: nextLine}
	down := slices.ContainsFunc(failing, func(m member) bool { return m.Cause == lineDown })
	whole := len(failing) == len(all)
	switch {
	case down:
		f.Why, f.Next = []Words{portGone(name)}, nextPort
	case whole && len(all) > 1 && slices.ContainsFunc(failing, member.sure):
		f.Why = []Words{wholeLine(name, len(all), failing)}
	case len(failing) >= 3 && 2*len(failing) >= len(all) && c.atOnce(failing) && slices.ContainsFunc(failing, member.sure):
		f.Why = []Words{partOfLine(name, len(failing), len(all))}
	case len(failing) > 1 && !answered(all, first.since) && c.passed(first.since, patience(all)):
		f.Why = []Words{nobodyElse(name, len(failing), len(all))}
	default:
		return nil
	}
	return f
}

// sure reports whether the failure is no passing disturbance.
func (m member) sure() bool { return m.mute || m.Failures >= least }

func earliest(all []member) member {
	return slices.MinFunc(all, func(a, b member) int { return int(a.since - b.since) })
}

// atOnce reports whether all began to fail within a short time.
func (c *court) atOnce(failing []member) bool {
	first, last := earliest(failing), failing[0]
	for _, m := range failing {
		if m.since > last.since {
			last = m
		}
	}
	return last.since.Sub(first.since) <= max(together, 2*last.every())
}

// answered reports whether anybody gave values after then: the line is alive.
func answered(all []member, then telemetry.Millis) bool {
	return slices.ContainsFunc(all, func(m member) bool { return m.Good > then })
}

// patience is how long the devices of a line are waited for before one that
// fails is judged without them.
func patience(all []member) time.Duration {
	d := decision
	for _, m := range all {
		d = max(d, 3*m.every())
	}
	return min(d, longDecide)
}

// alone judges a device that fails by itself.
func (c *court) alone(m member, all, failing []member, lined bool) {
	key := deviceKey(m.id)
	if c.state.Open[key] == nil && !c.certain(m, all, failing, lined) {
		return
	}
	f := &Outage{Cause: Sensor, Subject: Subject{Gateway: c.id, Line: m.Line, Device: m.id}, Devices: []devices.ID{m.id}, Since: m.since}
	f.Why, f.Next = sensorWords(m, len(all), lined)
	if m.Weak || m.Charged && m.Charge < lowCharge {
		f.Cause, f.Why, f.Next = Power, append(f.Why, weakBattery(m)), nextBattery
	}
	c.found[key] = f
}

// certain reports whether the failure is no passing disturbance and not the
// beginning of a line's.
func (c *court) certain(m member, all, failing []member, lined bool) bool {
	if !m.sure() {
		return false
	}
	if !lined || len(all) == 1 || answered(all, m.clear) {
		return true
	}
	return c.passed(m.clear, patience(all)) && len(failing) == 1
}
