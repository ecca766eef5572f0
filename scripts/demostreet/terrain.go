package main

import (
	"math"
	"math/rand/v2"

	"gridhub/hub/geo"
)

// The demo street lies around this place, 3 km by 2.5 km.
var center = geo.Point{Lon: 120.16, Lat: 30.275}

const (
	width, height = 3000.0, 2500.0 // metres
	columns       = 25             // lines that run north
	rows          = 22             // lines that run east, one of them the river
	riverRow      = 8              // the river's middle: no road runs on it
	riverWidth    = 46.0
)

// xy is a place in metres east and north of the centre.
type xy struct{ x, y float64 }

func (a xy) plus(b xy) xy       { return xy{a.x + b.x, a.y + b.y} }
func (a xy) minus(b xy) xy      { return xy{a.x - b.x, a.y - b.y} }
func (a xy) times(k float64) xy { return xy{a.x * k, a.y * k} }
func (a xy) length() float64    { return math.Hypot(a.x, a.y) }
func mix(a, b xy, k float64) xy { return a.plus(b.minus(a).times(k)) }

// point converts to degrees, cut to a decimetre: two roads that share a node
// share it exactly.
func (a xy) point() geo.Point {
	const perLat = 111194.93
	cut := func(v float64) float64 { return math.Round(v*1e6) / 1e6 }
	return geo.Point{
		Lon: cut(center.Lon + a.x/(perLat*math.Cos(center.Lat*math.Pi/180))),
		Lat: cut(center.Lat + a.y/perLat),
	}
}

// terrain is a lattice bent into something that grew: the lines between the
// blocks of houses.
type terrain struct {
	nodes [columns][rows]xy
}

func newTerrain() *terrain {
	t := &terrain{}
	r := dice(1)
	xs := spread(r, columns, width)
	for i := range columns {
		for j := range rows {
			t.nodes[i][j] = bend(xy{xs[i], row(j, river(xs[i]))}, j)
			if j != riverRow {
				t.nodes[i][j] = t.nodes[i][j].plus(xy{r.NormFloat64() * 7, r.NormFloat64() * 7})
			}
		}
	}
	return t
}

// dice returns a source of numbers that is the same on every machine; each
// part of the street has its own, so that a change of one leaves the others.
func dice(part uint64) *rand.Rand { return rand.New(rand.NewPCG(20261123, part)) }

// spread places n lines over a width, unevenly.
func spread(r *rand.Rand, n int, over float64) []float64 {
	at := make([]float64, n)
	for i := 1; i < n; i++ {
		at[i] = at[i-1] + 1 + 0.5*(r.Float64()-0.5)
	}
	for i := range at {
		at[i] = (at[i]/at[n-1] - 0.5) * over
	}
	return at
}

// river is the y of the river's middle: it winds from west to east.
func river(x float64) float64 {
	return -170 + 150*math.Sin(x/520) + 60*math.Sin(x/190+1)
}

// row is the y of line j: banks follow the river, the other lines follow it
// less the farther they are.
func row(j int, middle float64) float64 {
	bank := riverWidth/2 + 18
	switch {
	case j == riverRow:
		return middle
	case j < riverRow:
		return lerp(-height/2, middle-bank, float64(j)/(riverRow-1))
	}
	return lerp(middle+bank, height/2, float64(j-riverRow-1)/(rows-riverRow-2))
}

func lerp(a, b, k float64) float64 { return a + (b-a)*k }

// bend moves a place by slow waves; the banks only along the river.
func bend(p xy, j int) xy {
	dx := 55*math.Sin(p.y/430+0.7) + 25*math.Sin(p.x/310+p.y/270)
	dy := 45*math.Sin(p.x/390+2) + 20*math.Sin(p.y/240-p.x/350)
	if d := j - riverRow; d >= -1 && d <= 1 {
		return p
	}
	fade := math.Min(1, math.Abs(p.y-river(p.x))/300)
	return p.plus(xy{dx * fade, dy * fade})
}

// quad returns the corners of block (i, j), counter-clockwise from the south-west.
func (t *terrain) quad(i, j int) [4]xy {
	return [4]xy{t.nodes[i][j], t.nodes[i+1][j], t.nodes[i+1][j+1], t.nodes[i][j+1]}
}

// inBlock returns a place inside a quad by two shares.
func inBlock(q [4]xy, u, v float64) xy {
	return mix(mix(q[0], q[1], u), mix(q[3], q[2], u), v)
}

// wet reports whether block (i, j) is half of the river.
func wet(j int) bool { return j == riverRow || j == riverRow-1 }
