package record

import "encoding/binary"

// The kinds of NAL units that matter (RFC 6184, 5.2 and 5.4; H.264, 7.4.1).
const (
	nalIDR   = 5
	nalSPS   = 7
	nalPPS   = 8
	nalAUD   = 9
	nalSTAPA = 24
	nalFUA   = 28
)

// h264 reads H.264 in the non-interleaved mode. A picture is kept as the file
// wants it: each unit behind its length. The newest parameter sets are
// remembered, as a key frame may come without them.
type h264 struct {
	sps, pps []byte
	inside   bool // of a fragmented unit
	from     int  // where in the picture that one begins
	torn     bool // what came before the next packet is missing
}

func (h *h264) reset(torn bool) { h.inside, h.torn = false, torn }

func (h *h264) add(picture, payload []byte) (out []byte, starts, ok bool) {
	starts = len(picture) == 0 && (!h.torn || opens(payload))
	if len(payload) < 2 {
		return picture, starts, false
	}
	switch payload[0] & 0x1f {
	case nalSTAPA:
		out, ok = h.several(picture, payload[1:])
	case nalFUA:
		out, ok = h.fragment(picture, payload)
	case 0, 25, 26, 27, 29, 30, 31: // reserved, or of the interleaved mode
		return picture, starts, false
	default:
		out, ok = appendUnit(picture, payload), true
	}
	return out, starts, ok
}

// opens reports whether a payload can only be the first of a picture: it holds
// a delimiter or the parameters of a sequence.
func opens(b []byte) bool {
	if len(b) > 3 && b[0]&0x1f == nalSTAPA {
		b = b[3:]
	}
	return len(b) > 0 && (b[0]&0x1f == nalSPS || b[0]&0x1f == nalAUD)
}

func appendUnit(picture, unit []byte) []byte {
	return append(binary.BigEndian.AppendUint32(picture, uint32(len(unit))), unit...)
}

func (h *h264) several(picture, b []byte) ([]byte, bool) {
	for len(b) > 0 {
		if len(b) < 2 {
			return picture, false
		}
		n := int(binary.BigEndian.Uint16(b))
		if n == 0 || len(b) < 2+n {
			return picture, false
		}
		picture, b = appendUnit(picture, b[2:2+n]), b[2+n:]
	}
	return picture, true
}

// fragment adds a part of a unit; where the unit begins, its length is
// corrected as it grows.
func (h *h264) fragment(picture, b []byte) ([]byte, bool) {
	if len(b) < 3 {
		return picture, false
	}
	if b[1]&0x80 != 0 { // start
		h.inside, h.from = b[1]&0x40 == 0, len(picture)
		return appendUnit(picture, append([]byte{b[0]&0xe0 | b[1]&0x1f}, b[2:]...)), true
	}
	if !h.inside || h.from+4 > len(picture) {
		return picture, false
	}
	h.inside = b[1]&0x40 == 0
	picture = append(picture, b[2:]...)
	binary.BigEndian.PutUint32(picture[h.from:], uint32(len(picture)-h.from-4))
	return picture, true
}

func (h *h264) look(picture []byte) (f format, key, ok bool) {
	for at := 0; at+5 <= len(picture); {
		n := int(binary.BigEndian.Uint32(picture[at:]))
		if n == 0 || at+4+n > len(picture) {
			return f, false, false
		}
		unit := picture[at+4 : at+4+n]
		switch unit[0] & 0x1f {
		case nalSPS:
			h.sps = append([]byte(nil), unit...)
		case nalPPS:
			h.pps = append([]byte(nil), unit...)
		case nalIDR:
			key = true
		}
		at += 4 + n
	}
	if !key {
		return f, false, true
	}
	if len(h.sps) < 4 || len(h.pps) == 0 || len(h.sps) > 1<<12 || len(h.pps) > 1<<12 {
		return f, false, false // cannot be decoded without
	}
	if f.width, f.height, ok = spsSize(h.sps); ok {
		f.private = h.decoderConfig()
	}
	return f, true, ok
}

// decoderConfig is the AVCDecoderConfigurationRecord (ISO/IEC 14496-15, 5.3.3).
func (h *h264) decoderConfig() string {
	b := []byte{1, h.sps[1], h.sps[2], h.sps[3], 0xff, 0xe1}
	b = append(binary.BigEndian.AppendUint16(b, uint16(len(h.sps))), h.sps...)
	b = append(b, 1)
	return string(append(binary.BigEndian.AppendUint16(b, uint16(len(h.pps))), h.pps...))
}
