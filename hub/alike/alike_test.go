package alike

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"gridhub/devices/telemetry"
	"gridhub/hub/geo"
	"gridhub/hub/identity"
)

var (
	here = geo.Point{Lon: 120.16, Lat: 30.27}
	noon = telemetry.Millis(1_795_406_400_000)
)

// north is a place some metres north of here.
func north(m float64) geo.Point { return geo.Point{Lon: here.Lon, Lat: here.Lat + m/metresPerDegree} }

func entry(id, matter, text string, metres float64, days telemetry.Millis) Entry {
	return Entry{Case: identity.CaseID(id), Matter: matter, Domain: matter[:2], Place: north(metres), At: noon - days*day, Open: true, Words: NewWords(text)}
}

func TestWords(t *testing.T) {
	for _, tt := range []struct {
		a, b      string
		low, high float64
	}{
		{"楼下垃圾没人清运", "楼下垃圾没人清运。", 1, 1},
		{"楼下垃圾两天没人清运", "楼下的垃圾没人清运了", 0.4, 0.7},
		{"楼下垃圾两天没人清运", "小区门口楼下垃圾两天没人清运，味道很大，请尽快派人来处理一下谢谢", 0.6, 0.8},
		{"路灯不亮", "楼上太吵", 0, 0},
		{"Street LAMP", "street lamp", 1, 1},
		{"垃", "垃", 1, 1},
		{"", "垃圾", 0, 0},
		{"！？…", "垃圾", 0, 0},
	} {
		if got := Alike(NewWords(tt.a), NewWords(tt.b)); got < tt.low || got > tt.high || got != Alike(NewWords(tt.b), NewWords(tt.a)) {
			t.Errorf("%s / %s: %.3f, want %.1f to %.1f", tt.a, tt.b, got, tt.low, tt.high)
		}
	}
}

func TestFind(t *testing.T) {
	x := NewIndex(Default())
	text := "楼下垃圾两天没人清运"
	closed := entry("closed", "CG02", text, 10, 5)
	closed.Open = false
	for _, e := range []Entry{
		entry("same", "CG02", "楼下垃圾堆没人清运", 10, 0), closed,
		entry("other thing", "CG02", "沿街商铺门口油污", 280, 20),
		entry("far", "CG02", text, 320, 0), entry("long ago", "CG02", text, 0, 31),
		entry("other domain", "HB02", text, 0, 0),
	} {
		x.Put(e)
	}
	got := x.Find(entry("new", "CG02", text, 0, 0))
	if len(got) != 2 || got[0].Case != "closed" || got[0].Kind != Repeat || got[1].Case != "same" || got[1].Kind != Duplicate {
		t.Fatalf("%+v", got)
	}
	if want := []string{"same-place", "same-matter", "similar-words", "same-day"}; !reflect.DeepEqual(got[1].Reasons, want) {
		t.Errorf("reasons %v, want %v", got[1].Reasons, want)
	}
	x.Drop("same")
	x.Forget(noon - 4*day)
	if got := x.Find(entry("new", "CG02", text, 0, 0)); len(got) != 0 || x.Len() != 2 {
		t.Errorf("after dropping: %+v, %d entries", got, x.Len())
	}
	sensor := entry("sensor", "CG07", "", 5, 0)
	x.Put(sensor)
	if got := x.Find(entry("again", "CG07", "井盖没了", 0, 0)); len(got) != 1 || got[0].Text != 0 {
		t.Errorf("a sensor without words: %+v", got)
	}
}

// TestNoneIsMissed compares the index with a look at every pair, on the equator
// and far north, across the edges of its cells.
func TestNoneIsMissed(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	cfg := Default()
	cfg.Least, cfg.Most = 0, 1<<10
	for _, lat := range []float64{0, 29.9999, 30.27, 52.9995, -45} {
		x := NewIndex(cfg)
		var all []Entry
		for n := range 400 {
			e := Entry{Case: identity.CaseID(fmt.Sprint(n)), Matter: "CG02", Place: geo.Point{Lon: 120 + rng.Float64()*0.02, Lat: lat + (rng.Float64()-0.5)*0.02},
				At: noon + telemetry.Millis(rng.Int64N(int64(100*day)))}
			all = append(all, e)
			x.Put(e)
		}
		for _, e := range all {
			var want, got []identity.CaseID
			for i := range all {
				if m, ok := cfg.compare(&e, &all[i], 0); ok {
					want = append(want, m.Case)
				}
			}
			for _, m := range x.Find(e) {
				got = append(got, m.Case)
			}
			slices.Sort(want)
			slices.Sort(got)
			if !slices.Equal(want, got) {
				t.Fatalf("at %v: %d found, want %d", e.Place, len(got), len(want))
			}
		}
	}
}

// BenchmarkFind asks an index of 100,000 cases of two months on a street of four
// square kilometres.
func BenchmarkFind(b *testing.B) {
	rng := rand.New(rand.NewPCG(3, 4))
	x := NewIndex(Default())
	letters := []rune("楼下垃圾两天没人清运路灯不亮占道经营噪声扰民")
	make1 := func(n int) Entry {
		var text []rune
		for range 40 {
			text = append(text, letters[rng.IntN(len(letters))])
		}
		return Entry{Case: identity.CaseID(fmt.Sprint(n)), Matter: "CG02", Open: true, Words: NewWords(string(text)),
			Place: geo.Point{Lon: here.Lon + rng.Float64()*0.02, Lat: here.Lat + rng.Float64()*0.02}, At: noon - telemetry.Millis(rng.Int64N(int64(60*day)))}
	}
	for n := range 100_000 {
		x.Put(make1(n))
	}
	e := make1(-1)
	for b.Loop() {
		x.Find(e)
	}
}
