package influx

import (
	"fmt"
	"math"
	"reflect"
	"strings"
	"testing"

	"gridhub/devices/codec"
	"gridhub/devices/telemetry"
)

// say writes what was read, so that a frame and its meaning stand side by side.
func say(l Line) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %v %v", l.Measurement, l.Tags, l.Fields)
	if l.LeftOut > 0 {
		fmt.Fprintf(&b, " text %d", l.LeftOut)
	}
	if l.At != 0 {
		fmt.Fprintf(&b, " at %d", l.At)
	}
	return b.String()
}

// The frames are those of the line protocol reference of InfluxDB OSS 2, by
// its headings.
func TestFramesOfTheReference(t *testing.T) {
	for _, tt := range []struct{ heading, in, want string }{
		{"Line protocol", `measurementName,tagKey=tagValue fieldKey="fieldValue" 1465839830100400200`, "measurementName [{tagKey tagValue}] [] text 1 at 1465839830100"},
		{"Elements", `myMeasurement,tag1=value1,tag2=value2 fieldKey="fieldValue" 1556813561098000000`, "myMeasurement [{tag1 value1} {tag2 value2}] [] text 1 at 1556813561098"},
		{"Float", `myMeasurement fieldKey=1.0`, "myMeasurement [] [{fieldKey 1}]"},
		{"Float", `myMeasurement fieldKey=1`, "myMeasurement [] [{fieldKey 1}]"},
		{"Float", `myMeasurement fieldKey=-1.234456e+78`, "myMeasurement [] [{fieldKey -1.234456e+78}]"},
		{"Integer", `myMeasurement fieldKey=12485903i`, "myMeasurement [] [{fieldKey 1.2485903e+07}]"},
		{"Integer", `myMeasurement fieldKey=-12485903i`, "myMeasurement [] [{fieldKey -1.2485903e+07}]"},
		{"UInteger", `myMeasurement fieldKey=12485903u`, "myMeasurement [] [{fieldKey 1.2485903e+07}]"},
		{"String", `myMeasurement fieldKey="this is a string"`, "myMeasurement [] [] text 1"},
		{"Boolean", `myMeasurement fieldKey=true`, "myMeasurement [] [{fieldKey 1}]"},
		{"Boolean", `myMeasurement fieldKey=F`, "myMeasurement [] [{fieldKey 0}]"},
		{"Unix timestamp", `myMeasurementName fieldKey="fieldValue" 1556813561098000000`, "myMeasurementName [] [] text 1 at 1556813561098"},
		{"Comments", "# This is a comment\nmyMeasurement fieldKey=\"string value\" 1556813561098000000", "myMeasurement [] [] text 1 at 1556813561098"},
		{"Special characters", `my\ Measurement fieldKey="string value"`, "my Measurement [] [] text 1"},
		{"Special characters", `myMeasurement fieldKey="\"string\" within a string"`, "myMeasurement [] [] text 1"},
		{"Special characters", `myMeasurement,tag\ Key1=tag\ Value1,tag\ Key2=tag\ Value2 fieldKey=100`, "myMeasurement [{tag Key1 tag Value1} {tag Key2 tag Value2}] [{fieldKey 100}]"},
		{"Special characters", `myMeasurement,tagKey=🍭 fieldKey="Launch 🚀" 1556813561098000000`, "myMeasurement [{tagKey 🍭}] [] text 1 at 1556813561098"},
	} {
		lines, err := Decode([]byte(tt.in), Nanoseconds)
		if err != nil || len(lines) != 1 || lines[0].Err != nil {
			t.Errorf("%s: %s: %v, %+v", tt.heading, tt.in, err, lines)
			continue
		}
		if got := say(lines[0]); got != tt.want {
			t.Errorf("%s: %s\nis %s\nwant %s", tt.heading, tt.in, got, tt.want)
		}
	}
}

func TestLinesStandForThemselves(t *testing.T) {
	in := "cpu a=1\r\n\n# x\n  mem b=2i 5\ncpu value=\ntext s=\"one\ntwo\",n=3\nlast c=t"
	var got []string
	for _, l := range Lines([]byte(in), Seconds) {
		if l.Err != nil {
			got = append(got, fmt.Sprintf("%d: %v", l.Number, l.Err))
			continue
		}
		got = append(got, fmt.Sprintf("%d: %s", l.Number, say(l)))
	}
	want := []string{"1: cpu [] [{a 1}]", "4: mem [] [{b 2}] at 5000", "5: malformed: unable to parse 'cpu value=': missing field value",
		"6: text [] [{n 3}] text 1", "8: last [] [{c 1}]"}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s\nwant %s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestRefusals(t *testing.T) {
	for in, want := range map[string]codec.Cause{
		"cpu":                          codec.Malformed,
		"cpu ":                         codec.Malformed,
		",a=b v=1":                     codec.Malformed,
		"cpu,a v=1":                    codec.Malformed,
		"cpu,a= v=1":                   codec.Malformed,
		"cpu,=b v=1":                   codec.Malformed,
		"cpu,a=b=c v=1":                codec.Malformed,
		"cpu,a=1,a=2 v=1":              codec.Duplicate,
		"cpu v=1,v=2":                  codec.Duplicate,
		"cpu v":                        codec.Malformed,
		"cpu v=":                       codec.Malformed,
		"cpu v=x":                      codec.Malformed,
		"cpu v=NaN":                    codec.Malformed,
		"cpu v=Inf":                    codec.Malformed,
		"cpu v=0x10":                   codec.Malformed,
		"cpu v=1e999":                  codec.Number,
		"cpu v=-1u":                    codec.Malformed,
		"cpu v=1.5i":                   codec.Malformed,
		"cpu v=1,":                     codec.Malformed,
		`cpu v="a`:                     codec.Malformed,
		`cpu v="a"x`:                   codec.Malformed,
		"cpu v=1 x":                    codec.Malformed,
		"cpu v=1 1 2":                  codec.Malformed,
		"cpu v=1 1.5":                  codec.Malformed,
		"cpu\xff v=1":                  codec.Malformed,
		"cpu v=9223372036854775808i":   codec.Number,
		"cpu v=1 9223372036854775807":  codec.Number,
		"cpu v=1 -9223372036854775808": codec.Number,
		"cpu" + strings.Repeat(",a=b", MaxTags+1) + " v=1": codec.TooLarge,
	} {
		lines := Lines([]byte(in), Nanoseconds)
		if len(lines) != 1 || codec.CauseOf(lines[0].Err) != want || lines[0].Err == nil {
			t.Errorf("%q: %+v, want %s", in, lines, want)
		}
	}
	if _, err := Decode(make([]byte, MaxBytes+1), Nanoseconds); codec.CauseOf(err) != codec.TooLarge {
		t.Error(err)
	}
	if _, err := Decode([]byte(strings.Repeat("a b=1\n", MaxLines+1)), Nanoseconds); codec.CauseOf(err) != codec.TooLarge {
		t.Error(err)
	}
}

func TestPrecision(t *testing.T) {
	for _, tt := range []struct {
		unit Precision
		in   int64
		want telemetry.Millis
	}{
		{Nanoseconds, 1556813561098765432, 1556813561098},
		{Microseconds, 1556813561098765, 1556813561098},
		{Milliseconds, 1556813561098, 1556813561098},
		{Seconds, 1556813561, 1556813561000},
		{Nanoseconds, -1, -1},
		{Seconds, 0, 1000},
	} {
		if got, ok := tt.unit.millis(tt.in); got != tt.want || !ok {
			t.Errorf("%d %s: %d, %v", tt.in, tt.unit, got, ok)
		}
	}
	if _, ok := Seconds.millis(1 << 60); ok {
		t.Error("a time beyond all times passes")
	}
	for in, want := range map[string]Precision{"": "ns", "n": "ns", "u": "us", "ms": "ms", "s": "s", "h": ""} {
		if got, err := ParsePrecision(in); got != want || (err == nil) != (want != "") {
			t.Errorf("%q: %s, %v", in, got, err)
		}
	}
}

func TestNaming(t *testing.T) {
	box, self := Owner{ID: "box", Kind: "server", Speaks: true}, Owner{ID: "pump-1", Kind: "pump"}
	for _, tt := range []struct {
		owner        Owner
		line, device string
		metrics      []string
	}{
		{self, "cpu,cpu=cpu0,host=a usage_idle=1,usage_user=2", "", []string{"cpu.cpu0.usage_idle", "cpu.cpu0.usage_user"}},
		{self, "pump,device=pump-1 flow=1", "", []string{"flow"}},
		{self, "pump,line=2,bay=north flow=1", "", []string{"north.2.flow"}},
		{self, "disk,device=sda1,path=data used=1", "", []string{"disk.sda1.data.used"}},
		{box, "mem,host=web-7 free=1", "web-7", []string{"mem.free"}},
		{box, "disk,device=sda1,host=web-7 used=1", "web-7", []string{"disk.sda1.used"}},
		{box, "pump,device=pump-1 flow=1", "pump-1", []string{"pump.flow"}},
		{box, "mem,host=box free=1", "", []string{"mem.free"}},
		{box, "mem free=1", "", []string{"mem.free"}},
	} {
		s, err := Lines([]byte(tt.line), Nanoseconds)[0].Sample(tt.owner)
		var names []string
		for _, f := range s.Values {
			names = append(names, f.Metric)
		}
		if err != nil || s.Device != tt.device || !reflect.DeepEqual(names, tt.metrics) {
			t.Errorf("%s of %s: %q %q, %v; want %q %q", tt.line, tt.owner.ID, s.Device, names, err, tt.device, tt.metrics)
		}
	}
}

func TestJoin(t *testing.T) {
	long := "long v=1,s=\"" + strings.Repeat("x", MaxBytes) + "\""
	in := strings.Repeat("cpu v=1 5\n", MaxLines) + "mem s=\"a\nb\",v=2\n" + long
	lines := Lines([]byte(in), Seconds)
	payloads := Join(lines)
	if len(payloads) != 2 || lines[len(lines)-1].Fits() {
		t.Fatalf("%d payloads", len(payloads))
	}
	n := 0
	for _, p := range payloads {
		again, err := Decode(p, Seconds)
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range again {
			if l.Err != nil || say(l) != say(lines[n]) {
				t.Fatalf("line %d became %+v", n+1, l)
			}
			n++
		}
	}
	if n != len(lines)-1 {
		t.Errorf("%d of %d lines", n, len(lines))
	}
}

// FuzzLines: what is accepted can be held, every byte belongs to a line or
// between two, and packing lines changes none.
func FuzzLines(f *testing.F) {
	for _, s := range []string{`myMeasurement,tag1=value1,tag2=value2 fieldKey="fieldValue" 1556813561098000000`, "a b=1i\nc,d=e f=t,g=1u 5\r\n#x", `m\ x,k\,=v\= f="a\"\\` + "\n" + `b",g=-1e-3`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, p []byte) {
		lines := Lines(p, Milliseconds)
		for i, l := range lines {
			for _, v := range l.Fields {
				if math.IsInf(v.Value, 0) || math.IsNaN(v.Value) {
					t.Fatalf("accepted %+v", v)
				}
			}
			if l.Err != nil {
				if l.Measurement != "" || codec.CauseOf(l.Err) == "" {
					t.Fatalf("half a line: %+v", l)
				}
				continue
			}
			if s, err := l.Sample(Owner{ID: "x", Kind: "k", Speaks: i%2 == 0}); err == nil {
				for _, v := range s.Values {
					if !codec.ValidMetric([]byte(v.Metric)) {
						t.Fatalf("metric %q", v.Metric)
					}
				}
			}
		}
		var again []string
		for _, b := range Join(lines) {
			for _, l := range Lines(b, Milliseconds) {
				again = append(again, say(l))
			}
		}
		for i, l := range lines {
			if len(p) < MaxBytes && say(l) != again[i] {
				t.Fatalf("line %d was %q, is %q", i, say(l), again[i])
			}
		}
	})
}

func BenchmarkLines(b *testing.B) {
	p := []byte(strings.Repeat("cpu,cpu=cpu0,host=web-7 usage_idle=97.25,usage_user=1.5,usage_system=1.25 1556813561098000000\n", 1000))
	b.SetBytes(int64(len(p)))
	for b.Loop() {
		if lines := Lines(p, Nanoseconds); len(lines) != 1000 || lines[999].Err != nil {
			b.Fatal(len(lines))
		}
	}
}
