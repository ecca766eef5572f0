package record

import (
	"time"

	"gridhub/streams/sfu"
)

// maxHeld bounds the packets that wait for a missing one: two seconds of the
// busiest picture. Beyond, the missing one is given up early.
const maxHeld = 4096

// sequence puts the packets of one track in order and waits for the late ones.
type sequence struct {
	started bool
	next    uint64
	held    map[uint64]sfu.Packet
	late    uint64 // packets that came after they had been given up
}

func (s *sequence) push(p sfu.Packet) {
	if s.held == nil {
		s.held = map[uint64]sfu.Packet{}
	}
	if s.started && p.Seq < s.next {
		s.late++
		return
	}
	s.held[p.Seq] = p
}

// pop returns the next packet in order, with how many before it are given up
// as lost; ok is false while none is due. With all, nothing is waited for.
func (s *sequence) pop(now time.Time, all bool) (p sfu.Packet, lost uint64, ok bool) {
	if len(s.held) == 0 {
		return p, 0, false
	}
	if p, ok = s.held[s.next]; !ok || !s.started {
		first, oldest := s.lowest()
		if !all && now.Sub(oldest) < waitForGap && len(s.held) < maxHeld {
			return sfu.Packet{}, 0, false
		}
		if s.started {
			lost = first - s.next
		}
		p, s.next, s.started = s.held[first], first, true
	}
	delete(s.held, s.next)
	s.next++
	return p, lost, true
}

// lowest is the lowest number held, and when the first of those held arrived.
func (s *sequence) lowest() (seq uint64, oldest time.Time) {
	seq = ^uint64(0)
	for n, p := range s.held {
		seq = min(seq, n)
		if oldest.IsZero() || p.Arrived.Before(oldest) {
			oldest = p.Arrived
		}
	}
	return seq, oldest
}
