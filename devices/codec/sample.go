package codec

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"

	"gridhub/devices"
	"gridhub/devices/telemetry"
)

// Sample is what one device of a foreign sender told for one instant. Foreign
// payloads number nothing, so a sample that comes twice is known only by its
// instant and values.
type Sample struct {
	Device  string            // name of a device behind the sender, as foreign as it is; empty: the sender
	At      telemetry.Millis  // by the sender's clock; 0: not told
	Values  []telemetry.Field // sorted by metric, each once
	Units   []Unit            // of those values whose unit was told
	LeftOut []Omission        // values that a history of numbers cannot hold, each reason once
}

// Omission counts values that were left out for one reason.
type Omission struct {
	Why Why
	N   int
}

// Why is the reason of an omission, a label of counters.
type Why string

// The reasons.
const (
	Text      Why = "text"
	Null      Why = "null"      // told to be unknown
	Structure Why = "structure" // an object, an array, a data set, a template
	Bytes     Why = "bytes"
	Infinite  Why = "infinite" // NaN and the infinities
	Unfit     Why = "unfit"    // its own sender calls it bad or stale
)

// Omit counts n values that are left out.
func (s *Sample) Omit(why Why, n int) {
	if n == 0 {
		return
	}
	for i := range s.LeftOut {
		if s.LeftOut[i].Why == why {
			s.LeftOut[i].N += n
			return
		}
	}
	s.LeftOut = append(s.LeftOut, Omission{why, n})
}

// Unit is the unit of a metric, spelt as in wire.Metric.
type Unit struct{ Metric, Unit string }

// Put adds a value.
func (s *Sample) Put(metric string, v float64) {
	s.Values = append(s.Values, telemetry.Field{Metric: metric, Value: v})
}

// Sort orders the values. It fails when one metric stands there twice: nobody
// can say which is meant.
func (s *Sample) Sort() error {
	slices.SortStableFunc(s.Values, func(a, b telemetry.Field) int { return strings.Compare(a.Metric, b.Metric) })
	for i := 1; i < len(s.Values); i++ {
		if s.Values[i].Metric == s.Values[i-1].Metric {
			return Errorf(Duplicate, "metric %s twice in one sample", s.Values[i].Metric)
		}
	}
	return nil
}

// Metric makes the name of a metric out of foreign names: joined by '.', with
// '_' in place of what a metric's name must not hold. A name that lost
// something that way, or by its length, ends in '-' and six hexadecimal digits
// of the SHA-256 of what it was, so that two foreign names never become one.
func Metric(names ...string) string {
	whole := strings.Join(names, ".")
	if ValidMetric([]byte(whole)) {
		return whole
	}
	clean := strings.Map(func(c rune) rune {
		if c < 0x80 && metricByte[byte(c)] {
			return c
		}
		return '_'
	}, whole)
	if clean == "" || clean[0] == '_' || clean == QualityField {
		clean = "m" + clean
	}
	return tagged(clean, whole, MaxMetric)
}

// Child returns the id of a device behind a foreign gateway: the gateway's, a
// '.', and the device's name in lower case with '-' in place of what an id must
// not hold; a changed name is marked as Metric does.
func Child(gateway devices.ID, name string) devices.ID {
	id := string(gateway) + "." + name
	if _, err := devices.ParseID(id); err == nil && name != "" {
		return devices.ID(id)
	}
	clean := strings.Map(func(c rune) rune {
		if c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || strings.ContainsRune("-_.", c) {
			return c
		}
		return '-'
	}, strings.ToLower(id))
	return devices.ID(tagged(clean, id, devices.MaxID))
}

// tagged appends to clean a mark of whole, within limit bytes.
func tagged(clean, whole string, limit int) string {
	sum := sha256.Sum256([]byte(whole))
	mark := "-" + hex.EncodeToString(sum[:3])
	return clean[:min(len(clean), limit-len(mark))] + mark
}
