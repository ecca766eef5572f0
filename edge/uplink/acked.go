package uplink

import (
	"encoding/binary"
	"slices"
)

// maxKept bounds the islands of acknowledged numbers that are remembered; the
// highest are forgotten first, which only sends them once more.
const maxKept = 4096

// acked is the set of numbers that the hub called durable: everything up to
// and including upto, and islands (first, last) above it, sorted and apart.
type acked struct {
	upto    uint64
	islands [][2]uint64
}

// add includes first to last.
func (a *acked) add(first, last uint64) {
	if last < first || last <= a.upto {
		return
	}
	if first <= a.upto+1 {
		a.upto = last
	} else {
		i, _ := slices.BinarySearchFunc(a.islands, first, func(r [2]uint64, n uint64) int {
			if r[0] < n {
				return -1
			}
			return 1
		})
		a.islands = slices.Insert(a.islands, i, [2]uint64{first, last})
	}
	a.merge()
}

// merge joins what touches and lets upto swallow what it reached.
func (a *acked) merge() {
	out := a.islands[:0]
	for _, r := range a.islands {
		switch n := len(out); {
		case r[1] <= a.upto:
		case r[0] <= a.upto+1:
			a.upto = r[1]
		case n > 0 && r[0] <= out[n-1][1]+1:
			out[n-1][1] = max(out[n-1][1], r[1])
		default:
			out = append(out, r)
		}
	}
	a.islands = out[:min(len(out), maxKept)]
}

// open returns the first run of numbers within first to last that is not
// acknowledged; ok is false if there is none.
func (a *acked) open(first, last uint64) (from, to uint64, ok bool) {
	from = max(first, a.upto+1)
	to = last
	for _, r := range a.islands {
		if r[1] < from {
			continue
		}
		if r[0] > from {
			to = min(to, r[0]-1)
			break
		}
		from = r[1] + 1
	}
	return from, to, from <= to
}

// state encodes the islands for the cursor, which keeps upto itself.
func (a *acked) state() []byte {
	var b []byte
	at := a.upto
	for _, r := range a.islands {
		b = binary.AppendUvarint(b, r[0]-at)
		b = binary.AppendUvarint(b, r[1]-r[0])
		at = r[1]
	}
	return b
}

// restore is the inverse of state; damage forgets islands, no more.
func restore(upto uint64, state []byte) acked {
	a := acked{upto: upto}
	at := upto
	for len(state) > 0 && len(a.islands) < maxKept {
		gap, n := binary.Uvarint(state)
		if n <= 0 || gap < 2 || at+gap < at {
			break
		}
		length, m := binary.Uvarint(state[n:])
		if m <= 0 || at+gap+length < at+gap {
			break
		}
		a.islands = append(a.islands, [2]uint64{at + gap, at + gap + length})
		at, state = at+gap+length, state[n+m:]
	}
	return a
}
