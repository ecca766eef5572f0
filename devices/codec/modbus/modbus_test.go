package modbus

import (
	"encoding/hex"
	"errors"
	"math"
	"strings"
	"testing"

	"gridhub/devices/telemetry"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func number(v float64) *float64 { return &v }

func TestValues(t *testing.T) {
	tests := []struct {
		name  string
		field Field
		data  string
		want  float64
		q     telemetry.Quality
		gone  bool
	}{
		{"u16", Field{}, "FFFE", 65534, 0, false},
		{"s16", Field{Type: S16}, "FFFE", -2, 0, false},
		{"s16 with swapped bytes", Field{Type: S16, Order: BADC}, "FEFF", -2, 0, false},
		{"scale and offset", Field{Type: S16, Scale: 0.1, Offset: -40}, "01F4", 10, 0, false},
		{"u32 ABCD", Field{Type: U32}, "0102 0304", 0x01020304, 0, false},
		{"u32 CDAB", Field{Type: U32, Order: CDAB}, "0304 0102", 0x01020304, 0, false},
		{"u32 BADC", Field{Type: U32, Order: BADC}, "0201 0403", 0x01020304, 0, false},
		{"u32 DCBA", Field{Type: U32, Order: DCBA}, "0403 0201", 0x01020304, 0, false},
		{"s32", Field{Type: S32}, "FFFF FFFF", -1, 0, false},
		{"s64 CDAB", Field{Type: S64, Order: CDAB}, "FFFE FFFF FFFF FFFF", -2, 0, false},
		{"u64", Field{Type: U64}, "0000 0001 0000 0000", 1 << 32, 0, false},
		{"f32", Field{Type: F32}, "436E CCCD", 238.8000030517578, 0, false},
		{"f32 CDAB", Field{Type: F32, Order: CDAB}, "CCCD 436E", 238.8000030517578, 0, false},
		{"f64", Field{Type: F64}, "3FF8 0000 0000 0000", 1.5, 0, false},
		{"f32 that is no number", Field{Type: F32}, "7FC0 0000", 0, telemetry.Uncertain, true},
		{"bit 3", Field{Type: Bool, Bit: 3}, "0008", 1, 0, false},
		{"bit 3 clear", Field{Type: Bool, Bit: 3}, "FFF7", 0, 0, false},
		{"mask", Field{Mask: 0x0F00}, "0A55", 10, 0, false},
		{"absent", Field{Absent: []uint64{0xFFFF}}, "FFFF", 0, telemetry.Uncertain, true},
		{"below the plausible", Field{Type: S16, Min: number(0)}, "FFFF", -1, telemetry.Uncertain, false},
		{"above the plausible", Field{Max: number(100)}, "0065", 101, telemetry.Uncertain, false},
		{"on the border", Field{Max: number(100)}, "0064", 100, 0, false},
		{"outside the enum", Field{Known: []float64{0, 1}}, "0002", 2, telemetry.Uncertain, false},
		{"coil", Field{Table: Coil, Type: Bool}, "01", 1, 0, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.field.Metric = "m"
			l, err := New([]Field{tt.field}, 0, 0)
			if err != nil {
				t.Fatal(err)
			}
			got, q, err := l.Decode([][]byte{unhex(t, tt.data)})
			if err != nil || q != tt.q || len(got) == 0 != tt.gone {
				t.Fatalf("got %v, %v, %v", got, q, err)
			}
			if !tt.gone && math.Abs(got[0].Value-tt.want) > 1e-9 {
				t.Errorf("got %v, want %v", got[0].Value, tt.want)
			}
		})
	}
}

func TestBlocks(t *testing.T) {
	at := func(table Table, address uint16, typ Type) Field {
		return Field{Metric: "m", Table: table, Address: address, Type: typ}
	}
	tests := []struct {
		name      string
		fields    []Field
		gap, most uint16
		want      []Block
	}{
		{"neighbours share", []Field{at(Holding, 2, U16), at(Holding, 0, U32)}, 0, 0, []Block{{Holding, 0, 3}}},
		{"a hole divides", []Field{at(Holding, 0, U16), at(Holding, 2, U16)}, 0, 0, []Block{{Holding, 0, 1}, {Holding, 2, 1}}},
		{"a small hole is read in vain", []Field{at(Holding, 0, U16), at(Holding, 2, U16)}, 1, 0, []Block{{Holding, 0, 3}}},
		{"tables divide", []Field{at(Input, 0, U16), at(Holding, 0, U16)}, 9, 0, []Block{{Holding, 0, 1}, {Input, 0, 1}}},
		{"the protocol's limit divides", []Field{at(Holding, 0, U16), at(Holding, 124, U32)}, 200, 0, []Block{{Holding, 0, 1}, {Holding, 124, 2}}},
		{"up to the limit", []Field{at(Holding, 0, U16), at(Holding, 124, U16)}, 200, 0, []Block{{Holding, 0, 125}}},
		{"the device's limit divides", []Field{at(Holding, 0, U32), at(Holding, 2, U32)}, 0, 3, []Block{{Holding, 0, 2}, {Holding, 2, 2}}},
		{"one register, two bits", []Field{at(Holding, 7, Bool), at(Holding, 7, Bool)}, 0, 0, []Block{{Holding, 7, 1}}},
		{"a short field inside a long one", []Field{at(Holding, 0, U64), at(Holding, 1, U16)}, 0, 0, []Block{{Holding, 0, 4}}},
		{"the last register", []Field{at(Holding, 65535, U16)}, 0, 0, []Block{{Holding, 65535, 1}}},
		{"many bits in one", []Field{at(Coil, 0, Bool), at(Coil, 1999, Bool)}, 2000, 0, []Block{{Coil, 0, 2000}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			l, err := New(tt.fields, tt.gap, tt.most)
			if err != nil {
				t.Fatal(err)
			}
			got := l.Blocks()
			if len(got) != len(tt.want) {
				t.Fatalf("got %v, want %v", got, tt.want)
			}
			for i := range got {
				if got[i] != tt.want[i] {
					t.Errorf("got %v, want %v", got, tt.want)
				}
			}
		})
	}
	if _, err := New([]Field{at(Holding, 65535, U32)}, 0, 0); err == nil {
		t.Error("a field beyond the last register was accepted")
	}
	if _, err := New([]Field{at(Coil, 0, U16)}, 0, 0); err == nil {
		t.Error("a number in a coil was accepted")
	}
}

func TestReference(t *testing.T) {
	for s, want := range map[string]Block{
		"40001": {Holding, 0, 0}, "400004": {Holding, 3, 0}, "30001": {Input, 0, 0}, "465536": {Holding, 65535, 0},
		"10010": {Discrete, 9, 0}, "00001": {Coil, 0, 0},
	} {
		table, address, err := Reference(s)
		if err != nil || table != want.Table || address != want.Address {
			t.Errorf("%s = %v %d, %v", s, table, address, err)
		}
	}
	for _, s := range []string{"", "40000", "4001", "50001", "465537", "4000001", "4x001"} {
		if _, _, err := Reference(s); err == nil {
			t.Errorf("%s was accepted", s)
		}
	}
}

func TestFrames(t *testing.T) {
	b := Block{Holding, 0x6B, 3}
	if got := hex.EncodeToString(RTU(0x11, b.Request())); got != "1103006b00037687" {
		t.Errorf("request is %s", got)
	}
	good := unhex(t, "11 03 06 AE 41 56 52 43 40 49 AD")
	tests := []struct {
		name  string
		frame []byte
		want  error
	}{
		{"good", good, nil},
		{"damaged", append([]byte{0x11, 3, 6, 0xAF}, good[4:]...), ErrCRC},
		{"cut", good[:10], ErrCRC},
		{"too short", good[:4], ErrShort},
		{"another unit", RTU(0x12, []byte{3, 6, 0, 0, 0, 0, 0, 0}), ErrForeign},
		{"another function", RTU(0x11, []byte{4, 6, 0, 0, 0, 0, 0, 0}), ErrForeign},
		{"another count", RTU(0x11, []byte{3, 4, 0, 0, 0, 0}), ErrForeign},
		{"too many bytes", RTU(0x11, []byte{3, 6, 0, 0, 0, 0, 0, 0, 0}), ErrLength},
		{"our own echo", RTU(0x11, b.Request()), ErrForeign},
		{"exception 2", RTU(0x11, []byte{0x83, 2}), Exception(2)},
		{"exception of another function", RTU(0x11, []byte{0x84, 2}), ErrForeign},
	}
	for _, tt := range tests {
		body, err := OpenRTU(0x11, tt.frame)
		var data []byte
		if err == nil {
			data, err = b.Answer(body)
		}
		if !errors.Is(err, tt.want) || err == nil && len(data) != 6 {
			t.Errorf("%s: got %x, %v, want %v", tt.name, data, err, tt.want)
		}
	}
}

// FuzzReply holds that no reply makes the decoder panic, and that only a whole
// frame with the right sum yields data.
func FuzzReply(f *testing.F) {
	f.Add(unhex(f, "11 03 06 AE 41 56 52 43 40 49 AD"))
	f.Add(RTU(0x11, []byte{0x83, 2}))
	f.Add([]byte{0x11, 3, 255})
	layout, err := New([]Field{{Metric: "a", Address: 0x6B, Type: F32, Order: CDAB}, {Metric: "b", Address: 0x6D, Mask: 0xF0}}, 0, 0)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, frame []byte) {
		_, _, _ = RTULength(frame)
		body, err := OpenRTU(0x11, frame)
		if err != nil {
			return
		}
		data, err := layout.Blocks()[0].Answer(body)
		if err != nil {
			return
		}
		if len(frame) != 11 || CRC(frame) != 0 {
			t.Fatalf("%x yielded data", frame)
		}
		values, _, err := layout.Decode([][]byte{data})
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range values {
			if math.IsNaN(v.Value) || math.IsInf(v.Value, 0) {
				t.Fatalf("%x yielded %v", frame, v)
			}
		}
	})
}

// FuzzDecode holds that answers of any shape are either refused or decoded.
func FuzzDecode(f *testing.F) {
	f.Add(uint8(F64), uint8(DCBA), uint64(0), []byte{1, 2, 3, 4, 5, 6, 7, 8})
	f.Add(uint8(U16), uint8(ABCD), uint64(0xF0), []byte{1, 2})
	f.Fuzz(func(t *testing.T, typ, order uint8, mask uint64, data []byte) {
		l, err := New([]Field{{Metric: "m", Type: Type(typ % 9), Order: Order(order % 4), Mask: mask}}, 0, 0)
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := l.Decode([][]byte{data}); (err == nil) != (len(data) == l.Blocks()[0].Size()) {
			t.Fatalf("%d bytes: %v", len(data), err)
		}
	})
}
