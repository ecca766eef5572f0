package intake

import (
	"time"

	"gridhub/devices/telemetry"
)

// clock estimates how far a sender's clock is from the hub's. Each message says
// when it was sent; what lies between that and its arrival is the offset and
// the way, and the way is never negative, so the smallest difference of the
// last minutes is the best estimate.
type clock struct {
	begun      telemetry.Millis // hub time at which the current span began
	best, prev int64            // smallest difference in the current and in the former span, ms
	known      bool
	hasPrev    bool
	high       int   // messages in a row that were far later than the estimate
	highBest   int64 // the smallest difference among them
	heard      telemetry.Millis
}

const (
	clockSpan  = 5 * time.Minute  // the window is one to two of these
	clockStale = time.Hour        // an older estimate is not applied
	clockJump  = 10 * time.Minute // no way is that long: the sender's clock was set back
	clockSteps = 3                // that many late messages in a row, and it was set back too
)

// observe takes one message that was sent at now, by the sender's clock.
func (c *clock) observe(hub, now telemetry.Millis) {
	diff := int64(hub - now)
	c.heard = hub
	late := diff - c.estimate()
	switch {
	case !c.known || late > clockJump.Milliseconds():
		c.restart(hub, diff)
		return
	case late > telemetry.Trusted.Milliseconds():
		if c.high == 0 || diff < c.highBest {
			c.highBest = diff
		}
		if c.high++; c.high >= clockSteps {
			c.restart(hub, c.highBest)
		}
		return
	}
	c.high = 0
	if age := hub.Sub(c.begun); age >= clockSpan {
		c.prev, c.hasPrev = c.best, age < 2*clockSpan
		c.begun, c.best = hub, diff
		return
	}
	c.best = min(c.best, diff)
}

func (c *clock) restart(hub telemetry.Millis, diff int64) {
	*c = clock{begun: hub, best: diff, known: true, heard: hub}
}

func (c *clock) estimate() int64 {
	if c.hasPrev {
		return min(c.best, c.prev)
	}
	return c.best
}

// offset returns the offset to apply to a message that came at hub: 0 when it
// is unknown, old, or small enough to leave the stamps alone.
func (c *clock) offset(hub telemetry.Millis) time.Duration {
	d := time.Duration(c.estimate()) * time.Millisecond
	if !c.known || hub.Sub(c.heard) > clockStale || d <= telemetry.Trusted && d >= -telemetry.Trusted {
		return 0
	}
	return d
}
