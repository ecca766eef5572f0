package geo

import (
	"errors"
	"fmt"
	"math"
)

// Road is what a line of the road file says about itself.
type Road struct {
	Class string `json:"class"` // main, side, lane, path
	Name  string `json:"name"`
}

// Graph is the street's walkable roads: nodes where lines begin, end, bend or
// share a position, and edges between them, walked both ways. It never
// changes after it was parsed and may be asked concurrently.
type Graph struct {
	plane plane
	nodes []node
	edges []edge
	roads []Road
	index *cells
}

type node struct {
	at    Point
	flat  xy
	edges []int32
}

type edge struct {
	a, b   int32
	length float64 // metres
	road   int32
}

func (e edge) other(n int32) int32 { return e.a + e.b - n }

// roadSquare is the side of the index' squares in metres.
const roadSquare = 80

// ParseRoads reads a GeoJSON FeatureCollection of lines with the properties
// class and name. Lines are joined where they share a position exactly. The
// error joins what is wrong with each feature, counted from 0 as in the file.
func ParseRoads(data []byte) (*Graph, error) {
	c, err := parseCollection(data)
	if err != nil {
		return nil, err
	}
	g := &Graph{index: newCells(roadSquare)}
	known := map[Point]int32{}
	var errs []error
	for i, f := range c.Features {
		if err := g.feature(f, known); err != nil {
			errs = append(errs, fmt.Errorf("features[%d] (road %q): %w", i, f.text("name"), err))
		}
	}
	if len(errs) == 0 && len(g.edges) == 0 {
		errs = append(errs, errors.New("no roads: want at least one line"))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return g, nil
}

func (g *Graph) feature(f feature, known map[Point]int32) error {
	lines, err := f.lines()
	if err != nil {
		return err
	}
	g.roads = append(g.roads, Road{Class: f.text("class"), Name: f.text("name")})
	for _, line := range lines {
		if err := g.addLine(line, known); err != nil {
			return err
		}
	}
	return nil
}

func (g *Graph) addLine(line []Point, known map[Point]int32) error {
	if len(g.nodes) == 0 {
		g.plane = planeAt(line[0])
	}
	last := int32(-1)
	for _, p := range line {
		n, ok := known[p]
		if !ok {
			n = int32(len(g.nodes))
			known[p] = n
			g.nodes = append(g.nodes, node{at: p, flat: g.plane.flat(p)})
		}
		if last >= 0 && last != n {
			if err := g.addEdge(last, n); err != nil {
				return err
			}
		}
		last = n
	}
	return nil
}

func (g *Graph) addEdge(a, b int32) error {
	n := int32(len(g.edges))
	p, q := g.nodes[a].flat, g.nodes[b].flat
	g.edges = append(g.edges, edge{a: a, b: b, length: p.distanceTo(q), road: int32(len(g.roads) - 1)})
	g.nodes[a].edges = append(g.nodes[a].edges, n)
	g.nodes[b].edges = append(g.nodes[b].edges, n)
	return g.index.add(n, xy{min(p.x, q.x), min(p.y, q.y)}, xy{max(p.x, q.x), max(p.y, q.y)})
}

// Snapped is the nearest place on a road.
type Snapped struct {
	Point
	Road Road
	Off  Metres // how far the asked place lies from it
	edge int32
	part float64 // 0 at the edge's a, 1 at its b
}

// MaxSnap is how far from any road a place may lie and still be reached on it.
const MaxSnap Metres = 1000

// Snap finds the nearest place on a road; false when none is within MaxSnap.
func (g *Graph) Snap(p Point) (Snapped, bool) {
	if !p.Valid() {
		return Snapped{}, false
	}
	q := g.plane.flat(p)
	best, found := Snapped{Off: MaxSnap}, false
	for r := int32(0); float64(r-1)*roadSquare <= float64(best.Off); r++ {
		g.index.ring(q, r, func(n int32) {
			at, part := g.closest(n, q)
			if d := Metres(at.distanceTo(q)); d < best.Off || d == best.Off && found && n < best.edge {
				best, found = Snapped{Off: d, edge: n, part: part}, true
			}
		})
	}
	if !found {
		return Snapped{}, false
	}
	e := g.edges[best.edge]
	best.Point = g.plane.round(between(g.nodes[e.a].flat, g.nodes[e.b].flat, best.part))
	best.Road = g.roads[e.road]
	return best, true
}

// closest returns the place on edge n that is nearest to q.
func (g *Graph) closest(n int32, q xy) (xy, float64) {
	a, b := g.nodes[g.edges[n].a].flat, g.nodes[g.edges[n].b].flat
	along := b.sub(a)
	part := 0.0
	if l := along.dot(along); l > 0 {
		part = math.Max(0, math.Min(1, q.sub(a).dot(along)/l))
	}
	return between(a, b, part), part
}
