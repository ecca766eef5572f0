package geo

import (
	"math"
	"testing"
	"time"

	"gridhub/devices/telemetry"
)

const morning = telemetry.Millis(1_795_392_000_000) // 2026-11-23T00:00:00Z

func TestGate(t *testing.T) {
	good := Fix{Point: Point{120.16, 30.275}, At: morning, Accuracy: 10}
	change := func(f func(*Fix)) Fix {
		c := good
		c.At = c.At.Add(10 * time.Second)
		f(&c)
		return c
	}
	tests := []struct {
		name string
		fix  Fix
		want Refusal
	}{
		{"the next one", change(func(*Fix) {}), Accepted},
		{"too inaccurate", change(func(f *Fix) { f.Accuracy = 50.1 }), Inaccurate},
		{"just accurate enough", change(func(f *Fix) { f.Accuracy = 50 }), Accepted},
		{"null island", change(func(f *Fix) { f.Point = Point{} }), Nowhere},
		{"not a number", change(func(f *Fix) { f.Lat = math.NaN() }), Nowhere},
		{"the same instant", change(func(f *Fix) { f.At = morning }), Repeated},
		{"an earlier one", change(func(f *Fix) { f.At = morning - 1 }), Repeated},
		{"the future", change(func(f *Fix) { f.At = morning.Add(time.Hour + 1e6) }), Future},
		{"a kilometre in ten seconds", change(func(f *Fix) { f.Lat += 0.009 }), Impossible},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			o := OnFoot()
			o.Until = morning.Add(time.Hour)
			tr := NewTracker(o)
			tr.Add(good)
			if got := tr.Add(tt.fix); got != tt.want {
				t.Errorf("Add = %q, want %q", got, tt.want)
			}
		})
	}
}

func TestThreeOutliersThatAgreeMoveTheTrack(t *testing.T) {
	tr := NewTracker(OnFoot())
	f := Fix{Point: Point{120.16, 30.275}, At: morning, Accuracy: 10}
	tr.Add(f)
	f.Lat += 0.02
	for i, want := range []Refusal{Impossible, Impossible, Accepted, Accepted} {
		f.At = f.At.Add(5 * time.Second)
		if got := tr.Add(f); got != want {
			t.Errorf("fix %d at the other place: %q, want %q", i, got, want)
		}
	}
}

func TestAGapIsNeitherAStayNorAWalk(t *testing.T) {
	var fixes []Fix
	for i := range 120 {
		at := morning.Add(time.Duration(i) * 10 * time.Second)
		if i >= 60 {
			at = at.Add(30 * time.Minute)
		}
		fixes = append(fixes, Fix{Point: Point{120.16, 30.275}, At: at, Accuracy: 5})
	}
	track := BuildTrack(fixes, OnFoot())
	if len(track.Stays) != 2 || len(track.Gaps) != 1 {
		t.Fatalf("%d stays, %d gaps; want 2 and 1", len(track.Stays), len(track.Gaps))
	}
	if g := track.Gaps[0]; g.From != fixes[59].At || g.To != fixes[60].At {
		t.Errorf("gap %v, want that between the fixes around it", g)
	}
	if track.Stays[0].To != fixes[59].At || track.Stays[1].From != fixes[60].At {
		t.Errorf("stays %v reach into the gap", track.Stays)
	}
	if track.Walked != 0 {
		t.Errorf("walked %v m without a step", track.Walked)
	}
}

func TestTrackerKeepsAWindowOnly(t *testing.T) {
	tr := NewTracker(OnFoot())
	for i := range 20_000 {
		tr.Add(Fix{Point: Point{120.16, 30.275}, At: morning.Add(time.Duration(i) * time.Second), Accuracy: 5})
	}
	if len(tr.window) > 200 {
		t.Errorf("%d fixes kept, want those of a window", len(tr.window))
	}
}
