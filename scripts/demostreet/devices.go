package main

import (
	"bytes"
	"fmt"
	"math/rand/v2"
)

// sensor is a model of sensor, how many the street has, and where such things
// are: in a block of houses, or on a road.
type sensor struct {
	prefix  string
	profile string
	n       int
	onRoad  bool
	near    []lattice // preferred places, used first
	titles  []string  // what the places are called, behind the name of the nearest road
	notes   []string
}

var sensors = []sensor{
	{prefix: "gas", profile: "gas-ch4@1", n: 14, near: []lattice{{2, 12}, {7, 15}, {22, 2}},
		titles: []string{"%d号楼地下室燃气", "%d号餐馆后厨燃气", "%d号燃气调压箱"}, notes: []string{"地下一层配电房旁", "后厨灶台上方", "调压箱内"}},
	{prefix: "water", profile: "water-level@1", n: 8, onRoad: true, near: []lattice{{6, 7}, {17, 7}, {6, 9}, {17, 9}, {11, 9}},
		titles: []string{"%d号桥头积水", "%d号下穿低洼处积水"}, notes: []string{"最低点雨水口旁", "桥头人行道"}},
	{prefix: "smoke", profile: "smoke@1", n: 10, near: []lattice{{18, 13}, {15, 4}},
		titles: []string{"%d号单元楼道烟感", "%d号沿街商铺烟感"}, notes: []string{"三楼楼梯间", "店内吊顶"}},
	{prefix: "noise", profile: "noise@1", n: 6, onRoad: true, near: []lattice{{13, 12}, {14, 13}, {11, 12}},
		titles: []string{"%d号灯杆噪声"}, notes: []string{"灯杆四米处"}},
	{prefix: "dust", profile: "dust@1", n: 5, near: []lattice{{22, 2}, {20, 11}, {3, 17}},
		titles: []string{"%d号工地扬尘"}, notes: []string{"工地大门围挡上"}},
	{prefix: "manhole", profile: "manhole@1", n: 9, onRoad: true,
		titles: []string{"%d号井盖"}, notes: []string{"非机动车道", "人行道"}},
	{prefix: "climate", profile: "temperature-humidity@1", n: 4,
		titles: []string{"%d号配电房温湿度"}, notes: []string{"低压柜内"}},
	{prefix: "meter", profile: "electricity-meter@1", n: 6, onRoad: true,
		titles: []string{"%d号路灯控制箱电表"}, notes: []string{"控制箱内"}},
	{prefix: "siren", profile: "relay-waveshare-8@2", n: 2, onRoad: true, near: []lattice{{13, 12}, {17, 7}},
		titles: []string{"%d号灯杆声光报警器"}, notes: []string{"第 1 路警笛、第 2 路警灯"}},
}

// lines are the simulated lines, one for each quarter of the street.
const lines = 4

func devicesFile(t *terrain, r *roads, g *grids) file {
	var b bytes.Buffer
	b.WriteString(`# The sensors of the demo street, behind the gateway gw-demo. They do not exist:
# their lines invent readings, with a hazard now and then. Made by
# scripts/demostreet; for real ones see configs/devices.
lines:
`)
	for k := range lines {
		fmt.Fprintf(&b, "  - {name: quarter-%d, kind: simulated, seed: %d, hazard_every: 15m}\n", k+1, k+1)
	}
	b.WriteString("\ndevices:\n")
	d := dice(5)
	for _, s := range sensors {
		for k := range s.n {
			at, p := s.place(d, t, r, k)
			road := r.namesAt(r.nearest(at))[0]
			title := fmt.Sprintf(s.titles[k%len(s.titles)], 2+d.IntN(60))
			q := p.point()
			fmt.Fprintf(&b, "  - {id: %s-%03d, name: %s%s, profile: %s, line: quarter-%d, place: {grid: %s, lon: %.6f, lat: %.6f, note: %s}}\n",
				s.prefix, k+1, road.zh, title, s.profile, quarter(p), code(g.grid(at.i, at.j)), q.Lon, q.Lat, s.notes[k%len(s.notes)])
		}
	}
	return file{"devices.yaml", b.Bytes()}
}

// place finds a block for sensor k, and a place in it: among the houses, or
// just inside the block's corner on a road.
func (s sensor) place(d *rand.Rand, t *terrain, r *roads, k int) (lattice, xy) {
	at := lattice{d.IntN(columns - 1), d.IntN(rows - 1)}
	if k < len(s.near) {
		at = s.near[k]
	}
	for wet(at.j) && k >= len(s.near) || at.j == riverRow || len(r.next[at]) == 0 {
		at = lattice{d.IntN(columns - 1), d.IntN(rows - 1)}
	}
	q := t.quad(at.i, at.j)
	if s.onRoad {
		return at, inBlock(q, 0.04, 0.04)
	}
	return at, inBlock(q, 0.25+0.5*d.Float64(), 0.25+0.5*d.Float64())
}

// nearest is the corner of a block at which roads meet.
func (r *roads) nearest(at lattice) lattice {
	for _, n := range []lattice{at, {at.i + 1, at.j}, {at.i, at.j + 1}, {at.i + 1, at.j + 1}} {
		if len(r.next[n]) > 0 {
			return n
		}
	}
	return at
}

// quarter is the line of a place: south-west, south-east, north-west, north-east.
func quarter(p xy) int {
	n := 1
	if p.x > 0 {
		n++
	}
	if p.y > river(p.x) {
		n += 2
	}
	return n
}
