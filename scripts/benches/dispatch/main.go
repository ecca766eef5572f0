// Command dispatch measures how long a suggestion for one case takes over the
// demo street's roads and 346 people on duty: by one sweep from the case, side
// by side with one shortest path for each person, in alternating rounds. The
// last line is JSON.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"time"

	"gridhub/devices/telemetry"
	"gridhub/hub/dispatch"
	"gridhub/hub/geo"
	"gridhub/hub/identity"
	"gridhub/hub/tasks"
)

// result is the last line; times are medians.
type result struct {
	Bench       string  `json:"bench"`
	People      int     `json:"people"`
	SweepMS     float64 `json:"sweep_ms"`
	PathsMS     float64 `json:"paths_ms"`
	SameNearest int     `json:"same_nearest_percent"`
	MapDiffers  int     `json:"straight_line_differs_percent"`
}

func main() {
	rounds := flag.Int("rounds", 200, "how many cases")
	people := flag.Int("people", 346, "how many are on duty")
	flag.Parse()
	data, err := os.ReadFile(filepath.Join("configs", "demo", "roads.geojson"))
	if err != nil {
		log.Fatal(err)
	}
	roads, err := geo.ParseRoads(data)
	if err != nil {
		log.Fatal(err)
	}
	if err := json.NewEncoder(os.Stdout).Encode(measure(roads, *rounds, *people)); err != nil {
		log.Fatal(err)
	}
}

func measure(roads *geo.Graph, rounds, people int) result {
	r := rand.New(rand.NewPCG(1, 1))
	now := telemetry.At(time.Now())
	crew := make([]dispatch.Someone, people)
	var sweep, paths []float64
	same, differs := 0, 0
	for range rounds {
		for i := range crew {
			p := anywhere(r)
			crew[i] = dispatch.Someone{ID: identity.PersonID(fmt.Sprintf("p-%03d", i)), Force: "grid", OnDuty: true, Position: &p, FixAt: now}
		}
		task := tasks.Case{Place: anywhere(r)}
		began := time.Now()
		best := dispatch.Suggest(dispatch.Default(), now, task, tasks.Matter{}, crew, roads)[0]
		sweep = append(sweep, ms(began))
		began = time.Now()
		nearest := oneByOne(roads, task.Place, crew)
		paths = append(paths, ms(began))
		if nearest == best.Person {
			same++
		}
		if dispatch.Suggest(dispatch.Default(), now, task, tasks.Matter{}, crew, nil)[0].Person != best.Person {
			differs++
		}
	}
	out := result{"dispatch", people, middle(sweep), middle(paths), 100 * same / rounds, 100 * differs / rounds}
	fmt.Printf("%d people: %.2f ms by one sweep, %.1f ms by a path each; the straight line picks another person in %d %% of cases\n",
		people, out.SweepMS, out.PathsMS, out.MapDiffers)
	return out
}

// oneByOne is the peer: the shortest path from each person.
func oneByOne(roads *geo.Graph, to geo.Point, crew []dispatch.Someone) (best identity.PersonID) {
	least := geo.Metres(1e9)
	for _, p := range crew {
		if _, d, ok := roads.Path(*p.Position, to); ok && d < least {
			best, least = p.ID, d
		}
	}
	return best
}

func anywhere(r *rand.Rand) geo.Point {
	return geo.Point{Lon: 120.16 + (r.Float64()-0.5)*0.03, Lat: 30.275 + (r.Float64()-0.5)*0.022}
}

func ms(began time.Time) float64 { return float64(time.Since(began).Microseconds()) / 1000 }

func middle(v []float64) float64 {
	slices.Sort(v)
	return v[len(v)/2]
}
