package modbus

import (
	"bytes"
	"errors"
	"fmt"
	"testing"
)

// TestWrites holds requests against frames as Application Protocol V1.1b3 and
// manuals of relays show them.
func TestWrites(t *testing.T) {
	for _, tt := range []struct {
		field Field
		value float64
		many  bool
		want  string
	}{
		{Field{Table: Coil, Address: 0xAC}, 1, false, "05 00 ac ff 00"}, // 6.5
		{Field{Table: Coil, Address: 0xAC}, 0, false, "05 00 ac 00 00"},
		{Field{Table: Coil, Address: 0x13}, 1, true, "0f 00 13 00 01 01 01"},
		{Field{Address: 1}, 3, false, "06 00 01 00 03"}, // 6.6
		{Field{Address: 1}, 3, true, "10 00 01 00 01 02 00 03"},
		{Field{Address: 4, Type: S16, Scale: 0.1}, -12.3, false, "06 00 04 ff 85"},
		{Field{Address: 4, Type: S32, Order: CDAB}, 70000, false, "10 00 04 00 02 04 11 70 00 01"},
		{Field{Address: 4, Type: F32}, 230, false, "10 00 04 00 02 04 43 66 00 00"},
		{Field{Address: 4, Type: Bool}, 1, false, "06 00 04 00 01"},
	} {
		w, err := tt.field.Write(tt.value, tt.many)
		if got := fmt.Sprintf("% x", w.Request()); err != nil || got != tt.want {
			t.Errorf("%+v to %v: %s, %v, want %s", tt.field, tt.value, got, err, tt.want)
			continue
		}
		if _, err := w.Answer(w.Done()); err != nil {
			t.Errorf("%s: %v", tt.want, err)
		}
		back, err := Written(w.Request())
		if v, ok := back.Read(tt.field); err != nil || !ok || v != tt.value {
			t.Errorf("%s: read as %v, %v, %v", tt.want, v, ok, err)
		}
	}
}

func TestWriteRefused(t *testing.T) {
	for _, tt := range []struct {
		field Field
		value float64
	}{
		{Field{Address: 1}, 65536}, {Field{Address: 1}, -1}, {Field{Address: 1, Type: S16}, 40000},
		{Field{Address: 1, Absent: []uint64{7}}, 7}, {Field{Address: 1, Mask: 3}, 1}, {Field{Table: Input}, 1},
	} {
		if w, err := tt.field.Write(tt.value, false); err == nil {
			t.Errorf("%+v to %v: % x", tt.field, tt.value, w.Request())
		}
	}
	w, err := Field{Table: Coil, Address: 2}.Write(1, false)
	if err != nil {
		t.Fatal(err)
	}
	for body, want := range map[string]error{
		"\x85\x02":                 Exception(2),
		"\x05\x00\x02\xff\x00\x00": ErrLength,
		"\x05\x00\x02\x00\x00":     ErrForeign, // another value
		"\x05\x00\x03\xff\x00":     ErrForeign, // another place
		"\x01\x01\x01":             ErrForeign,
		"\x05":                     ErrShort,
	} {
		if _, err := w.Answer([]byte(body)); !errors.Is(err, want) {
			t.Errorf("% x: %v, want %v", body, err, want)
		}
	}
}

// FuzzWritten holds that no request makes a slave panic, and that what it
// understood says the same again.
func FuzzWritten(f *testing.F) {
	f.Add([]byte{5, 0, 1, 0xFF, 0})
	f.Add([]byte{6, 0, 1, 0, 3})
	f.Add([]byte{15, 0, 1, 0, 1, 1, 1})
	f.Add([]byte{16, 0, 1, 0, 2, 4, 1, 2, 3, 4})
	f.Fuzz(func(t *testing.T, body []byte) {
		w, err := Written(body)
		if err == nil && !bytes.Equal(w.Request()[:writtenSize], body[:writtenSize]) {
			t.Errorf("% x became % x", body, w.Request())
		}
		_, _ = w.Read(Field{Table: w.Table, Address: w.Address})
		_, _ = WriteLength(body)
	})
}
