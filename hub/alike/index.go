package alike

import (
	"cmp"
	"math"
	"slices"

	"gridhub/devices/telemetry"
	"gridhub/hub/geo"
	"gridhub/hub/identity"
)

// Index finds entries by place and time. It is not safe for concurrent use.
type Index struct {
	cfg   Config
	cells map[cell][]*Entry
	of    map[identity.CaseID]*Entry

	shrink float64 // of a degree of longitude, set by the first entry
}

// cell is a square of the ground as wide as what counts as near, for as long as
// what counts as the same time: an entry's likes lie in its own cell and in
// those that touch it.
type cell struct{ x, y, t int64 }

// NewIndex returns an empty index.
func NewIndex(c Config) *Index {
	return &Index{cfg: c, cells: map[cell][]*Entry{}, of: map[identity.CaseID]*Entry{}}
}

// metresPerDegree is the length of a degree of latitude.
const metresPerDegree = float64(geo.EarthRadius) * math.Pi / 180

// cellOf lays the squares out in degrees. A degree of longitude is taken at the
// street of the first entry, up to two degrees nearer to the pole, where it is
// shorter: so a square is nowhere narrower than it should be.
func (x *Index) cellOf(p geo.Point, at telemetry.Millis) cell {
	if x.shrink == 0 {
		x.shrink = math.Cos(math.Min(89, math.Ceil(math.Abs(p.Lat))+1) * math.Pi / 180)
	}
	side := float64(x.cfg.Near) / metresPerDegree
	return cell{int64(math.Floor(p.Lon / (side / x.shrink))), int64(math.Floor(p.Lat / side)), int64(at / x.cfg.Apart)}
}

// Put adds an entry or replaces the one of the same case.
func (x *Index) Put(e Entry) {
	x.Drop(e.Case)
	k := x.cellOf(e.Place, e.At)
	x.of[e.Case] = &e
	x.cells[k] = append(x.cells[k], &e)
}

// Mark says whether a case is open; false when it is not in the index.
func (x *Index) Mark(id identity.CaseID, open bool) bool {
	e, known := x.of[id]
	if known {
		e.Open = open
	}
	return known
}

// Drop forgets a case.
func (x *Index) Drop(id identity.CaseID) {
	e, ok := x.of[id]
	if !ok {
		return
	}
	k := x.cellOf(e.Place, e.At)
	delete(x.of, id)
	x.cells[k] = slices.DeleteFunc(x.cells[k], func(o *Entry) bool { return o == e })
	if len(x.cells[k]) == 0 {
		delete(x.cells, k)
	}
}

// Forget drops what is older than before.
func (x *Index) Forget(before telemetry.Millis) {
	for id, e := range x.of {
		if e.At < before {
			x.Drop(id)
		}
	}
}

// Len is the number of entries.
func (x *Index) Len() int { return len(x.of) }

// Get returns the entry of a case.
func (x *Index) Get(id identity.CaseID) (Entry, bool) {
	e, ok := x.of[id]
	if !ok {
		return Entry{}, false
	}
	return *e, true
}

// Find returns what is alike e, best first. Neighbouring cells are looked at in
// all three directions; only the best so far are kept.
func (x *Index) Find(e Entry) []Match {
	out := []Match{}
	mid, least := x.cellOf(e.Place, e.At), x.cfg.Least
	for n := range int64(27) {
		k := cell{mid.x + n%3 - 1, mid.y + n/3%3 - 1, mid.t + n/9 - 1}
		for _, o := range x.cells[k] {
			m, ok := x.cfg.compare(&e, o, least)
			if !ok {
				continue
			}
			at, _ := slices.BinarySearchFunc(out, m, better)
			out = slices.Insert(out, at, m)
			if len(out) > x.cfg.Most {
				out = out[:x.cfg.Most]
			}
			if len(out) == x.cfg.Most {
				least = out[len(out)-1].Score
			}
		}
	}
	for i := range out {
		out[i].Reasons = reasons(&out[i], x.of[out[i].Case].Matter == e.Matter)
	}
	return out
}

// better puts the higher score first, and equal ones in the order of their ids.
func better(a, b Match) int {
	return cmp.Or(cmp.Compare(b.Score, a.Score), cmp.Compare(a.Case, b.Case))
}
