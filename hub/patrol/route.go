package patrol

import (
	"errors"
	"fmt"
	"time"

	"gridhub/configs"
)

// check reports everything that is wrong with the routes.
func check(routes []Route) error {
	var errs []error
	ids := map[string]bool{}
	for _, r := range routes {
		if err := r.Validate(); err != nil {
			errs = append(errs, fmt.Errorf("route %q: %w", r.ID, err))
		}
		if ids[r.ID] {
			errs = append(errs, fmt.Errorf("route %q: there are two of this id", r.ID))
		}
		ids[r.ID] = true
	}
	return errors.Join(errs...)
}

// Validate reports everything that is wrong with one route.
func (r Route) Validate() error {
	var errs []error
	want := func(ok bool, key string, value any, what string) {
		if !ok {
			errs = append(errs, configs.Fault(key, value, "%s", what))
		}
	}
	from, errFrom := clock(r.From)
	until, errUntil := clock(r.Until)
	want(r.ID != "", "id", r.ID, "an id")
	want(errFrom == nil, "from", r.From, "a time of day such as 08:00")
	want(errUntil == nil, "until", r.Until, "a time of day such as 11:30, at most 24:00")
	want(errFrom != nil || errUntil != nil || from < until, "until", r.Until, "a time of the same day after from")
	want(len(r.Stops) > 0, "stops", nil, "at least one stop")
	points := map[string]bool{}
	for i, s := range r.Stops {
		stop := fmt.Sprintf("stops[%d].", i)
		want(s.ID != "" && !points[s.ID], stop+"id", s.ID, "an id of its own")
		want(s.Place.Valid(), stop+"place", nil, "a place in WGS-84 degrees")
		want(s.Radius > 0, stop+"radius_m", s.Radius, "more than 0 m")
		points[s.ID] = true
	}
	return errors.Join(errs...)
}

// clock reads a time of day as the time since midnight.
func clock(s string) (time.Duration, error) {
	if s == "24:00" {
		return 24 * time.Hour, nil
	}
	t, err := time.Parse("15:04", s)
	if err != nil {
		return 0, err
	}
	return time.Duration(t.Hour())*time.Hour + time.Duration(t.Minute())*time.Minute, nil
}

// window is the route's time on the day of t, in t's zone. Both ends are read
// from the clock on the wall, whatever daylight saving does in between.
func (route Route) window(t time.Time) (from, until time.Time) {
	at := func(s string) time.Time {
		d, _ := clock(s) // checked by Open
		return time.Date(t.Year(), t.Month(), t.Day(), int(d.Hours()), int(d.Minutes())%60, 0, 0, t.Location())
	}
	return at(route.From), at(route.Until)
}
