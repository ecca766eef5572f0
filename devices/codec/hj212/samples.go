package hj212

import (
	"math"
	"strconv"
	"strings"
	"time"
)

// Sample is what a station measured at one instant or over one period. Names
// are a code and what is told of it, as in the packet: a34004-Rtd, LA-Avg.
type Sample struct {
	At     time.Time // zero where the packet tells no time
	Values map[string]float64
	Doubt  bool // a value is marked as beyond the instrument's range
}

// china is the time zone of all stamps (6.3.4).
var china = time.FixedZone("CST", 8*3600)

// MaxValues bounds what is taken from one packet.
const MaxValues = 512

// Sample reads the packet's data. Values that the station itself calls no
// measurement (flags D fault, C calibrating, M maintenance, F stopped, P power
// failure, and others) are left out; T, beyond the range, is doubtful. ok is
// false for packets that carry no data.
func (p *Packet) Sample() (s Sample, ok bool) {
	switch p.CN {
	case RealTime, Minutes, Hour, Day:
	default:
		return Sample{}, false
	}
	s.Values = map[string]float64{}
	flags := map[string]string{}
	for item := range strings.FieldsFuncSeq(p.Text, func(r rune) bool { return r == ';' || r == ',' }) {
		name, value, _ := strings.Cut(item, "=")
		code, what, dashed := strings.Cut(name, "-")
		switch {
		case name == "DataTime":
			s.At, _ = time.ParseInLocation("20060102150405", value, china)
		case !dashed || !ValidName(name):
		case what == "Flag":
			flags[code] = value
		case len(s.Values) < MaxValues:
			if v, err := strconv.ParseFloat(value, 64); err == nil && !math.IsInf(v, 0) && !math.IsNaN(v) {
				s.Values[name] = v
			}
		}
	}
	for name := range s.Values {
		code, _, _ := strings.Cut(name, "-")
		switch flags[code] {
		case "", "N":
		case "T":
			s.Doubt = true
		default:
			delete(s.Values, name)
		}
	}
	return s, true
}

// ValidName reports whether name is a code and what is told of it: letters and
// digits around one dash.
func ValidName(name string) bool {
	code, what, ok := strings.Cut(name, "-")
	return ok && plain(code) && plain(what) && len(name) <= 32
}

func plain(s string) bool {
	for i := range len(s) {
		c := s[i] | 0x20
		if !(c >= 'a' && c <= 'z' || s[i] >= '0' && s[i] <= '9') {
			return false
		}
	}
	return s != ""
}
