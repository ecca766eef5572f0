package main

import (
	"bytes"
	"fmt"
	"math/rand/v2"
)

// routeCount is the number of standard patrol routes of the street.
const routeCount = 67

// windows are the times of day in which a route is walked; the first route of
// each grid may be walked at any hour.
var windows = []struct {
	from, until string
	force       string
	name        name
}{
	{"00:00", "24:00", "grid", name{"全日巡", "day round"}},
	{"07:30", "11:30", "grid", name{"早巡", "morning round"}},
	{"13:30", "17:30", "grid", name{"午巡", "afternoon round"}},
	{"18:30", "22:00", "patrol", name{"夜巡", "evening round"}},
	{"08:00", "18:00", "grid", name{"消防巡", "fire safety round"}},
	{"09:00", "17:00", "community", name{"走访", "visits round"}},
}

// looks are what a stop asks the patrol to look at.
var looks = []name{
	{"查看消防通道是否畅通", "Is the fire lane clear?"},
	{"查看井盖与路面", "Manhole covers and pavement"},
	{"查看燃气与用电隐患", "Gas and electrical hazards"},
	{"查看占道经营与垃圾", "Street trade and litter"},
	{"查看河道水位与护栏", "River level and railings"},
	{"查看电动车停放充电", "E-bike parking and charging"},
	{"走访独居老人", "Call on people who live alone"},
	{"查看工地扬尘与噪声", "Dust and noise of building sites"},
}

func routesFile(r *roads, g *grids) file {
	d := dice(4)
	var b bytes.Buffer
	b.WriteString("# The standard patrol routes. A stop counts with a photo taken within radius_m.\nroutes:\n")
	for n := range routeCount {
		writeRoute(&b, n, d, r, g)
	}
	return file{"routes.yaml", b.Bytes()}
}

func writeRoute(b *bytes.Buffer, n int, d *rand.Rand, r *roads, g *grids) {
	grid := n % len(gridNames)
	w := windows[n/len(gridNames)]
	fmt.Fprintf(b, "  - id: r-%02d\n    name: {zh: %s%s, en: %s %s}\n    grid: %s\n    force: %s\n    from: \"%s\"\n    until: \"%s\"\n    stops:\n",
		n+1, gridNames[grid].zh, w.name.zh, gridNames[grid].en, w.name.en, code(grid), w.force, w.from, w.until)
	for k, at := range stops(d, r, g, grid, 5+d.IntN(5)) {
		p, c, look := r.place(at).point(), crossing(r.namesAt(at)), looks[(n+k*3)%len(looks)]
		fmt.Fprintf(b, "      - {id: s-%02d-%d, name: {zh: %s, en: %s}, place: {lon: %.6f, lat: %.6f}, radius_m: 30, task: {zh: %s, en: \"%s\"}}\n",
			n+1, k+1, c.zh, c.en, p.Lon, p.Lat, look.zh, look.en)
	}
}

// stops wanders through a grid along open roads and stops every 150 m or so.
func stops(d *rand.Rand, r *roads, g *grids, grid, want int) []lattice {
	way := wander(d, r, g, grid)
	for len(way) < 3*want { // a pocket that the grid's own roads do not leave
		way = wander(d, r, g, grid)
	}
	for apart := 170.0; ; apart -= 20 {
		out := []lattice{way[0]}
		for _, n := range way[1:] {
			if len(out) < want && r.place(n).minus(r.place(out[len(out)-1])).length() >= apart && !seen(out, n) {
				out = append(out, n)
			}
		}
		if len(out) == want || apart < 20 {
			return out
		}
	}
}

func seen(list []lattice, n lattice) bool {
	for _, m := range list {
		if m == n {
			return true
		}
	}
	return false
}

// wander visits all nodes of a grid that roads inside it reach, depth first,
// from a random one.
func wander(d *rand.Rand, r *roads, g *grids, grid int) []lattice {
	var all []lattice
	for i := range columns - 1 {
		for j := range rows - 1 {
			n := lattice{i, j}
			if g.grid(i, j) == grid && j != riverRow && len(r.next[n]) > 1 {
				all = append(all, n)
			}
		}
	}
	start := all[d.IntN(len(all))]
	visited := map[lattice]bool{start: true}
	way := []lattice{}
	var visit func(n lattice)
	visit = func(n lattice) {
		way = append(way, n)
		next := r.next[n]
		for _, k := range d.Perm(len(next)) {
			m := next[k]
			if !visited[m] && m.j != riverRow && m.i < columns-1 && m.j < rows-1 && g.grid(m.i, m.j) == grid {
				visited[m] = true
				visit(m)
			}
		}
	}
	visit(start)
	return way
}
