package native

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"reflect"
	"strings"
	"testing"

	"github.com/fxamacker/cbor/v2"

	"gridhub/devices/codec"
	"gridhub/devices/telemetry"
	"gridhub/devices/wire"
)

func batchOf(n int) wire.Batch {
	b := wire.Batch{V: 1, Stream: wire.Data, Epoch: 3, First: 100, Last: 99 + uint64(n), Floor: 90, Now: 1_760_000_001_000}
	for i := range n {
		b.Records = append(b.Records, wire.Record{
			Seq: 100 + uint64(i), Device: "gas-7", At: 1_760_000_000_000 + telemetry.Millis(i), Own: 1_760_000_000_001,
			Values: map[string]float64{"ch4": 0.1 + float64(i), "temp": -12.25, "humidity": 1e-7},
		})
	}
	return b
}

// both encodes v as JSON and as CBOR.
func both(t testing.TB, v any) map[string][]byte {
	j, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	c, err := cbor.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return map[string][]byte{"json": j, "cbor": c}
}

func TestBatchSaysWhatWireSays(t *testing.T) {
	want := batchOf(5)
	want.Records = append(want.Records[:3], wire.Record{Seq: 104, At: 1, Cause: "disk-full", Lost: 7, Quality: telemetry.Bad})
	for name, p := range both(t, want) {
		var d Decoder
		got, err := d.Batch(p)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		back := wire.Batch{V: got.V, Stream: got.Stream, Epoch: got.Epoch, First: got.First, Last: got.Last, Floor: got.Floor, Now: got.Now}
		for _, r := range got.Records {
			back.Records = append(back.Records, wire.Record{Seq: r.Seq, Device: r.Device, At: r.At, Own: r.Own,
				Quality: r.Quality, Cause: r.Cause, Lost: r.Lost, Values: asMap(r.Values)})
		}
		if !reflect.DeepEqual(back, want) {
			t.Errorf("%s: got %+v\nwant %+v", name, back, want)
		}
	}
}

func asMap(v Values) map[string]float64 {
	if len(v) == 0 {
		return nil
	}
	m := map[string]float64{}
	for _, f := range v {
		m[f.Metric] = f.Value
	}
	return m
}

func TestPositionKeepsWhatWasNotTold(t *testing.T) {
	zero := 0.0
	in := []wire.Fix{
		{Stamp: wire.Stamp{V: 1, Epoch: 1, Seq: 4}, At: 5, Lon: 116.4, Lat: 39.9, Speed: &zero, Source: "gnss", Mock: true},
		{Stamp: wire.Stamp{V: 1}, At: 6, Lon: -1, Lat: -2, Accuracy: 8, SOS: true},
	}
	want := []Fix{
		{Stamp: Stamp{V: 1, Epoch: 1, Seq: 4}, At: 5, Lon: 116.4, Lat: 39.9, Speed: 0, Heading: -1, Battery: -1, Source: "gnss", Mock: true},
		{Stamp: Stamp{V: 1}, At: 6, Lon: -1, Lat: -2, Accuracy: 8, Speed: -1, Heading: -1, Battery: -1, SOS: true},
	}
	for name, p := range both(t, in) {
		var d Decoder
		if got, err := d.Position(p); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %+v, %v\nwant %+v", name, got, err, want)
		}
	}
}

func TestTelemetrySortsAndSkips(t *testing.T) {
	var d Decoder
	got, err := d.Telemetry([]byte(` {"v":1,"new":{"a":[1,{}]},"at":7,"values":{"z":2,"a":-0.5,"gone":null},"quality":1} `))
	if err != nil {
		t.Fatal(err)
	}
	want := []Reading{{Stamp: Stamp{V: 1}, At: 7, Quality: telemetry.Uncertain,
		Values: Values{{Metric: "a", Value: -0.5}, {Metric: "z", Value: 2}}}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v", got)
	}
}

func TestRefusals(t *testing.T) {
	deep := strings.Repeat(`{"x":`, 10_000)
	tests := []struct {
		name, in string
		want     codec.Cause
	}{
		{"empty", ``, codec.Malformed},
		{"cut", `{"v":1,"values":{"a":1`, codec.Malformed},
		{"byte order mark", "\xEF\xBB\xBF{\"v\":1}", codec.Malformed},
		{"trailing", `{"v":1,"values":{}} x`, codec.Malformed},
		{"not UTF-8", "{\"v\":1,\"\xff\":2}", codec.Malformed},
		{"control", "{\"v\":1,\"a\nb\":2}", codec.Malformed},
		{"half a pair", `{"v":1,"\ud800":2}`, codec.Malformed},
		{"leading zero", `{"v":1,"values":{"a":01}}`, codec.Shape},
		{"depth", `{"v":1,"x":` + deep, codec.TooDeep},
		{"1e400", `{"v":1,"values":{"a":1e400}}`, codec.Number},
		{"NaN", `{"v":1,"values":{"a":NaN}}`, codec.Shape},
		{"text for a number", `{"v":1,"values":{"a":"1"}}`, codec.Shape},
		{"duplicate metric", `{"v":1,"values":{"a":1,"b":2,"a":3}}`, codec.Duplicate},
		{"duplicate key", `{"v":1,"at":2,"at":2}`, codec.Duplicate},
		{"no version", `{"values":{"a":1}}`, codec.Version},
		{"version 2", `{"v":2,"values":{"a":1}}`, codec.Version},
		{"metric with a space", `{"v":1,"values":{"a b":1}}`, codec.Shape},
		{"negative time", `{"v":1,"at":-1}`, codec.Number},
		{"quality 3", `{"v":1,"quality":3}`, codec.Shape},
		{"too large", strings.Repeat(" ", MaxBytes+1), codec.TooLarge},
		{"too many", `[` + strings.Repeat(`{"v":1},`, MaxRecords) + `{"v":1}]`, codec.TooLarge},
		{"cbor NaN", "\xa2\x61v\x01\x66values\xa1\x61a\xf9\x7e\x00", codec.Number},
		{"cbor infinity", "\xa2\x61v\x01\x66values\xa1\x61a\xf9\x7c\x00", codec.Number},
		{"cbor duplicate", "\xa2\x61v\x01\x61v\x01", codec.Duplicate},
		{"cbor huge map", "\xba\x7f\xff\xff\xff", codec.TooLarge},
		{"cbor cut", "\xa2\x61v", codec.Malformed},
		{"cbor depth", strings.Repeat("\x81", 10_000), codec.TooDeep},
	}
	for _, tt := range tests {
		var d Decoder
		got, err := d.Telemetry([]byte(tt.in))
		var e *codec.Error
		if !errors.As(err, &e) || e.Cause != tt.want {
			t.Errorf("%s: %v, %v; want cause %s", tt.name, got, err, tt.want)
		}
	}
}

func TestBrokenRecordsLeaveTheEnvelope(t *testing.T) {
	for name, p := range map[string][]byte{
		"json": []byte(`{"v":1,"stream":"data","epoch":2,"first":3,"last":5,"floor":3,"now":9,"records":[{"seq":"x"}]}`),
		"cbor": must2(cbor.Marshal(map[string]any{"v": 1, "stream": "data", "epoch": 2, "first": 3, "last": 5, "floor": 3, "now": 9, "records": []any{map[string]any{"seq": "x"}}})),
	} {
		var d Decoder
		b, err := d.Batch(p)
		if codec.CauseOf(err) != codec.Shape || b.Stream != "data" || b.First != 3 || b.Last != 5 || len(b.Records) != 0 {
			t.Errorf("%s: %+v, %v", name, b, err)
		}
	}
}

func must2(b []byte, err error) []byte {
	if err != nil {
		panic(err)
	}
	return b
}

func TestFloatsAreTheNearest(t *testing.T) {
	for _, s := range []string{"0", "-0", "0.1", "1e22", "1e-22", "123456789012345", "1234567890123456789", "4.9e-324",
		"1.7976931348623157e308", "0.000001234567890123", "9007199254740993", "1e23", "12345678901234567890123e-5"} {
		var want float64
		if err := json.Unmarshal([]byte(s), &want); err != nil {
			t.Fatal(err)
		}
		var d Decoder
		got, err := d.Telemetry(fmt.Appendf(nil, `{"v":1,"values":{"a":%s}}`, s))
		if err != nil || math.Float64bits(got[0].Values[0].Value) != math.Float64bits(want) {
			t.Errorf("%s: %v, %v; want %v", s, got, err, want)
		}
	}
}

func TestDecodingDoesNotAllocate(t *testing.T) {
	p := both(t, batchOf(20))["json"]
	var d Decoder
	if n := testing.AllocsPerRun(50, func() {
		if _, err := d.Batch(p); err != nil {
			t.Fatal(err)
		}
	}); n > 0 {
		t.Errorf("%v allocations for a batch of 20 records", n)
	}
}

func BenchmarkTelemetry(b *testing.B) {
	p := []byte(`{"v":1,"epoch":1,"seq":123456,"now":1760000000123,"at":1760000000000,"values":{"ch4":0.25,"humidity":61.5,"temp":21.75}}`)
	var d Decoder
	b.SetBytes(int64(len(p)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := d.Telemetry(p); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkBatch100(b *testing.B) {
	for name, p := range both(b, batchOf(100)) {
		b.Run(name, func(b *testing.B) {
			var d Decoder
			b.SetBytes(int64(len(p)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := d.Batch(p); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// FuzzJSON holds the reader to encoding/json: what it accepts, that accepts
// too, with the same values.
func FuzzJSON(f *testing.F) {
	f.Add([]byte(`{"v":1,"at":3,"values":{"a":1.5,"b":-2e-3}}`))
	f.Add([]byte(`[{"v":1,"epoch":1,"seq":2,"now":3,"quality":2,"values":{"a\u0062":0}}]`))
	f.Add([]byte(`{"v":1,"lon":1,"lat":2,"source":"\ud83d\ude00","mock":true}`))
	f.Add(both(f, batchOf(2))["json"])
	f.Fuzz(func(t *testing.T, p []byte) {
		var d Decoder
		readings, err := d.Telemetry(p)
		if err == nil && isJSON(p) {
			if !json.Valid(p) {
				t.Fatalf("accepted what is not JSON: %q", p)
			}
			sameReadings(t, p, readings)
		}
		d.Position(p)
		if b, err := d.Batch(p); err == nil && (b.First > b.Last || b.V != 1) {
			t.Fatalf("accepted %+v", b)
		}
		var s wire.Stock
		Unmarshal(p, &s)
	})
}

func sameReadings(t *testing.T, p []byte, got []Reading) {
	var want []wire.Reading
	if p[0] == '[' && json.Unmarshal(p, &want) != nil {
		return // encoding/json folds the case of names, and may stumble over a foreign one
	}
	for i := range want {
		if i < len(got) && want[i].Seq == got[i].Seq && len(got[i].Values) > 0 && len(want[i].Values) == len(got[i].Values) &&
			!reflect.DeepEqual(asMap(got[i].Values), want[i].Values) {
			t.Fatalf("%q: got %v, want %v", p, got[i].Values, want[i].Values)
		}
	}
}

// FuzzCBOR looks for panics and for values that no history can hold.
func FuzzCBOR(f *testing.F) {
	f.Add(both(f, batchOf(2))["cbor"])
	f.Add(both(f, wire.Reading{Stamp: wire.Stamp{V: 1}, Values: map[string]float64{"a": 1}})["cbor"])
	f.Add(both(f, []wire.Fix{{Stamp: wire.Stamp{V: 1}, Lon: 1, Lat: 2}})["cbor"])
	f.Fuzz(func(t *testing.T, p []byte) {
		var d Decoder
		readings, _ := d.Telemetry(p)
		for _, r := range readings {
			for _, v := range r.Values {
				if math.IsNaN(v.Value) || math.IsInf(v.Value, 0) {
					t.Fatalf("accepted %v", v)
				}
			}
		}
		fixes, _ := d.Position(p)
		for _, f := range fixes {
			if math.IsNaN(f.Lon + f.Lat) {
				t.Fatalf("accepted %+v", f)
			}
		}
		d.Batch(p)
	})
}
