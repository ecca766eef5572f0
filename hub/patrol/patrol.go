// Package patrol holds routes, their check-in points, who walks them, and what
// proves that a point was visited. A visit carries its evidence and a grade;
// a low grade asks a person to look, it never punishes by itself.
package patrol

import (
	"gridhub/devices/telemetry"
	"gridhub/hub/geo"
	"gridhub/hub/identity"
	"gridhub/hub/people"
)

// Stop is one check-in point of a route.
type Stop struct {
	ID     string      `json:"id" yaml:"id"`
	Name   people.Name `json:"name" yaml:"name"`
	Place  geo.Point   `json:"place" yaml:"place"`
	Radius geo.Metres  `json:"radius_m" yaml:"radius_m"` // a photo counts within it
	Task   people.Name `json:"task" yaml:"task"`         // what to look at
}

// Route is one standard patrol.
type Route struct {
	ID    string      `json:"id" yaml:"id"`
	Name  people.Name `json:"name" yaml:"name"`
	Grid  string      `json:"grid" yaml:"grid"`
	Force string      `json:"force" yaml:"force"`
	From  string      `json:"from" yaml:"from"` // window of the day, 08:00
	Until string      `json:"until" yaml:"until"`
	Stops []Stop      `json:"stops" yaml:"stops"`
}

// Visit is one check-in. Grade is 0 to 100; Why names what made it.
type Visit struct {
	ID       string            `json:"id"` // made on the terminal, so that a repeat is harmless
	Route    string            `json:"route"`
	Point    string            `json:"point"`
	Person   identity.PersonID `json:"person"`
	At       telemetry.Millis  `json:"at"`     // capture time of the photo
	Server   telemetry.Millis  `json:"server"` // when the hub received it
	Place    geo.Point         `json:"place"`
	Accuracy float64           `json:"accuracy_m"`
	Evidence string            `json:"evidence"` // sha256 of the photo
	Distance geo.Metres        `json:"distance_m"`
	Counts   bool              `json:"counts"` // within the radius, with a photo, in the window
	Grade    int               `json:"grade"`
	Why      []string          `json:"why"`
}

// Progress is one route on one day.
type Progress struct {
	Route  Route   `json:"route"`
	Day    string  `json:"day"` // 2026-11-23 in the street's time zone
	Visits []Visit `json:"visits"`
	Done   int     `json:"done"`
	Total  int     `json:"total"`
	State  string  `json:"state"` // ahead, running, done, missed
}
