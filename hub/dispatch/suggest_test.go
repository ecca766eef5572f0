package dispatch

import (
	"context"
	"errors"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"gridhub/devices/telemetry"
	"gridhub/hub/geo"
	"gridhub/hub/identity"
	"gridhub/hub/tasks"
)

var (
	noon  = time.Date(2026, 11, 23, 4, 0, 0, 0, time.UTC)
	now   = telemetry.At(noon)
	place = geo.Point{Lon: 120.16, Lat: 30.275}
	gas   = tasks.Matter{Code: "AQ03", Lead: "ES", With: []string{"UT", "FR", "CM"}}
	leak  = tasks.Case{ID: "c-1", Matter: "AQ03", Place: place, Grid: "G06"}
)

func someone(id string, metresNorth float64, change func(*Someone)) Someone {
	p := geo.Point{Lon: place.Lon, Lat: place.Lat + metresNorth/111195}
	s := Someone{ID: identity.PersonID(id), Force: "grid", Department: "CM", Grids: []string{"G01"}, OnDuty: true, Position: &p, FixAt: now - 5000}
	if change != nil {
		change(&s)
	}
	return s
}

func find(t *testing.T, list []tasks.Candidate, id string) tasks.Candidate {
	t.Helper()
	for _, c := range list {
		if c.Person == identity.PersonID(id) {
			return c
		}
	}
	t.Fatalf("%s is not in the list", id)
	return tasks.Candidate{}
}

func TestEverybodyHasAReason(t *testing.T) {
	all := []Someone{
		someone("far", 900, nil), someone("near", 100, nil), someone("middle", 300, nil), someone("farther", 1500, nil),
		someone("home", 10, func(s *Someone) { s.OnDuty = false }),
		someone("unknown", 0, func(s *Someone) { s.Position = nil }),
		someone("stale", 10, func(s *Someone) { s.FixAt = now.Add(-11 * time.Minute) }),
		someone("ill", 10, func(s *Someone) { s.Absent = "sick" }),
		someone("busy", 10, func(s *Someone) { s.Open = 3 }),
		someone("caller", 0, func(s *Someone) { s.InNeed = true }),
		someone("gardener", 10, func(s *Someone) { s.Force, s.Department = "cadre", "GR" }),
	}
	got := Suggest(Default(), now, leak, gas, all, nil)
	want := map[string]string{"far": "", "near": "", "middle": "", "farther": Farther, "home": OffDuty,
		"unknown": NoPosition, "stale": StalePosition, "busy": Busy, "ill": Absent, "caller": InNeed, "gardener": WrongDepartment}
	if len(got) != len(want) {
		t.Fatalf("%d candidates, want %d", len(got), len(want))
	}
	for id, reason := range want {
		if c := find(t, got, id); c.Excluded != reason {
			t.Errorf("%s is excluded by %q, want %q", id, c.Excluded, reason)
		}
	}
	if r := find(t, got, "ill").Reasons; !slices.Contains(r, "absent-sick") {
		t.Errorf("the absent's reasons are %v, want why", r)
	}
	for i, id := range []identity.PersonID{"near", "middle", "far", "farther"} {
		if got[i].Person != id {
			t.Errorf("place %d is %s, want %s", i, got[i].Person, id)
		}
	}
	if r := got[0].Reasons; !reflect.DeepEqual(r, []string{Best, Nearest, StraightLine, CoDepartment, Free}) {
		t.Errorf("the nearest's reasons are %v", r)
	}
}

func TestCostsAreWhatTheyAreSaidToBe(t *testing.T) {
	c := Default()
	base := Suggest(c, now, leak, gas, []Someone{someone("a", 300, nil)}, nil)[0].Cost
	tests := []struct {
		name   string
		change func(*Someone)
		more   float64
		reason string
	}{
		{"a task in hand", func(s *Someone) { s.Open = 1 }, 300, HasTasks},
		{"an older fix", func(s *Someone) { s.FixAt -= 200_000 }, 100, OldFix},
		{"the own grid", func(s *Someone) { s.Grids = []string{"G05", "G06"} }, -60, OwnGrid},
		{"a skill", func(s *Someone) { s.Skills = []string{"first-aid", "gas"} }, -120, Skilled},
		{"of the lead department", func(s *Someone) { s.Department = "ES" }, 0, LeadDepartment},
		{"a patrol goes to everything", func(s *Someone) { s.Force, s.Department = "patrol", "PS" }, 0, FirstResponders},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := Suggest(c, now, leak, gas, []Someone{someone("a", 300, tt.change)}, nil)[0]
			if got.Cost-base != tt.more {
				t.Errorf("costs %v more, want %v", got.Cost-base, tt.more)
			}
			if !slices.Contains(got.Reasons, tt.reason) {
				t.Errorf("reasons %v lack %s", got.Reasons, tt.reason)
			}
		})
	}
}

func roads(t *testing.T) *geo.Graph {
	t.Helper()
	data, err := os.ReadFile("../../configs/demo/roads.geojson")
	if err != nil {
		t.Fatal(err)
	}
	g, err := geo.ParseRoads(data)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// On the other bank is near on the map and far on foot.
func TestTheRoadDecidesNotTheMap(t *testing.T) {
	g := roads(t)
	task := leak
	task.Place = geo.Point{Lon: 120.1655, Lat: 30.2741} // south bank, between the bridges
	across := someone("across", 0, func(s *Someone) { p := geo.Point{Lon: 120.1655, Lat: 30.2757}; s.Position = &p })
	along := someone("along", 0, func(s *Someone) { p := geo.Point{Lon: 120.1655, Lat: 30.2705}; s.Position = &p })
	if geo.Distance(*across.Position, task.Place) >= geo.Distance(*along.Position, task.Place) {
		t.Fatal("the test's places are wrong")
	}
	got := Suggest(Default(), now, task, gas, []Someone{across, along}, g)
	if got[0].Person != "along" {
		t.Errorf("%s is first: %+v", got[0].Person, got)
	}
	if !slices.Contains(got[0].Reasons, ByRoad) {
		t.Errorf("reasons %v do not say by road", got[0].Reasons)
	}
	flat := Suggest(Default(), now, task, gas, []Someone{across, along}, nil)
	if flat[0].Person != "across" || !slices.Contains(flat[0].Reasons, StraightLine) {
		t.Errorf("without roads: %+v, want the straight line to decide and to be said", flat[0])
	}
}

type pool struct{ c tasks.Case }

func (p pool) Matters() []tasks.Matter { return []tasks.Matter{gas} }
func (p pool) Get(_ context.Context, id identity.CaseID) (tasks.Case, []tasks.Event, error) {
	if id != p.c.ID {
		return tasks.Case{}, nil, tasks.ErrNotFound
	}
	return p.c, nil, nil
}

type roster []Someone

func (r roster) Everybody(context.Context) ([]Someone, error) { return r, nil }

func TestDispatcher(t *testing.T) {
	clock := func() time.Time { return noon }
	d := New(Default(), pool{leak}, roster{someone("a", 100, nil)}, roads(t), clock)
	got, err := d.Candidates(t.Context(), "c-1")
	if err != nil || len(got) != 1 || got[0].Excluded != "" || got[0].Age != 5 {
		t.Errorf("%+v, %v", got, err)
	}
	if _, err := d.Candidates(t.Context(), "c-2"); !errors.Is(err, tasks.ErrNotFound) {
		t.Errorf("an unknown case gives %v", err)
	}
	nowhere := leak
	nowhere.Place = geo.Point{}
	var refused *tasks.RefusedError
	if _, err := New(Default(), pool{nowhere}, roster{}, nil, clock).Candidates(t.Context(), "c-1"); !errors.As(err, &refused) {
		t.Errorf("a case without a place gives %v", err)
	}
}

func TestConfigIsChecked(t *testing.T) {
	if err := Default().Validate(); err != nil {
		t.Errorf("the defaults: %v", err)
	}
	if err := (Config{Detour: 0.5, PerAge: -1}).Validate(); err == nil || strings.Count(err.Error(), "\n") != 5 {
		t.Errorf("want all six problems at once, got: %v", err)
	}
}

func BenchmarkSuggest(b *testing.B) {
	data, err := os.ReadFile("../../configs/demo/roads.geojson")
	if err != nil {
		b.Fatal(err)
	}
	g, err := geo.ParseRoads(data)
	if err != nil {
		b.Fatal(err)
	}
	var all []Someone
	for i := range 346 {
		all = append(all, someone(string(rune('a'+i%26)), float64(i*7%1000), nil))
	}
	for b.Loop() {
		Suggest(Default(), now, leak, gas, all, g)
	}
}
