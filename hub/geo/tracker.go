package geo

import (
	"math"
	"time"

	"gridhub/devices/telemetry"
)

// Refusal says why a fix is not part of a track; empty = it is.
type Refusal string

// The refusals. Raw fixes stay in the history whatever the tracker thinks.
const (
	Accepted   Refusal = ""
	Inaccurate Refusal = "inaccurate" // worse than MaxAccuracy
	Future     Refusal = "future"     // after Until
	Nowhere    Refusal = "nowhere"    // not on the globe, or 0, 0
	Repeated   Refusal = "repeated"   // the time of the newest accepted fix, or earlier
	Impossible Refusal = "impossible" // nobody moves that fast
)

// TrackOptions are what a tracker holds to be true of who is tracked.
type TrackOptions struct {
	Until       telemetry.Millis // fixes after it are refused; 0 = no bound
	MaxAccuracy float64          // metres
	MaxSpeed    float64          // m/s
	GapAfter    time.Duration    // a longer silence is unknown time
	Window      time.Duration    // half the time over which movement is judged
	Still       float64          // m/s over the window; slower begins a stay
	Moving      float64          // m/s over the window; faster ends it
	StayFor     time.Duration    // a shorter pause is no stay
	StayWithin  Metres           // who drifts farther from the middle left the stay
}

// OnFoot are the options for people with a handheld that tells its place every
// 5 to 30 s with an error of about 12 m.
func OnFoot() TrackOptions {
	return TrackOptions{MaxAccuracy: 50, MaxSpeed: 42, GapAfter: 2 * time.Minute, Window: 45 * time.Second,
		Still: 0.5, Moving: 0.75, StayFor: 90 * time.Second, StayWithin: 60}
}

// BuildTrack is a Tracker that was given all fixes, which come in order of
// their time. Its Fixes are those that were accepted.
func BuildTrack(fixes []Fix, o TrackOptions) Track {
	t := NewTracker(o)
	accepted := []Fix{}
	for _, f := range fixes {
		if t.Add(f) == Accepted {
			accepted = append(accepted, f)
		}
	}
	track := t.Track()
	track.Fixes = accepted
	return track
}

// Tracker turns fixes into stays, gaps and walked metres, one fix at a time.
// What it says of a prefix is what BuildTrack says of that prefix; a stay that
// ended never changes. It is not safe for concurrent use and keeps the fixes
// of the last window only.
//
// Whether somebody stands is read from the slope of a line through the fixes
// of a window around each one: over 90 s the receiver's error averages out to
// a tenth of walking speed, where the distance of single fixes would not do.
type Tracker struct {
	o        TrackOptions
	origin   plane
	window   []sample // fixes from one window before the oldest undecided one on
	decided  int      // how many of window are decided
	newest   Fix
	started  bool
	outliers outliers

	stay   stay
	still  bool // the newest decided sample is part of stay
	placed bool // at is set: since the last gap
	at     xy   // smoothed, up to which the way is counted
	stays  []Stay
	gaps   []Gap
	walked float64
}

type sample struct {
	at telemetry.Millis
	xy
}

// beside is the least number of fixes on each side that a judgement needs,
// however long their time: one fix more or less must not decide it.
const beside = 3

// NewTracker returns an empty tracker.
func NewTracker(o TrackOptions) *Tracker { return &Tracker{o: o} }

// Add takes the next fix, or says why not.
func (t *Tracker) Add(f Fix) Refusal {
	if r := t.gate(f); r != Accepted {
		return r
	}
	if !t.started {
		t.origin, t.started = planeAt(f.Point), true
	} else if silence := f.At.Sub(t.newest.At); silence > t.o.GapAfter {
		t.rest()
		t.gaps = append(t.gaps, Gap{From: t.newest.At, To: f.At})
	}
	t.newest = f
	t.window = append(t.window, sample{f.At, t.origin.flat(f.Point)})
	for t.decided < len(t.window)-beside && f.At.Sub(t.window[t.decided].at) >= t.o.Window {
		t.decide()
	}
	return Accepted
}

func (t *Tracker) gate(f Fix) Refusal {
	switch {
	case !f.Point.Valid():
		return Nowhere
	case t.o.Until != 0 && f.At > t.o.Until:
		return Future
	case f.Accuracy > t.o.MaxAccuracy:
		return Inaccurate
	case t.started && f.At <= t.newest.At:
		return Repeated
	case t.started && t.tooFast(t.newest, f) && !t.outliers.agree(f, t.tooFast):
		return Impossible
	}
	t.outliers = outliers{}
	return Accepted
}

// tooFast reports whether nobody gets from a to b in the time between,
// whatever their errors were.
func (t *Tracker) tooFast(a, b Fix) bool {
	slack := a.Accuracy + b.Accuracy
	return float64(Distance(a.Point, b.Point))-slack > t.o.MaxSpeed*b.At.Sub(a.At).Seconds()
}

// outliers remembers refused fixes: when three in a row agree with each other,
// it was the old place that was wrong.
type outliers struct {
	n    int
	last Fix
}

func (o *outliers) agree(f Fix, tooFast func(a, b Fix) bool) bool {
	if o.n > 0 && (f.At <= o.last.At || tooFast(o.last, f)) {
		o.n = 0
	}
	o.n, o.last = o.n+1, f
	return o.n >= 3
}

// rest decides all that is left, as at the end of the data, and starts anew.
func (t *Tracker) rest() {
	for t.decided < len(t.window) {
		t.decide()
	}
	t.endStay()
	t.window, t.decided = t.window[:0], 0
	t.still, t.placed = false, false
}

// Track returns the stays, gaps and walked metres up to now, a running stay
// included; its Fixes are nil.
func (t *Tracker) Track() Track {
	c := *t
	c.stays, c.gaps = append([]Stay{}, t.stays...), append([]Gap{}, t.gaps...)
	c.window = append([]sample(nil), t.window...)
	c.rest()
	return Track{Stays: c.stays, Gaps: c.gaps, Walked: Metres(c.walked)}
}

// StillSince returns the start of the stay that lasts, 0 when the person
// moves, paused too shortly to say, or is unknown.
func (t *Tracker) StillSince() telemetry.Millis {
	stays := t.Track().Stays
	if len(stays) == 0 {
		return 0
	}
	if last := stays[len(stays)-1]; last.To == t.newest.At {
		return last.From
	}
	return 0
}

// decide judges the oldest undecided sample: is it part of a stay, of a walk?
func (t *Tracker) decide() {
	i := t.decided
	here, speed, known := t.slope(i)
	t.decided++
	limit := t.o.Still
	if t.still {
		limit = t.o.Moving
	}
	t.still = known && speed < limit && !t.stay.left(t.window[i].xy, here, t.o.StayWithin)
	if t.still {
		t.stay.add(t.window[i])
	} else {
		t.endStay()
		t.walk(here)
	}
	t.forget()
}

// walk adds the way from the last smoothed place to this one.
func (t *Tracker) walk(here xy) {
	if t.placed {
		t.walked += here.distanceTo(t.at)
	}
	t.at, t.placed = here, true
}

// endStay counts the way to the middle of a pause, and the pause if it was
// long enough.
func (t *Tracker) endStay() {
	if t.stay.n > 0 {
		t.walk(t.stay.middle())
	}
	if s, ok := t.stay.close(t.o.StayFor, t.origin); ok {
		t.stays = append(t.stays, s)
	}
	t.stay = stay{}
}

// forget drops samples that no later decision looks at.
func (t *Tracker) forget() {
	keep := 0
	if t.decided < len(t.window) {
		for t.window[t.decided].at.Sub(t.window[keep].at) > t.o.Window && keep < t.decided-beside {
			keep++
		}
	}
	if keep > 32 { // in slices, so that memory moves seldom
		t.window = append(t.window[:0:0], t.window[keep:]...)
		t.decided -= keep
	}
}

// slope fits a line through the samples around i and returns where it is at i
// and how fast it moves. With fewer than three samples nothing is known.
func (t *Tracker) slope(i int) (here xy, speed float64, known bool) {
	low, high := i, i
	for low > 0 && (i-low < beside || t.window[i].at.Sub(t.window[low-1].at) <= t.o.Window) {
		low--
	}
	for high < len(t.window)-1 && (high-i < beside || t.window[high+1].at.Sub(t.window[i].at) <= t.o.Window) {
		high++
	}
	var mean xy
	var meanT float64
	n := float64(high - low + 1)
	for _, s := range t.window[low : high+1] {
		mean = mean.add(s.times(1 / n))
		meanT += s.at.Sub(t.window[i].at).Seconds() / n
	}
	var v xy
	var square float64
	for _, s := range t.window[low : high+1] {
		dt := s.at.Sub(t.window[i].at).Seconds() - meanT
		v = v.add(s.sub(mean).times(dt))
		square += dt * dt
	}
	if n < 3 || square == 0 {
		return t.window[i].xy, math.NaN(), false
	}
	v = v.times(1 / square)
	return mean.add(v.times(-meanT)), v.length(), true
}
