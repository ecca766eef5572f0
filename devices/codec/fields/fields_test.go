package fields

import (
	"encoding/hex"
	"reflect"
	"strings"
	"testing"

	"gridhub/devices/telemetry"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// winsen is the answer of the MH-Z19B (manual V1.0, command 0x86): its example
// is FF 86 02 60 47 00 00 00 D1, 608 ppm.
func winsen() *Frame {
	return &Frame{Start: []byte{0xFF, 0x86}, Length: 9, Checksum: Complement, From: 1, Numbers: []Number{{Name: "co2", At: 2, Bytes: 2}}}
}

func TestFrame(t *testing.T) {
	l := Layout{Frame: winsen()}
	noise := unhex(t, "86 FF FF 86 FF 86 02 60 47 00 00 00 D1 FF")
	said, rest, err := l.Next(noise)
	if err != nil || said["co2"] != 608 || len(rest) != 1 {
		t.Errorf("got %v, % x, %v", said, rest, err)
	}
	said, rest, err = l.Next(unhex(t, "FF 86 02 61 47 00 00 00 D1"))
	if said != nil || err != ErrChecksum || len(rest) != 1 {
		t.Errorf("damaged: %v, % x, %v", said, rest, err)
	}
	said, rest, err = l.Next(unhex(t, "FF 86 02 60"))
	if said != nil || err != nil || len(rest) != 4 {
		t.Errorf("cut: %v, % x, %v", said, rest, err)
	}
}

func TestNumbers(t *testing.T) {
	for _, tt := range []struct {
		n    Number
		b    string
		want float64
	}{
		{Number{}, "FE", 254},
		{Number{Signed: true}, "FE", -2},
		{Number{}, "01 02 03", 0x010203},
		{Number{Little: true}, "01 02 03", 0x030201},
		{Number{Signed: true}, "FF FF FF", -1},
		{Number{Float: true}, "43 66 00 00", 230},
		{Number{Float: true, Little: true}, "00 00 66 43", 230},
		{Number{Float: true}, "40 09 21 FB 54 44 2D 18", 3.141592653589793},
	} {
		if got := tt.n.read(unhex(t, tt.b)); got != tt.want {
			t.Errorf("%+v of %s: %v, want %v", tt.n, tt.b, got, tt.want)
		}
	}
}

func TestChecksums(t *testing.T) {
	b := []byte("123456789")
	for c, want := range map[Checksum]string{None: "", Sum: "dd", Complement: "23", XOR: "31", Sum16: "01dd", CRC16: "374b"} {
		if got := hex.EncodeToString(c.of(b)); got != want || len(c.of(b)) != c.size() {
			t.Errorf("%s: %s, want %s", c, got, want)
		}
	}
}

func TestPattern(t *testing.T) {
	p, err := NewPattern(`^L=\s*(?P<level>-?[0-9.]+) ?dB(?: (?P<state>OK|ERR))?$`, map[string]map[string]float64{"state": {"OK": 0, "ERR": 1}})
	if err != nil {
		t.Fatal(err)
	}
	l := Layout{Pattern: p}
	said, rest, err := l.Next([]byte("hello\r\nL= 58.6 dB ERR\r\nL=6"))
	if want := map[string]float64{"level": 58.6, "state": 1}; err != nil || !reflect.DeepEqual(said, want) || string(rest) != "\nL=6" {
		t.Errorf("got %v, %q, %v", said, rest, err)
	}
	if said, _, _ = l.Next([]byte("L=12 dB\n")); !reflect.DeepEqual(said, map[string]float64{"level": 12}) {
		t.Errorf("a group that matched nothing: %v", said)
	}
	if _, _, err = l.Next(make([]byte, MaxLine+1)); err == nil {
		t.Error("a line without end was kept")
	}
	if _, err := NewPattern("[0-9]+", nil); err == nil {
		t.Error("a pattern without names was taken")
	}
}

func TestDecode(t *testing.T) {
	top := 100.0
	l := Layout{Fields: []Field{
		{Metric: "a", Name: "x", Scale: 0.5, Offset: 1}, {Metric: "b", Name: "y", Max: &top}, {Metric: "c", Name: "z", Known: []float64{0, 1}},
	}}
	got, q := l.Decode(map[string]float64{"x": 4, "y": 7})
	if want := []telemetry.Field{{Metric: "a", Value: 3}, {Metric: "b", Value: 7}}; !reflect.DeepEqual(got, want) || q != telemetry.Good {
		t.Errorf("got %v, %v", got, q)
	}
	if _, q = l.Decode(map[string]float64{"y": 101}); q != telemetry.Uncertain {
		t.Error("an implausible value counts as good")
	}
	if _, q = l.Decode(map[string]float64{"z": 2}); q != telemetry.Uncertain {
		t.Error("an unknown state counts as good")
	}
}

// FuzzNext holds that foreign bytes never make Next panic or go round in
// circles, and that a frame it reads has the right sum.
func FuzzNext(f *testing.F) {
	f.Add([]byte("L= 58.6 dB\r\n\r\nL=x"), false)
	f.Add(unhex(f, "FF 86 02 60 47 00 00 00 D1 FF 86"), true)
	p, err := NewPattern(`(?P<level>[0-9.]+)`, nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, buf []byte, frame bool) {
		l := Layout{Pattern: p}
		if frame {
			l = Layout{Frame: winsen()}
		}
		for {
			said, rest, _ := l.Next(buf)
			if said == nil {
				return
			}
			if len(rest) >= len(buf) {
				t.Fatalf("nothing was taken off %x", buf)
			}
			buf = rest
		}
	})
}
