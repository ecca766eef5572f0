package main

import (
	"slices"
	"time"

	"gridhub/hub/geo"
	"gridhub/hub/patrol"
	"gridhub/hub/people"
)

// Paces in m/s.
const (
	stroll = geo.Foot
	hurry  = 3.2 // to a case, by e-bike through lanes
)

// round is a patrol that a worker walks again and again.
type round struct {
	route  patrol.Route
	next   int       // the stop to go to
	proven []bool    // stops that were checked in on this run
	rest   time.Time // stands at a stop until then
}

func newRound(r patrol.Route) *round {
	return &round{route: r, proven: make([]bool, len(r.Stops))}
}

// step is told the time and whether the worker has arrived. It returns the
// stop at which the worker stands for the first time, if so, and where to go,
// if anywhere.
func (r *round) step(w *walker, now time.Time) (at *patrol.Stop) {
	if !w.arrived() || now.Before(r.rest) {
		return nil
	}
	stop := &r.route.Stops[r.next]
	if geo.Distance(w.at, stop.Place) > 1 {
		w.goTo(stop.Place, stroll)
		return nil
	}
	r.rest = now.Add(time.Duration(40+w.rand.IntN(120)) * time.Second)
	if !r.proven[r.next] {
		r.proven[r.next] = true
		at = stop
	}
	r.next = (r.next + 1) % len(r.route.Stops)
	return at
}

// assign gives each worker a route of the own force and grids, if there is
// one, whose window is open now, and as few workers as possible on each.
func assign(staff []people.Staff, routes []patrol.Route, now time.Time) []patrol.Route {
	out := make([]patrol.Route, len(staff))
	taken := map[string]int{}
	for i, s := range staff {
		best := slices.MinFunc(routes, func(a, b patrol.Route) int {
			return unfit(s, a, now) - unfit(s, b, now) + 2*(taken[a.ID]-taken[b.ID])
		})
		taken[best.ID]++
		out[i] = best
	}
	return out
}

// unfit is how badly a route suits somebody: 0 is well.
func unfit(s people.Staff, r patrol.Route, now time.Time) int {
	n := 0
	if len(s.Grids) > 0 && !slices.Contains(s.Grids, r.Grid) {
		n += 20
	}
	if string(s.Force) != r.Force {
		n++
	}
	if clock := now.Format("15:04"); clock < r.From || clock >= r.Until {
		n += 6
	}
	return n
}
