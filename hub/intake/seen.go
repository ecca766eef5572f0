package intake

import "slices"

// maxSpans bounds what is remembered of one stream. A sender that leaves more
// holes has the lowest span forgotten: a re-delivery from there would be taken
// for new, and the store would find it a repeat. It is never the other way
// round: a number that did not come is never held to have come.
const maxSpans = 1024

// span is a run of numbers, both ends included.
type span struct{ first, last uint64 }

// seen are the numbers of one stream and epoch that came: disjoint spans,
// ascending, never touching.
type seen []span

// covers reports whether all numbers from first to last came.
func (s seen) covers(first, last uint64) bool {
	i, _ := slices.BinarySearchFunc(s, first, func(sp span, n uint64) int { return cmpLast(sp, n) })
	return i < len(s) && s[i].first <= first && s[i].last >= last
}

// cmpLast orders spans by their last number.
func cmpLast(s span, n uint64) int {
	switch {
	case s.last < n:
		return -1
	case s.last > n:
		return 1
	}
	return 0
}

// add notes first to last and returns how many of them are new.
func (s *seen) add(first, last uint64) (fresh uint64) {
	v := *s
	if n := len(v); n > 0 && v[n-1].last+1 == first { // the way it nearly always goes
		v[n-1].last = last
		return last - first + 1
	}
	// from is the first span that touches or follows first-1.
	from, _ := slices.BinarySearchFunc(v, max(first, 1)-1, cmpLast)
	to, merged := from, span{first, last}
	fresh = last - first + 1
	for ; to < len(v) && v[to].first <= last+1; to++ {
		if lo, hi := max(v[to].first, first), min(v[to].last, last); lo <= hi {
			fresh -= hi - lo + 1
		}
		merged.first, merged.last = min(merged.first, v[to].first), max(merged.last, v[to].last)
	}
	v = slices.Replace(v, from, to, merged)
	if len(v) > maxSpans {
		v = slices.Delete(v, 0, 1)
	}
	*s = v
	return fresh
}

// settle takes all numbers below floor as settled, for the sender will never
// send them again, and returns how many had not come.
func (s *seen) settle(floor uint64) (missing uint64) {
	if floor <= 1 || len(*s) > 0 && (*s)[0].first == 1 && (*s)[0].last+1 >= floor {
		return 0
	}
	return s.add(1, floor-1)
}
