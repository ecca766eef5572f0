package simulated

import (
	"hash/fnv"
	"math"
	"time"

	"gridhub/devices/profile"
)

// wave is a profile's curve with a seed of its own.
type wave struct {
	seed uint64
	*profile.Curve
}

// dayZone is the zone whose hours a day's rhythm follows: fixed, so that the
// same seed gives the same street on every machine.
var dayZone = time.FixedZone("CST", 8*3600)

// counting is when simulated counters stood at their base.
var counting = time.Date(2026, 1, 1, 0, 0, 0, 0, dayZone)

// noiseStep is how long one value of the noise lasts.
const noiseStep = time.Second

// at is the value at t; danger from 0 to 1 is how far a hazard has risen.
func (w wave) at(t time.Time, danger float64) float64 {
	hours := t.Sub(counting).Hours()
	local := t.In(dayZone)
	ofDay := float64(local.Hour()) + float64(local.Minute())/60 + float64(local.Second())/3600
	v := w.Base + w.Rate*hours
	v += w.Day * math.Cos(2*math.Pi*(ofDay-w.Peak)/24)
	v += w.Wander * w.drift(hours)
	v += w.Noise * (2*unit(w.seed, uint64(t.UnixNano()/int64(noiseStep))) - 1)
	if w.Hazard != nil {
		v += danger * (*w.Hazard - v)
	}
	return w.shape(v)
}

// drift is a slow wander between -1 and 1: three tides of unlike periods.
func (w wave) drift(hours float64) float64 {
	sum := 0.0
	for i, period := range []float64{0.37, 1.3, 5.1} { // hours
		phase := unit(w.seed, uint64(i)+1<<40)
		sum += math.Sin(2 * math.Pi * (hours/period + phase))
	}
	return sum / 3
}

// shape rounds to the device's resolution and keeps to its limits.
func (w wave) shape(v float64) float64 {
	if w.Low != nil {
		v = max(v, *w.Low)
	}
	if w.High != nil {
		v = min(v, *w.High)
	}
	if w.Step > 0 {
		per := math.Round(1 / w.Step)
		if per >= 1 && math.Abs(per*w.Step-1) < 1e-9 {
			return math.Round(v*per) / per // 0.1 gives 20.3, not 20.300000000000001
		}
		v = math.Round(v/w.Step) * w.Step
	}
	return v
}

// mix makes one seed of several facts.
func mix(seed uint64, facts ...string) uint64 {
	h := fnv.New64a()
	for _, f := range facts {
		h.Write([]byte(f))
		h.Write([]byte{0})
	}
	return splitmix(seed ^ h.Sum64())
}

// unit is the n-th number of a seed, from 0 up to 1.
func unit(seed, n uint64) float64 {
	return float64(splitmix(seed+n*0x9E3779B97F4A7C15)>>11) / (1 << 53)
}

// splitmix is the finaliser of SplitMix64 (Steele, Lea, Flood 2014).
func splitmix(x uint64) uint64 {
	x ^= x >> 30
	x *= 0xBF58476D1CE4E5B9
	x ^= x >> 27
	x *= 0x94D049BB133111EB
	return x ^ x>>31
}
