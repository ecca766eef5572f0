package geo

import (
	"math"
	"slices"
	"time"
)

// Speeds in metres per second.
const (
	Foot  = 1.3
	EBike = 5.0
)

// OffRoad is the factor by which the way between a road and a place beside it
// is longer than the straight line: around a fence, through a gate.
const OffRoad = 1.4

// Sweep holds the shortest ways from one place to everywhere: one Dijkstra run
// that answers for all candidates. It never changes; ask it concurrently.
type Sweep struct {
	graph *Graph
	from  Point
	root  Snapped
	speed float64
	cost  []float64 // metres along roads from the root, by node; +Inf = not reachable
	via   []int32   // the edge by which a node was reached; -1 = from the root's edge
}

// Way is how far it is to a place on roads, and how long it takes.
type Way struct {
	Distance Metres
	ETA      time.Duration
}

// Sweep computes the ways from a place at a speed in m/s. It is false when no
// road is near the place or the speed is not positive.
func (g *Graph) Sweep(from Point, speed float64) (*Sweep, bool) {
	root, ok := g.Snap(from)
	if !ok || !(speed > 0) {
		return nil, false
	}
	s := &Sweep{graph: g, from: from, root: root, speed: speed, cost: make([]float64, len(g.nodes)), via: make([]int32, len(g.nodes))}
	for i := range s.cost {
		s.cost[i], s.via[i] = math.Inf(1), -1
	}
	s.run()
	return s, true
}

func (s *Sweep) run() {
	e := s.graph.edges[s.root.edge]
	var open queue
	s.cost[e.a], s.cost[e.b] = s.root.part*e.length, (1-s.root.part)*e.length
	open.push(e.a, s.cost[e.a])
	open.push(e.b, s.cost[e.b])
	for len(open) > 0 {
		n, cost := open.pop()
		if cost > s.cost[n] {
			continue // a shorter way was found meanwhile
		}
		for _, i := range s.graph.nodes[n].edges {
			next := s.graph.edges[i]
			to, c := next.other(n), cost+next.length
			if c < s.cost[to] {
				s.cost[to], s.via[to] = c, i
				open.push(to, c)
			}
		}
	}
}

// To returns the way to p; false when no road leads there.
func (s *Sweep) To(p Point) (Way, bool) {
	to, ok := s.graph.Snap(p)
	if !ok {
		return Way{}, false
	}
	along, _ := s.along(to)
	if math.IsInf(along, 1) {
		return Way{}, false
	}
	d := along + OffRoad*float64(s.root.Off+to.Off)
	return Way{Distance: Metres(d), ETA: time.Duration(d / s.speed * float64(time.Second))}, true
}

// along returns the length on roads to a snapped place and the node over which
// it is reached; -1 when it lies on the root's own edge.
func (s *Sweep) along(to Snapped) (float64, int32) {
	e := s.graph.edges[to.edge]
	best, last := s.cost[e.a]+to.part*e.length, e.a
	if c := s.cost[e.b] + (1-to.part)*e.length; c < best {
		best, last = c, e.b
	}
	if to.edge == s.root.edge {
		if c := math.Abs(to.part-s.root.part) * e.length; c <= best {
			return c, -1
		}
	}
	return best, last
}

// Path returns the shortest way from a to b as a line that begins at a and
// ends at b, and its length with the off-road ends; false when there is none.
func (g *Graph) Path(a, b Point) ([]Point, Metres, bool) {
	s, ok := g.Sweep(a, Foot)
	if !ok {
		return nil, 0, false
	}
	return s.Path(b)
}

// Path returns the way from the sweep's root to b; see Graph.Path.
func (s *Sweep) Path(b Point) ([]Point, Metres, bool) {
	to, ok := s.graph.Snap(b)
	if !ok {
		return nil, 0, false
	}
	along, n := s.along(to)
	if math.IsInf(along, 1) {
		return nil, 0, false
	}
	line := []Point{b, to.Point}
	for n >= 0 {
		line = append(line, s.graph.nodes[n].at)
		if s.via[n] < 0 {
			break
		}
		n = s.graph.edges[s.via[n]].other(n)
	}
	line = append(line, s.root.Point, s.from)
	slices.Reverse(line)
	return slices.Compact(line), Metres(along + OffRoad*float64(s.root.Off+to.Off)), true
}

// queue is a binary heap of nodes, the nearest first; equal costs come in the
// order of their numbers, so that a run is the same on every machine.
type queue []queued

type queued struct {
	node int32
	cost float64
}

func (q queue) before(i, j int) bool {
	return q[i].cost < q[j].cost || q[i].cost == q[j].cost && q[i].node < q[j].node
}

func (q *queue) push(n int32, cost float64) {
	*q = append(*q, queued{n, cost})
	h := *q
	for i := len(h) - 1; i > 0 && h.before(i, (i-1)/2); i = (i - 1) / 2 {
		h[i], h[(i-1)/2] = h[(i-1)/2], h[i]
	}
}

func (q *queue) pop() (int32, float64) {
	h := *q
	top := h[0]
	h[0] = h[len(h)-1]
	h = h[:len(h)-1]
	for i := 0; ; {
		c := 2*i + 1
		if c+1 < len(h) && h.before(c+1, c) {
			c++
		}
		if c >= len(h) || !h.before(c, i) {
			break
		}
		h[i], h[c] = h[c], h[i]
		i = c
	}
	*q = h
	return top.node, top.cost
}
