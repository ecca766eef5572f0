package main

import "fmt"

// grids are twelve sets of blocks that cover the terrain, each in one piece.
type grids struct {
	t *terrain
}

func newGrids(t *terrain) *grids { return &grids{t} }

// gridNames are the twelve grids, from the south-west, row by row.
var gridNames = []name{
	{"南埠", "South Wharf"}, {"汐里", "Xili"}, {"槐荫", "Locust Shade"}, {"芦洲", "Reed Isle"},
	{"西桥", "West Bridge"}, {"澄心", "Chengxin"}, {"云市", "Cloud Market"}, {"东帆", "East Sail"},
	{"栖霞里", "Qixia Lane"}, {"北苑", "North Court"}, {"桐坊", "Paulownia Yard"}, {"望岚", "Wanglan"},
}

// cuts are the columns at which each band is divided. Where a line of the
// lattice crosses them the border steps aside, as borders do.
var cuts = [3][3]int{{5, 12, 19}, {6, 11, 17}, {7, 13, 18}}

// grid returns the number of the grid that owns block (i, j).
func (g *grids) grid(i, j int) int {
	north := 15
	if i >= 9 && i < 16 {
		north = 14 // the market's grid is cut shorter
	}
	band := 0
	switch {
	case j >= north:
		band = 2
	case j >= riverRow:
		band = 1
	}
	n := 0
	for k, c := range cuts[band] {
		if k == 1 && j%7 >= 4 {
			c++ // a bay in the middle border
		}
		if i >= c {
			n++
		}
	}
	return band*4 + n
}

func code(n int) string { return fmt.Sprintf("G%02d", n+1) }

// outline walks around the blocks of grid n, counter-clockwise.
func (g *grids) outline(n int) []xy {
	next := map[lattice]lattice{}
	add := func(a, b lattice) { next[a] = b }
	for i := range columns - 1 {
		for j := range rows - 1 {
			if g.grid(i, j) != n {
				continue
			}
			for _, s := range g.borders(n, i, j) {
				add(s.a, s.b)
			}
		}
	}
	return g.walk(next)
}

// borders returns the sides of block (i, j) that another grid, or nobody,
// lies behind, counter-clockwise.
func (g *grids) borders(n, i, j int) []step {
	sw, se, ne, nw := lattice{i, j}, lattice{i + 1, j}, lattice{i + 1, j + 1}, lattice{i, j + 1}
	var out []step
	for _, side := range []struct {
		s    step
		i, j int
	}{{step{sw, se}, i, j - 1}, {step{se, ne}, i + 1, j}, {step{ne, nw}, i, j + 1}, {step{nw, sw}, i - 1, j}} {
		outside := side.i < 0 || side.j < 0 || side.i >= columns-1 || side.j >= rows-1
		if outside || g.grid(side.i, side.j) != n {
			out = append(out, side.s)
		}
	}
	return out
}

func (g *grids) walk(next map[lattice]lattice) []xy {
	start := lattice{columns, rows}
	for n := range next {
		if n.j < start.j || n.j == start.j && n.i < start.i {
			start = n
		}
	}
	ring := []xy{g.t.nodes[start.i][start.j]}
	for n := next[start]; n != start; n = next[n] {
		ring = append(ring, g.t.nodes[n.i][n.j])
	}
	return ring
}

func (g *grids) geoJSON() []byte {
	var out []feature
	for n, s := range gridNames {
		out = append(out, polygon(map[string]any{"class": regionClass(n), "code": code(n), "name_zh": s.zh + "网格", "name_en": s.en + " grid"}, g.outline(n)))
	}
	return collection(out)
}

// regionClass is the class of a grid's region, by which limits may differ: the middle
// of the street, with its market, is a class above the rest.
func regionClass(n int) string {
	if n >= 4 && n <= 6 {
		return "A"
	}
	return "B"
}
