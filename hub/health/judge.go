package health

import (
	"maps"
	"slices"
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
