package geo

import (
	"math"
	"math/rand/v2"
	"os"
	"testing"
	"time"
)

func demo(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile("../../configs/demo/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func demoRoads(t testing.TB) *Graph {
	t.Helper()
	g, err := ParseRoads(demo(t, "roads.geojson"))
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// somewhere returns a place on or near the demo street.
func somewhere(r *rand.Rand) Point {
	return Point{120.16 + (r.Float64()-0.5)*0.034, 30.275 + (r.Float64()-0.5)*0.025}
}

// bruteForce relaxes every edge until nothing changes: slow, plain, right.
func bruteForce(g *Graph, from Snapped) []float64 {
	cost := make([]float64, len(g.nodes))
	for i := range cost {
		cost[i] = math.Inf(1)
	}
	e := g.edges[from.edge]
	cost[e.a], cost[e.b] = from.part*e.length, (1-from.part)*e.length
	for changed := true; changed; {
		changed = false
		for _, e := range g.edges {
			if c := cost[e.a] + e.length; c < cost[e.b] {
				cost[e.b], changed = c, true
			}
			if c := cost[e.b] + e.length; c < cost[e.a] {
				cost[e.a], changed = c, true
			}
		}
	}
	return cost
}

func TestSweepFindsTheShortestWays(t *testing.T) {
	g := demoRoads(t)
	r := rand.New(rand.NewPCG(1, 2))
	for range 10 {
		s, ok := g.Sweep(somewhere(r), Foot)
		if !ok {
			t.Fatal("no road near")
		}
		for n, want := range bruteForce(g, s.root) {
			if math.Abs(s.cost[n]-want) > 1e-6 {
				t.Fatalf("node %d: %v m, want %v", n, s.cost[n], want)
			}
		}
	}
}

func TestPathIsAsLongAsTheSweepSays(t *testing.T) {
	g := demoRoads(t)
	r := rand.New(rand.NewPCG(3, 4))
	for range 200 {
		a, b := somewhere(r), somewhere(r)
		line, d, ok := g.Path(a, b)
		if !ok {
			t.Fatalf("no way from %v to %v", a, b)
		}
		if line[0] != a || line[len(line)-1] != b {
			t.Fatalf("the way from %v to %v begins at %v and ends at %v", a, b, line[0], line[len(line)-1])
		}
		from, _ := g.Snap(a)
		to, _ := g.Snap(b)
		long := (OffRoad - 1) * float64(from.Off+to.Off)
		for i := 1; i < len(line); i++ {
			long += float64(Distance(line[i-1], line[i]))
		}
		if math.Abs(long-float64(d)) > 0.005*long+0.1 {
			t.Errorf("the line is %.1f m, the path says %.1f", long, d)
		}
		back, _, _ := g.Path(b, a)
		_, there, _ := g.Path(a, b)
		if _, d2, _ := g.Path(b, a); math.Abs(float64(d2-there)) > 1e-6 || len(back) == 0 {
			t.Errorf("there %v m, back %v m", there, d2)
		}
	}
}

func TestSnapIsTheNearestOfAllEdges(t *testing.T) {
	g := demoRoads(t)
	r := rand.New(rand.NewPCG(5, 6))
	for range 500 {
		p := somewhere(r)
		q, best := g.plane.flat(p), math.Inf(1)
		for n := range g.edges {
			at, _ := g.closest(int32(n), q)
			best = math.Min(best, at.distanceTo(q))
		}
		s, ok := g.Snap(p)
		if !ok || math.Abs(float64(s.Off)-best) > 1e-9 {
			t.Fatalf("snapped %v m away, %v; the nearest edge is %v m away", s.Off, ok, best)
		}
		if d := Distance(p, s.Point); math.Abs(float64(d-s.Off)) > 0.01*best+0.05 {
			t.Errorf("Off is %v, but the place is %v away", s.Off, d)
		}
	}
	for _, p := range []Point{{}, {121, 30.275}, {math.NaN(), 30}} {
		if s, ok := g.Snap(p); ok {
			t.Errorf("%v snapped to %+v", p, s)
		}
	}
}

// Two parallel roads with a river between them and one bridge at the far end:
// who is nearest on the map is not who is nearest on foot.
const riverside = `{"type":"FeatureCollection","features":[
{"type":"Feature","properties":{"class":"side","name":"south"},"geometry":{"type":"LineString","coordinates":[[120.000,30.000],[120.005,30.000],[120.010,30.000]]}},
{"type":"Feature","properties":{"class":"side","name":"north"},"geometry":{"type":"LineString","coordinates":[[120.000,30.001],[120.005,30.001],[120.010,30.001]]}},
{"type":"Feature","properties":{"class":"main","name":"bridge"},"geometry":{"type":"LineString","coordinates":[[120.010,30.000],[120.010,30.001]]}},
{"type":"Feature","properties":{"class":"lane","name":"island"},"geometry":{"type":"LineString","coordinates":[[120.000,30.003],[120.001,30.003]]}}]}`

func TestTheRiverIsWalkedAround(t *testing.T) {
	g, err := ParseRoads([]byte(riverside))
	if err != nil {
		t.Fatal(err)
	}
	s, _ := g.Sweep(Point{120, 30}, Foot)
	w, ok := s.To(Point{120, 30.001})
	if want := 2*963.0 + 111; !ok || math.Abs(float64(w.Distance)-want) > 5 {
		t.Errorf("%v m to the other bank, want about %v", w.Distance, want)
	}
	if want := time.Duration(float64(w.Distance) / Foot * 1e9); w.ETA != want {
		t.Errorf("ETA %v, want %v", w.ETA, want)
	}
	if w, ok := s.To(Point{120.0005, 30.003}); ok {
		t.Errorf("%v m to an island", w.Distance)
	}
	if at, _ := g.Snap(Point{120.003, 30.0001}); at.Road.Name != "south" {
		t.Errorf("snapped to %q, want the south road", at.Road.Name)
	}
	if w, ok := s.To(Point{120.001, 30}); !ok || math.Abs(float64(w.Distance)-96.3) > 0.5 {
		t.Errorf("%v m along the root's own edge, want 96", w.Distance)
	}
	if _, ok := g.Sweep(Point{120, 30}, 0); ok {
		t.Error("a sweep at no speed")
	}
}

func TestGridsShareTheirBordersFairly(t *testing.T) {
	g, err := ParseGrids(demo(t, "grids.geojson"))
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(7, 8))
	places := make([]Point, 0, 4000)
	for range 2000 {
		places = append(places, somewhere(r))
	}
	for _, rings := range g.shapes { // the corners too, where several grids meet
		places = append(places, rings[0]...)
	}
	in := 0
	for _, p := range places {
		holders := 0
		for i := range g.shapes {
			if inside(g.shapes[i], p) {
				holders++
			}
		}
		if holders > 1 {
			t.Errorf("%v lies in %d grids", p, holders)
		}
		if _, ok := g.At(p); ok != (holders == 1) {
			t.Errorf("%v: At says %v, %d grids hold it", p, ok, holders)
		}
		in += holders
	}
	if in < 1500 {
		t.Errorf("%d of %d places lie in a grid", in, len(places))
	}
}

func TestWhatIsNoStreetIsRefused(t *testing.T) {
	for name, data := range map[string]string{
		"empty":                 ``,
		"no collection":         `{"type":"Feature"}`,
		"nothing in it":         `{"type":"FeatureCollection","features":[]}`,
		"no code":               `{"type":"FeatureCollection","features":[{"geometry":{"type":"Polygon","coordinates":[[[1,1],[2,1],[2,2],[1,1]]]}}]}`,
		"an open ring":          `{"type":"FeatureCollection","features":[{"properties":{"code":"A"},"geometry":{"type":"Polygon","coordinates":[[[1,1],[2,1],[2,2],[1,2]]]}}]}`,
		"latitude first":        `{"type":"FeatureCollection","features":[{"properties":{"code":"A"},"geometry":{"type":"Polygon","coordinates":[[[30,120],[31,120],[31,121],[30,120]]]}}]}`,
		"half a continent":      `{"type":"FeatureCollection","features":[{"properties":{"code":"A"},"geometry":{"type":"Polygon","coordinates":[[[1,1],[20,1],[20,20],[1,1]]]}}]}`,
		"a point":               `{"type":"FeatureCollection","features":[{"properties":{"code":"A"},"geometry":{"type":"Point","coordinates":[1,1]}}]}`,
		"a position without y":  `{"type":"FeatureCollection","features":[{"properties":{"code":"A"},"geometry":{"type":"Polygon","coordinates":[[[1],[2,1],[2,2],[1]]]}}]}`,
		"a polygon of no rings": `{"type":"FeatureCollection","features":[{"properties":{"code":"A"},"geometry":{"type":"Polygon","coordinates":[]}}]}`,
	} {
		if _, err := ParseGrids([]byte(data)); err == nil {
			t.Errorf("%s: accepted as grids", name)
		}
		if _, err := ParseRoads([]byte(data)); err == nil {
			t.Errorf("%s: accepted as roads", name)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(riverside))
	f.Add([]byte(`{"type":"FeatureCollection","features":[{"properties":{"code":"A"},"geometry":{"type":"MultiPolygon","coordinates":[[[[1,1],[1.2,1],[1.2,1.2],[1,1]]]]}}]}`))
	f.Add([]byte(`{"type":"FeatureCollection","features":[{"geometry":{"type":"MultiLineString","coordinates":[[[1,1],[1,1.001],[1,1]]]}}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		p := Point{1.1, 1.05}
		if g, err := ParseGrids(data); err == nil {
			g.At(p)
		}
		if g, err := ParseRoads(data); err == nil {
			if line, d, ok := g.Path(p, g.nodes[0].at); ok && (len(line) == 0 || d < 0 || math.IsNaN(float64(d))) {
				t.Errorf("a path of %d points and %v m", len(line), d)
			}
		}
	})
}
