package record

import (
	"time"

	"gridhub/streams/sfu"
)

const (
	// slew is how fast a placement may move towards a better one: 20 ms in a
	// second, which nobody hears or sees.
	slew = 0.02
	// leap is how far off a placement must be to be set right at once.
	leap = time.Second
	// envelopeSpan is how long the quickest packet decides the distance
	// between two clocks; it bounds how far their drift may lag.
	envelopeSpan = 10 * time.Second
	// stepped is how far a publisher's clock must jump between two reports to
	// be taken for set, not for drifting.
	stepped = 500 * time.Millisecond
)

// envelope is the distance from another clock to the hub's, as the quickest
// packets of the last seconds show it: what is slower was delayed on its way.
type envelope struct {
	now, before time.Duration // the least of this span and of the former
	until       time.Time
	known       bool
}

func (e *envelope) learn(distance time.Duration, at time.Time) {
	switch {
	case !e.known:
		e.now, e.before, e.until, e.known = distance, distance, at.Add(envelopeSpan), true
	case at.After(e.until):
		e.before, e.now, e.until = e.now, distance, at.Add(envelopeSpan)
	}
	e.now = min(e.now, distance)
}

func (e *envelope) distance() time.Duration { return min(e.now, e.before) }

// clock places the timestamps of one track on the hub's clock: through the
// publisher's own clock, once it has reported how they go together, and by
// arrival until then. All tracks of a publisher share one envelope, so that
// what belongs together stays together.
type clock struct {
	rate   int64 // of the timestamps, in Hz
	shared *envelope
	own    envelope

	started bool
	last    uint32
	ticks   int64 // of last, without wrap-around

	tied  bool
	ntp   time.Duration // the publisher's time, since an origin of no meaning
	tick  int64         // and the timestamp that goes with it
	steps time.Duration // by which the publisher's clock was set, in all

	placed bool
	shift  time.Duration // from the timestamps' own time to the hub's, slewed
	at     time.Duration // of the newest timestamp, in its own time
}

// extend makes ts a number without wrap-around.
func (c *clock) extend(ts uint32) int64 {
	if !c.started {
		c.started, c.last, c.ticks = true, ts, int64(ts)
		return c.ticks
	}
	return c.ticks + int64(int32(ts-c.last))
}

func (c *clock) advance(ts uint32) int64 {
	t := c.extend(ts)
	if t > c.ticks {
		c.ticks, c.last = t, ts
	}
	return t
}

// span is the own time of a timestamp, without any correction.
func (c *clock) span(ticks int64) time.Duration {
	return time.Duration(ticks/c.rate)*time.Second + time.Duration(ticks%c.rate)*time.Second/time.Duration(c.rate)
}

// origin keeps NTP times small enough for a Duration.
const origin = 3_900_000_000 // seconds since 1900: in 2023

func ntpTime(ntp uint64) time.Duration {
	seconds := int64(ntp>>32) - origin
	return time.Duration(seconds)*time.Second + time.Duration((ntp&0xffffffff)*1e9>>32)
}

// report ties the track to its publisher's clock. A clock that was set in
// between is followed as if it had not been.
func (c *clock) report(s sfu.Report) {
	if !s.OK || !c.started {
		return
	}
	ntp, tick := ntpTime(s.NTP), c.extend(s.TS)
	if !c.tied && c.shared.known && c.own.known {
		if off := ntp + c.shared.distance() - c.span(tick) - c.own.distance(); off > leap || off < -leap {
			return // not the clock that the publisher's other tracks are tied to
		}
	}
	if c.tied {
		jump := ntp + c.steps - (c.ntp + c.span(tick-c.tick))
		if jump > stepped || jump < -stepped {
			c.steps -= jump
		}
	}
	c.tied, c.ntp, c.tick = true, ntp+c.steps, tick
}

// media is a timestamp on the publisher's clock.
func (c *clock) media(ticks int64) time.Duration {
	if c.tied {
		return c.ntp + c.span(ticks-c.tick)
	}
	return c.span(ticks)
}

// arrive learns from a packet how far the publisher's clock is from the hub's;
// since is when it arrived, on the recording's time bar.
func (c *clock) arrive(ts uint32, since time.Duration, at time.Time) {
	m := c.media(c.advance(ts))
	if c.tied {
		c.shared.learn(since-m, at)
	} else {
		c.own.learn(since-m, at)
	}
}

// place says when the timestamp was taken, on the recording's time bar.
func (c *clock) place(ts uint32) time.Duration {
	ticks := c.extend(ts)
	own := c.span(ticks)
	e := &c.own
	if c.tied && c.shared.known {
		e = c.shared
	}
	want := c.media(ticks) + e.distance() - own
	off := want - c.shift
	switch {
	case !c.placed || off > leap || off < -leap:
		c.shift, c.placed = want, true
	default:
		most := time.Duration(slew * float64(max(0, own-c.at)))
		c.shift += max(-most, min(most, off))
	}
	c.at = max(c.at, own)
	return own + c.shift
}

// begin starts anew with another connection of the publisher.
func (c *clock) begin() { c.tied, c.placed, c.own, c.steps = false, false, envelope{}, 0 }
