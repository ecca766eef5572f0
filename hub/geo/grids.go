package geo

import (
	"errors"
	"fmt"
	"math"
)

// Grid is one cell of the street's management, known by its code.
type Grid struct {
	Code   string `json:"code"`
	NameZH string `json:"name_zh"`
	NameEN string `json:"name_en"`
	Class  string `json:"class,omitempty"` // of the region, by which limits may differ
	Center Point  `json:"center"`          // the middle of its bounding box, for labels
}

// Grids finds the grid of a place. It never changes after it was parsed and
// may be asked concurrently.
type Grids struct {
	plane  plane
	grids  []Grid
	shapes [][][]Point // rings of each grid, all polygons together: even-odd
	index  *cells
}

// gridSquare is the side of the index' squares in metres.
const gridSquare = 100

// ParseGrids reads a GeoJSON FeatureCollection of polygons with the
// properties code (unique, required), name_zh, name_en and class. The error joins what
// is wrong with each feature, counted from 0 as in the file.
func ParseGrids(data []byte) (*Grids, error) {
	c, err := parseCollection(data)
	if err != nil {
		return nil, err
	}
	if len(c.Features) == 0 {
		return nil, errors.New("no grids: want at least one polygon")
	}
	g := &Grids{index: newCells(gridSquare)}
	seen := map[string]int{}
	var errs []error
	for i, f := range c.Features {
		if err := g.feature(i, f, seen); err != nil {
			errs = append(errs, fmt.Errorf("features[%d] (grid %q): %w", i, f.text("code"), err))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return g, nil
}

func (g *Grids) feature(i int, f feature, seen map[string]int) error {
	code := f.text("code")
	if code == "" {
		return errors.New("properties.code: want a code such as G01")
	}
	if other, twice := seen[code]; twice {
		return fmt.Errorf("properties.code: want a code of its own, features[%d] has this one already", other)
	}
	seen[code] = i
	polygons, err := f.polygons()
	if err != nil {
		return err
	}
	return g.add(Grid{Code: code, NameZH: f.text("name_zh"), NameEN: f.text("name_en"), Class: f.text("class")}, polygons)
}

func (g *Grids) add(grid Grid, polygons [][][]Point) error {
	if len(g.grids) == 0 {
		g.plane = planeAt(polygons[0][0][0])
	}
	var rings [][]Point
	low, high := Point{math.Inf(1), math.Inf(1)}, Point{math.Inf(-1), math.Inf(-1)}
	for _, p := range polygons {
		rings = append(rings, p...)
		for _, q := range p[0] {
			low = Point{min(low.Lon, q.Lon), min(low.Lat, q.Lat)}
			high = Point{max(high.Lon, q.Lon), max(high.Lat, q.Lat)}
		}
	}
	grid.Center = Point{(low.Lon + high.Lon) / 2, (low.Lat + high.Lat) / 2}
	if err := g.index.add(int32(len(g.grids)), g.plane.flat(low), g.plane.flat(high)); err != nil {
		return err
	}
	g.grids, g.shapes = append(g.grids, grid), append(g.shapes, rings)
	return nil
}

// All returns the grids in the order of their file.
func (g *Grids) All() []Grid { return append([]Grid(nil), g.grids...) }

// At returns the grid that holds p. Where grids share an edge, a point on it
// belongs to exactly one of them.
func (g *Grids) At(p Point) (Grid, bool) {
	if !p.Valid() {
		return Grid{}, false
	}
	for _, n := range g.index.in[g.index.key(g.plane.flat(p))] {
		if inside(g.shapes[n], p) {
			return g.grids[n], true
		}
	}
	return Grid{}, false
}

// inside counts the edges that a ray to the east crosses. Each edge is taken
// from its lower end whatever the ring's direction, so that two neighbours
// compute the same crossing of the edge they share and never both, or neither,
// hold a point.
func inside(rings [][]Point, p Point) bool {
	odd := false
	for _, r := range rings {
		for i := 1; i < len(r); i++ {
			a, b := r[i-1], r[i]
			if a.Lat > b.Lat {
				a, b = b, a
			}
			if (a.Lat > p.Lat) == (b.Lat > p.Lat) {
				continue
			}
			if p.Lon < a.Lon+(b.Lon-a.Lon)*(p.Lat-a.Lat)/(b.Lat-a.Lat) {
				odd = !odd
			}
		}
	}
	return odd
}
