package sparkplug

import (
	"math"
	"strings"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protowire"

	"gridhub/devices/codec"
	"gridhub/devices/telemetry"
)

// Limits of one payload.
const (
	MaxBytes   = 256 << 10
	MaxMetrics = 4096
	MaxName    = 256
)

// Payload is a message's body (Sparkplug 3.0.0, 6.4.5).
type Payload struct {
	At      telemetry.Millis // when it was sent; 0: not told
	Seq     int              // 0 to 255; -1: not told
	Metrics []Metric
}

// Metric is one of its metrics ("Metric").
type Metric struct {
	Name       string
	Alias      uint64
	HasAlias   bool
	At         telemetry.Millis // 0: not told
	Type       uint32           // 0: not told
	Historical bool
	Null       bool
	Unit       string // the property engUnit
	Writable   bool   // the property readOnly is false
	Unfit      bool   // the property Quality says that the value is bad or stale ("Quality Codes")
	raw        value
}

// value is what stands in the metric's oneof, uninterpreted.
type value struct {
	field protowire.Number
	bits  uint64
}

// Data types ("Data Types").
const (
	typeInt8      = 1
	typeInt16     = 2
	typeInt32     = 3
	typeInt64     = 4
	typeUInt8     = 5
	typeUInt16    = 6
	typeUInt32    = 7
	typeUInt64    = 8
	typeFloat     = 9
	typeDouble    = 10
	typeBoolean   = 11
	typeString    = 12
	typeDateTime  = 13
	typeText      = 14
	typeUUID      = 15
	typeDataSet   = 16
	typeBytes     = 17
	typeFile      = 18
	typeTemplate  = 19
	typeInt8Array = 22 // and further arrays, to 34
)

// The members of a metric's oneof, by their field numbers.
const (
	fieldInt      = 10
	fieldLong     = 11
	fieldFloat    = 12
	fieldDouble   = 13
	fieldBoolean  = 14
	fieldString   = 15
	fieldBytes    = 16
	fieldDataSet  = 17
	fieldTemplate = 18
)

// Decode reads a payload. What it does not know, it passes over.
func Decode(p []byte) (Payload, error) {
	out := Payload{Seq: -1}
	if len(p) > MaxBytes {
		return out, codec.Errorf(codec.TooLarge, "%d bytes, at most %d", len(p), MaxBytes)
	}
	err := each(p, func(n protowire.Number, v uint64, b []byte) error {
		switch n {
		case 1:
			return millis(&out.At, v)
		case 2:
			if len(out.Metrics) == MaxMetrics {
				return codec.Errorf(codec.TooLarge, "more than %d metrics", MaxMetrics)
			}
			m, err := decodeMetric(b)
			out.Metrics = append(out.Metrics, m)
			return err
		case 3:
			if v > 255 {
				return codec.Errorf(codec.Number, "seq is %d, at most 255", v)
			}
			out.Seq = int(v)
		}
		return nil
	})
	return out, err
}

// each calls do for every field of a message: with its number, its value where
// it is a number, its bytes where it has a length.
func each(p []byte, do func(n protowire.Number, v uint64, b []byte) error) error {
	for len(p) > 0 {
		n, kind, size := protowire.ConsumeTag(p)
		if size < 0 {
			return broken(size)
		}
		p = p[size:]
		var v uint64
		var b []byte
		switch kind {
		case protowire.VarintType:
			v, size = protowire.ConsumeVarint(p)
		case protowire.Fixed32Type:
			var v32 uint32
			v32, size = protowire.ConsumeFixed32(p)
			v = uint64(v32)
		case protowire.Fixed64Type:
			v, size = protowire.ConsumeFixed64(p)
		case protowire.BytesType:
			b, size = protowire.ConsumeBytes(p)
		default:
			size = protowire.ConsumeFieldValue(n, kind, p)
		}
		if size < 0 {
			return broken(size)
		}
		p = p[size:]
		if err := do(n, v, b); err != nil {
			return err
		}
	}
	return nil
}

func broken(size int) error {
	return codec.Errorf(codec.Malformed, "no Sparkplug payload: %v", protowire.ParseError(size))
}

func millis(at *telemetry.Millis, v uint64) error {
	if v > 1<<53 {
		return codec.Errorf(codec.Number, "timestamp %d is beyond any clock", v)
	}
	*at = telemetry.Millis(v)
	return nil
}

func text(b []byte) (string, error) {
	if len(b) > MaxName || !utf8.Valid(b) {
		return "", codec.Errorf(codec.Shape, "a name of %d bytes: want UTF-8, at most %d", len(b), MaxName)
	}
	return string(b), nil
}

func decodeMetric(p []byte) (m Metric, err error) {
	err = each(p, func(n protowire.Number, v uint64, b []byte) (err error) {
		switch n {
		case 1:
			m.Name, err = text(b)
		case 2:
			m.Alias, m.HasAlias = v, true
		case 3:
			err = millis(&m.At, v)
		case 4:
			m.Type = uint32(min(v, math.MaxUint32))
		case 5:
			m.Historical = v != 0
		case 7:
			m.Null = v != 0
		case 9:
			err = m.properties(b)
		case fieldInt, fieldLong, fieldFloat, fieldDouble, fieldBoolean, fieldString, fieldBytes, fieldDataSet, fieldTemplate:
			m.raw = value{n, v}
		}
		return err
	})
	return m, err
}

// properties reads a PropertySet: keys and values, each a list ("PropertySet").
func (m *Metric) properties(p []byte) error {
	var keys []string
	var values [][]byte
	err := each(p, func(n protowire.Number, _ uint64, b []byte) error {
		switch {
		case len(keys) > MaxMetrics || len(values) > MaxMetrics:
			return codec.Errorf(codec.TooLarge, "more than %d properties", MaxMetrics)
		case n == 1:
			keys = append(keys, string(b))
		case n == 2:
			values = append(values, b)
		}
		return nil
	})
	if err != nil {
		return err
	}
	for i, key := range keys[:min(len(keys), len(values))] {
		if err := m.property(key, values[i]); err != nil {
			return err
		}
	}
	return nil
}

func (m *Metric) property(key string, p []byte) error {
	return each(p, func(n protowire.Number, v uint64, b []byte) error {
		switch {
		case n == 8 && strings.EqualFold(key, "engUnit"):
			m.Unit = codec.UnitOf(string(b))
		case n == 7 && strings.EqualFold(key, "readOnly"):
			m.Writable = v == 0
		case n == 3 && key == "Quality":
			m.Unfit = v == 0 || v == 500
		}
		return nil
	})
}

// number returns the metric's value as its type says, or why it is none.
func (m *Metric) number(kind uint32) (float64, codec.Why) {
	bits := m.raw.bits
	switch {
	case m.Null:
		return 0, codec.Null
	case m.Unfit:
		return 0, codec.Unfit
	case m.raw.field == fieldFloat:
		return finite(float64(math.Float32frombits(uint32(bits))))
	case m.raw.field == fieldDouble:
		return finite(math.Float64frombits(bits))
	case m.raw.field == fieldInt || m.raw.field == fieldLong || m.raw.field == fieldBoolean:
		return integer(kind, bits), ""
	case kind == typeBytes || kind == typeFile || kind >= typeInt8Array || m.raw.field == fieldBytes:
		return 0, codec.Bytes
	case kind == typeString || kind == typeText || kind == typeUUID || m.raw.field == fieldString:
		return 0, codec.Text
	case kind == typeDataSet || kind == typeTemplate || m.raw.field == fieldDataSet || m.raw.field == fieldTemplate:
		return 0, codec.Structure
	}
	return 0, codec.Null // no value at all
}

func finite(v float64) (float64, codec.Why) {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return 0, codec.Infinite
	}
	return v, ""
}

// integer reads the two's complement that signed types have in their unsigned
// fields ("Datatype Details").
func integer(kind uint32, bits uint64) float64 {
	switch kind {
	case typeInt8:
		return float64(int8(bits))
	case typeInt16:
		return float64(int16(bits))
	case typeInt32:
		return float64(int32(bits))
	case typeInt64:
		return float64(int64(bits))
	case typeUInt8:
		return float64(uint8(bits))
	case typeUInt16:
		return float64(uint16(bits))
	case typeUInt32:
		return float64(uint32(bits))
	case typeBoolean:
		return float64(min(bits, 1))
	}
	return float64(bits)
}

// rebirthMetric is the command that asks a node for its births.
const rebirthMetric = "Node Control/Rebirth"

// RebirthCommand returns the payload of an NCMD that asks for all births.
func RebirthCommand(at telemetry.Millis) []byte {
	var m []byte
	m = protowire.AppendString(protowire.AppendTag(m, 1, protowire.BytesType), rebirthMetric)
	m = protowire.AppendVarint(protowire.AppendTag(m, 3, protowire.VarintType), uint64(at))
	m = protowire.AppendVarint(protowire.AppendTag(m, 4, protowire.VarintType), typeBoolean)
	m = protowire.AppendVarint(protowire.AppendTag(m, fieldBoolean, protowire.VarintType), 1)
	p := protowire.AppendVarint(protowire.AppendTag(nil, 1, protowire.VarintType), uint64(at))
	return protowire.AppendBytes(protowire.AppendTag(p, 2, protowire.BytesType), m)
}
