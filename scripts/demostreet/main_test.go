package main

import (
	"bytes"
	"math"
	"os"
	"path/filepath"
	"testing"

	"gridhub/configs"
	"gridhub/hub/geo"
	"gridhub/hub/patrol"
	"gridhub/hub/people"
)

const folder = "../../configs/demo"

func read(t *testing.T, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(folder, name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestCommittedFilesAreWhatTheProgramMakes(t *testing.T) {
	for _, f := range generate() {
		if !bytes.Equal(read(t, f.name), f.data) {
			t.Errorf("%s differs: run go run ./scripts/demostreet and commit what it wrote", f.name)
		}
	}
}

func TestGridsTileTheStreet(t *testing.T) {
	grids, err := geo.ParseGrids(read(t, "grids.geojson"))
	if err != nil {
		t.Fatal(err)
	}
	if n := len(grids.All()); n != 12 {
		t.Fatalf("%d grids, want 12", n)
	}
	tt := newTerrain()
	for i := range columns - 1 {
		for j := range rows - 1 {
			p := inBlock(tt.quad(i, j), 0.5, 0.5).point()
			if g, ok := grids.At(p); !ok || g.Code != code(newGrids(tt).grid(i, j)) {
				t.Errorf("block %d, %d lies in %q, %v", i, j, g.Code, ok)
			}
		}
	}
}

func TestRoadsAreConnectedAndCarryTheRoutes(t *testing.T) {
	roads, err := geo.ParseRoads(read(t, "roads.geojson"))
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Routes []patrol.Route `yaml:"routes"`
	}
	if err := configs.Decode("routes.yaml", read(t, "routes.yaml"), &file); err != nil {
		t.Fatal(err)
	}
	if len(file.Routes) != 67 {
		t.Errorf("%d routes, want 67", len(file.Routes))
	}
	sweep, ok := roads.Sweep(center, geo.Foot)
	if !ok {
		t.Fatal("no road near the centre")
	}
	for _, r := range file.Routes {
		if len(r.Stops) < 5 || len(r.Stops) > 9 {
			t.Errorf("%s has %d stops, want 5 to 9", r.ID, len(r.Stops))
		}
		for _, s := range r.Stops {
			if at, ok := roads.Snap(s.Place); !ok || at.Off > 1 {
				t.Errorf("%s is %v m from a road", s.ID, at.Off)
			}
			if w, ok := sweep.To(s.Place); !ok || w.Distance > 4500 {
				t.Errorf("%s is %v m from the centre, %v", s.ID, w.Distance, ok)
			}
		}
	}
}

func TestEveryRoadIsReached(t *testing.T) {
	r := newRoads(newTerrain())
	todo, seen := []lattice{{0, 0}}, map[lattice]bool{{0, 0}: true}
	for len(todo) > 0 {
		n := todo[0]
		todo = todo[1:]
		for _, m := range r.next[n] {
			if !seen[m] {
				seen[m] = true
				todo = append(todo, m)
			}
		}
	}
	if len(seen) != len(r.next) {
		t.Errorf("%d of %d crossings are reached", len(seen), len(r.next))
	}
}

func TestStaff(t *testing.T) {
	var file struct {
		Staff []people.Staff `yaml:"staff"`
	}
	if err := configs.Decode("staff.yaml", read(t, "staff.yaml"), &file); err != nil {
		t.Fatal(err)
	}
	var deps struct {
		Departments []people.Department `yaml:"departments"`
	}
	if err := configs.Decode("departments.yaml", read(t, "departments.yaml"), &deps); err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{}
	for _, d := range deps.Departments {
		known[d.Code] = true
	}
	forces := map[people.Force]int{}
	for _, s := range file.Staff {
		forces[s.Force]++
		if !known[s.Department] {
			t.Errorf("%s is of %q, which is no department", s.ID, s.Department)
		}
	}
	want := map[people.Force]int{people.PatrolForce: 21, people.GridForce: 146, people.Community: 71, people.Cadre: 108}
	for f, n := range want {
		if forces[f] != n {
			t.Errorf("%d of %s, want %d", forces[f], f, n)
		}
	}
}

func TestBoundsAreAboutThreeKilometres(t *testing.T) {
	west, south, east, north := newTerrain().bounds()
	w := geo.Distance(geo.Point{Lon: west, Lat: center.Lat}, geo.Point{Lon: east, Lat: center.Lat})
	h := geo.Distance(geo.Point{Lon: center.Lon, Lat: south}, geo.Point{Lon: center.Lon, Lat: north})
	if math.Abs(float64(w)-width) > 200 || math.Abs(float64(h)-height) > 200 {
		t.Errorf("%.0f m × %.0f m, want about %.0f × %.0f", w, h, width, height)
	}
}

func TestSensorsStandWhereTheySay(t *testing.T) {
	grids, err := geo.ParseGrids(read(t, "grids.geojson"))
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Lines []struct {
			Name, Kind string
			Seed       int
			Hazard     string `yaml:"hazard_every"`
		}
		Devices []struct {
			ID, Name, Profile, Line string
			Place                   struct {
				Grid, Note string
				Lon, Lat   float64
			}
		}
	}
	if err := configs.Decode("devices.yaml", read(t, "devices.yaml"), &file); err != nil {
		t.Fatal(err)
	}
	ids, inGrid := map[string]bool{}, map[string]int{}
	for _, d := range file.Devices {
		at, ok := grids.At(geo.Point{Lon: d.Place.Lon, Lat: d.Place.Lat})
		if !ok || at.Code != d.Place.Grid {
			t.Errorf("%s says %s and stands in %q", d.ID, d.Place.Grid, at.Code)
		}
		if ids[d.ID] {
			t.Errorf("%s twice", d.ID)
		}
		ids[d.ID] = true
		inGrid[at.Code]++
	}
	if len(ids) < 60 || len(inGrid) < 10 {
		t.Errorf("%d sensors in %d grids, want about 60 in most of 12", len(ids), len(inGrid))
	}
}
