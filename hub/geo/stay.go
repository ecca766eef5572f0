package geo

import (
	"math"
	"time"

	"gridhub/devices/telemetry"
)

// stay gathers the samples of one place: their middle and how they scatter
// around it.
type stay struct {
	n        int
	sum      xy
	squares  float64 // of the distances from first, for the scatter
	first    xy
	from, to telemetry.Millis
}

func (s *stay) add(p sample) {
	if s.n == 0 {
		s.first, s.from = p.xy, p.at
	}
	d := p.sub(s.first) // relative to the first, so that sums stay small
	s.n, s.to = s.n+1, p.at
	s.sum = s.sum.add(d)
	s.squares += d.dot(d)
}

func (s *stay) middle() xy { return s.first.add(s.sum.times(1 / float64(s.n))) }

// left reports whether the smoothed place is outside of the stay: the raw one
// must agree, since the smoothed one runs ahead at a corner.
func (s *stay) left(raw, smooth xy, within Metres) bool {
	if s.n == 0 {
		return false
	}
	m := s.middle()
	return smooth.distanceTo(m) > float64(within) && raw.distanceTo(m) > float64(within)
}

// close returns the stay when it lasted long enough to be one.
func (s *stay) close(least time.Duration, p plane) (Stay, bool) {
	if s.n < 2 || s.to.Sub(s.from) < least {
		return Stay{}, false
	}
	n := float64(s.n)
	mean := s.sum.times(1 / n)
	scatter := math.Sqrt(math.Max(0, s.squares/n-mean.dot(mean)))
	return Stay{Point: p.round(s.middle()), From: s.from, To: s.to, Radius: Metres(scatter), Fixes: s.n}, true
}
