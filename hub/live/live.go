// Package live keeps what is true now: the newest value of every metric, the
// newest position of every person, who is connected; and tells the screens
// about each change.
//
// It is memory only and is refilled from the journal and the stores after a
// start. The newest value never goes back in time, and an unchanged value is
// never re-stamped as fresh. A screen that reads too slowly is cut off and
// starts again from a fresh snapshot.
package live

import (
	"gridhub/devices"
	"gridhub/devices/telemetry"
	"gridhub/devices/wire"
	"gridhub/hub/geo"
	"gridhub/hub/identity"
)

// Value is the newest reading of one metric.
type Value struct {
	Name  string           `json:"name"`
	Unit  string           `json:"unit"`
	Value *float64         `json:"value"` // null = never heard
	At    telemetry.Millis `json:"at"`
	Min   *float64         `json:"min,omitempty"`
	Max   *float64         `json:"max,omitempty"`
}

// DeviceState is a device as the screen shows it.
type DeviceState struct {
	ID      devices.ID        `json:"id"`
	Name    string            `json:"name"`
	Kind    string            `json:"kind"`
	Profile string            `json:"profile"`
	Gateway devices.ID        `json:"gateway,omitempty"`
	Place   wire.Place        `json:"place"`
	Health  string            `json:"health"`            // fresh, stale, fault, unknown, removed
	Fault   string            `json:"fault,omitempty"`   // id of what is broken, and keeps it from being read
	Cause   string            `json:"cause,omitempty"`   // of the fault: sensor, line, gateway, uplink, power
	Failure string            `json:"failure,omitempty"` // why the newest reading gave no values, in the gateway's word: line-down, timeout, …
	Quality string            `json:"quality"`
	Heard   telemetry.Millis  `json:"heard"`     // event time of the newest reading
	Period  int64             `json:"period_ms"` // expected time between readings
	Values  []Value           `json:"values"`
	Hazard  identity.HazardID `json:"hazard,omitempty"` // raised and not cleared
	Life
}

// PersonState is a person as the screen shows it.
type PersonState struct {
	ID         identity.PersonID `json:"id"`
	OnDuty     bool              `json:"on_duty"`
	Presence   string            `json:"presence"` // online, offline, unknown
	Position   *geo.Point        `json:"position"` // null = unknown
	Accuracy   float64           `json:"accuracy_m"`
	Speed      float64           `json:"speed"` // m/s, negative = not told
	Battery    float64           `json:"battery"`
	At         telemetry.Millis  `json:"at"`          // event time of the fix
	StillSince telemetry.Millis  `json:"still_since"` // start of the present stay, 0 = moving or unknown
	Grid       string            `json:"grid,omitempty"`
	Case       identity.CaseID   `json:"case,omitempty"` // what the person works on
}

// Change is one thing that changed: a DeviceState, a PersonState, or what
// another feature published (a case, a hazard).
type Change struct{ Body any }
