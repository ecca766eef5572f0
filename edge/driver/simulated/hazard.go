package simulated

import (
	"time"

	"gridhub/devices"
)

// schedule places one hazard in every slot of its mean interval: which device
// and when within the slot follow from the seed and the slot's number.
type schedule struct {
	seed     uint64
	every    time.Duration // 0 = never
	subjects []subject
}

// subject is a device that can become dangerous, and for how long.
type subject struct {
	id    devices.ID
	lasts time.Duration
}

// level is how far the hazard of id has risen at t, from 0 to 1: it rises for
// a fifth of its time, stays, and falls for a third.
func (s schedule) level(id devices.ID, t time.Time) float64 {
	if s.every <= 0 || len(s.subjects) == 0 {
		return 0
	}
	now := time.Duration(t.UnixNano())
	slot := int64(now / s.every)
	highest := 0.0
	for back := int64(0); back <= s.longest(); back++ {
		who, start := s.event(slot - back)
		if who.id == id {
			highest = max(highest, envelope(now-start, who.lasts))
		}
	}
	return highest
}

// event is who is struck in a slot, and when.
func (s schedule) event(slot int64) (subject, time.Duration) {
	n := uint64(slot) * 2
	who := s.subjects[int(unit(s.seed, n)*float64(len(s.subjects)))]
	offset := time.Duration(unit(s.seed, n+1) * float64(s.every))
	return who, time.Duration(slot)*s.every + offset
}

// longest is how many slots back a hazard may have begun that still lasts.
func (s schedule) longest() int64 {
	most := time.Duration(0)
	for _, sub := range s.subjects {
		most = max(most, sub.lasts)
	}
	return int64(most/s.every) + 1
}

func envelope(age, lasts time.Duration) float64 {
	x := float64(age) / float64(lasts)
	switch {
	case x <= 0 || x >= 1:
		return 0
	case x < 0.2:
		return x / 0.2
	case x > 2.0/3:
		return (1 - x) * 3
	}
	return 1
}
