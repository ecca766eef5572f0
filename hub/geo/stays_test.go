package geo_test

import (
	"reflect"
	"slices"
	"testing"
	"time"

	"gridhub/devices/telemetry"
	"gridhub/hub/geo"
	"gridhub/hub/geo/geotest"
)

func TestStaysAreFoundOnFoot(t *testing.T) {
	tests := []struct {
		name   string
		drift  float64
		every  time.Duration
		wantF1 float64
	}{
		{"independent errors, 10 s", 0, 10 * time.Second, 0.95},
		{"drifting errors, 10 s", 0.7, 10 * time.Second, 0.95},
		{"independent errors, 5 s", 0, 5 * time.Second, 0.95},
		{"independent errors, 30 s", 0, 30 * time.Second, 0.90},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var f1, walked, errors []float64
			for seed := range uint64(40) {
				d := geotest.Day(seed, 12, tt.drift, tt.every)
				track := geo.BuildTrack(d.Fixes, geo.OnFoot())
				f, e := geotest.Score(d.Stays, track.Stays)
				f1, errors = append(f1, f), append(errors, e...)
				walked = append(walked, float64(track.Walked)/d.Walked)
			}
			slices.Sort(errors)
			mean, dwell, way := average(f1), errors[len(errors)/2], average(walked)
			t.Logf("F1 %.3f, median dwell error %.0f s, walked %.2f of the truth", mean, dwell, way)
			if mean < tt.wantF1 {
				t.Errorf("F1 is %.3f, want at least %.2f", mean, tt.wantF1)
			}
			if dwell > 45 {
				t.Errorf("median dwell error is %.0f s, want at most 45", dwell)
			}
			if way < 0.85 || way > 1.15 {
				t.Errorf("walked %.2f of the truth, want 0.85 to 1.15", way)
			}
		})
	}
}

func average(v []float64) float64 {
	sum := 0.0
	for _, x := range v {
		sum += x
	}
	return sum / float64(len(v))
}

// After every fix the tracker says what a batch over the same fixes says, and
// a stay that was followed by another never changes again.
func TestStreamingSaysWhatBatchSays(t *testing.T) {
	for seed := range uint64(4) {
		fixes := geotest.Day(seed, 12, 0.5, 10*time.Second).Fixes
		fixes = slices.Delete(fixes, 200, 240) // a dead spot
		tr := geo.NewTracker(geo.OnFoot())
		var before []geo.Stay
		for i, f := range fixes {
			tr.Add(f)
			got := tr.Track()
			if n := min(len(before), len(got.Stays)) - 1; n > 0 && !slices.Equal(got.Stays[:n], before[:n]) {
				t.Fatalf("seed %d, fix %d: a stay that had ended changed", seed, i)
			}
			before = got.Stays
			if i%97 != 0 {
				continue
			}
			want := geo.BuildTrack(fixes[:i+1], geo.OnFoot())
			want.Fixes = nil
			if !reflect.DeepEqual(got, want) {
				t.Fatalf("seed %d, fix %d: streaming %+v, batch %+v", seed, i, got, want)
			}
		}
	}
}

func TestStillSince(t *testing.T) {
	w := geotest.New(1, 5, 0, 10*time.Second)
	tr := geo.NewTracker(geo.OnFoot())
	feed := func() telemetry.Millis {
		for _, f := range w.Fixes {
			tr.Add(f)
		}
		w.Fixes = nil
		return tr.StillSince()
	}
	w.GoTo(400, 0)
	if at := feed(); at != 0 {
		t.Errorf("still since %v while walking", at)
	}
	arrived := w.Now()
	w.Stand(5 * time.Minute)
	if at := feed(); at == 0 || at.Sub(arrived).Abs() > 45*time.Second {
		t.Errorf("still since %v, arrived at %v", at, arrived)
	}
	w.GoTo(400, 400)
	if at := feed(); at != 0 {
		t.Errorf("still since %v after leaving", at)
	}
}
