package main

import "math/rand/v2"

// lattice is a node of the terrain by column and row.
type lattice struct{ i, j int }

// step is a piece of road between two neighbours, a before b.
type step struct{ a, b lattice }

// roads are the steps that exist, and the lines they make.
type roads struct {
	t     *terrain
	open  map[step]bool
	steps []step // all that could be, in a fixed order
	next  map[lattice][]lattice
}

// bridges are the columns that cross the river.
var bridges = map[int]bool{6: true, 17: true}

func newRoads(t *terrain) *roads {
	r := &roads{t: t, open: map[step]bool{}, next: map[lattice][]lattice{}}
	d := dice(2)
	for i := range columns {
		for j := range rows {
			r.propose(d, lattice{i, j}, lattice{i + 1, j})
			r.propose(d, lattice{i, j}, lattice{i, j + 1})
		}
	}
	r.connect()
	for _, s := range r.steps {
		if r.open[s] {
			r.next[s.a], r.next[s.b] = append(r.next[s.a], s.b), append(r.next[s.b], s.a)
		}
	}
	return r
}

// propose adds a step that the ground allows, open or not by its class.
func (r *roads) propose(d *rand.Rand, a, b lattice) {
	missing := d.Float64() < map[string]float64{"main": 0, "side": 0.08, "lane": 0.33, "path": 0.2}[class(a, b)]
	if b.i == columns || b.j == rows || (a.j == riverRow && b.j == riverRow) {
		return
	}
	if (a.j == riverRow || b.j == riverRow) && !bridges[a.i] {
		return
	}
	s := step{a, b}
	r.steps = append(r.steps, s)
	r.open[s] = !missing
}

// class says what kind of road runs along a step.
func class(a, b lattice) string {
	if a.i == b.i {
		return columnClass(a.i)
	}
	return rowClass(a.j)
}

func columnClass(i int) string {
	switch {
	case i == 0 || i == 6 || i == 11 || i == 17 || i == columns-1:
		return "main"
	case i%2 == 0 || bridges[i]:
		return "side"
	}
	return "lane"
}

func rowClass(j int) string {
	switch {
	case j == 0 || j == 3 || j == 12 || j == 17 || j == rows-1:
		return "main"
	case j == riverRow-1 || j == riverRow+1:
		return "path" // the promenades on the banks
	case j%2 == 0:
		return "side"
	}
	return "lane"
}

// stepName is the name of the line that a step belongs to.
func stepName(a, b lattice) name {
	switch {
	case a.i == b.i:
		return lineName(a.i, columnClass(a.i))
	case a.j == riverRow-1:
		return name{"澄河南岸步道", "Cheng River south path"}
	case a.j == riverRow+1:
		return name{"澄河北岸步道", "Cheng River north path"}
	}
	return lineName(columns+a.j, rowClass(a.j))
}

// connect opens closed steps until every node with a road reaches every other.
func (r *roads) connect() {
	parent := map[lattice]lattice{}
	var root func(n lattice) lattice
	root = func(n lattice) lattice {
		if p, ok := parent[n]; ok && p != n {
			parent[n] = root(p)
			return parent[n]
		}
		return n
	}
	for _, wantOpen := range []bool{true, false} {
		for _, s := range r.steps {
			a, b := root(s.a), root(s.b)
			if r.open[s] != wantOpen || a == b {
				continue
			}
			parent[a] = b
			r.open[s] = true
		}
	}
}

func (r *roads) place(n lattice) xy { return r.t.nodes[n.i][n.j] }

// namesAt returns the names of the roads that meet in a node, in a fixed order.
func (r *roads) namesAt(n lattice) []name {
	var out []name
	seen := map[name]bool{}
	for _, m := range r.next[n] {
		a, b := n, m
		if m.i < n.i || m.j < n.j {
			a, b = m, n
		}
		if s := stepName(a, b); !seen[s] {
			seen[s] = true
			out = append(out, s)
		}
	}
	return out
}

// geoJSON writes one LineString for each unbroken run of a line.
func (r *roads) geoJSON() []byte {
	var out []feature
	for j := range rows {
		out = append(out, r.runs(lattice{0, j}, lattice{1, 0}, columns)...)
	}
	for i := range columns {
		out = append(out, r.runs(lattice{i, 0}, lattice{0, 1}, rows)...)
	}
	return collection(out)
}

// runs follows a lattice line of n nodes and cuts it where steps are missing.
func (r *roads) runs(from, by lattice, n int) []feature {
	var out []feature
	var run []xy
	var props map[string]any
	end := func() {
		if len(run) > 1 {
			out = append(out, lineString(props, run))
		}
		run = nil
	}
	for k := range n - 1 {
		a := lattice{from.i + by.i*k, from.j + by.j*k}
		b := lattice{a.i + by.i, a.j + by.j}
		if !r.open[step{a, b}] {
			end()
			continue
		}
		if run == nil {
			run = []xy{r.place(a)}
		}
		n := stepName(a, b)
		props = map[string]any{"class": class(a, b), "name": n.zh, "name_en": n.en}
		run = append(run, r.place(b))
	}
	end()
	return out
}
