// Package geotest invents working days on foot, with the truth beside what a
// receiver tells of it, and scores what was found. It serves the tests and the
// measurements of everything that reads tracks.
package geotest

import (
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"gridhub/devices/telemetry"
	"gridhub/hub/geo"
)

// Start is when invented days begin: 2026-11-23T00:00:00Z.
const Start = telemetry.Millis(1_795_392_000_000)

// Center is where invented days happen.
var Center = geo.Point{Lon: 120.16, Lat: 30.275}

// Walk is somebody who walks and stands, and what a receiver tells of it.
// Sigma is its error in metres on each axis, Drift how much of an error the
// next fix still has (0 = independent), Every the time between fixes.
type Walk struct {
	Sigma, Drift float64
	Every        time.Duration
	Rand         *rand.Rand

	Fixes  []geo.Fix
	Stays  []geo.Stay // what really happened
	Walked float64    // metres, really

	now        telemetry.Millis
	x, y       float64 // metres east and north of Center
	errX, errY float64
}

// New returns somebody at Center at Start.
func New(seed uint64, sigma, drift float64, every time.Duration) *Walk {
	return &Walk{Sigma: sigma, Drift: drift, Every: every, Rand: rand.New(rand.NewPCG(seed, 7)), now: Start}
}

// Day is fourteen stops of 2 to 25 minutes, with ways of 120 to 500 m that
// have a corner each, and a last stop of five minutes.
func Day(seed uint64, sigma, drift float64, every time.Duration) *Walk {
	w := New(seed, sigma, drift, every)
	for range 14 {
		w.Stand(time.Duration(120+w.Rand.IntN(1400)) * time.Second)
		for range 2 {
			scale := 90 + 110*w.Rand.Float64()
			w.GoTo(w.x+scale*w.Rand.NormFloat64(), w.y+scale*w.Rand.NormFloat64())
		}
	}
	w.Stand(5 * time.Minute)
	return w
}

// Now is the time up to which the walk was invented.
func (w *Walk) Now() telemetry.Millis { return w.now }

// Stand stays for a time.
func (w *Walk) Stand(d time.Duration) {
	from := w.now
	for end := w.now.Add(d); w.now < end; w.now = w.now.Add(w.Every) {
		w.tell()
	}
	w.Stays = append(w.Stays, geo.Stay{Point: at(w.x, w.y), From: from, To: w.now})
}

// GoTo walks straight to a place, in metres east and north of Center.
func (w *Walk) GoTo(x, y float64) {
	step := geo.Foot * w.Every.Seconds()
	for left := math.Hypot(x-w.x, y-w.y); left > step; left -= step {
		w.x, w.y = w.x+(x-w.x)*step/left, w.y+(y-w.y)*step/left
		w.Walked += step
		w.tell()
		w.now = w.now.Add(w.Every)
	}
}

func (w *Walk) tell() {
	fresh := w.Sigma * math.Sqrt(1-w.Drift*w.Drift)
	w.errX, w.errY = w.errX*w.Drift+fresh*w.Rand.NormFloat64(), w.errY*w.Drift+fresh*w.Rand.NormFloat64()
	w.Fixes = append(w.Fixes, geo.Fix{Point: at(w.x+w.errX, w.y+w.errY), At: w.now, Accuracy: 1.5 * w.Sigma, Speed: -1})
}

// at places metres on the globe.
func at(x, y float64) geo.Point {
	perLat := float64(geo.EarthRadius) * math.Pi / 180
	return geo.Point{Lon: Center.Lon + x/(perLat*math.Cos(Center.Lat*math.Pi/180)), Lat: Center.Lat + y/perLat}
}

// Score matches found stays with true ones: a pair shares more than half of
// both. It returns F1 and the absolute errors of the dwell times in seconds,
// ascending.
func Score(want, got []geo.Stay) (f1 float64, errors []float64) {
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
	slices.Sort(errors)
	return 2 * float64(hits) / float64(len(want)+len(got)), errors
}
