// Package historytest is the suite that every history.Store passes. It knows
// nothing of how a store works, only what its interface promises.
package historytest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"time"

	"gridhub/devices"
	"gridhub/devices/telemetry"
	"gridhub/hub/history"
)

// T0 is the begin of the suite's time, on the hour.
const T0 = telemetry.Millis(1_760_000_400_000)

// Options say what a store cannot do.
type Options struct {
	// Blind stores cannot tell what they had before: of two values the one
	// written last stays, and all is counted as stored.
	Blind bool
}

// Run passes stores that open returns, each empty, through the suite.
func Run(t *testing.T, o Options, open func(t *testing.T) history.Store) {
	for _, c := range []struct {
		name string
		test func(*testing.T, Options, history.Store)
	}{
		{"values come back bit for bit", exact},
		{"repeats change nothing", repeats},
		{"an instant is merged", merges},
		{"the greater key stays", conflicts},
		{"order of arrival does not matter", shuffled},
		{"quality and positions", qualities},
		{"what cannot be kept is named", rejects},
		{"ranges and metrics", ranges},
		{"downsampling agrees with the definition", downsamples},
		{"newest", newest},
		{"retention and erasure", removes},
		{"export", exports},
		{"queries are checked", checks},
	} {
		t.Run(strings.ReplaceAll(c.name, " ", "-"), func(t *testing.T) { c.test(t, o, open(t)) })
	}
}

// Point is a point of kind gas; fields are name, value, name, value, …
func Point(id devices.ID, at telemetry.Millis, number uint64, fields ...any) telemetry.Point {
	p := telemetry.Point{Device: id, Kind: "gas", At: at, Key: telemetry.Key{Sender: "gw-1", Stream: "data", Epoch: 1, Seq: number, Offset: number}}
	for i := 0; i < len(fields); i += 2 {
		p.Fields = append(p.Fields, telemetry.Field{Metric: fields[i].(string), Value: fields[i+1].(float64)})
	}
	return p
}

func write(t *testing.T, s history.Store, pts ...telemetry.Point) history.Written {
	t.Helper()
	w, err := s.Write(context.Background(), pts)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func all(id devices.ID) history.Query {
	return history.Query{Device: id, From: 1, To: T0.Add(1000 * time.Hour)}
}

func get(t *testing.T, s history.Store, q history.Query) map[string][]history.Sample {
	t.Helper()
	series, err := s.Range(context.Background(), q)
	if err != nil {
		t.Fatal(err)
	}
	return byName(series)
}

func byName(series []history.Series) map[string][]history.Sample {
	m := map[string][]history.Sample{}
	for _, x := range series {
		m[x.Kind+"."+x.Metric] = x.Samples
	}
	return m
}

func want(t *testing.T, what string, got, want any) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s:\n got %v\nwant %v", what, got, want)
	}
}

type samples = map[string][]history.Sample

func exact(t *testing.T, _ Options, s history.Store) {
	values := []float64{0, 1, -1, 0.1, 1.0 / 3, math.Pi * 1e-300, math.MaxFloat64, -math.MaxFloat64, math.SmallestNonzeroFloat64,
		1 << 53, 1e22, 123456.789, -273.15, 1e9, 999999999, -1e9}
	var pts []telemetry.Point
	for i, v := range values {
		pts = append(pts, Point("d", T0+telemetry.Millis(i), uint64(i+1), "x", v))
	}
	write(t, s, pts...)
	got := get(t, s, all("d"))["gas.x"]
	if len(got) != len(values) {
		t.Fatalf("%d values, want %d: %v", len(got), len(values), got)
	}
	for i, v := range values {
		if math.Float64bits(got[i].Value) != math.Float64bits(v) || got[i].At != T0+telemetry.Millis(i) {
			t.Errorf("%v came back as %v", v, got[i])
		}
	}
}

func repeats(t *testing.T, o Options, s history.Store) {
	p := Point("d", T0, 1, "x", 1.5, "y", 2.0)
	write(t, s, p)
	w := write(t, s, p, p)
	if !o.Blind {
		want(t, "outcome", w, history.Written{Repeated: 2})
	}
	want(t, "values", get(t, s, all("d")), samples{"gas.x": {{At: T0, Value: 1.5}}, "gas.y": {{At: T0, Value: 2}}})
}

func merges(t *testing.T, o Options, s history.Store) {
	write(t, s, Point("d", T0, 2, "x", 1.5))
	w := write(t, s, Point("d", T0, 1, "y", 2.0))
	want(t, "outcome", w, history.Written{Stored: 1})
	want(t, "values", get(t, s, all("d")), samples{"gas.x": {{At: T0, Value: 1.5}}, "gas.y": {{At: T0, Value: 2}}})
}

func conflicts(t *testing.T, o Options, s history.Store) {
	write(t, s, Point("d", T0, 1, "x", 1.0))
	w := write(t, s, Point("d", T0, 2, "x", 2.0))
	if !o.Blind {
		want(t, "outcome", w, history.Written{Superseded: 1})
		w = write(t, s, Point("d", T0, 1, "x", 3.0))
		want(t, "outcome of a loser", w, history.Written{Superseded: 1})
	}
	want(t, "values", get(t, s, all("d")), samples{"gas.x": {{At: T0, Value: 2}}})
}

// shuffled writes distinct instants in any order, in any batches, some twice.
func shuffled(t *testing.T, _ Options, s history.Store) {
	r := rand.New(rand.NewPCG(7, 7))
	var pts []telemetry.Point
	expected := samples{}
	for i := range 300 {
		pts = append(pts, Point("d", T0+telemetry.Millis(i*10), uint64(i+1), "x", float64(i)/7, "y", float64(-i)))
		expected["gas.x"] = append(expected["gas.x"], history.Sample{At: T0 + telemetry.Millis(i*10), Value: float64(i) / 7})
		expected["gas.y"] = append(expected["gas.y"], history.Sample{At: T0 + telemetry.Millis(i*10), Value: float64(-i)})
	}
	pts = append(pts, pts[:50]...)
	r.Shuffle(len(pts), func(i, j int) { pts[i], pts[j] = pts[j], pts[i] })
	for len(pts) > 0 {
		n := min(len(pts), 1+r.IntN(60))
		write(t, s, pts[:n]...)
		pts = pts[n:]
	}
	want(t, "values", get(t, s, all("d")), expected)
}

func qualities(t *testing.T, _ Options, s history.Store) {
	doubtful, failed := Point("d", T0, 1, "x", 1.0), Point("d", T0+1, 2)
	doubtful.Quality, failed.Quality = telemetry.Uncertain, telemetry.Bad
	fix := telemetry.Position{Device: "d", At: T0, Lon: 116.4, Lat: 39.9, Accuracy: 8, Speed: 0, Heading: -1, Battery: -1, Mock: true,
		Key: telemetry.Key{Sender: "d", Offset: 3}}
	write(t, s, doubtful, failed, history.PositionPoint(fix))
	one := func(v float64) []history.Sample { return []history.Sample{{At: T0, Value: v}} }
	want(t, "values", get(t, s, all("d")), samples{
		"gas.x": one(1), "gas.point_quality": {{At: T0, Value: 1}, {At: T0 + 1, Value: 2}},
		"position.lon": one(116.4), "position.lat": one(39.9), "position.accuracy": one(8), "position.speed": one(0), "position.mock": one(1)})
}

func rejects(t *testing.T, _ Options, s history.Store) {
	pts := []telemetry.Point{
		Point("d", T0, 1, "x", math.NaN()),
		Point("d", T0+1, 2, "x", 1.0),
		Point("d", T0+2, 3, "x", math.Inf(-1)),
		Point("d", T0+3, 4),
		Point("d", T0+4, 5, "a b", 1.0),
		Point("d e", T0+5, 6, "x", 1.0),
		Point("d", T0+6, 7, "x", 2.0),
	}
	w := write(t, s, pts...)
	var bad []int
	for _, r := range w.Rejected {
		bad = append(bad, r.Index)
		if r.Reason == "" {
			t.Errorf("no reason for %d", r.Index)
		}
	}
	want(t, "rejected", bad, []int{0, 2, 3, 4, 5})
	want(t, "stored", w.Stored, 2)
	want(t, "values", get(t, s, all("d")), samples{"gas.x": {{At: T0 + 1, Value: 1}, {At: T0 + 6, Value: 2}}})
}

func ranges(t *testing.T, _ Options, s history.Store) {
	for i := range 5 {
		write(t, s, Point("d", T0+telemetry.Millis(i), uint64(i+1), "x", float64(i), "y", 0.5), Point("e", T0+telemetry.Millis(i), 9, "x", 9.0))
	}
	q := history.Query{Device: "d", Kind: "gas", Metrics: []string{"x"}, From: T0 + 1, To: T0 + 3}
	want(t, "half open", get(t, s, q), samples{"gas.x": {{At: T0 + 1, Value: 1}, {At: T0 + 2, Value: 2}}})
	q.Kind = "noise"
	want(t, "another kind", get(t, s, q), samples{})
	want(t, "an unknown device", get(t, s, all("nobody")), samples{})
}

func downsamples(t *testing.T, _ Options, s history.Store) {
	r := rand.New(rand.NewPCG(3, 3))
	var pts []telemetry.Point
	var raw []history.Sample
	at := T0 + 1234
	for i := range 400 {
		at += telemetry.Millis(1 + r.IntN(20_000))
		v := float64(r.IntN(2000)) / 4 // quarters add up exactly, in any order
		pts = append(pts, Point("d", at, uint64(i+1), "x", v))
		raw = append(raw, history.Sample{At: at, Value: v})
	}
	write(t, s, pts...)
	for _, fn := range []history.Fn{history.Mean, history.Min, history.Max, history.Last, history.Count} {
		for _, every := range []time.Duration{time.Minute, 7 * time.Second} {
			q := history.Query{Device: "d", Metrics: []string{"x"}, From: T0, To: at + 1}
			got, err := s.Downsample(context.Background(), q, every, fn)
			if err != nil {
				t.Fatal(err)
			}
			want(t, fmt.Sprint(fn, " every ", every), byName(got), samples{"gas.x": history.Aggregate(raw, every, fn)})
		}
	}
}

func newest(t *testing.T, _ Options, s history.Store) {
	write(t, s, Point("d", T0+5, 1, "x", 5.0), Point("d", T0, 2, "x", 4.0, "y", 4.5), Point("e", T0+1, 3, "z", 1.0), Point("f", T0, 4, "x", 0.0))
	got, err := s.Newest(context.Background(), "d", "e", "nobody")
	if err != nil {
		t.Fatal(err)
	}
	want(t, "newest", got, []history.Series{
		{Device: "d", Kind: "gas", Metric: "x", Samples: []history.Sample{{At: T0 + 5, Value: 5}}},
		{Device: "d", Kind: "gas", Metric: "y", Samples: []history.Sample{{At: T0, Value: 4.5}}},
		{Device: "e", Kind: "gas", Metric: "z", Samples: []history.Sample{{At: T0 + 1, Value: 1}}}})
}

func removes(t *testing.T, _ Options, s history.Store) {
	ctx := context.Background()
	fill := func() {
		for i := range 4 {
			p := Point("e", T0+telemetry.Millis(i), 1, "x", float64(i))
			p.Kind = "noise"
			write(t, s, Point("d", T0+telemetry.Millis(i), 1, "x", float64(i)), p)
		}
	}
	fill()
	if err := s.Retain(ctx, "gas", T0+2); err != nil {
		t.Fatal(err)
	}
	want(t, "gas retained", len(get(t, s, all("d"))["gas.x"]), 2)
	want(t, "noise untouched", len(get(t, s, all("e"))["noise.x"]), 4)
	if err := s.Retain(ctx, "", T0+3); err != nil {
		t.Fatal(err)
	}
	want(t, "noise retained", len(get(t, s, all("e"))["noise.x"]), 1)
	fill()
	if err := s.Erase(ctx, "d", T0+1, T0+3); err != nil {
		t.Fatal(err)
	}
	want(t, "erased between", len(get(t, s, all("d"))["gas.x"]), 2)
	if err := s.Erase(ctx, "d", 0, 0); err != nil {
		t.Fatal(err)
	}
	want(t, "erased", get(t, s, all("d")), samples{})
	want(t, "the other is there", len(get(t, s, all("e"))["noise.x"]), 4)
}

func exports(t *testing.T, _ Options, s history.Store) {
	bad := Point("d", T0+2, 3)
	bad.Quality = telemetry.Bad
	write(t, s, Point("d", T0+1, 2, "x", 0.25, "y", -3.0), Point("d", T0, 1, "y", 1e300), bad)
	var b bytes.Buffer
	if err := s.Export(context.Background(), &b, all("d")); err != nil {
		t.Fatal(err)
	}
	want(t, "lines", b.String(), fmt.Sprintf("gas,device=d y=1e+300 %d\ngas,device=d x=0.25,y=-3 %d\ngas,device=d point_quality=2 %d\n", T0, T0+1, T0+2))
}

func checks(t *testing.T, _ Options, s history.Store) {
	ctx := context.Background()
	for _, q := range []history.Query{
		{Device: `d"`, From: 1, To: 2},
		{Device: "d", From: 2, To: 2},
		{Device: "d", From: 1, To: 2, Kind: `x" or true`},
		{Device: "d", From: 1, To: 2, Metrics: []string{"x\" or \"1\" == \"1"}},
	} {
		if _, err := s.Range(ctx, q); err == nil {
			t.Errorf("%+v is answered", q)
		}
		if err := s.Export(ctx, &bytes.Buffer{}, q); err == nil {
			t.Errorf("%+v is exported", q)
		}
	}
	q := all("d")
	if _, err := s.Downsample(ctx, q, time.Microsecond, history.Mean); err == nil {
		t.Error("downsamples to microseconds")
	}
	if _, err := s.Downsample(ctx, q, time.Second, "median"); err == nil {
		t.Error("knows a median")
	}
	cancelled, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := s.Range(cancelled, q); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}
