package sfu

import "testing"

func TestStartsKeyFrame(t *testing.T) {
	tests := []struct {
		name, codec string
		payload     []byte
		want        bool
	}{
		{"VP8 key frame", mimeVP8, []byte{0x10, 0x00}, true},
		{"VP8 inter frame", mimeVP8, []byte{0x10, 0x01}, false},
		{"VP8 later packet of a frame", mimeVP8, []byte{0x00, 0x00}, false},
		{"VP8 second partition", mimeVP8, []byte{0x11, 0x00}, false},
		{"VP8 with 7-bit picture id", mimeVP8, []byte{0x90, 0x80, 0x11, 0x00}, true},
		{"VP8 with 15-bit picture id", mimeVP8, []byte{0x90, 0x80, 0x91, 0x11, 0x00}, true},
		{"VP8 with everything", mimeVP8, []byte{0x90, 0xf0, 0x91, 0x11, 0x01, 0x20, 0x00}, true},
		{"VP8 with everything, inter", mimeVP8, []byte{0x90, 0xf0, 0x91, 0x11, 0x01, 0x20, 0x01}, false},
		{"VP8 cut short", mimeVP8, []byte{0x90, 0xf0, 0x91}, false},
		{"VP8 empty", mimeVP8, nil, false},
		{"H.264 IDR", mimeH264, []byte{0x65, 0x88}, true},
		{"H.264 slice", mimeH264, []byte{0x41, 0x9a}, false},
		{"H.264 SPS", mimeH264, []byte{0x67, 0x42}, true},
		{"H.264 SPS and PPS together", mimeH264, []byte{0x78, 0, 2, 0x67, 0x42, 0, 2, 0x68, 0xce}, true},
		{"H.264 aggregate of others", mimeH264, []byte{0x78, 0, 2, 0x06, 0x05, 0, 2, 0x41, 0x9a}, false},
		{"H.264 aggregate cut short", mimeH264, []byte{0x78, 0, 9, 0x06}, false},
		{"H.264 first fragment of IDR", mimeH264, []byte{0x7c, 0x85, 0x88}, true},
		{"H.264 next fragment of IDR", mimeH264, []byte{0x7c, 0x05, 0x88}, false},
		{"H.264 first fragment of a slice", mimeH264, []byte{0x7c, 0x81, 0x9a}, false},
		{"Opus", mimeOpus, []byte{0x10, 0x00}, false},
	}
	for _, test := range tests {
		if got := startsKeyFrame(test.codec, test.payload); got != test.want {
			t.Errorf("%s: %v, want %v", test.name, got, test.want)
		}
	}
}

func FuzzStartsKeyFrame(f *testing.F) {
	f.Add([]byte{0x90, 0xf0, 0x91, 0x11, 0x01, 0x20, 0x00})
	f.Add([]byte{0x78, 0, 2, 0x67, 0x42, 0, 2, 0x68, 0xce})
	f.Add([]byte{0x7c, 0x85, 0x88})
	f.Fuzz(func(_ *testing.T, payload []byte) {
		startsKeyFrame(mimeVP8, payload)
		startsKeyFrame(mimeH264, payload)
	})
}
