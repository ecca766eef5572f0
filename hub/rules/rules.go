// Package rules turns points into hazard events: conditions over values in
// event time, raised after they held for a while, cleared when they are over.
//
// The evaluator is pure: the same points in the same order give the same
// hazards with the same ids, however often they are replayed. Late points
// raise nothing retroactively unless a rule allows it.
package rules

import (
	"gridhub/devices"
	"gridhub/devices/telemetry"
	"gridhub/hub/geo"
	"gridhub/hub/identity"
	"gridhub/hub/people"
)

// Hazard is one run of a condition on one device.
type Hazard struct {
	ID       identity.HazardID `json:"id"`
	Rule     string            `json:"rule"`
	Device   devices.ID        `json:"device"`
	Kind     string            `json:"kind"`
	Metric   string            `json:"metric"`
	Unit     string            `json:"unit"`
	Title    people.Name       `json:"title"`
	Matter   string            `json:"matter"`
	Severity string            `json:"severity"`
	Place    geo.Point         `json:"place"`
	Grid     string            `json:"grid"`
	Since    telemetry.Millis  `json:"since"`   // event time of the first sample of the run
	Raised   telemetry.Millis  `json:"raised"`  // event time of the sample that raised it
	Cleared  telemetry.Millis  `json:"cleared"` // 0 while it lasts
	Value    float64           `json:"value"`   // that raised it
	Peak     float64           `json:"peak"`
	Case     identity.CaseID   `json:"case,omitempty"`
	Reason   string            `json:"reason,omitempty"` // why it was only listed; empty: it was raised
}
