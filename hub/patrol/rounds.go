package patrol

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"gridhub/devices/telemetry"
	"gridhub/hub/evidence"
	"gridhub/hub/identity"
	"gridhub/hub/store"
	"gridhub/hub/tasks"
)

// Photos knows what was uploaded. Unknown hashes are evidence.ErrNotFound.
type Photos interface {
	Get(ctx context.Context, hash string) (evidence.Item, error)
}

// Rounds are the routes and what was walked of them. Safe for concurrent use.
type Rounds struct {
	db     *store.DB
	photos Photos
	routes []Route
	zone   *time.Location
	clock  func() time.Time
}

// Open prepares the tables and checks the routes, all of them at once. Days
// and windows count in zone.
func Open(ctx context.Context, db *store.DB, routes []Route, photos Photos, zone *time.Location, clock func() time.Time) (*Rounds, error) {
	if err := check(routes); err != nil {
		return nil, err
	}
	return &Rounds{db: db, photos: photos, routes: routes, zone: zone, clock: clock}, db.Migrate(ctx, "patrol", migrations...)
}

// Routes returns the routes in the order of their file; not to be changed.
func (r *Rounds) Routes() []Route { return r.routes }

// maxAhead is how far a terminal's clock may run ahead of ours.
const maxAhead = 5 * time.Minute

// CheckIn judges a visit and keeps it. A repeat with the same id returns what
// the first one gave. A visit that does not count is kept too, with the
// reasons. Errors: *tasks.RefusedError when route, point, time or place make
// no sense, or the id is another person's.
func (r *Rounds) CheckIn(ctx context.Context, who identity.PersonID, v Visit) (Visit, error) {
	if known, err := r.visit(ctx, v.ID); err != nil || known != nil {
		return repeated(known, who, err)
	}
	route, stop, err := r.find(v.Route, v.Point)
	if err != nil {
		return Visit{}, err
	}
	now := telemetry.At(r.clock())
	if who == "" || !v.Place.Valid() || v.At <= 0 || v.At.Sub(now) > maxAhead {
		return Visit{}, &tasks.RefusedError{Code: "invalid", Reason: "want a person, a place in WGS-84 degrees and a capture time that is not in the future"}
	}
	v.Person, v.Server = who, now
	facts, err := r.facts(ctx, v, route, stop)
	if err != nil {
		return Visit{}, err
	}
	v.judge(facts)
	if err := r.insert(ctx, v); err != nil {
		return Visit{}, fmt.Errorf("check-in %s: %w", v.ID, err)
	}
	known, err := r.visit(ctx, v.ID) // another request may have been first
	return repeated(known, who, err)
}

func repeated(v *Visit, who identity.PersonID, err error) (Visit, error) {
	if err != nil {
		return Visit{}, err
	}
	if v.Person != who {
		return Visit{}, &tasks.RefusedError{Code: "right", Reason: "this check-in belongs to somebody else"}
	}
	return *v, nil
}

func (r *Rounds) find(route, point string) (Route, Stop, error) {
	i := slices.IndexFunc(r.routes, func(x Route) bool { return x.ID == route })
	if i < 0 {
		return Route{}, Stop{}, &tasks.RefusedError{Code: "invalid", Reason: fmt.Sprintf("route %q: no such route", route)}
	}
	k := slices.IndexFunc(r.routes[i].Stops, func(x Stop) bool { return x.ID == point })
	if k < 0 {
		return Route{}, Stop{}, &tasks.RefusedError{Code: "invalid", Reason: fmt.Sprintf("point %q: not on route %s", point, route)}
	}
	return r.routes[i], r.routes[i].Stops[k], nil
}

// facts gathers what the judgement rests on.
func (r *Rounds) facts(ctx context.Context, v Visit, route Route, stop Stop) (facts, error) {
	f := facts{stop: stop}
	from, until := route.window(v.At.Time().In(r.zone))
	f.inWindow = !v.At.Time().Before(from) && v.At.Time().Before(until)
	item, err := r.photos.Get(ctx, v.Evidence)
	switch {
	case err == nil:
		f.photo = &item
	case !errors.Is(err, evidence.ErrNotFound):
		return facts{}, fmt.Errorf("check-in %s: %w", v.ID, err)
	}
	if f.used, err = r.used(ctx, v.Evidence); err != nil {
		return facts{}, fmt.Errorf("check-in %s: %w", v.ID, err)
	}
	if f.lookUsed, err = r.lookUsed(ctx, f.photo, v); err != nil {
		return facts{}, fmt.Errorf("check-in %s: %w", v.ID, err)
	}
	if f.before, err = r.before(ctx, v.Person, v.At); err != nil {
		return facts{}, fmt.Errorf("check-in %s: %w", v.ID, err)
	}
	return f, nil
}

// lookUsed compares a photo with those of the latest visits of the point.
func (r *Rounds) lookUsed(ctx context.Context, photo *evidence.Item, v Visit) (bool, error) {
	if photo == nil {
		return false, nil
	}
	hashes, err := r.photosAt(ctx, v.Route, v.Point, earlierLooks)
	if err != nil {
		return false, err
	}
	for _, h := range hashes {
		earlier, err := r.photos.Get(ctx, h)
		if errors.Is(err, evidence.ErrNotFound) || h == photo.Hash {
			continue
		}
		if err != nil {
			return false, err
		}
		if photo.Look.Differs(earlier.Look) <= sameLook {
			return true, nil
		}
	}
	return false, nil
}

// Progress tells of every route how far it is walked on a day, given as
// 2006-01-02 in the street's time zone.
func (r *Rounds) Progress(ctx context.Context, day string) ([]Progress, error) {
	start, err := time.ParseInLocation(time.DateOnly, day, r.zone)
	if err != nil {
		return nil, &tasks.RefusedError{Code: "invalid", Reason: fmt.Sprintf("day %q: want 2026-11-23", day)}
	}
	visits, err := r.between(ctx, telemetry.At(start), telemetry.At(start.AddDate(0, 0, 1)))
	if err != nil {
		return nil, err
	}
	out := make([]Progress, 0, len(r.routes))
	for _, route := range r.routes {
		out = append(out, route.progress(start, visits[route.ID], r.clock()))
	}
	return out, nil
}

// The states of a route on a day.
const (
	Ahead   = "ahead"   // nothing counts yet, and there is time
	Running = "running" // some points count, and there is time
	Done    = "done"    // every point counts
	Missed  = "missed"  // the window is over and points are missing
)

func (route Route) progress(day time.Time, visits []Visit, now time.Time) Progress {
	p := Progress{Route: route, Day: day.Format(time.DateOnly), Visits: visits, Total: len(route.Stops), State: Ahead}
	if p.Visits == nil {
		p.Visits = []Visit{}
	}
	for _, s := range route.Stops {
		if slices.ContainsFunc(visits, func(v Visit) bool { return v.Counts && v.Point == s.ID }) {
			p.Done++
		}
	}
	_, until := route.window(day)
	switch {
	case p.Done == p.Total:
		p.State = Done
	case !now.Before(until):
		p.State = Missed
	case p.Done > 0:
		p.State = Running
	}
	return p
}
