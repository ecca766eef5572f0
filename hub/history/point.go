package history

import (
	"math"
	"strconv"

	"gridhub/devices/codec"
	"gridhub/devices/telemetry"
)

// PositionPoint returns a fix as the point that is kept of it. What was not
// told is left out.
func PositionPoint(p telemetry.Position) telemetry.Point {
	f := make([]telemetry.Field, 0, 8)
	add := func(name string, v float64, told bool) {
		if told {
			f = append(f, telemetry.Field{Metric: name, Value: v})
		}
	}
	add("accuracy", p.Accuracy, p.Accuracy > 0)
	add("battery", p.Battery, p.Battery >= 0)
	add("heading", p.Heading, p.Heading >= 0)
	add("lat", p.Lat, true)
	add("lon", p.Lon, true)
	add("mock", 1, p.Mock)
	add("sos", 1, p.SOS)
	add("speed", p.Speed, p.Speed >= 0)
	return telemetry.Point{Device: p.Device, Kind: PositionKind, At: p.At, Basis: p.Basis, Fields: f, Key: p.Key}
}

// Fault says why a point can never be kept, and is empty when it can.
func Fault(p *telemetry.Point) string {
	if !codec.ValidMetric([]byte(p.Kind)) {
		return "kind " + strconv.QuoteToASCII(p.Kind) + " is no name"
	}
	if p.Device == "" || !plain(string(p.Device)) {
		return "device " + strconv.QuoteToASCII(string(p.Device)) + " is no id"
	}
	if len(p.Fields) == 0 && p.Quality == telemetry.Good {
		return "no values"
	}
	for _, f := range p.Fields {
		if !plain(f.Metric) || f.Metric == "" || f.Metric[0] == '_' || f.Metric == QualityField {
			return "metric " + strconv.QuoteToASCII(f.Metric) + " is no name"
		}
		if math.IsNaN(f.Value) || math.IsInf(f.Value, 0) {
			return "value of " + f.Metric + " is not finite"
		}
	}
	return ""
}

// plain reports whether s needs no escape in line protocol.
func plain(s string) bool {
	for i := range len(s) {
		if c := s[i]; c <= ' ' || c == ',' || c == '=' || c == '"' || c == '\\' || c >= 0x7F {
			return false
		}
	}
	return true
}

// AppendLine appends the point as a line of InfluxDB's line protocol, with
// milliseconds, as LAYOUT.md describes. The point must have no Fault.
func AppendLine(b []byte, p *telemetry.Point) []byte {
	b = append(b, p.Kind...)
	b = append(b, ",device="...)
	b = append(b, p.Device...)
	b = append(b, ' ')
	for i := range p.Fields {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendField(b, p.Fields[i].Metric, p.Fields[i].Value)
	}
	if p.Quality != telemetry.Good {
		if len(p.Fields) > 0 {
			b = append(b, ',')
		}
		b = appendField(b, QualityField, float64(p.Quality))
	}
	b = append(b, ' ')
	b = strconv.AppendInt(b, int64(p.At), 10)
	return append(b, '\n')
}

func appendField(b []byte, name string, v float64) []byte {
	b = append(b, name...)
	b = append(b, '=')
	if n := int64(v); n > -1e9 && n < 1e9 && float64(n) == v && (n != 0 || !math.Signbit(v)) {
		return strconv.AppendInt(b, n, 10) // the same digits, sooner; without an i it is a float
	}
	return strconv.AppendFloat(b, v, 'g', -1, 64)
}
