package record

// bits reads the bit strings of H.264 (ITU-T H.264, 7.2 and 9.1).
type bits struct {
	b   []byte
	at  int
	bad bool
}

// rbsp drops the bytes that keep start codes out of a unit (7.4.1).
func rbsp(unit []byte) []byte {
	out := make([]byte, 0, len(unit))
	zeros := 0
	for _, b := range unit {
		if zeros >= 2 && b == 3 {
			zeros = 0
			continue
		}
		if zeros++; b != 0 {
			zeros = 0
		}
		out = append(out, b)
	}
	return out
}

func (r *bits) u(n int) (v uint32) {
	for range n {
		if r.at >= 8*len(r.b) {
			r.bad = true
			return 0
		}
		v = v<<1 | uint32(r.b[r.at/8]>>(7-r.at%8)&1)
		r.at++
	}
	return v
}

// ue is an Exp-Golomb number.
func (r *bits) ue() uint32 {
	zeros := 0
	for r.u(1) == 0 {
		if zeros++; r.bad || zeros > 31 {
			r.bad = true
			return 0
		}
	}
	return 1<<zeros - 1 + r.u(zeros)
}

// spsSize reads the size of the pictures out of a sequence parameter set
// (7.3.2.1.1) of the profiles that calls use: baseline, main and high with
// 4:2:0 and no scaling matrix.
func spsSize(sps []byte) (width, height int, ok bool) {
	r := &bits{b: rbsp(sps[1:])}
	profile := r.u(8)
	r.u(16) // constraints, level
	r.ue()  // id
	if profile == 100 {
		chroma := r.ue()
		r.ue() // bit depths
		r.ue()
		if r.u(1); chroma != 1 || r.u(1) == 1 {
			return 0, 0, false
		}
	} else if profile != 66 && profile != 77 && profile != 88 {
		return 0, 0, false
	}
	r.ue() // log2_max_frame_num
	r.order()
	r.ue() // reference frames
	r.u(1)
	w, h := r.ue()+1, r.ue()+1
	frames := r.u(1) // frame_mbs_only_flag
	if frames == 0 {
		r.u(1)
	}
	r.u(1)
	width, height = int(w)*16, int(h)*16*int(2-frames)
	if r.u(1) == 1 { // cropping, in units of 4:2:0
		left, right, top, bottom := r.ue(), r.ue(), r.ue(), r.ue()
		width -= 2 * int(left+right)
		height -= 2 * int(2-frames) * int(top+bottom)
	}
	return width, height, !r.bad && width > 0 && height > 0 && width <= 1<<14 && height <= 1<<14
}

// order skips the picture order count's fields.
func (r *bits) order() {
	switch r.ue() {
	case 0:
		r.ue()
	case 1:
		r.u(1)
		r.ue()
		r.ue()
		for range min(r.ue(), 255) {
			r.ue()
		}
	}
}
