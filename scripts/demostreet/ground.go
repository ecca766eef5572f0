package main

import (
	"math"
	"math/rand/v2"
	"slices"
)

// ground is what a map shows under the roads: water, parks, houses.
type ground struct{ features []feature }

// parks are blocks without houses, by column, row and name.
var parks = map[lattice]name{
	{3, 4}: {"芦洲公园", "Reed Isle Park"}, {4, 4}: {}, {3, 5}: {}, {4, 5}: {},
	{13, 12}: {"云市广场", "Cloud Market Square"},
	{20, 16}: {"望岚公园", "Wanglan Park"}, {21, 16}: {}, {20, 17}: {}, {21, 17}: {}, {20, 18}: {},
	{9, 18}: {"桐坊园", "Paulownia Garden"}, {10, 18}: {},
}

// special are blocks with one large building and its name.
var special = map[lattice]name{
	{12, 10}: {"澄湾街道办事处", "Chengwan Sub-district Office"},
	{7, 15}:  {"栖云小学", "Qiyun Primary School"},
	{15, 4}:  {"汐岸中学", "Xi'an Bank Middle School"},
	{18, 13}: {"东帆社区卫生服务中心", "East Sail Community Health Centre"},
	{2, 12}:  {"西桥农贸市场", "West Bridge Market"},
	{22, 2}:  {"槐野产业园", "Huaiye Works"},
}

func newGround(t *terrain, r *roads) *ground {
	g := &ground{}
	g.river(t)
	d := dice(3)
	for i := range columns - 1 {
		for j := range rows - 1 {
			g.block(d, t.quad(i, j), lattice{i, j})
		}
	}
	slices.SortStableFunc(g.features, func(a, b feature) int { return layer(a) - layer(b) })
	return g
}

// layer orders what lies under what.
func layer(f feature) int {
	return slices.Index([]string{"water", "park", "square", "pond", "building"}, f.Properties["kind"].(string))
}

// river follows the winding middle more finely than the lattice does.
func (g *ground) river(t *terrain) {
	var south, north []xy
	from, to := t.nodes[0][riverRow].x-60, t.nodes[columns-1][riverRow].x+60
	for k := range 121 {
		x := lerp(from, to, float64(k)/120)
		half := riverWidth/2 + 4*math.Sin(float64(k)/6)
		south, north = append(south, xy{x, river(x) - half}), append(north, xy{x, river(x) + half})
	}
	slices.Reverse(north)
	g.features = append(g.features, polygon(props("water", name{"澄河", "Cheng River"}), append(south, north...)))
}

func props(kind string, n name) map[string]any {
	p := map[string]any{"kind": kind}
	if n.zh != "" {
		p["name"], p["name_en"] = n.zh, n.en
	}
	return p
}

func (g *ground) block(d *rand.Rand, q [4]xy, at lattice) {
	n, isPark := parks[at]
	s, isSpecial := special[at]
	switch {
	case wet(at.j):
	case isPark && at == (lattice{13, 12}):
		g.add("square", n, inset(q, 0.08, 0.92, 0.08, 0.92))
	case isPark:
		g.add("park", n, inset(q, 0.04, 0.96, 0.04, 0.96))
		if n.zh != "" {
			g.add("pond", name{}, pond(d, q))
		}
	case isSpecial:
		g.add("building", s, inset(q, 0.16, 0.6, 0.2, 0.84))
		g.add("building", name{}, inset(q, 0.66, 0.84, 0.2, 0.55))
	default:
		g.houses(d, q)
	}
}

func (g *ground) add(kind string, n name, ring []xy) {
	g.features = append(g.features, polygon(props(kind, n), ring))
}

func inset(q [4]xy, u0, u1, v0, v1 float64) []xy {
	return []xy{inBlock(q, u0, v0), inBlock(q, u1, v0), inBlock(q, u1, v1), inBlock(q, u0, v1)}
}

func pond(d *rand.Rand, q [4]xy) []xy {
	var ring []xy
	for k := range 12 {
		r := 0.2 + 0.06*d.Float64()
		ring = append(ring, inBlock(q, 0.5+r*cosine[k], 0.5+r*cosine[(k+9)%12]))
	}
	return ring
}

// cosine of the twelve hours.
var cosine = [12]float64{1, 0.866, 0.5, 0, -0.5, -0.866, -1, -0.866, -0.5, 0, 0.5, 0.866}

// houses fills a block with rows of houses, with a gap here and there.
func (g *ground) houses(d *rand.Rand, q [4]xy) {
	across, deep := 1+d.IntN(3), 2+d.IntN(2)
	for a := range across {
		for b := range deep {
			if d.Float64() < 0.16 {
				continue
			}
			const edge, gap = 0.13, 0.05
			w, h := (1-2*edge)/float64(across), (1-2*edge)/float64(deep)
			u, v := edge+w*float64(a), edge+h*float64(b)
			g.add("building", name{}, inset(q, u+gap/2, u+w-gap/2-0.1*w*d.Float64(), v+gap/2, v+h-gap-0.2*h*d.Float64()))
		}
	}
}

func (g *ground) geoJSON() []byte { return collection(g.features) }
