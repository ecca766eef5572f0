package health

import (
	"maps"
	"slices"
	"strings"
	"time"

	"gridhub/devices"
	"gridhub/devices/telemetry"
)

func gatewayKey(id devices.ID) string           { return "gateway/" + string(id) }
func supplyKey(id devices.ID) string            { return "supply/" + string(id) }
func lineKey(id devices.ID, line string) string { return "line/" + string(id) + "/" + line }
func deviceKey(id devices.ID) string            { return "device/" + string(id) }

func (e *Evaluator) lineFault(d *device) *Outage {
	if f := e.state.Open[supplyKey(d.Gateway)]; f != nil {
		return f
	}
	return e.state.Open[lineKey(d.Gateway, d.Line)]
}

// court judges one gateway and all behind it, at one moment.
type court struct {
	*Evaluator
	id    devices.ID
	g     *gateway
	now   telemetry.Millis
	found map[string]*Outage // by key: what is broken now
	due   telemetry.Millis
}

// member is a device that counts, and how it is.
type member struct {
	id devices.ID
	*device
	since telemetry.Millis // when it began to fail; 0: it is well
	clear telemetry.Millis // when that was clear; who answers later is not concerned
	mute  bool             // nothing is said of it, not even that it failed
}

// judge compares what is broken now with what was, and notes the difference.
func (e *Evaluator) judge(id devices.ID, now telemetry.Millis) {
	g := e.gateway(id)
	c := court{Evaluator: e, id: id, g: g, now: now, found: map[string]*Outage{}}
	lines := c.lines()
	if c.absent(lines) {
		c.suspend()
	} else if !c.supply(lines) {
		for _, name := range slices.Sorted(maps.Keys(lines)) {
			c.line(name, lines[name])
		}
	}
	g.Due = c.due
	c.settle()
}

// later asks to be called again at, if that is to come.
func (c *court) later(at telemetry.Millis) {
	if at > c.now && (c.due == 0 || at < c.due) {
		c.due = at
	}
}

// passed reports whether d has passed since then; if not, it asks to be called.
func (c *court) passed(since telemetry.Millis, d time.Duration) bool {
	c.later(since.Add(d))
	return c.now.Sub(since) >= d
}

// lines are the gateway's devices by line, sorted by id; those that are worked
// on do not count.
func (c *court) lines() map[string][]member {
	all := map[string][]member{}
	newest := c.newest()
	for _, id := range c.behind[c.id] {
		d := c.state.Devices[id]
		if d.Maintenance || c.silenced(id) {
			continue
		}
		m := member{id: id, device: d, since: d.Failing, clear: d.Failing}
		last, limit := max(d.Last, d.From, c.g.From), d.limit()
		if m.since == 0 && d.Period > 0 && newest.Sub(last) >= limit {
			m.mute, m.since, m.clear = true, last, last.Add(limit)
		}
		all[d.Line] = append(all[d.Line], m)
	}
	return all
}

// newest is when the gateway last said anything of a device.
func (c *court) newest() (at telemetry.Millis) {
	for _, id := range c.behind[c.id] {
		at = max(at, c.state.Devices[id].Last)
	}
	return at
}

// limit is how long nothing may be said of a device.
func (d *device) limit() time.Duration { return max(mutePeriods*d.every(), leastMute) }

func ids(all []member) (out []devices.ID) {
	for _, m := range all {
		out = append(out, m.id)
	}
	return out
}

func every(lines map[string][]member) (all []devices.ID) {
	for _, l := range lines {
		all = append(all, ids(l)...)
	}
	slices.Sort(all)
	return all
}

// absent judges the gateway itself.
func (c *court) absent(lines map[string][]member) bool {
	g, key, affected := c.g, gatewayKey(c.id), every(lines)
	var f *Outage
	switch {
	case g.Presence == offline && len(affected) > 0 && c.passed(g.Left, returning):
		f = &Outage{Cause: Uplink, Since: max(g.Heard, g.Left.Add(-reconnect)), Why: []Words{cutOff(g)}, Next: nextUplink}
		if g.Clean {
			f.Cause, f.Since, f.Why, f.Next = Gateway, g.Left, []Words{stoppedByHand}, nextStopped
		}
	case g.Presence == offline:
	case g.Presence == unknown && len(affected) > 0 && c.passed(max(g.Heard, g.From), reconnect):
		f = &Outage{Cause: Uplink, Since: g.Heard, Why: []Words{notReturned}, Next: nextUplink}
	case g.Presence == online && c.mute(lines):
		f = &Outage{Cause: Gateway, Since: max(c.newest(), g.From), Why: []Words{saysNothing}, Next: nextHangs}
	default:
		return g.Presence == unknown && c.state.Open[key] != nil && c.keep(key)
	}
	if f != nil {
		if old := c.state.Open[key]; old != nil {
			f.Since = old.Since
		}
		f.Subject, f.Devices = Subject{Gateway: c.id}, affected
		c.found[key] = f
	}
	return true
}

// mute reports whether nothing is said of any device, though it is time.
func (c *court) mute(lines map[string][]member) bool {
	soonest := time.Duration(0)
	for _, l := range lines {
		for _, m := range l {
			if d := m.limit(); m.Period > 0 && (soonest == 0 || d < soonest) {
				soonest = d
			}
		}
	}
	return soonest > 0 && c.passed(max(c.newest(), c.g.From), soonest)
}

// keep lets an open fault stand as it is.
func (c *court) keep(key string) bool {
	f := *c.state.Open[key]
	c.found[key] = &f
	return true
}

// suspend lets what is behind an absent gateway stand: nobody knows better.
func (c *court) suspend() {
	for key, f := range c.state.Open {
		if f.Subject.Gateway == c.id && key != gatewayKey(c.id) {
			c.keep(key)
		}
	}
}

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

// settle opens, changes and closes faults so that those of this gateway are
// what was found.
func (c *court) settle() {
	for _, key := range slices.Sorted(maps.Keys(c.found)) {
		c.open(key, c.found[key])
	}
	for _, key := range slices.Sorted(maps.Keys(c.state.Open)) {
		f := c.state.Open[key]
		if f.Subject.Gateway == c.id && c.found[key] == nil {
			c.close(key, f)
		}
	}
}

func (c *court) open(key string, f *Outage) {
	f.key = key
	for _, id := range f.Devices {
		if !slices.Contains(c.state.Ever[key], id) {
			c.state.Ever[key] = append(c.state.Ever[key], id)
		}
	}
	if old := c.state.Open[key]; old != nil {
		f.ID, f.Since, f.Found = old.ID, old.Since, old.Found
		if f.Was = old.Was; old.Cause != f.Cause {
			f.Was = old.Cause
		}
		if slices.Equal(old.Devices, f.Devices) && slices.Equal(old.Why, f.Why) && old.Cause == f.Cause {
			return
		}
	} else {
		f.ID, f.Found = faultID(key, f.Since), c.now
	}
	c.state.Open[key] = f
	c.changed = append(c.changed, *f)
}

func (c *court) close(key string, f *Outage) {
	delete(c.state.Open, key)
	f.Until, f.Devices = max(c.now, f.Found), c.state.Ever[key]
	delete(c.state.Ever, key)
	slices.Sort(f.Devices)
	for _, other := range c.found {
		if f.Subject.Device != "" && slices.Contains(other.Devices, f.Subject.Device) || f.Subject.Line != "" && other.key == supplyKey(c.id) {
			f.Into = other.ID
		}
	}
	c.changed = append(c.changed, *f)
	if b := c.g.Back; b != nil && b.Fault.ID == f.ID {
		b.Fault = *f
	}
}

// explain says, when a gateway has returned and told how long it has been up,
// what its absence was.
func (e *Evaluator) explain(at telemetry.Millis, id devices.ID, g *gateway, p *wirePresence) {
	b := g.Back
	if b == nil || at.Sub(b.At) > time.Minute || p.Program <= 0 && p.Machine <= 0 {
		return
	}
	g.Back = nil
	away := at.Sub(b.Heard)
	f := b.Fault
	if open := e.state.Open[gatewayKey(id)]; open != nil && open.ID == f.ID {
		e.judge(id, max(e.state.Now, at)) // it is back: that closes it
		f = closed(e.changed, f)
		delete(e.dirty, id)
	}
	machine, program := time.Duration(p.Machine)*time.Millisecond, time.Duration(p.Program)*time.Millisecond
	cause, why, next := Uplink, wayWasCut(away), nextNothingUplink
	switch {
	case machine > 0 && machine < away:
		cause, why, next = Power, machineWasOff(away, machine), nextPower
	case program > 0 && program < away:
		cause, why, next = Gateway, programWasOff(away, program), nextRestarted
	}
	if cause != f.Cause {
		f.Was, f.Cause = f.Cause, cause
	}
	f.Why, f.Next = append(slices.Clone(f.Why), why), next
	e.changed = append(e.changed, f)
}

// closed returns the newest word on f.
func closed(changed []Outage, f Outage) Outage {
	for _, c := range changed {
		if c.ID == f.ID {
			f = c
		}
	}
	return f
}
