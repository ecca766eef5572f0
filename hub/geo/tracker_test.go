package geo

import (
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"

	"gridhub/devices/telemetry"
)

const morning = telemetry.Millis(1_795_392_000_000) // 2026-11-23T00:00:00Z

// truth is a generated working day: what really happened, and what a receiver
// told of it.
type truth struct {
	fixes  []Fix
	stays  []Stay
	walked float64
}

// day walks between stops of 2 to 25 minutes over 120 to 500 m with a corner
// in each way. The error of a fix has sigma metres on each axis; with drift it
// is correlated from fix to fix, as between houses.
func day(seed uint64, sigma, drift float64, every time.Duration) truth {
	r := rand.New(rand.NewPCG(seed, 7))
	g := &generator{r: r, sigma: sigma, drift: drift, every: every, at: morning, ground: planeAt(Point{120.16, 30.275})}
	for range 14 {
		g.stand(time.Duration(120+r.IntN(1400)) * time.Second)
		for range 2 {
			g.goTo(g.here.add(xy{r.NormFloat64(), r.NormFloat64()}.times(90 + 110*r.Float64())))
		}
	}
	g.stand(5 * time.Minute)
	return g.truth
}

type generator struct {
	truth
	r            *rand.Rand
	sigma, drift float64
	every        time.Duration
	ground       plane
	at           telemetry.Millis
	here, err    xy
}

func (g *generator) stand(d time.Duration) {
	from := g.at
	for end := g.at.Add(d); g.at < end; g.at = g.at.Add(g.every) {
		g.tell()
	}
	g.stays = append(g.stays, Stay{Point: g.ground.round(g.here), From: from, To: g.at})
}

func (g *generator) goTo(to xy) {
	step := Foot * g.every.Seconds()
	for g.here.distanceTo(to) > step {
		g.here = between(g.here, to, step/g.here.distanceTo(to))
		g.walked += step
		g.tell()
		g.at = g.at.Add(g.every)
	}
}

func (g *generator) tell() {
	white := xy{g.r.NormFloat64(), g.r.NormFloat64()}.times(g.sigma * math.Sqrt(1-g.drift*g.drift))
	g.err = g.err.times(g.drift).add(white)
	g.fixes = append(g.fixes, Fix{Point: g.ground.round(g.here.add(g.err)), At: g.at, Accuracy: 1.5 * g.sigma, Speed: -1})
}

// score matches found stays with true ones (the most common time, at least
// half of both) and returns F1 and the errors of the dwell time.
func score(want, got []Stay) (f1 float64, errors []float64) {
	hits := 0
	for _, w := range want {
		for _, g := range got {
			common := min(w.To, g.To).Sub(max(w.From, g.From))
			if common > w.To.Sub(w.From)/2 && common > g.To.Sub(g.From)/2 {
				hits++
				errors = append(errors, math.Abs((w.To.Sub(w.From) - g.To.Sub(g.From)).Seconds()))
				break
			}
		}
	}
	return 2 * float64(hits) / float64(len(want)+len(got)), errors
}

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
			var f1, walked []float64
			var errors []float64
			for seed := range uint64(40) {
				d := day(seed, 12, tt.drift, tt.every)
				track := BuildTrack(d.fixes, OnFoot())
				f, e := score(d.stays, track.Stays)
				f1, errors = append(f1, f), append(errors, e...)
				walked = append(walked, float64(track.Walked)/d.walked)
			}
			mean, dwell := average(f1), median(errors)
			t.Logf("F1 %.3f, median dwell error %.0f s, walked %.2f of the truth", mean, dwell, average(walked))
			if mean < tt.wantF1 {
				t.Errorf("F1 is %.3f, want at least %.2f", mean, tt.wantF1)
			}
			if dwell > 45 {
				t.Errorf("median dwell error is %.0f s, want at most 45", dwell)
			}
			if w := average(walked); w < 0.85 || w > 1.15 {
				t.Errorf("walked %.2f of the truth, want 0.85 to 1.15", w)
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

func median(v []float64) float64 {
	slices.Sort(v)
	return v[len(v)/2]
}

func TestStreamingSaysWhatBatchSays(t *testing.T) {
	for seed := range uint64(5) {
		d := day(seed, 12, 0.5, 10*time.Second)
		d.fixes = slices.Delete(d.fixes, 200, 240) // a dead spot
		tr := NewTracker(OnFoot())
		var ended []Stay
		for i, f := range d.fixes {
			tr.Add(f)
			if !slices.Equal(tr.stays[:len(ended)], ended) {
				t.Fatalf("seed %d, fix %d: a stay that had ended changed", seed, i)
			}
			ended = slices.Clone(tr.stays)
			if i%97 != 0 {
				continue
			}
			got, want := tr.Track(), BuildTrack(d.fixes[:i+1], OnFoot())
			want.Fixes = nil
			if !reflect.DeepEqual(got, want) {
				t.Fatalf("seed %d, fix %d: streaming %+v, batch %+v", seed, i, got, want)
			}
		}
	}
}

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

func TestStillSince(t *testing.T) {
	g := &generator{r: rand.New(rand.NewPCG(1, 1)), sigma: 5, every: 10 * time.Second, at: morning, ground: planeAt(Point{120.16, 30.275})}
	tr := NewTracker(OnFoot())
	feed := func() (last telemetry.Millis) {
		for _, f := range g.fixes {
			tr.Add(f)
		}
		g.fixes = nil
		return tr.StillSince()
	}
	g.goTo(xy{400, 0})
	if at := feed(); at != 0 {
		t.Errorf("still since %v while walking", at)
	}
	arrived := g.at
	g.stand(5 * time.Minute)
	if at := feed(); at == 0 || at.Sub(arrived).Abs() > 45*time.Second {
		t.Errorf("still since %v, arrived at %v", at, arrived)
	}
	g.goTo(xy{400, 400})
	if at := feed(); at != 0 {
		t.Errorf("still since %v after leaving", at)
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
