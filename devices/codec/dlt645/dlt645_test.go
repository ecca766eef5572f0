package dlt645

import (
	"encoding/hex"
	"errors"
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

func frame(t testing.TB, s string) Frame {
	t.Helper()
	f, rest, ok, err := Next(unhex(t, s))
	if !ok || err != nil || len(rest) != 0 {
		t.Fatalf("%s: %+v, % x, %v, %v", s, f, rest, ok, err)
	}
	return f
}

// TestPublic reads frames from public documents: question, answer, and what
// they mean.
func TestPublic(t *testing.T) {
	for _, tt := range []struct {
		source      string
		edition     Edition
		field       Field
		ask, answer string
		meter       string
		want        float64
	}{
		{"DL/T 645-2007 frames explained, energy", E2007, Field{DI: 0x00010000, Bytes: 4, Scale: 0.01},
			"FE FE FE FE 68 61 01 00 00 00 00 68 11 04 33 33 34 33 14 16",
			"68 61 01 00 00 00 00 68 91 08 33 33 34 33 59 33 33 33 8A 16", "000000000161", 0.26},
		{"the same, voltage of phase A", E2007, Field{DI: 0x02010100, Bytes: 2, Scale: 0.1},
			"FE FE FE FE 68 61 01 00 00 00 00 68 11 04 33 34 34 35 17 16",
			"68 61 01 00 00 00 00 68 91 06 33 34 34 35 34 43 10 16", "000000000161", 100.1},
		{"mbb.eet-china.com/forum/topic/114707_1_1.html, three voltages", E2007, Field{DI: 0x0201FF00, At: 4, Bytes: 2, Scale: 0.1},
			"FE FE FE FE 68 18 20 12 22 20 65 68 11 04 33 32 34 35 A4 16",
			"FE FE FE FE 68 18 20 12 22 20 65 68 91 0A 33 32 34 35 33 33 33 33 C7 56 13 16", "652022122018", 239.4},
		{"Heyuan ASDU-LS manual, screen 9-17, voltage of phase A", E1997, Field{DI: 0xB611, Bytes: 2},
			"68 03 00 00 00 00 00 68 01 02 44 E9 03 16",
			"68 03 00 00 00 00 00 68 81 04 44 E9 33 34 EC 16", "000000000003", 100},
	} {
		tt.field.Metric = "v"
		layout, err := New(tt.edition, []Field{tt.field})
		if err != nil {
			t.Fatal(err)
		}
		a, err := ParseAddress(tt.meter)
		if err != nil || a.String() != tt.meter {
			t.Errorf("%s: %v, %v", tt.meter, a, err)
		}
		ask := tt.edition.Read(a, layout.Asks()[0])
		if got := frame(t, tt.ask); !reflect.DeepEqual(got, ask) {
			t.Errorf("%s: asked %+v, want %+v", tt.source, ask, got)
		}
		data, more, err := tt.edition.Answer(ask, frame(t, tt.answer))
		if err != nil || more {
			t.Errorf("%s: %v, %v", tt.source, more, err)
			continue
		}
		got, quality, err := layout.Decode([][]byte{data})
		if want := []telemetry.Field{{Metric: "v", Value: tt.want}}; err != nil || quality != telemetry.Good || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %v, %v, %v, want %v", tt.source, got, quality, err, tt.want)
		}
	}
	if got := ReadAddress().Bytes(); hex.EncodeToString(got) != "fefefefe68aaaaaaaaaaaa681300df16" { // tjsmart.net/show/384/564.shtml
		t.Errorf("asking for the number: % x", got)
	}
}

func TestAnswerRefusesOthers(t *testing.T) {
	a, _ := ParseAddress("12")
	b, _ := ParseAddress("13")
	ask := E2007.Read(a, 0x00010000)
	data := append(E2007.bytes(0x00010000), 1, 2, 3, 4)
	for _, tt := range []struct {
		name string
		f    Frame
		err  error
	}{
		{"sound", Frame{a, 0x91, data}, nil},
		{"an echo", ask, ErrForeign},
		{"another meter", Frame{b, 0x91, data}, ErrForeign},
		{"another function", Frame{a, 0x92, data}, ErrForeign},
		{"another identifier", Frame{a, 0x91, append(E2007.bytes(0x00020000), 1, 2, 3, 4)}, ErrForeign},
		{"too short", Frame{a, 0x91, data[:3]}, ErrShort},
		{"a refusal", Frame{a, 0xD1, []byte{2}}, Refusal{E2007, 2}},
		{"a refusal without reason", Frame{a, 0xD1, nil}, ErrShort},
	} {
		got, _, err := E2007.Answer(ask, tt.f)
		if !errors.Is(err, tt.err) || tt.err == nil && len(got) != 4 {
			t.Errorf("%s: % x, %v", tt.name, got, err)
		}
	}
	if got := (Refusal{E2007, 2}).Error(); got != "refusal 02 (no such data)" {
		t.Error(got)
	}
	if _, _, err := E2007.Answer(E2007.Read(Anyone, 0x00010000), Frame{b, 0x91, data}); err != nil {
		t.Errorf("asking anyone: %v", err)
	}
}

func TestContinuation(t *testing.T) {
	a, _ := ParseAddress("12")
	ask := E2007.ReadMore(a, 0x05060101, 2)
	sound := Frame{a, 0xB2, append(E2007.bytes(0x05060101), 7, 8, 2)}
	if data, more, err := E2007.Answer(ask, sound); err != nil || !more || string(data) != "\x07\x08" {
		t.Errorf("% x, %v, %v", data, more, err)
	}
	sound.Data[len(sound.Data)-1] = 1
	if _, _, err := E2007.Answer(ask, sound); !errors.Is(err, ErrForeign) {
		t.Errorf("another continuation: %v", err)
	}
	if data, _, err := E1997.Answer(E1997.ReadMore(a, 0x9010, 1), Frame{a, 0x82, []byte{0x10, 0x90, 5}}); err != nil || string(data) != "\x05" {
		t.Errorf("1997: % x, %v", data, err)
	}
}

func TestDecode(t *testing.T) {
	top := 300.0
	layout, err := New(E2007, []Field{
		{Metric: "power", DI: 0x02030000, Bytes: 3, Signed: true, Scale: 0.1},
		{Metric: "voltage", DI: 0x0201FF00, Bytes: 2, Scale: 0.1, Max: &top},
		{Metric: "third", DI: 0x0201FF00, At: 4, Bytes: 2, Scale: 0.1},
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		power, voltages string
		want            []telemetry.Field
		quality         telemetry.Quality
	}{
		{"56 34 12", "05 22 06 22 07 22", []telemetry.Field{{Metric: "power", Value: 12345.6}, {Metric: "voltage", Value: 220.5}, {Metric: "third", Value: 220.7}}, telemetry.Good},
		{"56 34 92", "05 22 FF FF FF FF", []telemetry.Field{{Metric: "power", Value: -12345.6}, {Metric: "voltage", Value: 220.5}}, telemetry.Uncertain},
		{"56 3A 12", "05 99", []telemetry.Field{{Metric: "voltage", Value: 990.5}}, telemetry.Uncertain},
	} {
		got, quality, err := layout.Decode([][]byte{unhex(t, tt.power), unhex(t, tt.voltages)})
		if err != nil || quality != tt.quality || !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%s %s: %v, %v, %v", tt.power, tt.voltages, got, quality, err)
		}
	}
	values := map[string]float64{"power": -12345.6, "voltage": 220.5, "third": 0.1}
	if got := layout.Encode(0x02030000, values); hex.EncodeToString(got) != "563492" {
		t.Errorf("encoded % x", got)
	}
	if got := layout.Encode(0x0201FF00, values); hex.EncodeToString(got) != "052200000100" {
		t.Errorf("encoded % x", got)
	}
}

func TestParse(t *testing.T) {
	for _, s := range []string{"", "1234567890123", "12a", "-1", "12 3"} {
		if a, err := ParseAddress(s); err == nil {
			t.Errorf("%q is %v", s, a)
		}
	}
	if di, err := ParseDI("02 01 FF 00", E2007); di != 0x0201FF00 || err != nil {
		t.Errorf("%x, %v", di, err)
	}
	for s, e := range map[string]Edition{"9010": E2007, "00010000": E1997, "xyz1": E1997} {
		if di, err := ParseDI(s, e); err == nil {
			t.Errorf("%q of %d is %x", s, e, di)
		}
	}
}

// FuzzNext holds that foreign bytes never make Next panic or go round in
// circles, and that what it reads can be written and read again.
func FuzzNext(f *testing.F) {
	f.Add(unhex(f, "FE FE FE FE 68 18 20 12 22 20 65 68 91 0A 33 32 34 35 33 33 33 33 C7 56 13 16"))
	f.Add(unhex(f, "68 68 03 00 00 00 00 00 68 81 04 44 E9 33 34 EC 16"))
	layout, err := New(E2007, []Field{{Metric: "v", DI: 0x0201FF00, Bytes: 2, Signed: true}})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, buf []byte) {
		layout.Decode([][]byte{buf})
		for {
			got, rest, ok, _ := Next(buf)
			if !ok {
				return
			}
			if len(rest) >= len(buf) {
				t.Fatalf("nothing was taken off %x", buf)
			}
			again, _, ok, err := Next(got.Bytes())
			if !ok || err != nil || !reflect.DeepEqual(again, got) {
				t.Fatalf("%+v became %+v, %v", got, again, err)
			}
			E2007.Answer(E2007.Read(got.Address, 0x0201FF00), got)
			E2007.Answer(E2007.ReadMore(got.Address, 0x0201FF00, 1), got)
			E1997.Answer(E1997.Read(got.Address, 0x9010), got)
			Number(got)
			buf = rest
		}
	})
}
