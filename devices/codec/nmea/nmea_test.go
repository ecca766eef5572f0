package nmea

import (
	"errors"
	"math"
	"testing"
	"time"
)

// The sentences of gpsinformation.org/dale/nmea.htm, which most documents
// quote, and one of a BeiDou receiver.
const (
	rmc = "$GPRMC,123519,A,4807.038,N,01131.000,E,022.4,084.4,230394,003.1,W*6A"
	gga = "$GPGGA,123519,4807.038,N,01131.000,E,1,08,0.9,545.4,M,46.9,M,,*47"
	gsa = "$GPGSA,A,3,04,05,,09,12,,,24,,,,,2.5,1.3,2.1*39"
	vtg = "$GPVTG,054.7,T,034.4,M,005.5,N,010.2,K*48"
)

func TestSentences(t *testing.T) {
	for line, want := range map[string]error{
		rmc: nil, gga: nil, gsa: nil, vtg: nil,
		gga[:len(gga)-2] + "48":        ErrChecksum,
		gga[:len(gga)-3]:               ErrChecksum,
		"$GPGGA":                       ErrChecksum,
		"":                             ErrSentence,
		"GPGGA,1*00":                   ErrSentence,
		Line("PMTK001,314,3"):          ErrSentence,
		Line("GP"):                     ErrSentence,
		Line("BDRMC,123519,A,,,,,,,,"): nil,
	} {
		if _, _, _, err := Sentence(line); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", line, err, want)
		}
	}
}

func TestOneInstant(t *testing.T) {
	var r Receiver
	for _, line := range []string{rmc, gga, gsa, vtg} {
		if _, ok, err := r.Hear(line); ok || err != nil {
			t.Fatalf("%s: %v, %v", line, ok, err)
		}
	}
	fix, ok, err := r.Hear(Line("GPGGA,123520,4807.038,N,01131.000,E,0,00,,,M,,M,,"))
	if !ok || err != nil || !fix.At.Equal(time.Date(1994, 3, 23, 12, 35, 19, 0, time.UTC)) {
		t.Fatalf("%+v, %v, %v", fix, ok, err)
	}
	want := map[string]float64{
		"lat": 48.1173, "lon": 11 + 31.0/60, "altitude": 545.4, "satellites": 8, "fix": 1,
		"hdop": 1.3, "pdop": 2.5, "heading": 54.7, "speed": 10.2 / 3.6,
	}
	if len(fix.Values) != len(want) {
		t.Errorf("got %v", fix.Values)
	}
	for name, w := range want {
		if math.Abs(fix.Values[name]-w) > 1e-9 {
			t.Errorf("%s is %v, want %v", name, fix.Values[name], w)
		}
	}
}

// TestNoFix holds that a receiver without a fix tells no place, whatever else
// it says.
func TestNoFix(t *testing.T) {
	for _, line := range []string{
		Line("GNRMC,123520,V,4807.038,N,01131.000,E,,,230394,,"),
		Line("GNGGA,123520,4807.038,N,01131.000,E,0,00,,,M,,M,,"),
		Line("GNGGA,123520,,,,,0,00,99.9,,M,,M,,"),
	} {
		var r Receiver
		if _, _, err := r.Hear(line); err != nil {
			t.Fatal(err)
		}
		fix, ok := r.Take()
		if _, placed := fix.Values["lat"]; !ok || placed || fix.Values["fix"] != 0 {
			t.Errorf("%s: %+v", line, fix)
		}
	}
}

func TestPlaces(t *testing.T) {
	for _, tt := range []struct {
		text, hemisphere string
		want             float64
		ok               bool
	}{
		{"4807.038", "N", 48.1173, true}, {"4807.038", "S", -48.1173, true}, {"0000.000", "N", 0, true},
		{"4860.000", "N", 0, false}, {"9100.000", "N", 0, false}, {"4807.038", "", 0, false}, {"-107.0", "N", 0, false}, {"NaN", "N", 0, false},
	} {
		got, ok := degrees(tt.text, tt.hemisphere, "N", "S", 90)
		if ok != tt.ok || ok && math.Abs(got-tt.want) > 1e-9 {
			t.Errorf("%s %s: %v, %v", tt.text, tt.hemisphere, got, ok)
		}
	}
}

// FuzzHear holds that no line makes Hear panic or gives a place off the Earth.
func FuzzHear(f *testing.F) {
	for _, line := range []string{rmc, gga, gsa, vtg} {
		f.Add(line[1 : len(line)-3])
	}
	f.Fuzz(func(t *testing.T, body string) {
		var r Receiver
		r.Hear(body)
		r.Hear(Line(body))
		fix, _ := r.Take()
		if lat, ok := fix.Values["lat"]; ok && !(math.Abs(lat) <= 90 && math.Abs(fix.Values["lon"]) <= 180) {
			t.Fatalf("%q is at %v", body, fix.Values)
		}
		for name, v := range fix.Values {
			if math.IsNaN(v) || math.IsInf(v, 0) {
				t.Fatalf("%q: %s is %v", body, name, v)
			}
		}
	})
}
