package simulated

import (
	"fmt"
	"math"
	"reflect"
	"testing"
	"time"

	"gridhub/devices"
	"gridhub/devices/profile"
	"gridhub/devices/telemetry"
	"gridhub/edge/driver"
)

var noon = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)

// stations are one device of every shipped profile that is simulated.
func stations(t *testing.T) []driver.Station {
	t.Helper()
	library, err := profile.LoadLibrary("../../../configs/profiles")
	if err != nil {
		t.Fatal(err)
	}
	var all []driver.Station
	for _, name := range []string{"gas-ch4", "water-level", "smoke", "noise", "dust", "manhole", "temperature-humidity", "electricity-meter"} {
		p := library[profile.Ref(name+"@1")]
		if p == nil {
			t.Fatalf("no profile %s", name)
		}
		all = append(all, driver.Station{ID: devices.ID(name + "-1"), Profile: p})
	}
	return all
}

// TestSameSeedSameStreet holds that a value depends on nothing but seed,
// device, metric and time.
func TestSameSeedSameStreet(t *testing.T) {
	all := stations(t)
	one := New(profile.Line{Seed: 5, HazardEvery: time.Hour}, all, time.Now)
	two := New(profile.Line{Seed: 5, HazardEvery: time.Hour}, all, time.Now)
	other := New(profile.Line{Seed: 6, HazardEvery: time.Hour}, all, time.Now)
	differs := 0
	for i := range 200 {
		at := noon.Add(time.Duration(i) * 97 * time.Second)
		for _, s := range all {
			if !reflect.DeepEqual(one.at(s, at), two.at(s, at)) {
				t.Fatalf("%s at %v: %v and %v", s.ID, at, one.at(s, at), two.at(s, at))
			}
			if !reflect.DeepEqual(one.at(s, at), other.at(s, at)) {
				differs++
			}
		}
	}
	if differs < 1000 {
		t.Errorf("another seed changed %d of 1600 readings", differs)
	}
}

// TestOrdinaryDay walks a day without hazards: every value is plausible and
// below its alarm threshold, and between two readings nothing jumps.
func TestOrdinaryDay(t *testing.T) {
	all := stations(t)
	line := New(profile.Line{Seed: 1}, all, time.Now)
	for _, s := range all {
		var before driver.Reading
		for at := noon; at.Before(noon.Add(24 * time.Hour)); at = at.Add(30 * time.Second) {
			r := line.at(s, at)
			if r.Quality != telemetry.Good {
				t.Fatalf("%s at %v: %+v", s.ID, at, r)
			}
			for i, m := range s.Profile.Metrics {
				v := r.Values[i].Value
				if m.Alarm.Urgent(v) {
					t.Fatalf("%s: %s is %v on an ordinary day", s.ID, m.Name, v)
				}
				if m.Simulate == nil || before.Values == nil {
					continue
				}
				limit := 2*m.Simulate.Noise + 0.2*m.Simulate.Wander + 0.01*math.Abs(m.Simulate.Day) + m.Simulate.Rate/60 + 2*m.Simulate.Step
				if jump := math.Abs(v - before.Values[i].Value); jump > limit+1e-9 {
					t.Fatalf("%s: %s jumped by %v at %v, at most %v is plausible", s.ID, m.Name, jump, at, limit)
				}
			}
			before = r
		}
	}
}

// TestDayHasARhythm compares the climate at its hottest and coldest hour.
func TestDayHasARhythm(t *testing.T) {
	all := stations(t)
	line := New(profile.Line{Seed: 1}, all, time.Now)
	climate := all[6]
	mean := func(hour int) (sum float64) {
		for day := range 20 {
			at := time.Date(2026, 6, 1+day, hour, 0, 0, 0, dayZone)
			sum += line.at(climate, at).Values[0].Value / 20
		}
		return sum
	}
	if hot, cold := mean(15), mean(3); hot-cold < 6 {
		t.Errorf("%.1f at three in the afternoon, %.1f at three in the night", hot, cold)
	}
}

// TestHazards counts crossings of the threshold over a week: about one an
// hour, each over after some minutes, each rising and falling.
func TestHazards(t *testing.T) {
	all := stations(t)
	line := New(profile.Line{Seed: 1, HazardEvery: time.Hour}, all, time.Now)
	const days = 7
	struck := map[devices.ID]int{}
	for _, s := range all {
		urgent, since := false, time.Time{}
		for at := noon; at.Before(noon.Add(days * 24 * time.Hour)); at = at.Add(5 * time.Second) {
			now := false
			for i, m := range s.Profile.Metrics {
				now = now || m.Alarm.Urgent(line.at(s, at).Values[i].Value)
			}
			if now && !urgent {
				struck[s.ID]++
				since = at
			}
			if !now && urgent && at.Sub(since) > 40*time.Minute {
				t.Errorf("%s: a hazard lasted from %v to %v", s.ID, since, at)
			}
			urgent = now
		}
	}
	total := 0
	for _, n := range struck {
		total += n
	}
	if want := days * 24; total < want*7/10 || total > want*13/10 {
		t.Errorf("%d hazards in %d hours: %v", total, want, struck)
	}
	if len(struck) < len(all)-1 {
		t.Errorf("only these were ever struck: %v", struck)
	}
}

func TestCounterOnlyCountsUp(t *testing.T) {
	all := stations(t)
	line := New(profile.Line{Seed: 1}, all, time.Now)
	meter := all[7]
	last := 0.0
	for at := noon; at.Before(noon.Add(48 * time.Hour)); at = at.Add(15 * time.Second) {
		v := line.at(meter, at).Values[3]
		if v.Metric != "energy" || v.Value < last {
			t.Fatalf("%+v after %v at %v", v, last, at)
		}
		last = v.Value
	}
}

func ExampleNew() {
	p := &profile.Profile{Metrics: []profile.Metric{{Name: "level", Simulate: &profile.Curve{Base: 20, Step: 1}}}}
	well := driver.Station{ID: "well-1", Profile: p}
	line := New(profile.Line{Seed: 1}, []driver.Station{well}, func() time.Time { return noon })
	fmt.Println(line.at(well, noon).Values)
	// Output: [{level 20}]
}
