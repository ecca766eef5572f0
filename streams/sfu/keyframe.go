package sfu

// startsKeyFrame reports whether an RTP payload begins a key frame of codec.
// Payloads are foreign bytes: anything too short is no key frame.
func startsKeyFrame(codec string, payload []byte) bool {
	switch codec {
	case mimeVP8:
		return vp8KeyFrame(payload)
	case mimeH264:
		return h264KeyFrame(payload)
	}
	return false
}

// vp8KeyFrame reads the payload descriptor (RFC 7741, 4.2) and the first bit
// of the frame header (RFC 6386, 9.1).
func vp8KeyFrame(b []byte) bool {
	if len(b) < 1 || b[0]&0x10 == 0 || b[0]&0x07 != 0 { // S set, first partition
		return false
	}
	skip := 1
	if b[0]&0x80 != 0 { // X: extension octet
		if len(b) < 2 {
			return false
		}
		skip += 1 + vp8Extension(b)
	}
	return len(b) > skip && b[skip]&0x01 == 0
}

// vp8Extension is the length of the optional fields that b[1] announces.
func vp8Extension(b []byte) int {
	n := 0
	if b[1]&0x80 != 0 { // I: picture id, 7 or 15 bits
		n++
		if len(b) > 2 && b[2]&0x80 != 0 {
			n++
		}
	}
	if b[1]&0x40 != 0 { // L: TL0PICIDX
		n++
	}
	if b[1]&0x30 != 0 { // T or K: TID/KEYIDX
		n++
	}
	return n
}

// The H.264 NAL unit types that matter (RFC 6184, 5.2).
const (
	nalIDR   = 5
	nalSPS   = 7
	nalSTAPA = 24
	nalFUA   = 28
)

// h264KeyFrame is true for a payload that starts an IDR picture or carries
// the sequence parameters in front of it.
func h264KeyFrame(b []byte) bool {
	if len(b) < 1 {
		return false
	}
	switch kind := b[0] & 0x1f; kind {
	case nalIDR, nalSPS:
		return true
	case nalSTAPA:
		return stapKeyFrame(b[1:])
	case nalFUA:
		return len(b) > 1 && b[1]&0x80 != 0 && b[1]&0x1f == nalIDR
	}
	return false
}

func stapKeyFrame(b []byte) bool {
	for len(b) > 2 {
		size := int(b[0])<<8 | int(b[1])
		if kind := b[2] & 0x1f; kind == nalIDR || kind == nalSPS {
			return true
		}
		if len(b) < 2+size {
			return false
		}
		b = b[2+size:]
	}
	return false
}
