package sparkplug

import (
	"math"

	"google.golang.org/protobuf/encoding/protowire"

	"gridhub/devices/codec"
	"gridhub/devices/telemetry"
)

// Kinds of messages that come down.
const (
	NCmd = "NCMD"
	DCmd = "DCMD"
)

// Writable is a metric that others may set: its birth gives it the property
// readOnly with the value false.
type Writable struct {
	Name   string `json:"name"`   // in the birth
	Metric string `json:"metric"` // here
	Type   uint32 `json:"type"`
	Unit   string `json:"unit,omitempty"`
}

// Bool reports whether it is true or false.
func (w Writable) Bool() bool { return w.Type == typeBoolean }

// Writables lists what a birth lets others set, numbers and booleans only.
func Writables(birth []byte) ([]Writable, error) {
	p, err := Decode(birth)
	if err != nil {
		return nil, err
	}
	var out []Writable
	for _, m := range p.Metrics {
		if m.Writable && m.Name != "" && (m.Type >= typeInt8 && m.Type <= typeBoolean) {
			out = append(out, Writable{Name: m.Name, Metric: metric(m.Name), Type: m.Type, Unit: m.Unit})
		}
	}
	return out, nil
}

// Command returns the payload of an NCMD or DCMD that sets w. The error says
// which value the metric's type cannot hold.
func (w Writable) Command(at telemetry.Millis, v float64) ([]byte, error) {
	value, err := w.value(v)
	if err != nil {
		return nil, err
	}
	var m []byte
	m = protowire.AppendString(protowire.AppendTag(m, 1, protowire.BytesType), w.Name)
	m = protowire.AppendVarint(protowire.AppendTag(m, 3, protowire.VarintType), uint64(at))
	m = protowire.AppendVarint(protowire.AppendTag(m, 4, protowire.VarintType), uint64(w.Type))
	m = append(m, value...)
	p := protowire.AppendVarint(protowire.AppendTag(nil, 1, protowire.VarintType), uint64(at))
	return protowire.AppendBytes(protowire.AppendTag(p, 2, protowire.BytesType), m), nil
}

// ranges of the integer types; the ends of the longest are the last that a
// float64 tells from their neighbours.
var ranges = map[uint32][2]float64{
	typeInt8: {math.MinInt8, math.MaxInt8}, typeInt16: {math.MinInt16, math.MaxInt16}, typeInt32: {math.MinInt32, math.MaxInt32},
	typeInt64: {-1 << 53, 1 << 53}, typeUInt8: {0, math.MaxUint8}, typeUInt16: {0, math.MaxUint16}, typeUInt32: {0, math.MaxUint32},
	typeUInt64: {0, 1 << 53}, typeBoolean: {0, 1},
}

// Range returns what the metric's type can hold; ok is false for floats.
func (w Writable) Range() (low, high float64, ok bool) {
	r, ok := ranges[w.Type]
	return r[0], r[1], ok
}

// value is the metric's oneof with v in it.
func (w Writable) value(v float64) ([]byte, error) {
	if low, high, whole := w.Range(); whole && (v != math.Trunc(v) || v < low || v > high) {
		return nil, codec.Errorf(codec.Number, "%v: want a whole number from %v to %v", v, low, high)
	}
	switch w.Type {
	case typeBoolean:
		return protowire.AppendVarint(protowire.AppendTag(nil, fieldBoolean, protowire.VarintType), uint64(v)), nil
	case typeInt8, typeInt16, typeInt32, typeUInt8, typeUInt16, typeUInt32: // two's complement in 32 bits ("Datatype Details")
		return protowire.AppendVarint(protowire.AppendTag(nil, fieldInt, protowire.VarintType), uint64(uint32(int64(v)))), nil
	case typeInt64, typeUInt64:
		return protowire.AppendVarint(protowire.AppendTag(nil, fieldLong, protowire.VarintType), uint64(int64(v))), nil
	case typeFloat:
		return protowire.AppendFixed32(protowire.AppendTag(nil, fieldFloat, protowire.Fixed32Type), math.Float32bits(float32(v))), nil
	case typeDouble:
		return protowire.AppendFixed64(protowire.AppendTag(nil, fieldDouble, protowire.Fixed64Type), math.Float64bits(v)), nil
	}
	return nil, codec.Errorf(codec.Shape, "a metric of type %d cannot be set", w.Type)
}

// As returns v as a metric of this type tells it again.
func (w Writable) As(v float64) float64 {
	if w.Type == typeFloat {
		return float64(float32(v))
	}
	return v
}
