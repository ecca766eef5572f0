package intake

import (
	"encoding/binary"
	"math"
	"time"

	"gridhub/devices/telemetry"
	"gridhub/devices/wire"
)

// PositionKind is the kind of devices that say where they are: receivers and
// terminals behind a gateway. What such a device tells of its place becomes a
// position; the rest of it stays a reading. No identity that speaks for itself
// has this kind: its positions come on a topic of their own.
const PositionKind = "position"

// Metrics of a positioning device that make a position. Speed is in m/s,
// heading in degrees from north, accuracy in metres; fix is 0 without one.
const (
	lonMetric      = "lon"
	latMetric      = "lat"
	speedMetric    = "speed"
	headingMetric  = "heading"
	accuracyMetric = "accuracy"
	hdopMetric     = "hdop"
	fixMetric      = "fix"
	sosMetric      = "sos"
)

// dilution is the error of one satellite range, in metres, by which hdop is
// multiplied where a receiver tells nothing better: what single-frequency
// receivers reach under open sky, 68 % of the time.
const dilution = 5

// estimated is the fix quality of dead reckoning (NMEA 0183, GGA).
const estimated = 6

// SOSEvent is the type of the happening that a pressed button makes.
const SOSEvent = "sos"

// isPlace reports whether a metric is told by the position alone.
func isPlace(metric string) bool {
	switch metric {
	case lonMetric, latMetric, speedMetric, headingMetric, accuracyMetric:
		return true
	}
	return false
}

// whereabouts takes the position out of a reading of a positioning device whose
// point p has all fields that are new. all are the fields as they came.
func (m *message) whereabouts(dev *device, p *telemetry.Point, all, news []telemetry.Field) []telemetry.Field {
	spot, placed := position(p, all)
	m.alarmed(dev, &spot, all, placed)
	rest := news[:0]
	moved := false
	for _, f := range news {
		if isPlace(f.Metric) {
			moved = true
		} else {
			rest = append(rest, f)
		}
	}
	if placed && (moved || spot.SOS) {
		m.out.Positions = append(m.out.Positions, spot)
	}
	return rest
}

// position reads a place from the fields of a reading. ok is false without a
// fix: a receiver then tells nothing, zeros, or where it last was.
func position(p *telemetry.Point, all []telemetry.Field) (spot telemetry.Position, ok bool) {
	spot = telemetry.Position{Device: p.Device, At: p.At, Basis: p.Basis, Key: p.Key, Speed: -1, Heading: -1, Battery: -1, Source: "gnss"}
	lon, lat, fixed, hdop := math.NaN(), math.NaN(), true, 0.0
	for _, f := range all {
		switch f.Metric {
		case lonMetric:
			lon = f.Value
		case latMetric:
			lat = f.Value
		case speedMetric:
			spot.Speed = f.Value
		case headingMetric:
			spot.Heading = f.Value
		case accuracyMetric:
			spot.Accuracy = f.Value
		case hdopMetric:
			hdop = f.Value
		case sosMetric:
			spot.SOS = f.Value != 0
		case fixMetric:
			fixed = f.Value != 0
			if f.Value == estimated {
				spot.Source = "estimated"
			}
		}
	}
	if spot.Accuracy == 0 {
		spot.Accuracy = hdop * dilution
	}
	spot.Lon, spot.Lat = lon, lat
	sane := math.Abs(lon) <= 180 && math.Abs(lat) <= 90 && (lon != 0 || lat != 0) // false for what was not told
	return spot, fixed && sane
}

// pressGap is the silence after which a late alarm is another press: a
// terminal that was out of reach sends what it kept without such holes.
const pressGap = 10 * time.Minute

// presses follows the SOS button of one terminal. The bit is latched: it stays
// set until the terminal, or who answers the call, clears it, and that is one
// press however many positions repeat it. late follows positions that came
// after newer ones, as a terminal sends them that was out of reach.
type presses struct {
	newest  telemetry.Millis // event time of the newest position that told the bit
	since   telemetry.Millis // when the newest press began; 0: never
	ended   telemetry.Millis // newest position of that press
	pressed bool

	late       telemetry.Millis
	lateActive bool
}

// step takes the bit of one position and reports whether a press began.
func (s *presses) step(at telemetry.Millis, set bool) bool {
	if at > s.newest {
		began := set && !s.pressed
		s.newest, s.pressed = at, set
		if began {
			s.since = at
		}
		if set {
			s.ended = at
		}
		return began
	}
	if at == s.newest || at <= s.late {
		return false
	}
	follows := s.lateActive && at.Sub(s.late) <= pressGap
	s.late, s.lateActive = at, set
	return set && !follows && !s.knows(at)
}

// knows reports whether a late alarm belongs to the newest press: it lasts, or
// lasted around that time.
func (s *presses) knows(at telemetry.Millis) bool {
	return s.since != 0 && (s.pressed || at >= s.since.Add(-pressGap) && at <= s.ended)
}

// alarmed makes the happening of a button that was pressed: one for each press.
// It comes once with or without a place.
func (m *message) alarmed(dev *device, spot *telemetry.Position, all []telemetry.Field, placed bool) {
	set, told := false, false
	for _, f := range all {
		if f.Metric == sosMetric {
			set, told = f.Value != 0, true
		}
	}
	if !told || m.redo {
		return
	}
	if dev.sos == nil {
		if !set {
			return // most have no button, or never press it
		}
		dev.sos = &presses{}
	}
	if !dev.sos.step(spot.At, set) {
		return
	}
	h := wire.Happening{At: spot.At, Type: SOSEvent, Text: "定位终端紧急报警 the terminal's SOS alarm"}
	h.V = wire.Version
	if placed {
		h.Lon, h.Lat = spot.Lon, spot.Lat
	}
	m.out.Happenings = append(m.out.Happenings, Happening{Happening: h, Device: spot.Device, Time: spot.At, Basis: spot.Basis, Key: spot.Key})
}

func (s *presses) save(b []byte) []byte {
	if s == nil {
		return append(b, 0)
	}
	flags := byte(1)
	if s.pressed {
		flags |= 2
	}
	if s.lateActive {
		flags |= 4
	}
	b = append(b, flags)
	for _, at := range [...]telemetry.Millis{s.newest, s.since, s.ended, s.late} {
		b = binary.AppendVarint(b, int64(at))
	}
	return b
}

func loadPresses(c *cut) *presses {
	flags := c.byte()
	if flags&1 == 0 {
		return nil
	}
	return &presses{pressed: flags&2 != 0, lateActive: flags&4 != 0, newest: telemetry.Millis(c.int()), since: telemetry.Millis(c.int()),
		ended: telemetry.Millis(c.int()), late: telemetry.Millis(c.int())}
}
