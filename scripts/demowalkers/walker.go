package main

import (
	"math"
	"math/rand/v2"
	"time"

	"gridhub/hub/geo"
)

// walker is a pair of legs: it follows a line over the ground, or stands. It
// is a pure function of its seed and the time that it is given, so a run can
// be repeated.
type walker struct {
	roads *geo.Graph
	rand  *rand.Rand
	at    geo.Point
	line  []geo.Point // still to be walked, the next point first
	speed float64     // m/s
	north float64     // error of the receiver in metres
	east  float64
}

// The receiver's error: it drifts from fix to fix, as between houses.
const (
	noise = 4.0  // metres, one sigma on each axis
	drift = 0.85 // share of the error that the next fix still has, after 5 s
)

func newWalker(roads *geo.Graph, seed uint64, at geo.Point) *walker {
	return &walker{roads: roads, rand: rand.New(rand.NewPCG(seed, 77)), at: at}
}

// goTo makes the way to a place the line to walk. Where no road leads, it is
// the straight line.
func (w *walker) goTo(p geo.Point, speed float64) {
	line, _, ok := w.roads.Path(w.at, p)
	if !ok {
		line = []geo.Point{w.at, p}
	}
	w.line, w.speed = line[1:], speed
}

// arrived reports whether there is nothing left to walk.
func (w *walker) arrived() bool { return len(w.line) == 0 }

// advance walks for a time, at a pace that is never quite even.
func (w *walker) advance(d time.Duration) {
	left := w.speed * d.Seconds() * (0.9 + 0.2*w.rand.Float64())
	for left > 0 && len(w.line) > 0 {
		step := float64(geo.Distance(w.at, w.line[0]))
		if step <= left {
			w.at, w.line = w.line[0], w.line[1:]
			left -= step
			continue
		}
		part := left / step
		w.at.Lon += (w.line[0].Lon - w.at.Lon) * part
		w.at.Lat += (w.line[0].Lat - w.at.Lat) * part
		left = 0
	}
	keep := math.Pow(drift, d.Seconds()/5)
	fresh := noise * math.Sqrt(1-keep*keep)
	w.north = w.north*keep + w.rand.NormFloat64()*fresh
	w.east = w.east*keep + w.rand.NormFloat64()*fresh
}

// fix is what the receiver tells: the place with its error, the radius that it
// claims, and the speed.
func (w *walker) fix() (p geo.Point, accuracy, speed float64) {
	const perLat = 111195.0
	p = geo.Point{
		Lon: w.at.Lon + w.east/(perLat*math.Cos(w.at.Lat*math.Pi/180)),
		Lat: w.at.Lat + w.north/perLat,
	}
	if !w.arrived() {
		speed = w.speed
	}
	return p, math.Round(1.5*noise + 4*w.rand.Float64()), speed
}
