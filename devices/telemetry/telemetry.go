// Package telemetry holds what a device tells: points, positions, how good
// they are, and the three times from which one event time is made.
//
// It is plain data. How bytes become points is codec's, how points travel is
// wire's, where they are kept is the hub's.
package telemetry

import (
	"gridhub/devices"
	"time"
)

// Millis is an instant in milliseconds since 1970-01-01T00:00:00Z, the one
// resolution that gateways, the journal and the databases share.
type Millis int64

// At converts t, cutting it to the millisecond.
func At(t time.Time) Millis { return Millis(t.UnixMilli()) }

// Time returns m in UTC.
func (m Millis) Time() time.Time { return time.UnixMilli(int64(m)).UTC() }

// Add returns m moved by d, cut to the millisecond.
func (m Millis) Add(d time.Duration) Millis { return m + Millis(d.Milliseconds()) }

// Sub returns the time from o to m.
func (m Millis) Sub(o Millis) time.Duration { return time.Duration(m-o) * time.Millisecond }

// Quality says how far a value may be trusted. The zero value is Good.
type Quality uint8

const (
	Good      Quality = iota // measured and plausible
	Uncertain                // measured, outside the plausible range or repeated by the device
	Bad                      // the device answered with a fault or not at all; the point carries no values
)

func (q Quality) String() string {
	switch q {
	case Good:
		return "good"
	case Uncertain:
		return "uncertain"
	}
	return "bad"
}

// Field is one metric's value, in the unit that the device's profile names.
type Field struct {
	Metric string
	Value  float64
}

// Key says which message a point came in. With it a re-delivery is known, and
// of two values for one instant the later one. Seq is 0 where the sender has no
// numbers; Offset is the hub's journal number and always set at the hub.
type Key struct {
	Sender devices.ID
	Stream string
	Epoch  uint64
	Seq    uint64
	Offset uint64
}

// Supersedes reports whether k replaces o when both speak of the same device
// and instant: the higher (epoch, sequence) of one sender, else the later
// journal offset.
func (k Key) Supersedes(o Key) bool {
	if k.Sender == o.Sender && k.Stream == o.Stream && k.Seq != 0 && o.Seq != 0 {
		if k.Epoch != o.Epoch {
			return k.Epoch > o.Epoch
		}
		return k.Seq > o.Seq
	}
	return k.Offset > o.Offset
}

// Point is what one device measured at one instant: one line in a history,
// keyed by (Device, At), one field per metric.
type Point struct {
	Device  devices.ID
	Kind    string // the profile's kind: gas, water-level, noise, …
	At      Millis // event time
	Basis   Basis  // which clock At rests on
	Quality Quality
	Fields  []Field
	Key     Key
}

// Position is one fix of a terminal. Coordinates are WGS-84 degrees.
type Position struct {
	Device   devices.ID
	At       Millis
	Basis    Basis
	Lon, Lat float64
	Accuracy float64 // metres, radius of 68 %; 0 = not told
	Speed    float64 // metres per second; negative = not told
	Heading  float64 // degrees clockwise from north; negative = not told
	Battery  float64 // 0 to 1; negative = not told
	Source   string  // gnss, network, fused, manual, …
	Mock     bool    // the terminal says that a program invented the fix
	SOS      bool    // sent by a pressed SOS button: kept even off duty
	Key      Key
}
