package geo

import (
	"math"
	"math/rand/v2"
	"testing"
)

// The pair of coordinates with which converters in many languages are tested.
func TestKnownPlaces(t *testing.T) {
	wgs := Point{116.397128, 39.916527}
	for name, tt := range map[string]struct{ got, want Point }{
		"GCJ-02":          {ToGCJ02(Point{116.404, 39.915}), Point{116.41024449916938, 39.91640428150164}},
		"BD-09 of GCJ-02": {ToBD09(FromGCJ02(Point{116.404, 39.915})), Point{116.41036949371029, 39.92133699351021}},
	} {
		if d := Distance(tt.got, tt.want); d > 0.01 {
			t.Errorf("%s: %v, want %v (%v m away)", name, tt.got, tt.want, d)
		}
	}
	if d := Distance(wgs, ToGCJ02(wgs)); d < 300 || d > 800 {
		t.Errorf("shifted by %v m, want some hundred", d)
	}
}

func TestThereAndBack(t *testing.T) {
	r := rand.New(rand.NewPCG(11, 12))
	worst := 0.0
	for range 5000 {
		p := Point{75 + 60*r.Float64(), 18 + 35*r.Float64()}
		for _, q := range []Point{FromGCJ02(ToGCJ02(p)), FromBD09(ToBD09(p))} {
			worst = math.Max(worst, float64(Distance(p, q)))
		}
	}
	if worst > 0.01 {
		t.Errorf("there and back is %v m off, want less than a centimetre", worst)
	}
	for _, p := range []Point{{2.35, 48.85}, {-0.12, 51.5}, {151.2, -33.9}} {
		if ToGCJ02(p) != p || FromGCJ02(p) != p {
			t.Errorf("%v was shifted; it is not in China", p)
		}
	}
}
