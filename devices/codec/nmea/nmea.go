// Package nmea reads the sentences of GNSS receivers (NMEA 0183): RMC, GGA,
// GSA and VTG of any talker, GPS, BeiDou (BD, GB) and combined (GN) ones
// included, and joins those of one instant to one fix.
//
// It is pure and promises never to panic on foreign bytes, and never to take a
// value from a sentence whose checksum is missing or wrong. A receiver without
// a fix has no position: none is made up, and an old one is not repeated.
package nmea

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// MaxSentence is the longest sentence that is looked at. The standard has 82
// characters; receivers with many digits exceed it.
const MaxSentence = 120

// Names are what a fix can tell: lon and lat in degrees WGS-84, altitude in
// metres above the sea, speed in m/s, heading in degrees from north, hdop and
// pdop, satellites used, and fix: 0 none, 1 autonomous, 2 differential, 4 and
// 5 real-time kinematic, 6 estimated.
var Names = []string{"lon", "lat", "altitude", "speed", "heading", "hdop", "pdop", "satellites", "fix"}

// Fix is what the sentences of one instant say together.
type Fix struct {
	At     time.Time // UTC; zero where no date was told
	Values map[string]float64
}

// Faults of a sentence.
var (
	ErrChecksum = errors.New("wrong or missing checksum")
	ErrSentence = errors.New("not an NMEA sentence")
)

// knot is a nautical mile per hour in m/s.
const knot = 1852.0 / 3600

// Sentence checks a line and returns talker, type and fields.
func Sentence(line string) (talker, kind string, fields []string, err error) {
	body, sum, ok := strings.Cut(line, "*")
	if len(line) > MaxSentence || len(body) < 6 || body[0] != '$' {
		return "", "", nil, ErrSentence
	}
	want, err := strconv.ParseUint(sum, 16, 8)
	if !ok || err != nil || len(sum) != 2 || byte(want) != Checksum(body[1:]) {
		return "", "", nil, ErrChecksum
	}
	fields = strings.Split(body, ",")
	head := fields[0][1:]
	if len(head) < 5 || head[0] == 'P' { // proprietary sentences begin with P
		return "", "", nil, ErrSentence
	}
	return head[:len(head)-3], head[len(head)-3:], fields[1:], nil
}

// Checksum is the exclusive or of what lies between $ and *.
func Checksum(s string) (x byte) {
	for i := range len(s) {
		x ^= s[i]
	}
	return x
}

// Line makes a sentence of its body, such as GPRMC,….
func Line(body string) string { return fmt.Sprintf("$%s*%02X", body, Checksum(body)) }

// Receiver joins sentences to fixes. The zero value is ready. It is for one
// goroutine.
type Receiver struct {
	clock string // hhmmss of the sentences gathered
	date  string // ddmmyy
	fix   map[string]float64
}

// Hear takes one line without its end. When it begins another instant, the fix
// that the lines before it made is returned. The error says why a line was not
// taken; the fix may be there nevertheless.
func (r *Receiver) Hear(line string) (done Fix, ok bool, err error) {
	_, kind, f, err := Sentence(line)
	if err != nil {
		return Fix{}, false, err
	}
	if clock := timeOf(kind, f); clock != "" {
		if r.clock != "" && clock != r.clock {
			done, ok = r.Take()
		}
		r.clock = clock
	}
	if r.fix == nil {
		r.fix = map[string]float64{}
	}
	switch kind {
	case "RMC":
		r.rmc(f)
	case "GGA":
		r.gga(f)
	case "GSA":
		r.put("pdop", at(f, 14), 1)
		r.put("hdop", at(f, 15), 1)
	case "VTG":
		r.put("heading", at(f, 0), 1)
		r.put("speed", at(f, 6), 1/3.6)
	}
	return done, ok, nil
}

// Take returns what was gathered and begins anew. A caller that hears nothing
// for a while takes what is there.
func (r *Receiver) Take() (Fix, bool) {
	fix := Fix{At: r.instant(), Values: r.fix}
	known := r.clock != "" && len(r.fix) > 0
	r.clock, r.date, r.fix = "", "", nil
	if !known {
		return Fix{}, false
	}
	if q, told := fix.Values["fix"]; told && q == 0 { // nothing that a receiver says without a fix is a place
		fix.Values = map[string]float64{"fix": 0}
	}
	return fix, true
}

// timeOf is the hhmmss of sentences that have one, fractions cut: receivers
// with several fixes a second are read once a second at most.
func timeOf(kind string, f []string) string {
	if kind != "RMC" && kind != "GGA" || len(at(f, 0)) < 6 {
		return ""
	}
	return f[0][:6]
}

func (r *Receiver) rmc(f []string) {
	r.date = at(f, 8)
	if at(f, 1) != "A" {
		r.fix["fix"] = 0
		return
	}
	if _, told := r.fix["fix"]; !told {
		r.fix["fix"] = 1
	}
	r.place(at(f, 2), at(f, 3), at(f, 4), at(f, 5))
	r.put("speed", at(f, 6), knot)
	r.put("heading", at(f, 7), 1)
}

func (r *Receiver) gga(f []string) {
	r.put("fix", at(f, 5), 1)
	r.put("satellites", at(f, 6), 1)
	if r.fix["fix"] == 0 {
		return
	}
	r.place(at(f, 1), at(f, 2), at(f, 3), at(f, 4))
	r.put("hdop", at(f, 7), 1)
	r.put("altitude", at(f, 8), 1)
}

func (r *Receiver) put(name, text string, scale float64) {
	if v, err := strconv.ParseFloat(text, 64); err == nil && !math.IsInf(v, 0) && !math.IsNaN(v) {
		r.fix[name] = v * scale
	}
}

// place reads ddmm.mmmm and dddmm.mmmm with their hemispheres.
func (r *Receiver) place(lat, ns, lon, ew string) {
	y, ok1 := degrees(lat, ns, "N", "S", 90)
	x, ok2 := degrees(lon, ew, "E", "W", 180)
	if ok1 && ok2 {
		r.fix["lat"], r.fix["lon"] = y, x
	}
}

func degrees(text, hemisphere, plus, minus string, most float64) (float64, bool) {
	v, err := strconv.ParseFloat(text, 64)
	if err != nil || !(v >= 0 && v <= most*100) || hemisphere != plus && hemisphere != minus {
		return 0, false
	}
	whole := math.Floor(v / 100)
	minutes := v - whole*100
	d := whole + minutes/60
	if hemisphere == minus {
		d = -d
	}
	return d, minutes < 60 && math.Abs(d) <= most
}

// instant joins date and time.
func (r *Receiver) instant() time.Time {
	t, err := time.Parse("020106150405", r.date+r.clock)
	if err != nil {
		return time.Time{}
	}
	return t
}

func at(f []string, i int) string {
	if i < len(f) {
		return f[i]
	}
	return ""
}
