package camera

import "testing"

func TestKindsOfSlices(t *testing.T) {
	for name, tt := range map[string]struct {
		unit []byte
		want bool
	}{
		"P, first macroblock 0":  {[]byte{0x41, 0b1_1_000000}, false},            // ue 0, ue 0
		"B, first macroblock 0":  {[]byte{0x01, 0b1_010_0000}, true},             // ue 0, ue 1
		"B, all slices are B":    {[]byte{0x01, 0b1_00111_00}, true},             // ue 0, ue 6
		"I":                      {[]byte{0x61, 0b1_011_0000}, false},            // ue 0, ue 2
		"P, all slices are P":    {[]byte{0x41, 0b1_00110_00}, false},            // ue 0, ue 5
		"B, first macroblock 30": {[]byte{0x01, 0b00001111, 0b1_010_0000}, true}, // ue 30, ue 1
		"nothing":                {[]byte{0x01}, false},
		"zeros":                  {[]byte{0x01, 0, 0, 0, 0, 0, 0}, false},
	} {
		if got := refersForward(tt.unit); got != tt.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func FuzzSlices(f *testing.F) {
	f.Add([]byte{0x01, 0b1_010_0000})
	f.Fuzz(func(_ *testing.T, b []byte) {
		if len(b) > 0 {
			refersForward(b)
		}
	})
}
