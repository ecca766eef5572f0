package main

import (
	"bytes"
	"image/jpeg"
	"math"
	"slices"
	"testing"
	"time"

	"gridhub/devices/telemetry"
	"gridhub/hub/geo"
	"gridhub/hub/patrol"
	"gridhub/hub/people"
	"gridhub/hub/tasks"
)

func demo(t *testing.T) *street {
	t.Helper()
	s, err := load("../../configs/demo")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

var start = time.Date(2026, 11, 23, 2, 0, 0, 0, time.UTC)

// walk plays a round for a while and returns what the receiver told and the
// stops that were reached.
func walk(s *street, seed uint64, route patrol.Route, beat, lasts time.Duration) (fixes []geo.Fix, stops []string, w *walker) {
	w = newWalker(s.roads, seed, route.Stops[0].Place)
	r := newRound(route)
	for now := start; now.Before(start.Add(lasts)); now = now.Add(beat) {
		w.advance(beat)
		p, accuracy, speed := w.fix()
		fixes = append(fixes, geo.Fix{Point: p, At: telemetry.At(now), Accuracy: accuracy, Speed: speed})
		if stop := r.step(w, now); stop != nil {
			stops = append(stops, stop.ID)
		}
	}
	return fixes, stops, w
}

func TestARoundVisitsEveryStopOnce(t *testing.T) {
	s := demo(t)
	for i, route := range s.routes {
		_, stops, _ := walk(s, uint64(i), route, 6*time.Second, 3*time.Hour)
		if len(stops) != len(route.Stops) {
			t.Errorf("%s: %d of %d stops in three hours", route.ID, len(stops), len(route.Stops))
			continue
		}
		for k, id := range stops {
			if id != route.Stops[k].ID {
				t.Errorf("%s: stop %d is %s, want %s", route.ID, k, id, route.Stops[k].ID)
			}
		}
	}
}

func TestWalkersStayOnRoadsAtAWalkersPace(t *testing.T) {
	s := demo(t)
	fixes, _, w := walk(s, 3, s.routes[5], 6*time.Second, time.Hour)
	far, fast := 0, 0
	for i, f := range fixes {
		if at, ok := s.roads.Snap(f.Point); !ok || at.Off > 5*noise {
			far++
		}
		if i > 0 && float64(geo.Distance(f.Point, fixes[i-1].Point)) > 6*stroll*1.1+6*noise {
			fast++
		}
	}
	if far > 0 || fast > 0 {
		t.Errorf("of %d fixes %d are off the road and %d too fast", len(fixes), far, fast)
	}
	track := geo.BuildTrack(fixes, geo.OnFoot())
	if len(track.Fixes) != len(fixes) || len(track.Gaps) != 0 {
		t.Errorf("%d of %d fixes accepted, %d gaps", len(track.Fixes), len(fixes), len(track.Gaps))
	}
	if track.Walked < 1000 || track.Walked > 4700 || len(track.Stays) == 0 {
		t.Errorf("walked %v m with %d stays in an hour", track.Walked, len(track.Stays))
	}
	if w.speed != stroll {
		t.Errorf("pace %v", w.speed)
	}
}

func TestTheSameSeedWalksTheSameWay(t *testing.T) {
	s := demo(t)
	a, _, _ := walk(s, 9, s.routes[1], 5*time.Second, 20*time.Minute)
	b, _, _ := walk(s, 9, s.routes[1], 5*time.Second, 20*time.Minute)
	c, _, _ := walk(s, 10, s.routes[1], 5*time.Second, 20*time.Minute)
	if !slices.Equal(a, b) || slices.Equal(a, c) {
		t.Error("the way does not follow from the seed")
	}
}

func TestHurryingToACase(t *testing.T) {
	s := demo(t)
	w := newWalker(s.roads, 1, geo.Point{Lon: 120.150, Lat: 30.268})
	to := geo.Point{Lon: 120.165, Lat: 30.281}
	_, way, _ := s.roads.Path(w.at, to)
	w.goTo(to, hurry)
	seconds := 0.0
	for ; !w.arrived() && seconds < 7200; seconds += 5 {
		w.advance(5 * time.Second)
	}
	if d := geo.Distance(w.at, to); d > 0.5 {
		t.Errorf("%v m from the case", d)
	}
	if want := float64(way) / hurry; math.Abs(seconds-want) > 0.1*want {
		t.Errorf("%v s for %v m, want about %v", seconds, way, want)
	}
}

func TestEachWalkerHasARouteInTheOwnGrid(t *testing.T) {
	s := demo(t)
	var staff []people.Staff
	for _, p := range s.staff {
		if p.Force == people.GridForce {
			staff = append(staff, p)
		}
	}
	slices.SortFunc(staff, func(a, b people.Staff) int { return bytes.Compare([]byte(a.ID), []byte(b.ID)) })
	staff = staff[:36]
	taken := map[string]int{}
	for i, r := range assign(staff, s.routes, time.Date(2026, 11, 23, 10, 0, 0, 0, s.zone)) {
		taken[r.ID]++
		if !slices.Contains(staff[i].Grids, r.Grid) {
			t.Errorf("%s of %v walks in %s", staff[i].ID, staff[i].Grids, r.Grid)
		}
		if r.From > "10:00" || r.Until <= "10:00" {
			t.Errorf("%s walks a route of %s to %s at ten", staff[i].ID, r.From, r.Until)
		}
	}
	if len(taken) < 24 {
		t.Errorf("36 walkers share %d routes", len(taken))
	}
}

func TestPhotosDiffer(t *testing.T) {
	a, b := photo(1), photo(2)
	if bytes.Equal(a, b) || !bytes.Equal(a, photo(1)) {
		t.Error("a photo does not follow from its seed")
	}
	c, err := jpeg.DecodeConfig(bytes.NewReader(a))
	if err != nil || c.Width != 640 || len(a) > 200<<10 {
		t.Errorf("%d × %d, %d bytes, %v", c.Width, c.Height, len(a), err)
	}
}

func TestTheShareIsKept(t *testing.T) {
	n := 0
	for i := range 10_000 {
		if share("c-"+time.UnixMilli(int64(i)).UTC().Format("150405.000")) < 0.3 {
			n++
		}
	}
	if n < 2800 || n > 3200 {
		t.Errorf("%d of 10000 below 0.3", n)
	}
}

func TestTheDeskIsPatientAndLeavesAShare(t *testing.T) {
	now := telemetry.At(start)
	old, fresh := now.Add(-time.Minute), now.Add(-10*time.Second)
	tests := []struct {
		state   tasks.EventType
		updated telemetry.Millis
		share   float64
		want    tasks.EventType
	}{
		{tasks.Filed, old, 1, tasks.Dispatched},
		{tasks.Returned, old, 1, tasks.Dispatched},
		{tasks.Claimed, old, 1, tasks.Checked},
		{tasks.Checked, old, 1, tasks.Closed},
		{tasks.Filed, fresh, 1, ""},
		{tasks.Filed, old, 0, ""},
		{tasks.Handling, old, 1, ""},
		{tasks.Reported, old, 1, ""},
	}
	for _, tt := range tests {
		d := &desk{share: tt.share}
		cmd, ok := d.decide(tasks.Case{ID: "c-1", State: tt.state, Updated: tt.updated}, now)
		if cmd.Type != tt.want || ok != (tt.want != "") {
			t.Errorf("%s: %q, %v; want %q", tt.state, cmd.Type, ok, tt.want)
		}
	}
}
