// Package history keeps points in time and finds them again: a small interface
// with two stores behind it, SQLite for one machine (sqlite) and InfluxDB
// (influx), which pass one shared suite (historytest), and the writer that
// brings what was decoded into either.
//
// It promises that a point written twice is there once, that of two values for
// one instant the rule of telemetry.Key decides, and that values come back bit
// for bit. How points are laid out is written down in LAYOUT.md. It leaves out
// who may see them and how long they are kept: it deletes what it is told to.
package history

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"gridhub/devices"
	"gridhub/devices/codec"
	"gridhub/devices/telemetry"
)

// Store keeps points. All methods may be called concurrently, Write by one
// goroutine at a time.
type Store interface {
	// Write keeps points. What the store will never take is in Rejected; an
	// error means that nothing is known of the rest, and that writing them all
	// again does no harm.
	Write(ctx context.Context, pts []telemetry.Point) (Written, error)
	// Range returns values as they were written, oldest first.
	Range(ctx context.Context, q Query) ([]Series, error)
	// Downsample returns one value for each span of length every that has any,
	// stamped with the span's begin; spans begin at multiples of every since 1970.
	Downsample(ctx context.Context, q Query, every time.Duration, fn Fn) ([]Series, error)
	// Newest returns, for each device, the newest value of each metric of each
	// kind, positions included.
	Newest(ctx context.Context, ids ...devices.ID) ([]Series, error)
	// Retain deletes everything of a kind before an instant, of all kinds when
	// kind is empty.
	Retain(ctx context.Context, kind string, before telemetry.Millis) error
	// Erase deletes what there is of a device in [from, to), of all times when
	// both are 0.
	Erase(ctx context.Context, id devices.ID, from, to telemetry.Millis) error
	// Export writes line protocol, oldest first within each kind.
	Export(ctx context.Context, w io.Writer, q Query) error
	Close() error
}

// Written says what became of the points of one Write. A store that cannot tell
// (InfluxDB) counts all it took as Stored.
type Written struct {
	Stored, Repeated, Superseded int
	Rejected                     []Rejected
}

// Rejected is a point that the store will never take.
type Rejected struct {
	Index  int // in what was given to Write
	Reason string
}

// Query asks for values of one device in [From, To).
type Query struct {
	Device  devices.ID
	Kind    string   // empty: all that the device has
	Metrics []string // empty: all
	From    telemetry.Millis
	To      telemetry.Millis
}

// Series is one metric of one device, oldest first. Answers are sorted by
// device, kind and metric.
type Series struct {
	Device  devices.ID
	Kind    string
	Metric  string
	Samples []Sample
}

// Sample is a value at an instant.
type Sample struct {
	At    telemetry.Millis
	Value float64
}

// Fn is how many values become one.
type Fn string

// The functions of Downsample.
const (
	Mean  Fn = "mean"
	Min   Fn = "min"
	Max   Fn = "max"
	Last  Fn = "last"
	Count Fn = "count"
)

// MaxSamples bounds one answer; a query that would have more fails with
// ErrTooMany.
const MaxSamples = 2_000_000

// ErrTooMany asks for a shorter range, or for Downsample.
var ErrTooMany = fmt.Errorf("more than %d samples: ask for a shorter range, or downsample", MaxSamples)

// PositionKind is the kind under which positions are kept.
const PositionKind = "position"

// QualityField stands beside a point's values when its quality is not good:
// 1 uncertain, 2 bad. No metric can have its name.
const QualityField = codec.QualityField

// Check holds a query to what a store can answer. What passes can be put into
// a query language without quoting.
func (q Query) Check() error {
	if _, err := devices.ParseID(string(q.Device)); err != nil {
		return err
	}
	if q.To <= q.From {
		return fmt.Errorf("range from %d to %d: want from before to", q.From, q.To)
	}
	if q.Kind != "" && !codec.ValidMetric([]byte(q.Kind)) {
		return fmt.Errorf("%q names no kind", q.Kind)
	}
	for _, m := range q.Metrics {
		if m != QualityField && !codec.ValidMetric([]byte(m)) {
			return fmt.Errorf("%q names no metric: want 1 to %d of letters, digits, dot, - and _", m, codec.MaxMetric)
		}
	}
	return nil
}

// CheckEvery holds Downsample to what it can do.
func CheckEvery(every time.Duration, fn Fn) error {
	switch fn {
	case Mean, Min, Max, Last, Count:
	default:
		return fmt.Errorf("function %q: want mean, min, max, last or count", fn)
	}
	if every < time.Millisecond || every%time.Millisecond != 0 {
		return errors.New("downsample: want whole milliseconds, at least one")
	}
	return nil
}
