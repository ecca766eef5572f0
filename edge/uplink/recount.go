package uplink

import (
	"time"

	"gridhub/devices/telemetry"
)

// savedScale is what a checkpoint keeps of a scale.
type savedScale struct {
	Now   telemetry.Millis   `json:"now"`
	First uint64             `json:"first"`
	Zero  []telemetry.Millis `json:"zero"`
}

func (s scale) saved() savedScale { return savedScale{s.now, s.first, s.zero} }

func (s savedScale) scale() scale {
	return scale{now: s.Now, first: s.First, zero: s.Zero, sure: make([]bool, len(s.Zero))}
}

// sameScale is how far a boot may move without a recount: what that puts into
// the wrong hour is put right when it is settled.
const sameScale = time.Second

// agrees reports whether records get the same stamps by both, nearly.
func (s scale) agrees(with scale) bool {
	if s.first != with.first || len(s.zero) != len(with.zero) {
		return false
	}
	for i := range s.zero {
		if d := s.zero[i].Sub(with.zero[i]); d > sameScale || d < -sameScale {
			return false
		}
	}
	return true
}

// recount counts what is pending by the scale as it is now, if that is another
// one than before, and reports whether it did. It reads all that is pending.
func (t *tally) recount(now scale) (changed bool, err error) {
	t.walking.Lock()
	defer t.walking.Unlock()
	t.mu.Lock()
	from, upto := t.settled, t.counted
	if t.scale.agrees(now) {
		t.mu.Unlock()
		return false, nil
	}
	t.next, t.anew = now, map[cell]uint64{}
	t.mu.Unlock()
	err = t.walk(from, upto, func(_ uint64, h heading) {
		t.mu.Lock()
		defer t.mu.Unlock()
		t.anew[h.cell(now)]++
	}, func(uint64, uint64) {})
	t.mu.Lock()
	defer t.mu.Unlock()
	if err == nil {
		t.exchange()
	}
	t.anew = nil
	return err == nil, err
}

// exchange lets what was counted anew stand for what is pending. mu is held.
func (t *tally) exchange() {
	t.scale = t.next
	for c, s := range t.hours {
		if s.pending > 0 {
			s = t.touch(c)
			s.issued, s.pending = s.issued-s.pending, 0
		}
	}
	for c, n := range t.anew {
		s := t.touch(c)
		s.issued, s.pending = s.issued+n, s.pending+n
	}
}
