package patrol

import (
	"context"
	"errors"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"gridhub/devices/telemetry"
	"gridhub/hub/evidence"
	"gridhub/hub/geo"
	"gridhub/hub/store/storetest"
	"gridhub/hub/tasks"
)

var (
	zone  = time.FixedZone("CST", 8*3600)
	ten   = time.Date(2026, 11, 23, 10, 0, 0, 0, zone)
	gate  = geo.Point{Lon: 120.16, Lat: 30.275}
	photo = strings.Repeat("a", 64)
)

// north is a place so many metres from the gate.
func north(metres float64) geo.Point {
	return geo.Point{Lon: gate.Lon, Lat: gate.Lat + metres/111195}
}

func routes() []Route {
	return []Route{
		{ID: "r-1", From: "08:00", Until: "11:30", Stops: []Stop{{ID: "a", Place: gate, Radius: 30}, {ID: "b", Place: north(300), Radius: 30}}},
		{ID: "r-2", From: "13:00", Until: "24:00", Stops: []Stop{{ID: "a", Place: gate, Radius: 30}}},
	}
}

type album map[string]evidence.Item

func (a album) Get(_ context.Context, hash string) (evidence.Item, error) {
	i, ok := a[hash]
	if !ok {
		return i, evidence.ErrNotFound
	}
	return i, nil
}

type round struct {
	*Rounds
	t     *testing.T
	now   time.Time
	album album
}

func open(t *testing.T) *round {
	t.Helper()
	r := &round{t: t, now: ten.Add(time.Minute), album: album{}}
	var err error
	r.Rounds, err = Open(t.Context(), storetest.Open(t), routes(), r.album, zone, func() time.Time { return r.now })
	if err != nil {
		t.Fatal(err)
	}
	r.take(photo, nil)
	return r
}

// take uploads a photo by p-017 at ten, at the gate.
func (r *round) take(hash string, change func(*evidence.Item)) {
	place := gate
	i := evidence.Item{Hash: hash, Meta: evidence.Meta{Kind: "patrol", By: "p-017", At: telemetry.At(ten), Place: &place, Accuracy: 8}}
	if change != nil {
		change(&i)
	}
	r.album[hash] = i
}

func visit(change func(*Visit)) Visit {
	v := Visit{ID: "visit-0001", Route: "r-1", Point: "a", At: telemetry.At(ten), Place: gate, Accuracy: 8, Evidence: photo}
	if change != nil {
		change(&v)
	}
	return v
}

func TestAVisitIsJudged(t *testing.T) {
	tests := []struct {
		name   string
		item   func(*evidence.Item)
		visit  func(*Visit)
		counts bool
		why    string
		low    int // grade, from and up to
		high   int
	}{
		{"at the point with a photo", nil, nil, true, Inside, 95, 100},
		{"at the edge", nil, func(v *Visit) { v.Place = north(36) }, true, AtTheEdge, 50, 75},
		{"just beyond the allowance", nil, func(v *Visit) { v.Place = north(39) }, false, TooFar, 45, 60},
		{"far away", nil, func(v *Visit) { v.Place = north(500) }, false, TooFar, 0, 35},
		{"a vague fix is allowed 30 m, not more", nil, func(v *Visit) { v.Place, v.Accuracy = north(61), 500 }, false, TooFar, 0, 60},
		{"a vague fix at the point", nil, func(v *Visit) { v.Accuracy = 100 }, true, Inaccurate, 55, 75},
		{"accuracy not told", nil, func(v *Visit) { v.Accuracy = 0 }, true, Inaccurate, 80, 95},
		{"no photo", nil, func(v *Visit) { v.Evidence = strings.Repeat("b", 64) }, false, NoPhoto, 65, 75},
		{"somebody else's photo", func(i *evidence.Item) { i.By = "p-018" }, nil, false, NotOwnPhoto, 65, 75},
		{"yesterday's photo", func(i *evidence.Item) { i.At = i.At.Add(-24 * time.Hour) }, nil, false, OtherTime, 65, 75},
		{"a photo without a place", func(i *evidence.Item) { i.Place = nil }, nil, true, PhotoUnplaced, 85, 92},
		{"a photo from home", func(i *evidence.Item) { p := north(2000); i.Place = &p }, nil, true, PhotoElsewhere, 75, 82},
		{"after the window", nil, func(v *Visit) { v.Route = "r-2" }, false, OutOfWindow, 95, 100},
		{"a clock a bit ahead", func(i *evidence.Item) { i.At = i.At.Add(3 * time.Minute) }, func(v *Visit) { v.At = v.At.Add(3 * time.Minute) }, true, ClockOff, 90, 95},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := open(t)
			r.take(photo, tt.item)
			v, err := r.CheckIn(t.Context(), "p-017", visit(tt.visit))
			if err != nil {
				t.Fatal(err)
			}
			if v.Counts != tt.counts || !slices.Contains(v.Why, tt.why) || v.Grade < tt.low || v.Grade > tt.high {
				t.Errorf("counts %v, grade %d, why %v; want %v, %d to %d, with %s", v.Counts, v.Grade, v.Why, tt.counts, tt.low, tt.high, tt.why)
			}
		})
	}
}

func TestARepeatIsTheSameVisit(t *testing.T) {
	r := open(t)
	first, err := r.CheckIn(t.Context(), "p-017", visit(nil))
	if err != nil {
		t.Fatal(err)
	}
	r.now = r.now.Add(time.Hour)
	var wg sync.WaitGroup
	for range 6 {
		wg.Go(func() {
			again, err := r.CheckIn(t.Context(), "p-017", visit(func(v *Visit) { v.Place = north(900) }))
			if err != nil || !reflect.DeepEqual(again, first) {
				t.Errorf("again: %+v, %v; want %+v", again, err, first)
			}
		})
	}
	wg.Wait()
	var refused *tasks.RefusedError
	if _, err := r.CheckIn(t.Context(), "p-018", visit(nil)); !errors.As(err, &refused) || refused.Code != "right" {
		t.Errorf("somebody else's id: %v", err)
	}
}

func TestOnePhotoProvesOneVisit(t *testing.T) {
	r := open(t)
	if _, err := r.CheckIn(t.Context(), "p-017", visit(nil)); err != nil {
		t.Fatal(err)
	}
	v, err := r.CheckIn(t.Context(), "p-017", visit(func(v *Visit) { v.ID, v.At = "visit-0002", v.At.Add(time.Minute) }))
	if err != nil || v.Counts || !slices.Contains(v.Why, UsedPhoto) {
		t.Errorf("%+v, %v; want it not to count", v, err)
	}
}

func TestAPhotoSavedAgainIsFlaggedNotFailed(t *testing.T) {
	r := open(t)
	for i, tt := range []struct {
		look    evidence.Look
		flagged bool
	}{{0xf0f0_1234_5678_9abc, false}, {0xf0f0_1234_5678_9abf, true}, {0x0f0f_4321_5678_9abf, false}} {
		hash := strings.Repeat(string(rune('1'+i)), 64)
		at := telemetry.At(ten.Add(time.Duration(i) * time.Minute))
		r.now = ten.Add(time.Hour)
		r.take(hash, func(x *evidence.Item) { x.Look, x.At = tt.look, at })
		v, err := r.CheckIn(t.Context(), "p-017", visit(func(v *Visit) { v.ID, v.At, v.Evidence = "visit-200"+hash[:1], at, hash }))
		if err != nil || !v.Counts || slices.Contains(v.Why, LooksUsed) != tt.flagged {
			t.Errorf("photo %d: counts %v, why %v, %v; want it flagged: %v", i, v.Counts, v.Why, err, tt.flagged)
		}
	}
}

func TestNobodyFlies(t *testing.T) {
	r := open(t)
	if _, err := r.CheckIn(t.Context(), "p-017", visit(nil)); err != nil {
		t.Fatal(err)
	}
	other := strings.Repeat("c", 64)
	for i, tt := range []struct {
		after time.Duration
		why   string
	}{{20 * time.Second, TooFast}, {4 * time.Minute, ContinuousVisit}} {
		at := telemetry.At(ten.Add(tt.after))
		r.take(other, func(i *evidence.Item) { p := north(300); i.Place, i.At = &p, at })
		v, err := r.CheckIn(t.Context(), "p-017", visit(func(v *Visit) {
			v.ID, v.Point, v.Place, v.At, v.Evidence = "visit-100"+string(rune('0'+i)), "b", north(300), at, other
		}))
		if err != nil || !slices.Contains(v.Why, tt.why) {
			t.Errorf("after %v: %v, %v; want %s", tt.after, v.Why, err, tt.why)
		}
		if tt.why == TooFast && v.Grade > 90 {
			t.Errorf("grade %d for a flight", v.Grade)
		}
	}
}

func TestWhatIsRefused(t *testing.T) {
	r := open(t)
	for name, change := range map[string]func(*Visit){
		"no such route": func(v *Visit) { v.Route = "r-9" },
		"no such point": func(v *Visit) { v.Point = "z" },
		"no place":      func(v *Visit) { v.Place = geo.Point{} },
		"no time":       func(v *Visit) { v.At = 0 },
		"the future":    func(v *Visit) { v.At = v.At.Add(time.Hour) },
	} {
		var refused *tasks.RefusedError
		if _, err := r.CheckIn(t.Context(), "p-017", visit(change)); !errors.As(err, &refused) || refused.Code != "invalid" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestProgressOfADay(t *testing.T) {
	r := open(t)
	at := func(hour, minute int) { r.now = time.Date(2026, 11, 23, hour, minute, 0, 0, zone) }
	expect := func(when, state string, done int) {
		t.Helper()
		p, err := r.Progress(t.Context(), "2026-11-23")
		if err != nil {
			t.Fatal(err)
		}
		if len(p) != 2 || p[0].State != state || p[0].Done != done || p[0].Total != 2 || p[0].Day != "2026-11-23" {
			t.Errorf("%s: %d routes, %s %d/%d on %s; want %s %d/2", when, len(p), p[0].State, p[0].Done, p[0].Total, p[0].Day, state, done)
		}
	}
	at(7, 0)
	expect("before the window", Ahead, 0)
	at(10, 1)
	expect("nobody has begun", Ahead, 0)
	check := func(id, point string, place geo.Point, minute int) {
		hash := strings.Repeat(id[len(id)-1:], 64)
		when := telemetry.At(time.Date(2026, 11, 23, 10, minute, 0, 0, zone))
		r.take(hash, func(i *evidence.Item) { i.At, i.Place = when, &place })
		v, err := r.CheckIn(t.Context(), "p-017", Visit{ID: id, Route: "r-1", Point: point, At: when, Place: place, Accuracy: 8, Evidence: hash})
		if err != nil {
			t.Fatalf("%+v, %v", v, err)
		}
	}
	check("visit-0001", "a", gate, 1)
	check("visit-0002", "a", gate, 2)
	at(10, 10)
	expect("one point, twice", Running, 1)
	check("visit-0003", "b", north(900), 9)
	expect("a visit that does not count", Running, 1)
	at(11, 30)
	expect("the window is over", Missed, 1)
	at(11, 29)
	check("visit-0004", "b", north(300), 20)
	expect("all points", Done, 2)
	at(12, 0)
	expect("all points, later", Done, 2)
	if p, err := r.Progress(t.Context(), "2026-11-24"); err != nil || p[0].Done != 0 || p[0].Visits == nil {
		t.Errorf("the next day: %+v, %v", p[0], err)
	}
	if _, err := r.Progress(t.Context(), "today"); err == nil {
		t.Error("a day called today")
	}
}

func TestTheDayBeginsWhereTheStreetIs(t *testing.T) {
	r := open(t)
	r.now = time.Date(2026, 11, 23, 23, 59, 0, 0, zone)
	when := telemetry.At(time.Date(2026, 11, 23, 23, 58, 0, 0, zone)) // 15:58 UTC
	r.take(photo, func(i *evidence.Item) { i.At = when })
	v, err := r.CheckIn(t.Context(), "p-017", visit(func(v *Visit) { v.Route, v.At = "r-2", when }))
	if err != nil || !v.Counts {
		t.Fatalf("%+v, %v", v, err)
	}
	for day, want := range map[string]int{"2026-11-22": 0, "2026-11-23": 1, "2026-11-24": 0} {
		if p, err := r.Progress(t.Context(), day); err != nil || p[1].Done != want {
			t.Errorf("%s: %d done, %v; want %d", day, p[1].Done, err, want)
		}
	}
}

func TestRoutesAreChecked(t *testing.T) {
	for name, change := range map[string]func(*Route){
		"an id twice":       func(r *Route) { r.ID = "r-2" },
		"no window":         func(r *Route) { r.From = "" },
		"a window reversed": func(r *Route) { r.From = "12:00" },
		"past midnight":     func(r *Route) { r.Until = "25:00" },
		"no stops":          func(r *Route) { r.Stops = nil },
		"a stop twice":      func(r *Route) { r.Stops[1].ID = "a" },
		"a stop nowhere":    func(r *Route) { r.Stops[0].Place = geo.Point{} },
		"no radius":         func(r *Route) { r.Stops[0].Radius = 0 },
	} {
		list := routes()
		change(&list[0])
		if err := check(list); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	if err := check(routes()); err != nil {
		t.Error(err)
	}
}
