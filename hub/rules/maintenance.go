package rules

import (
	"math"

	"gridhub/devices"
	"gridhub/devices/telemetry"
)

// Why a hazard was only listed.
const (
	Late          = "late"        // newer data had been judged before
	InMaintenance = "maintenance" // somebody works on the device
)

// service is when a device is being worked on: as its gateway's file says, and
// as somebody at the hub has set. The newest of each is known.
type service struct {
	File window `json:"file"`
	Hub  window `json:"hub"`
}

// window is a time in hub's clock; Until is not included.
type window struct {
	From  telemetry.Millis `json:"from"`
	Until telemetry.Millis `json:"until"`
}

func (w window) has(at telemetry.Millis) bool { return at >= w.From && at < w.Until }

const openEnd = telemetry.Millis(math.MaxInt64)

// Maintain says that a device is being worked on from one instant until
// another. An earlier end replaces a later one.
func (e *Engine) Maintain(id devices.ID, from, until telemetry.Millis) {
	s := e.state.Service[id]
	s.Hub = window{from, until}
	e.state.Service[id] = s
}

// filed takes what a gateway's file says, in an inventory that came at an
// instant.
func (e *Engine) filed(id devices.ID, on bool, at telemetry.Millis) {
	s, known := e.state.Service[id]
	lasts := s.File.Until == openEnd
	switch {
	case on && !lasts:
		s.File = window{at, openEnd}
	case !on && lasts:
		s.File.Until = at
	case !known:
		return
	}
	e.state.Service[id] = s
}

func (e *Engine) maintained(id devices.ID, at telemetry.Millis) bool {
	s, known := e.state.Service[id]
	return known && (s.File.has(at) || s.Hub.has(at))
}

// spare judges a point of a device that is being worked on. What it would have
// raised is only listed, and a condition that still holds when the work is
// over begins anew then.
func (e *Engine) spare(r *Rule, n *run, p *telemetry.Point, v float64) (Transition, bool) {
	n.Last, n.Since, n.Peak = p.At, 0, 0
	if n.Service == nil {
		n.Service = &run{}
	}
	t, changed := e.advance(r, n.Service, p, v)
	if !changed || t.What != RaisedNow {
		return Transition{}, false
	}
	t.What, t.Hazard.Reason = SuppressNow, InMaintenance
	return t, true
}
