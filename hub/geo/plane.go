package geo

import (
	"fmt"
	"math"
)

// xy is a place in metres east and north of a plane's origin.
type xy struct{ x, y float64 }

func (a xy) sub(b xy) xy             { return xy{a.x - b.x, a.y - b.y} }
func (a xy) add(b xy) xy             { return xy{a.x + b.x, a.y + b.y} }
func (a xy) times(k float64) xy      { return xy{a.x * k, a.y * k} }
func (a xy) dot(b xy) float64        { return a.x*b.x + a.y*b.y }
func (a xy) length() float64         { return math.Hypot(a.x, a.y) }
func between(a, b xy, at float64) xy { return a.add(b.sub(a).times(at)) }
func (a xy) distanceTo(b xy) float64 { return a.sub(b).length() }

// plane is an equirectangular picture of the ground around an origin. Within
// 10 km of it lengths are good to 0.1 %, which is far below what a receiver
// knows; a street is 3 km wide.
type plane struct {
	origin         Point
	perLon, perLat float64 // metres per degree
}

func planeAt(origin Point) plane {
	perLat := float64(EarthRadius) * math.Pi / 180
	return plane{origin: origin, perLat: perLat, perLon: perLat * math.Cos(origin.Lat*math.Pi/180)}
}

func (p plane) flat(q Point) xy {
	return xy{(q.Lon - p.origin.Lon) * p.perLon, (q.Lat - p.origin.Lat) * p.perLat}
}

func (p plane) round(q xy) Point {
	return Point{Lon: p.origin.Lon + q.x/p.perLon, Lat: p.origin.Lat + q.y/p.perLat}
}

// cells is a spatial index: the numbers of shapes by the squares they touch.
type cells struct {
	size float64
	in   map[[2]int32][]int32
}

func newCells(size float64) *cells { return &cells{size: size, in: map[[2]int32][]int32{}} }

func (c *cells) key(p xy) [2]int32 {
	return [2]int32{int32(math.Floor(p.x / c.size)), int32(math.Floor(p.y / c.size))}
}

// maxSpan is the longest shape that is indexed: a larger one is no part of a
// street, and would fill the memory with squares.
const maxSpan = 30_000

// add enters shape n under every square of its bounding box.
func (c *cells) add(n int32, low, high xy) error {
	if s := max(high.x-low.x, high.y-low.y); !(s <= maxSpan) || low.length() > 10*maxSpan {
		return fmt.Errorf("a shape of %.0f km: want at most %d, in one region", s/1000, maxSpan/1000)
	}
	a, b := c.key(low), c.key(high)
	for i := a[0]; i <= b[0]; i++ {
		for j := a[1]; j <= b[1]; j++ {
			c.in[[2]int32{i, j}] = append(c.in[[2]int32{i, j}], n)
		}
	}
	return nil
}

// ring visits the shapes in the squares that are r squares away from p's.
func (c *cells) ring(p xy, r int32, visit func(n int32)) {
	k := c.key(p)
	for i := -r; i <= r; i++ {
		step := 2 * r
		if i == -r || i == r || r == 0 {
			step = 1
		}
		for j := -r; j <= r; j += step {
			for _, n := range c.in[[2]int32{k[0] + i, k[1] + j}] {
				visit(n)
			}
		}
	}
}
