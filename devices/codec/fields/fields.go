// Package fields turns what devices say of themselves into metrics: values
// that already have names (a position, a pollutant's code), lines of text that
// a regular expression takes apart, and frames of a fixed layout.
//
// It is pure and promises never to panic on foreign bytes and never to return
// a value from a frame whose checksum is wrong. Which names, patterns and
// layouts a model of device has is profile's to say.
package fields

import (
	"cmp"
	"errors"
	"math"
	"slices"

	"gridhub/devices/telemetry"
)

// Field is one metric: value = said × Scale + Offset.
type Field struct {
	Metric   string
	Name     string // under which the device says it
	Scale    float64
	Offset   float64
	Min, Max *float64 // plausible range; outside, the reading is uncertain
	Known    []float64
}

// Layout picks metrics from what was said. Exactly one of Pattern and Frame is
// set where the device sends lines or frames; with neither the names come from
// a protocol's own decoder. It is immutable and safe for concurrent use.
type Layout struct {
	Fields  []Field
	Pattern *Pattern
	Frame   *Frame
}

// Decode makes metrics of named values. What was not said is left out; it is
// no fault, since many devices tell different things at different times.
func (l Layout) Decode(said map[string]float64) ([]telemetry.Field, telemetry.Quality) {
	quality := telemetry.Good
	values := make([]telemetry.Field, 0, len(l.Fields))
	for _, f := range l.Fields {
		raw, ok := said[f.Name]
		if !ok {
			continue
		}
		v := raw*cmp.Or(f.Scale, 1) + f.Offset
		if math.IsNaN(v) || math.IsInf(v, 0) {
			quality = telemetry.Uncertain
			continue
		}
		if !f.plausible(v) {
			quality = telemetry.Uncertain
		}
		values = append(values, telemetry.Field{Metric: f.Metric, Value: v})
	}
	return values, quality
}

func (f Field) plausible(v float64) bool {
	if len(f.Known) > 0 && !slices.Contains(f.Known, v) {
		return false
	}
	return (f.Min == nil || v >= *f.Min) && (f.Max == nil || v <= *f.Max)
}

// Next takes the next line or frame off the front of buf and returns what it
// says and what lies behind it. said is nil while nothing is complete. An
// error tells of a line or frame that was damaged; rest is behind it.
func (l Layout) Next(buf []byte) (said map[string]float64, rest []byte, err error) {
	switch {
	case l.Pattern != nil:
		return l.Pattern.next(buf)
	case l.Frame != nil:
		return l.Frame.next(buf)
	}
	return nil, buf, errors.New("a layout without pattern and frame reads no bytes")
}
