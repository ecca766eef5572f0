package camera

// The NAL unit types that matter (ITU-T H.264, table 7-1).
const (
	unitSlice = 1
	unitIDR   = 5
	unitSPS   = 7
	unitPPS   = 8

	unitDelimiter = 9
)

// refersForward reports whether a slice is of a B picture (ITU-T H.264, 7.3.3:
// first_mb_in_slice and slice_type, both Exp-Golomb codes; 7.4.3: type 1 or 6).
// Bytes that are cut short are no slice of any kind.
func refersForward(unit []byte) bool {
	r := bits{b: unit[1:]}
	if _, ok := r.golomb(); !ok {
		return false
	}
	kind, ok := r.golomb()
	return ok && kind%5 == 1
}

// bits reads single bits, the highest of each byte first. Emulation prevention
// bytes need not be looked for: the first one can come after the two codes that
// are read here, which hold a set bit in their first two bytes or are too long.
type bits struct {
	b  []byte
	at int
}

func (r *bits) next() (bit uint32, ok bool) {
	if r.at/8 >= len(r.b) {
		return 0, false
	}
	bit = uint32(r.b[r.at/8]>>(7-r.at%8)) & 1
	r.at++
	return bit, true
}

// golomb reads an unsigned Exp-Golomb code (9.1).
func (r *bits) golomb() (uint32, bool) {
	zeros := 0
	for {
		bit, ok := r.next()
		if !ok || zeros > 31 {
			return 0, false
		}
		if bit == 1 {
			break
		}
		zeros++
	}
	v := uint32(1)
	for range zeros {
		bit, ok := r.next()
		if !ok {
			return 0, false
		}
		v = v<<1 | bit
	}
	return v - 1, true
}
