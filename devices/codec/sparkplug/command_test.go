package sparkplug

import (
	"math"
	"reflect"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
)

// writableBirth is a birth of one metric with the property readOnly.
func writableBirth(name string, kind uint32, readOnly bool) []byte {
	var property []byte
	property = protowire.AppendVarint(protowire.AppendTag(property, 1, protowire.VarintType), typeBoolean)
	property = protowire.AppendVarint(protowire.AppendTag(property, 7, protowire.VarintType), protowire.EncodeBool(readOnly))
	var set []byte
	set = protowire.AppendString(protowire.AppendTag(set, 1, protowire.BytesType), "readOnly")
	set = protowire.AppendBytes(protowire.AppendTag(set, 2, protowire.BytesType), property)
	var m []byte
	m = protowire.AppendString(protowire.AppendTag(m, 1, protowire.BytesType), name)
	m = protowire.AppendVarint(protowire.AppendTag(m, 4, protowire.VarintType), uint64(kind))
	m = protowire.AppendBytes(protowire.AppendTag(m, 9, protowire.BytesType), set)
	return protowire.AppendBytes(protowire.AppendTag(nil, 2, protowire.BytesType), m)
}

func TestWritables(t *testing.T) {
	got, err := Writables(writableBirth("Outputs/Valve 1", typeInt16, false))
	if want := []Writable{{Name: "Outputs/Valve 1", Metric: "Outputs.Valve_1", Type: typeInt16}}; err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, %v; want %+v", got, err, want)
	}
	for _, birth := range [][]byte{writableBirth("a", typeInt16, true), writableBirth("a", typeString, false), writableBirth("", typeInt16, false), nil} {
		if got, err := Writables(birth); err != nil || len(got) != 0 {
			t.Errorf("%+v, %v; want nothing", got, err)
		}
	}
}

// TestCommands reads back what was written, as the node does.
func TestCommands(t *testing.T) {
	for _, tt := range []struct {
		kind uint32
		v    float64
		fits bool
	}{
		{typeBoolean, 1, true}, {typeBoolean, 2, false}, {typeInt8, -128, true}, {typeInt8, -129, false}, {typeInt16, -7, true}, {typeInt32, math.MinInt32, true},
		{typeInt64, -1 << 53, true}, {typeInt64, 1 << 54, false}, {typeUInt8, 255, true}, {typeUInt8, -1, false}, {typeUInt32, math.MaxUint32, true}, {typeUInt64, 1 << 53, true},
		{typeUInt16, 1.5, false}, {typeFloat, 0.1, true}, {typeDouble, -0.1, true}, {typeString, 1, false},
	} {
		w := Writable{Name: "Outputs/A", Type: tt.kind}
		p, err := w.Command(1_760_000_000_000, tt.v)
		if (err == nil) != tt.fits {
			t.Errorf("type %d, %v: %v", tt.kind, tt.v, err)
		}
		if err != nil {
			continue
		}
		said, err := Decode(p)
		if err != nil || len(said.Metrics) != 1 || said.Metrics[0].Name != w.Name || said.At != 1_760_000_000_000 || said.Seq != -1 {
			t.Fatalf("type %d: %+v, %v", tt.kind, said, err)
		}
		if v, why := said.Metrics[0].number(tt.kind); v != w.As(tt.v) || why != "" {
			t.Errorf("type %d: %v is told as %v %s", tt.kind, tt.v, v, why)
		}
	}
}
