package patrol

import (
	"errors"
	"fmt"
	"time"
)

// check reports everything that is wrong with the routes.
func check(routes []Route) error {
	var errs []error
	ids := map[string]bool{}
	for _, r := range routes {
		bad := func(want string, args ...any) {
			errs = append(errs, fmt.Errorf("route %q: %s", r.ID, fmt.Sprintf(want, args...)))
		}
		if r.ID == "" || ids[r.ID] {
			bad("want an id of its own")
		}
		ids[r.ID] = true
		from, errFrom := clock(r.From)
		until, errUntil := clock(r.Until)
		if errFrom != nil || errUntil != nil || from >= until {
			bad("window %q to %q: want two times of one day such as 08:00 and 11:30, at most 24:00", r.From, r.Until)
		}
		if len(r.Stops) == 0 {
			bad("want at least one stop")
		}
		points := map[string]bool{}
		for _, s := range r.Stops {
			if s.ID == "" || points[s.ID] || !s.Place.Valid() || s.Radius <= 0 {
				bad("stop %q: want an id of its own, a place and a radius", s.ID)
			}
			points[s.ID] = true
		}
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
