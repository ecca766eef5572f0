package api

import (
	"slices"

	"gridhub/devices"
	"gridhub/hub/commands"
	"gridhub/hub/health"
	"gridhub/hub/identity"
	"gridhub/hub/live"
)

// craft are those who see devices and nothing of people or cases: who stands at
// the cabinet and asks whether the hub hears the sensor.
var craft = []identity.Role{identity.Installer}

// onlyCraft reports whether p sees devices alone.
func onlyCraft(p identity.Principal) bool { return !p.Has(desk...) && p.Has(craft...) }

// within reports whether a device lies in p's scope.
func within(p identity.Principal, d live.DeviceState) bool {
	return !p.Bounded(identity.Installer) || slices.Contains(p.Scopes[identity.Installer], identity.OfGrid(d.Place.Grid))
}

// seen is a device as p may see it. To whom people are no concern, what moves
// with them has no place.
func seen(p identity.Principal, d live.DeviceState) (live.DeviceState, bool) {
	if !onlyCraft(p) {
		return d, true
	}
	if !within(p, d) {
		return d, false
	}
	if d.Kind == live.PositionKind {
		d.Fix, d.Place.Lon, d.Place.Lat, d.Place.Grid = nil, 0, 0, ""
	}
	return d, true
}

// maySee reports whether p may ask about a device.
func (a *API) maySee(p identity.Principal, id devices.ID) bool {
	if !onlyCraft(p) || !p.Bounded(identity.Installer) {
		return true
	}
	return slices.ContainsFunc(a.deps.Now.Devices(), func(d live.DeviceState) bool { return d.ID == id && within(p, d) })
}

// shown is what the stream tells p of a change. Whoever is not at a desk is told
// of devices only: a kind of change that is not here is left out.
func (a *API) shown(p identity.Principal, body any) (any, bool) {
	if !onlyCraft(p) {
		return body, true
	}
	switch b := body.(type) {
	case live.DeviceState:
		return seen(p, b)
	case CameraChanged:
		return b, true
	case commands.Instruction:
		return b, a.maySee(p, b.Device)
	case health.Outage:
		return b, b.Subject.Device == "" || a.maySee(p, b.Subject.Device)
	}
	return nil, false
}

// carried is a device without who carries it, unless the person is within reach.
func carried(d live.DeviceState, in func(identity.PersonID) bool) live.DeviceState {
	if !in(d.Person) {
		d.Person = ""
	}
	return d
}
