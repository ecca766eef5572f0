package main

import (
	"path/filepath"
	"reflect"
	"slices"
	"testing"
	"time"

	"gridhub/hub/server"
)

func demo(t *testing.T) server.Files {
	files, err := street(filepath.Join("..", "..", "configs", "demo", "hub.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// TestFiveDays plays five days over a weekend of which one day is worked: every count of the hub's figures
// is what the plan says, every case that was archived is sealed and valid, and a
// seal with one other bit is found.
func TestFiveDays(t *testing.T) {
	files := demo(t)
	from := time.Date(2026, 10, 9, 0, 0, 0, 0, files.Zone()) // Friday, a Saturday that is worked, Sunday
	m := newMonth(files, published.of(240), from, 5, 7)
	if err := perform(t.Context(), m, files, t.TempDir()); err != nil {
		t.Fatal(err)
	}
	want := map[string]int{"reported": 242, "valid": 241, "spot": 131, "filed": 146, "missed": 35, "dispatched": 109, "redispatched": 1, "disposed": 91,
		"to_dispose": 92, "closed": 89, "closed_on_time": 89, "due": 90, "rework": 1}
	if got := m.truth(); !reflect.DeepEqual(got, want) {
		t.Errorf("the plan counts %v, want %v: the seed gives another month", got, want)
	}
}

// TestThePublishedMonth plans the whole month: its rates are the published ones.
func TestThePublishedMonth(t *testing.T) {
	files := demo(t)
	m := newMonth(files, published, time.Date(2026, 10, 1, 0, 0, 0, 0, files.Zone()), 31, 1)
	n := m.truth()
	parts := 0
	for _, p := range m.problems[:m.collected] {
		if part(p.matter) {
			parts++
		}
	}
	for name, got := range map[string][2]int{
		"collected":   {n["reported"] - m.rejected - m.repeated, 12356},
		"dispatched":  {n["dispatched"], 5647},
		"on the spot": {n["spot"], 6709},
		"done":        {n["closed"], 5397}, // 95.57 %
		"components":  {parts, 1545},       // 12.5 %
		"overdue":     {n["due"] - n["closed_on_time"], 226},
		"rework":      {n["rework"], 52},
		"moved":       {n["redispatched"], 12},
	} {
		if got[0] != got[1] {
			t.Errorf("%s: %d, want %d", name, got[0], got[1])
		}
	}
	again := newMonth(files, published, m.from, 31, 1)
	if !slices.EqualFunc(m.problems, again.problems, func(a, b *problem) bool { return a.at.Equal(b.at) && len(a.steps) == len(b.steps) }) {
		t.Error("the same seed gave another month")
	}
}
