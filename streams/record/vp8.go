package record

import (
	"github.com/pion/rtp/codecs"
)

// vp8 reads VP8 (RFC 7741 for packets, RFC 6386 for pictures).
type vp8 struct{}

func (vp8) reset(bool) {} // each picture says where it starts

func (vp8) add(picture, payload []byte) ([]byte, bool, bool) {
	var p codecs.VP8Packet
	b, err := p.Unmarshal(payload)
	if err != nil {
		return picture, false, false
	}
	return append(picture, b...), p.S == 1 && p.PID == 0, true
}

// look reads the frame tag and, of a key frame, the start code and the size
// (RFC 6386, 9.1).
func (vp8) look(b []byte) (f format, key, ok bool) {
	if len(b) < 3 {
		return f, false, false
	}
	if b[0]&1 != 0 {
		return f, false, true
	}
	if len(b) < 10 || b[3] != 0x9d || b[4] != 0x01 || b[5] != 0x2a {
		return f, false, false
	}
	f.width = int(b[6]) | int(b[7]&0x3f)<<8
	f.height = int(b[8]) | int(b[9]&0x3f)<<8
	return f, true, f.width > 0 && f.height > 0
}
