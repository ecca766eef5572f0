package geo

import "gridhub/devices/telemetry"

// Fix is one position in a track.
type Fix struct {
	Point
	At       telemetry.Millis `json:"at"`
	Accuracy float64          `json:"accuracy_m"`
	Speed    float64          `json:"speed"` // m/s, negative = not told
}

// Stay is a time spent at one place.
type Stay struct {
	Point
	From   telemetry.Millis `json:"from"`
	To     telemetry.Millis `json:"to"`
	Radius Metres           `json:"radius_m"`
	Fixes  int              `json:"fixes"`
}

// Gap is a time without fixes: unknown, neither stopped nor moving.
type Gap struct {
	From telemetry.Millis `json:"from"`
	To   telemetry.Millis `json:"to"`
}

// Track is one person's way through an interval. Fixes are those that passed
// the gate; the raw ones stay in the history.
type Track struct {
	Fixes  []Fix  `json:"fixes"`
	Stays  []Stay `json:"stays"`
	Gaps   []Gap  `json:"gaps"`
	Walked Metres `json:"walked_m"`
}
