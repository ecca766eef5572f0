package uplink

import (
	"bytes"
	"slices"
	"testing"

	"github.com/eclipse/paho.mqtt.golang/packets"
)

func TestGuard(t *testing.T) {
	tests := []struct {
		name  string
		bytes []byte
		ok    bool
	}{
		{"connack", []byte{0x20, 2, 0, 0}, true},
		{"suback of our one filter", []byte{0x90, 3, 0, 1, 1}, true},
		{"puback, pingresp, publish", []byte{0x40, 2, 0, 1, 0xD0, 0, 0x30, 5, 0, 1, 'a', 'h', 'i'}, true},
		{"a message of the longest size", append([]byte{0x30, 0x80, 0x80, 0x40}, make([]byte, 1<<20)...), true},
		{"five bytes that would allocate 256 MB", []byte{0x30, 0xFF, 0xFF, 0xFF, 0x7F}, false},
		{"a length without end", []byte{0x30, 0x80, 0x80, 0x80, 0x80, 1}, false},
		{"suback with a code too many", []byte{0x90, 4, 0, 1, 1, 1}, false},
		{"suback without code", []byte{0x90, 2, 0, 1}, false},
		{"a client's packet", []byte{0x10, 2, 0, 0}, false},
		{"type 0", []byte{0x00, 0}, false},
		{"an empty message", []byte{0x30, 1, 0}, false},
	}
	for _, tt := range tests {
		for _, step := range []int{1, 3, len(tt.bytes)} {
			var g guard
			var err error
			for part := range slices.Chunk(tt.bytes, step) {
				if err = g.inspect(part); err != nil {
					break
				}
			}
			if (err == nil) != tt.ok {
				t.Errorf("%s in steps of %d: %v", tt.name, step, err)
			}
		}
	}
}

// FuzzGuard holds that what the guard lets through never makes paho's decoder
// allocate more than a message, or panic.
func FuzzGuard(f *testing.F) {
	f.Add([]byte{0x20, 2, 0, 0, 0x90, 3, 0, 1, 1})
	f.Add([]byte{0x30, 5, 0, 1, 'a', 'h', 'i'})
	f.Add([]byte{0x32, 3, 0, 9, 'a'})
	f.Fuzz(func(t *testing.T, b []byte) {
		var g guard
		if g.inspect(b) != nil {
			return
		}
		for r := bytes.NewReader(b); r.Len() > 0; {
			if _, err := packets.ReadPacket(r); err != nil {
				return
			}
		}
	})
}
