package intake

import (
	"encoding/binary"
	"slices"

	"gridhub/devices/telemetry"
)

// maxHoles bounds the holes remembered of one stream. Of more the lowest is
// forgotten: what comes from there after all is then taken for a repeat.
const maxHoles = 64

// hole is a run of numbers that were settled although they had not come.
type hole struct {
	span
	hour telemetry.Millis // under which it was counted as missing; 0: it was not
}

// holes are disjoint and ascending. A gateway that offers records again fills
// them: those that a hub has lost which lost its memory, or was restored from
// a backup.
type holes []hole

// settle takes all numbers below floor as settled, and counts those that had
// not come. Of a numbering never heard of, nobody knows what it had delivered.
func (m *message) settle(st *stream, fresh bool, floor uint64, hour telemetry.Millis) {
	hour -= hour % hourMillis
	if fresh {
		hour = 0
	}
	gaps := st.seen.gaps(floor)
	missing := st.seen.settle(floor)
	for _, g := range gaps {
		st.holes.add(hole{g, hour})
	}
	if !fresh && missing > 0 {
		m.count(m.raw.From, hour, Missing, "", int64(missing))
	}
}

// gaps are the runs below floor that did not come.
func (s seen) gaps(floor uint64) (all []span) {
	at := uint64(1)
	for _, sp := range s {
		if sp.first >= floor {
			break
		}
		if sp.first > at {
			all = append(all, span{at, sp.first - 1})
		}
		at = sp.last + 1
	}
	if at < floor {
		all = append(all, span{at, floor - 1})
	}
	return all
}

// add notes a hole, which overlaps none that is known.
func (h *holes) add(n hole) {
	i, _ := slices.BinarySearchFunc(*h, n.first, func(o hole, first uint64) int { return cmpLast(o.span, first) })
	*h = slices.Insert(*h, i, n)
	h.trim()
}

// take removes number from its hole, and returns under which hour it was
// counted; late is false if it is in none.
func (h *holes) take(number uint64) (hour telemetry.Millis, late bool) {
	i, _ := slices.BinarySearchFunc(*h, number, func(o hole, n uint64) int { return cmpLast(o.span, n) })
	if i == len(*h) || (*h)[i].first > number {
		return 0, false
	}
	o := (*h)[i]
	var rest []hole
	if o.first < number {
		rest = append(rest, hole{span{o.first, number - 1}, o.hour})
	}
	if number < o.last {
		rest = append(rest, hole{span{number + 1, o.last}, o.hour})
	}
	*h = slices.Replace(*h, i, i+1, rest...)
	h.trim()
	return o.hour, true
}

func (h *holes) trim() {
	if len(*h) > maxHoles {
		*h = slices.Delete(*h, 0, 1)
	}
}

func (h holes) save(b []byte) []byte {
	b = binary.AppendUvarint(b, uint64(len(h)))
	for _, o := range h {
		b = binary.AppendUvarint(b, o.first)
		b = binary.AppendUvarint(b, o.last-o.first)
		b = binary.AppendVarint(b, int64(o.hour))
	}
	return b
}

func (h *holes) load(c *cut) {
	for n := c.uint(); n > 0 && c.err == nil; n-- {
		first := c.uint()
		*h = append(*h, hole{span{first, first + c.uint()}, telemetry.Millis(c.int())})
	}
}
