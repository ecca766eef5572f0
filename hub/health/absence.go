package health

import (
	"slices"
	"time"

	"gridhub/devices"
	"gridhub/devices/telemetry"
	"gridhub/devices/wire"
)

// explain says, when a gateway has returned and told how long it has been up,
// what its absence was.
func (e *Evaluator) explain(at telemetry.Millis, id devices.ID, g *gateway, p *wire.Presence) {
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
