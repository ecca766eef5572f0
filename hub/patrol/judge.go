package patrol

import (
	"math"
	"time"

	"gridhub/hub/evidence"
	"gridhub/hub/geo"
)

// Why a visit has its grade. Those above the line keep it from counting.
const (
	TooFar      = "too-far"       // outside the radius, the accuracy allowed for
	NoPhoto     = "no-photo"      // the photo was not uploaded
	NotOwnPhoto = "not-own-photo" // somebody else's
	OtherTime   = "other-time"    // the photo was captured at another time
	UsedPhoto   = "used-photo"    // it proved an earlier visit
	OutOfWindow = "out-of-window"

	Inside          = "inside"           // well inside the radius
	AtTheEdge       = "at-the-edge"      // inside only if the receiver's error is allowed for
	Inaccurate      = "inaccurate"       // the fix is too vague to say much
	PhotoElsewhere  = "photo-elsewhere"  // the photo's own place is not that of the visit
	PhotoUnplaced   = "photo-unplaced"   // the photo has no place
	TooFast         = "too-fast"         // nobody walks here from the previous visit in that time
	ClockOff        = "clock-off"        // captured after the hub received it
	LooksUsed       = "looks-used"       // the photo looks like one that proved an earlier visit here
	ContinuousVisit = "follows-previous" // within reach of the previous visit
)

// Bounds of the judgement.
const (
	maxAllowance = geo.Metres(30)  // accuracy that is allowed for beyond the radius
	vague        = 30.0            // metres of accuracy from which a fix says little
	sameTime     = 2 * time.Minute // between the visit and the photo's capture
	samePlace    = geo.Metres(60)  // between the visit and the photo's place
	fastest      = 6.0             // m/s: an e-bike through lanes
	clockSlack   = 30 * time.Second
	sameLook     = 3  // bits in which a photo saved again may differ
	earlierLooks = 30 // photos of a point that a new one is compared with
)

// facts are what a visit is judged by.
type facts struct {
	stop     Stop
	inWindow bool
	photo    *evidence.Item // nil = not uploaded
	used     bool           // the photo belongs to an earlier visit
	lookUsed bool           // it looks like one of an earlier visit of this point
	before   *Visit         // the person's visit before this one in time; nil = none that day
}

// judge fills in distance, whether the visit counts, the grade and its
// reasons. The grade is 50 for being inside, 30 for the photo, 20 for
// fitting to what came before; it never rests on one thing alone.
func (v *Visit) judge(f facts) {
	v.Distance = geo.Distance(v.Place, f.stop.Place)
	v.Counts, v.Why = true, []string{}
	grade := v.presence(f) + v.photo(f) + v.continuity(f)
	if !f.inWindow {
		v.fail(OutOfWindow)
	}
	v.Grade = max(0, min(100, int(math.Round(grade))))
}

func (v *Visit) fail(why string) { v.Counts, v.Why = false, append(v.Why, why) }

func (v *Visit) say(why string) { v.Why = append(v.Why, why) }

// presence is worth up to 50: the probability of having been inside.
func (v *Visit) presence(f facts) float64 {
	allowance := min(geo.Metres(math.Max(0, v.Accuracy)), maxAllowance)
	switch {
	case v.Distance > f.stop.Radius+allowance:
		v.fail(TooFar)
	case v.Distance > f.stop.Radius:
		v.say(AtTheEdge)
	default:
		v.say(Inside)
	}
	if v.Accuracy > vague || v.Accuracy <= 0 {
		v.say(Inaccurate)
	}
	return 50 * inside(float64(v.Distance), float64(f.stop.Radius), v.Accuracy)
}

// inside is the probability that the true place lies within radius, when the
// measured one is distance away and accuracy is the radius of 68 %: the error
// along the line between them is normal with accuracy/1.515 (Rayleigh, 68 %).
func inside(distance, radius, accuracy float64) float64 {
	if accuracy <= 0 {
		accuracy = vague // not told
	}
	sigma := math.Max(1, accuracy/1.515)
	phi := func(x float64) float64 { return 0.5 * math.Erfc(-x/math.Sqrt2) }
	return phi((radius-distance)/sigma) - phi((-radius-distance)/sigma)
}

// photo is worth up to 30.
func (v *Visit) photo(f facts) float64 {
	p := f.photo
	if p == nil {
		v.fail(NoPhoto)
		return 0
	}
	points := 30.0
	fail := func(bad bool, why string) {
		if bad {
			v.fail(why)
			points = 0
		}
	}
	fail(p.By != v.Person, NotOwnPhoto)
	fail(p.At.Sub(v.At).Abs() > sameTime, OtherTime)
	fail(f.used, UsedPhoto)
	if f.lookUsed && !f.used {
		v.say(LooksUsed)
		points -= 15
	}
	switch {
	case p.Place == nil:
		v.say(PhotoUnplaced)
		points -= 10
	case geo.Distance(*p.Place, v.Place) > samePlace:
		v.say(PhotoElsewhere)
		points -= 20
	}
	return math.Max(0, points)
}

// continuity is worth up to 20: could the person have come here from the
// previous visit, and does the clock make sense?
func (v *Visit) continuity(f facts) float64 {
	points := 20.0
	if f.before != nil {
		way := float64(geo.Distance(f.before.Place, v.Place)) - f.before.Accuracy - v.Accuracy
		if way > fastest*v.At.Sub(f.before.At).Seconds() {
			v.say(TooFast)
			points -= 15
		} else {
			v.say(ContinuousVisit)
		}
	}
	if v.At.Sub(v.Server) > clockSlack {
		v.say(ClockOff)
		points -= 5
	}
	return points
}
