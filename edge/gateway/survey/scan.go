package survey

import (
	"context"
	"fmt"
	"io"
	"math"
	"slices"
	"time"

	"gridhub/devices"
	"gridhub/devices/profile"
	"gridhub/devices/telemetry"
	"gridhub/edge/driver"
	"gridhub/edge/driver/modbus"
)

// Search is where Scan looks.
type Search struct {
	First, Last int           // Modbus units
	Timeout     time.Duration // for one answer
	Speeds      []Speed       // serial lines: tried in this order
	All         bool          // go on after the first speed at which something answers
}

// Speed is how bytes travel on a serial line.
type Speed struct {
	Baud   int
	Parity string
}

func (s Speed) String() string { return fmt.Sprintf("%d baud, parity %s", s.Baud, s.Parity) }

// Usual are the speeds at which devices leave their makers, the most frequent
// first.
func Usual() []Speed {
	var all []Speed
	for _, parity := range []string{"none", "even", "odd"} {
		for _, baud := range []int{9600, 4800, 2400, 19200, 38400, 115200, 57600, 1200} {
			all = append(all, Speed{baud, parity})
		}
	}
	slices.SortStableFunc(all, func(a, b Speed) int { return rank(a) - rank(b) })
	return all
}

// rank puts the pairs that most makers choose first.
func rank(s Speed) int {
	usual := []Speed{{9600, "none"}, {2400, "even"}, {4800, "none"}, {9600, "even"}, {19200, "even"}, {19200, "none"}, {115200, "none"}}
	if i := slices.Index(usual, s); i >= 0 {
		return i
	}
	return len(usual)
}

// Found is one device that answered.
type Found struct {
	Speed    Speed // zero on a network line
	Protocol profile.Protocol
	Address  string
	Guesses  []Guess // best first
}

// Guess is a profile that reads the device without contradiction.
type Guess struct {
	Ref     profile.Ref
	Values  []telemetry.Field
	Matched int // values that their range confirms
}

// Scan looks for devices on l and writes what it does and finds to w. library
// may be nil: then no profile is guessed.
func Scan(ctx context.Context, w io.Writer, l profile.Line, s Search, library profile.Library) ([]Found, error) {
	speeds := s.Speeds
	if l.Kind != profile.Serial {
		speeds = []Speed{{}}
	}
	var all []Found
	var seen driver.Tally
	for _, speed := range speeds {
		at := quick(l, s.Timeout)
		if l.Kind == profile.Serial {
			at.Baud, at.Parity = speed.Baud, speed.Parity
			say(w, "%s: trying %s", l.Name, speed)
		}
		found, err := scanAt(ctx, at, s, &seen)
		if err != nil {
			return all, err
		}
		for i := range found {
			found[i].Speed = speed
			if found[i].Guesses, err = guess(ctx, at, found[i], library); err != nil {
				return all, err
			}
			report(w, found[i], library)
		}
		all = append(all, found...)
		if len(all) > 0 && !s.All {
			return all, nil
		}
	}
	if len(all) == 0 {
		say(w, "nothing answers\n%s", findings(seen))
	}
	return all, nil
}

// scanAt looks at one speed: first for a meter that is alone, then for units.
func scanAt(ctx context.Context, l profile.Line, s Search, seen *driver.Tally) (found []Found, err error) {
	if l.Kind == profile.Serial || l.Framing == profile.RTU { // Modbus TCP carries no meters
		meter, protocol, err := meterAlone(ctx, l)
		if err != nil {
			return nil, err
		}
		if meter != "" {
			found = append(found, Found{Protocol: protocol, Address: meter})
		}
	}
	line := modbus.New(l, quiet)
	defer line.Close()
	for unit := s.First; unit <= s.Last; unit++ {
		there, symptom, err := answers(ctx, line, unit)
		if err != nil {
			return found, err
		}
		seen[symptom]++
		if there {
			found = append(found, Found{Protocol: profile.Modbus, Address: fmt.Sprint(unit)})
		}
	}
	return found, nil
}

// mostGuesses is how many profiles are shown for one device.
const mostGuesses = 3

// guess reads the device with every profile of its protocol and keeps those
// that read it whole, the best confirmed first.
func guess(ctx context.Context, l profile.Line, f Found, library profile.Library) (all []Guess, err error) {
	line := open(l, f.Protocol)
	defer line.Close()
	for ref, p := range library {
		if p.Protocol.String() != f.Protocol.String() || p.Simulated() {
			continue
		}
		layout, err := p.Compile(nil)
		if err != nil {
			continue // wants an answer that only its installer knows
		}
		r, err := line.Read(ctx, driver.Station{ID: devices.ID(ref), Address: f.Address, Profile: p, Layout: layout})
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if err == nil && r.Quality == telemetry.Good {
			all = append(all, Guess{ref, r.Values, matched(p, r.Values)})
		}
	}
	slices.SortFunc(all, func(a, b Guess) int {
		if a.Matched != b.Matched {
			return b.Matched - a.Matched
		}
		if len(a.Values) != len(b.Values) {
			return len(b.Values) - len(a.Values)
		}
		return compare(a.Ref, b.Ref)
	})
	if len(all) > 0 && all[0].Matched > 0 { // zeros fit every profile, and say nothing beside one that is confirmed
		all = slices.DeleteFunc(all, func(g Guess) bool { return g.Matched == 0 })
	}
	return all[:min(len(all), mostGuesses)], nil
}

func compare(a, b profile.Ref) int {
	if a < b {
		return -1
	}
	return 1
}

// dust is what bits that are no float look like as one.
const dust = 1e-6

// matched counts values other than zero that lie in a range of their own: a
// zero fits every profile.
func matched(p *profile.Profile, values []telemetry.Field) (n int) {
	for _, f := range values {
		for i := range p.Metrics {
			if m := &p.Metrics[i]; m.Name == f.Metric && m.Range != nil && math.Abs(f.Value) > dust {
				n++
			}
		}
	}
	return n
}

// report writes what was found, ready to be copied into a device file.
func report(w io.Writer, f Found, library profile.Library) {
	say(w, "found: %s at %s", f.Protocol, f.Address)
	for _, g := range f.Guesses {
		say(w, "  could be %s (%s)", g.Ref, library[g.Ref].Title.EN)
		for _, v := range g.Values {
			say(w, "    %-16s %.6g %s", v.Metric, v.Value, unit(library[g.Ref], v.Metric))
		}
	}
	if len(f.Guesses) > 0 {
		say(w, "  - {id: CHOOSE-ONE, profile: %s, line: LINE, address: %q}", f.Guesses[0].Ref, f.Address)
	}
}

func unit(p *profile.Profile, metric string) string {
	for i := range p.Metrics {
		if p.Metrics[i].Name == metric {
			return p.Metrics[i].Unit
		}
	}
	return ""
}
