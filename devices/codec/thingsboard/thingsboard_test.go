package thingsboard

import (
	"encoding/json"
	"math"
	"reflect"
	"testing"

	"gridhub/devices/codec"
	"gridhub/devices/telemetry"
)

// The frames are those of ThingsBoard's own documentation of its MQTT API.
func TestShapesOfTheDocumentation(t *testing.T) {
	f := func(kv ...any) (v []telemetry.Field) {
		for i := 0; i < len(kv); i += 2 {
			v = append(v, telemetry.Field{Metric: kv[i].(string), Value: kv[i+1].(float64)})
		}
		return v
	}
	tests := []struct {
		name, in string
		read     func([]byte) ([]Sample, error)
		want     []Sample
	}{
		{"bare", `{"key1":"value1","key2":true,"key3":3.0,"key4":4,"key5":{"a":[1]}}`, Device,
			[]Sample{{Values: f("key2", 1.0, "key3", 3.0, "key4", 4.0), LeftOut: []codec.Omission{{Why: codec.Text, N: 1}, {Why: codec.Structure, N: 1}}}}},
		{"array of bare", `[{"key1":1}, {"key2":2}]`, Device, []Sample{{Values: f("key1", 1.0)}, {Values: f("key2", 2.0)}}},
		{"with ts", `{"ts":1451649600512,"values":{"key2":2,"key1":1}}`, Device,
			[]Sample{{At: 1451649600512, Values: f("key1", 1.0, "key2", 2.0)}}},
		{"values first", `{"values":{"a":1},"ts":7}`, Device, []Sample{{At: 7, Values: f("a", 1.0)}}},
		{"a metric named ts", `{"ts":5,"b":1}`, Device, []Sample{{Values: f("b", 1.0, "ts", 5.0)}}},
		{"odd names", `{"температура °C":1}`, Device, []Sample{{Values: f("m_____________C", 1.0)}}},
		{"gateway", `{"Device A":[{"ts":1483228800000,"values":{"temperature":42}},{"ts":1483228801000,"values":{"temperature":43}}],"Device B":[]}`, Gateway,
			[]Sample{{Device: "Device A", At: 1483228800000, Values: f("temperature", 42.0)}, {Device: "Device A", At: 1483228801000, Values: f("temperature", 43.0)}}},
		{"gateway attributes", `{"Device A":{"k":1}}`, Gateway, []Sample{{Device: "Device A", Values: f("k", 1.0)}}},
	}
	for _, tt := range tests {
		if got, err := tt.read([]byte(tt.in)); err != nil || !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%s: %+v, %v\nwant %+v", tt.name, got, err, tt.want)
		}
	}
}

func TestRefusals(t *testing.T) {
	for in, want := range map[string]codec.Cause{
		``:                        codec.Shape,
		`7`:                       codec.Shape,
		`{"a":1e400}`:             codec.Number,
		`{"a":1,"a":2}`:           codec.Duplicate,
		`{"a b":1,"a_b":2}`:       codec.Duplicate,
		`{"ts":-5,"values":{}}`:   codec.Number,
		`{"ts":"x","values":{}}`:  codec.Shape,
		`{"a":1}}`:                codec.Malformed,
		`[{"a":1},`:               codec.Shape,
		`{"ts":1,"values":{"a":1`: codec.Malformed,
	} {
		if got, err := Device([]byte(in)); err == nil || codec.CauseOf(err) != want {
			t.Errorf("%s: %+v, %v; want %s", in, got, err, want)
		}
	}
	if _, err := Gateway([]byte(`{"A":[],"A":[]}`)); codec.CauseOf(err) != codec.Duplicate {
		t.Errorf("a device twice: %v", err)
	}
}

func TestConnect(t *testing.T) {
	if name, err := Names([]byte(`{"device":"Device A","type":"default"}`)); name != "Device A" || err != nil {
		t.Error(name, err)
	}
	for _, in := range []string{`{}`, `{"device":1}`, `{"device":""}`, `[`} {
		if _, err := Names([]byte(in)); err == nil {
			t.Errorf("%s passes", in)
		}
	}
}

func TestQuestion(t *testing.T) {
	a, err := Question([]byte(`{"id":1,"device":"Device A","client":true,"key":"attribute1"}`))
	if err != nil || string(a) != `{"device":"Device A","id":1}` {
		t.Errorf("%s, %v", a, err)
	}
	for _, in := range []string{`{}`, `{"id":1}`, `{"id":"x","device":"a"}`, `[`} {
		if _, err := Question([]byte(in)); err == nil {
			t.Errorf("%s passes", in)
		}
	}
}

func FuzzDevice(f *testing.F) {
	f.Add([]byte(`{"ts":1451649600512,"values":{"key2":2,"key1":true}}`))
	f.Add([]byte(`{"Device A":[{"ts":1,"values":{"t":4e1}}]}`))
	f.Add([]byte(`[{"a":-0.5},{"b":"x"}]`))
	f.Fuzz(func(t *testing.T, p []byte) {
		a, _ := Device(p)
		b, _ := Gateway(p)
		_, _ = Names(p)
		if a, err := Question(p); err == nil && !json.Valid(a) {
			t.Fatalf("answered %q", a)
		}
		for _, s := range append(a, b...) {
			for _, v := range s.Values {
				if math.IsInf(v.Value, 0) || math.IsNaN(v.Value) || !codec.ValidMetric([]byte(v.Metric)) {
					t.Fatalf("accepted %+v", v)
				}
			}
		}
	})
}
