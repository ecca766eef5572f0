package server

import (
	"slices"
	"testing"

	"gridhub/hub/geo"
	"gridhub/hub/identity"
	"gridhub/hub/tasks"
)

func TestWhoHasACaseInHand(t *testing.T) {
	orders := []tasks.WorkOrder{{N: 1, Assignee: "es", State: tasks.Taken}, {N: 2, Assignee: "fr", State: tasks.Ordered}, {N: 3, Assignee: "pm", State: tasks.Done}}
	for state, want := range map[tasks.EventType][]identity.PersonID{
		tasks.Handling: {"lead", "es"}, tasks.Claimed: {"es"}, tasks.Checked: nil, tasks.Closed: nil} {
		if got := workers(tasks.Case{State: state, Assignee: "lead", Orders: orders}); !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", state, got, want)
		}
	}
}

func TestRegionOfAGridElseOfAPlace(t *testing.T) {
	grids, err := geo.ParseGrids([]byte(`{"type":"FeatureCollection","features":[
		{"properties":{"code":"G1","class":"A"},"geometry":{"type":"Polygon","coordinates":[[[120,30],[120.01,30],[120.01,30.01],[120,30.01],[120,30]]]}},
		{"properties":{"code":"G2"},"geometry":{"type":"Polygon","coordinates":[[[120.01,30],[120.02,30],[120.02,30.01],[120.01,30.01],[120.01,30]]]}}]}`))
	if err != nil {
		t.Fatal(err)
	}
	f := Files{Grids: grids}
	first, nowhere := geo.Point{Lon: 120.005, Lat: 30.005}, geo.Point{Lon: 121, Lat: 30}
	for _, tt := range []struct {
		grid string
		at   geo.Point
		want string
	}{{"G1", nowhere, "A"}, {"", first, "A"}, {"G2", first, ""}, {"", nowhere, ""}, {"G9", first, "A"}} {
		if got := f.region(tt.grid, tt.at); got != tt.want {
			t.Errorf("%q at %v: %q, want %q", tt.grid, tt.at, got, tt.want)
		}
	}
	if got := (Files{}).region("G1", first); got != "" {
		t.Errorf("a street without grids: %q", got)
	}
}
