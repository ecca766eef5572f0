// Package codec holds what the payload formats below it share: why a payload
// was refused, and what a metric may be called. It turns no bytes into points
// itself; each format has a folder (native, thingsboard, …), is pure, and is
// fuzzed. It never touches a bus.
package codec

import (
	"errors"
	"fmt"
)

// Cause says in one word why bytes were refused. It is a label of counters, so
// the set is small and fixed.
type Cause string

// The causes that a decoder gives.
const (
	Malformed Cause = "malformed" // not JSON, not CBOR, or cut short
	TooDeep   Cause = "too-deep"  // nested deeper than the limit
	TooLarge  Cause = "too-large" // more bytes, records, values or characters than the limit
	Duplicate Cause = "duplicate" // one key twice in one object: nobody can say which is meant
	Number    Cause = "number"    // NaN, infinite, or beyond what a float64 or the field can hold
	Shape     Cause = "shape"     // well-formed, but not what the protocol describes
	Version   Cause = "version"   // an envelope of a version that this reader does not know
)

// Error is a refusal. Detail is for a technician and names the field and the
// byte where that helps.
type Error struct {
	Cause  Cause
	Detail string
}

func (e *Error) Error() string { return string(e.Cause) + ": " + e.Detail }

// Errorf returns an *Error.
func Errorf(c Cause, format string, args ...any) error {
	return &Error{Cause: c, Detail: fmt.Sprintf(format, args...)}
}

// CauseOf returns the cause of err, Malformed where it names none.
func CauseOf(err error) Cause {
	var e *Error
	if errors.As(err, &e) {
		return e.Cause
	}
	return Malformed
}

// MaxMetric is the longest name of a metric in bytes.
const MaxMetric = 64

// QualityField is what a history calls a point's quality among its values. No
// metric may have this name.
const QualityField = "point_quality"

// ValidMetric reports whether name may name a metric: letters, digits, '_',
// '-' and '.', so that every history can hold it without quoting. A leading '_'
// belongs to InfluxDB.
func ValidMetric(name []byte) bool {
	if len(name) == 0 || len(name) > MaxMetric || name[0] == '_' {
		return false
	}
	for _, c := range name {
		if !metricByte[c] {
			return false
		}
	}
	return string(name) != QualityField
}

var metricByte = func() (t [256]bool) {
	for _, c := range "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-." {
		t[c] = true
	}
	return t
}()
