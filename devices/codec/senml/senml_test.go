package senml

import (
	"encoding/hex"
	"fmt"
	"math"
	"reflect"
	"strings"
	"testing"

	"github.com/fxamacker/cbor/v2"

	"gridhub/devices/codec"
	"gridhub/devices/telemetry"
)

const now = telemetry.Millis(1_760_000_400_000)

// say writes resolved records as RFC 8428, 5.1.4 has them.
func say(all []Record) string {
	var b strings.Builder
	for _, r := range all {
		fmt.Fprintf(&b, "%s %s", r.Name, r.Unit)
		if r.HasValue {
			fmt.Fprintf(&b, " %v", r.Value)
		}
		if r.HasSum {
			fmt.Fprintf(&b, " sum %v", r.Sum)
		}
		if r.Why != "" {
			fmt.Fprintf(&b, " %s", r.Why)
		}
		if r.At != 0 {
			fmt.Fprintf(&b, " at %d", r.At)
		}
		b.WriteByte('\n')
	}
	return strings.TrimSpace(b.String())
}

// meant writes samples.
func meant(all []codec.Sample) string {
	var b strings.Builder
	for _, s := range all {
		fmt.Fprintf(&b, "%s:", s.Device)
		units := map[string]string{}
		for _, u := range s.Units {
			units[u.Metric] = u.Unit
		}
		for _, v := range s.Values {
			fmt.Fprintf(&b, " %s=%v%s", v.Metric, v.Value, units[v.Metric])
		}
		for _, o := range s.LeftOut {
			fmt.Fprintf(&b, " -%s:%d", o.Why, o.N)
		}
		if s.At != 0 {
			fmt.Fprintf(&b, " at %d", s.At)
		}
		b.WriteByte('\n')
	}
	return strings.TrimSpace(b.String())
}

const (
	current    = `[{"bn":"urn:dev:ow:10e2073a0108006:","bt":1.276020076001e+09,"bu":"A","bver":5,"n":"voltage","u":"V","v":120.1},{"n":"current","t":-5,"v":1.2},{"n":"current","t":-4,"v":1.3},{"n":"current","t":-3,"v":1.4},{"n":"current","t":-2,"v":1.5},{"n":"current","t":-1,"v":1.6},{"n":"current","v":1.7}]`
	currentHex = "87a721781b75726e3a6465763a6f773a3130653230373361303130383030363a22fb41d303a15b00106223614120050067766f6c7461676501615602fb405e066666666666a3006763757272656e74062402fb3ff3333333333333a3006763757272656e74062302fb3ff4cccccccccccda3006763757272656e74062202fb3ff6666666666666a3006763757272656e74062102f93e00a3006763757272656e74062002fb3ff999999999999aa3006763757272656e74060002fb3ffb333333333333"
	mobile     = `[{"bn":"urn:dev:ow:10e2073a01080063","bt":1.320067464e+09,"bu":"%RH","v":20},{"u":"lon","v":24.30621},{"u":"lat","v":60.07965},{"t":60,"v":20.3},{"u":"lon","t":60,"v":24.30622},{"u":"lat","t":60,"v":60.07965},{"t":120,"v":20.7},{"u":"lon","t":120,"v":24.30623},{"u":"lat","t":120,"v":60.07966},{"u":"%EL","t":150,"v":98},{"t":180,"v":21.2},{"u":"lon","t":180,"v":24.30628},{"u":"lat","t":180,"v":60.07967}]`
	resolved   = `[{"n":"urn:dev:ow:10e2073a01080063","u":"%RH","t":1.320067464e+09,"v":20},{"n":"urn:dev:ow:10e2073a01080063","u":"lon","t":1.320067464e+09,"v":24.30621},{"n":"urn:dev:ow:10e2073a01080063","u":"lat","t":1.320067464e+09,"v":60.07965},{"n":"urn:dev:ow:10e2073a01080063","u":"%RH","t":1.320067524e+09,"v":20.3},{"n":"urn:dev:ow:10e2073a01080063","u":"lon","t":1.320067524e+09,"v":24.30622},{"n":"urn:dev:ow:10e2073a01080063","u":"lat","t":1.320067524e+09,"v":60.07965},{"n":"urn:dev:ow:10e2073a01080063","u":"%RH","t":1.320067584e+09,"v":20.7},{"n":"urn:dev:ow:10e2073a01080063","u":"lon","t":1.320067584e+09,"v":24.30623},{"n":"urn:dev:ow:10e2073a01080063","u":"lat","t":1.320067584e+09,"v":60.07966},{"n":"urn:dev:ow:10e2073a01080063","u":"%EL","t":1.320067614e+09,"v":98},{"n":"urn:dev:ow:10e2073a01080063","u":"%RH","t":1.320067644e+09,"v":21.2},{"n":"urn:dev:ow:10e2073a01080063","u":"lon","t":1.320067644e+09,"v":24.30628},{"n":"urn:dev:ow:10e2073a01080063","u":"lat","t":1.320067644e+09,"v":60.07967}]`
)

// The packs are the examples of RFC 8428, by section. A gateway speaks for all.
func TestExamplesOfTheRFC(t *testing.T) {
	for _, tt := range []struct{ section, in, want string }{
		{"5.1.1", `[{"n":"urn:dev:ow:10e2073a01080063","u":"Cel","v":23.1}]`, "urn:dev:ow:10e2073a01080063: temperature=23.1Cel"},
		{"5.1.2", `[{"bn":"urn:dev:ow:10e2073a01080063:","n":"voltage","u":"V","v":120.1},{"n":"current","u":"A","v":1.2}]`,
			"urn:dev:ow:10e2073a01080063: current=1.2A voltage=120.1V"},
		{"5.1.2", current, `
urn:dev:ow:10e2073a0108006: current=1.7A voltage=120.1V at 1276020076001
urn:dev:ow:10e2073a0108006: current=1.2A at 1276020071001
urn:dev:ow:10e2073a0108006: current=1.3A at 1276020072001
urn:dev:ow:10e2073a0108006: current=1.4A at 1276020073001
urn:dev:ow:10e2073a0108006: current=1.5A at 1276020074001
urn:dev:ow:10e2073a0108006: current=1.6A at 1276020075001`},
		{"5.1.2, closed", `[{"bn":"urn:dev:ow:10e2073a01080063","bt":1.320067464e+09,"bu":"%RH","v":21.2},{"t":10,"v":21.3},{"t":20,"v":21.4}]`, `
urn:dev:ow:10e2073a01080063: humidity=21.2% at 1320067464000
urn:dev:ow:10e2073a01080063: humidity=21.3% at 1320067474000
urn:dev:ow:10e2073a01080063: humidity=21.4% at 1320067484000`},
		{"5.1.3", mobile, `
urn:dev:ow:10e2073a01080063: humidity=20% lat=60.07965deg lon=24.30621deg at 1320067464000
urn:dev:ow:10e2073a01080063: humidity=20.3% lat=60.07965deg lon=24.30622deg at 1320067524000
urn:dev:ow:10e2073a01080063: humidity=20.7% lat=60.07966deg lon=24.30623deg at 1320067584000
urn:dev:ow:10e2073a01080063: battery=98% at 1320067614000
urn:dev:ow:10e2073a01080063: humidity=21.2% lat=60.07967deg lon=24.30628deg at 1320067644000`},
		{"5.1.5", `[{"bn":"urn:dev:ow:10e2073a01080063:","n":"temp","u":"Cel","v":23.1},{"n":"label","vs":"Machine Room"},{"n":"open","vb":false},{"n":"nfv-reader","vd":"aGkgCg"}]`,
			"urn:dev:ow:10e2073a01080063: open=0 temp=23.1Cel -text:1 -bytes:1"},
		{"5.1.6", `[{"bn":"2001:db8::2/","bt":1.320078429e+09,"n":"temperature","u":"Cel","v":25.2},{"n":"humidity","u":"%RH","v":30},{"bn":"2001:db8::1/","n":"temperature","u":"Cel","v":12.3},{"n":"humidity","u":"%RH","v":67}]`, `
2001:db8::2: humidity=30% temperature=25.2Cel at 1320078429000
2001:db8::1: humidity=67% temperature=12.3Cel at 1320078429000`},
		{"5.1.7", `[{"bn":"urn:dev:ow:10e2073a01080063:"},{"n":"temp","u":"Cel","v":23.1},{"n":"heat","u":"/","v":1},{"n":"fan","u":"/","v":0}]`,
			"urn:dev:ow:10e2073a01080063: fan=01 heat=11 temp=23.1Cel"},
		{"5.1.7", `[{"bt":1.320078429e+09,"bu":"/","n":"2001:db8::3","v":1},{"n":"2001:db8::4","v":1}]`,
			"2001:db8: 3=11 4=11 at 1320078429000"},
		{"5.1.7", `[{"bt":1.320078429e+09,"bu":"/","n":"2001:db8::3","v":0.5},{"n":"2001:db8::4","v":0.5},{"n":"2001:db8::3","t":0.1,"v":0},{"n":"2001:db8::4","t":0.1,"v":0}]`, `
2001:db8: 3=0.51 4=0.51 at 1320078429000
2001:db8: 3=01 4=01 at 1320078429100`},
	} {
		records, err := Read([]byte(tt.in), now)
		if err != nil {
			t.Errorf("%s: %v", tt.section, err)
			continue
		}
		samples, err := Samples(records, true)
		if got := meant(samples); err != nil || got != strings.TrimSpace(tt.want) {
			t.Errorf("%s: %v\n%s\nwant\n%s", tt.section, err, got, strings.TrimSpace(tt.want))
		}
	}
}

// TestResolved holds 5.1.3 against 5.1.4, which is the same in resolved format.
func TestResolved(t *testing.T) {
	a, err1 := Read([]byte(mobile), now)
	b, err2 := Read([]byte(resolved), now)
	if err1 != nil || err2 != nil || len(a) != 13 || say(a) != say(b) {
		t.Errorf("%v, %v\n%s\nwant\n%s", err1, err2, say(a), say(b))
	}
}

// TestCBOR holds the example of section 6 against the same pack in 5.1.2.
func TestCBOR(t *testing.T) {
	p, err := hex.DecodeString(currentHex)
	if err != nil {
		t.Fatal(err)
	}
	a, err1 := Read(p, now)
	b, err2 := Read([]byte(current), now)
	if err1 != nil || err2 != nil || len(a) != 7 || say(a) != say(b) {
		t.Errorf("%v, %v\n%s\nwant\n%s", err1, err2, say(a), say(b))
	}
	for _, v := range []map[any]any{
		{-2: "a:", 0: "b", 2: 1, 3: nil},
		{0: "b", 2: "x"},
		{0: 1, 2: 1},
		{0: "b", 4: 1},
		{0: "b", 8: "x"},
		{0: "b", 2: cbor.Tag{Number: 4, Content: []any{1}}},
		{0: "b", 2: cbor.Tag{Number: 4, Content: []any{999, 1}}},
	} {
		if got, err := Read(pack(t, v), now); codec.CauseOf(err) != codec.Shape {
			t.Errorf("%v: %+v, %v", v, got, err)
		}
	}
	fraction := pack(t, map[any]any{0: "b", 2: cbor.Tag{Number: 4, Content: []any{-1, 231}}, "more": 1})
	if got, err := Read(fraction, now); err != nil || got[0].Value != 23.1 {
		t.Errorf("a decimal fraction: %+v, %v", got, err)
	}
	if _, err := Read(pack(t, map[any]any{0: "b", 2: 1, "must_": 1}), now); codec.CauseOf(err) != codec.Shape {
		t.Error(err)
	}
}

func pack(t testing.TB, records ...map[any]any) []byte {
	t.Helper()
	p, err := cbor.Marshal(records)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestResolution(t *testing.T) {
	for _, tt := range []struct{ rule, in, want string }{
		{"4.5.3 relative past", `[{"n":"a","t":-5,"v":1}]`, "a  1 at 1760000395000"},
		{"4.5.3 relative future", `[{"bt":1,"n":"a","t":1.5,"v":1}]`, "a  1 at 1760000402500"},
		{"4.5.3 now", `[{"bt":5,"n":"a","t":-5,"v":1}]`, "a  1"},
		{"4.5.3 the first absolute time", `[{"n":"a","t":268435456,"v":1}]`, "a  1 at 268435456000"},
		{"4.5.4 base value", `[{"bn":"a","bv":20,"v":1.5},{"n":"b","v":-1},{"n":"c","u":"V"}]`, "a  21.5\nab  19\nac V 20"},
		{"4.5.4 sums", `[{"bn":"a","bs":100,"s":1},{"n":"b","v":2},{"n":"c","vs":"x"}]`, "a  sum 101\nab  2 sum 100\nac  sum 100 text"},
		{"4.5.2 units", `[{"bu":"V","n":"a","v":1},{"n":"b","u":"A","v":1},{"n":"c","v":1},{"bu":"","n":"d","v":1}]`, "a V 1\nb A 1\nc V 1\nd  1"},
		{"4.4 unknown labels", `[{"n":"a","v":1,"x":[1,{}]}]`, "a  1"},
	} {
		records, err := Read([]byte(tt.in), now)
		if got := say(records); err != nil || got != tt.want {
			t.Errorf("%s: %v\n%s\nwant\n%s", tt.rule, err, got, tt.want)
		}
	}
}

func TestRefusals(t *testing.T) {
	for in, want := range map[string]codec.Cause{
		``:                                     codec.Malformed,
		`{}`:                                   codec.Malformed, // neither an array nor CBOR
		`[{"n":"a","v":1}`:                     codec.Malformed,
		`[1]`:                                  codec.Shape,
		`[{"n":"a"}]`:                          codec.Shape,
		`[{"v":1}]`:                            codec.Shape,
		`[{"n":"a","v":"1"}]`:                  codec.Shape,
		`[{"n":"a","v":1,"vb":true}]`:          codec.Shape,
		`[{"n":"a","v":1,"v":2}]`:              codec.Duplicate,
		`[{"n":"a","v":1,"must_":2}]`:          codec.Shape,
		`[{"bver":11,"n":"a","v":1}]`:          codec.Version,
		`[{"n":"a","v":1e999}]`:                codec.Number,
		`[{"bv":1.7e308,"n":"a","v":1.7e308}]`: codec.Number,
		`[{"n":"a","t":1e300,"v":1}]`:          codec.Number,
		strings.Repeat(" ", MaxBytes+1):        codec.TooLarge,
		"[" + strings.Repeat("{},", MaxRecords) + "{}]": codec.TooLarge,
	} {
		if got, err := Read([]byte(in), now); codec.CauseOf(err) != want || err == nil {
			t.Errorf("%.40s: %+v, %v; want %s", in, got, err, want)
		}
	}
}

func TestWhoSpeaks(t *testing.T) {
	records, err := Read([]byte(`[{"bn":"urn:dev:ow:1:","n":"a","v":1},{"bn":"urn:dev:ow:2:","n":"a","v":1}]`), now)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Samples(records, false); codec.CauseOf(err) != codec.Shape {
		t.Errorf("two devices of one: %v", err)
	}
	if s, err := Samples(records[:1], false); err != nil || meant(s) != ": a=1" {
		t.Errorf("%s, %v", meant(s), err)
	}
	twice, _ := Read([]byte(`[{"n":"a","v":1},{"n":"a","v":2}]`), now)
	if _, err := Samples(twice, false); codec.CauseOf(err) != codec.Duplicate {
		t.Errorf("one name twice at one instant: %v", err)
	}
	for name, want := range map[string][2]string{
		"urn:dev:mac:0024befffe804ff1/rht/temp": {"urn:dev:mac:0024befffe804ff1", "rht/temp"},
		"urn:dev:ow:10e2073a01080063_temp":      {"urn:dev:ow:10e2073a01080063", "temp"},
		"urn:dev:x":                             {"urn:dev:x", ""},
		"room/7/temp":                           {"room/7", "temp"},
		"temp":                                  {"", "temp"},
	} {
		if d, m := split(name); [2]string{d, m} != want {
			t.Errorf("%s: %q %q", name, d, m)
		}
	}
}

// FuzzRead: what is accepted can be held, and a resolved pack written as CBOR
// reads as itself.
func FuzzRead(f *testing.F) {
	p, _ := hex.DecodeString(currentHex)
	f.Add(p)
	for _, s := range []string{current, mobile, `[{"bn":"a:","bs":1,"bv":2},{"n":"b","vb":true,"s":3},{"n":"c","vs":"x"}]`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, p []byte) {
		records, err := Read(p, now)
		if err != nil {
			return
		}
		if again, err := Read(write(t, records), now); err != nil || !reflect.DeepEqual(again, records) {
			t.Fatalf("%+v became %+v, %v", records, again, err)
		}
		samples, err := Samples(records, true)
		for _, s := range samples {
			for _, v := range s.Values {
				if err == nil && (math.IsInf(v.Value, 0) || math.IsNaN(v.Value) || !codec.ValidMetric([]byte(v.Metric))) {
					t.Fatalf("accepted %+v", v)
				}
			}
		}
	})
}

// write encodes resolved records.
func write(t testing.TB, all []Record) []byte {
	t.Helper()
	out := make([]map[any]any, len(all))
	for i, r := range all {
		m := map[any]any{labelN: r.Name, labelU: r.Unit}
		if r.HasValue {
			m[labelV] = r.Value
		}
		if r.HasSum {
			m[labelS] = r.Sum
		}
		switch r.Why {
		case codec.Text:
			m[labelVS] = ""
		case codec.Bytes:
			m[labelVD] = []byte{}
		}
		if r.At != 0 {
			m[labelT] = float64(r.At) / 1000
			if r.At < relative*1000 {
				m[labelT] = float64(r.At-now) / 1000
			}
		}
		out[i] = m
	}
	return pack(t, out...)
}
