package health

import (
	"cmp"
	"slices"
	"time"

	"gridhub/devices"
	"gridhub/devices/telemetry"
)

// ClockState is how far a clock is from the hub's.
type ClockState struct {
	ID     devices.ID       `json:"id"`
	Reader devices.ID       `json:"reader,omitempty"` // of a device's own clock: the gateway that reads it
	Offset int64            `json:"offset_ms"`        // the hub's clock minus this one
	Heard  telemetry.Millis `json:"heard"`            // by the hub's clock: how old the estimate is
	Bad    bool             `json:"bad"`
	Rule   string           `json:"rule"` // what is done with its stamps: kept, corrected, ignored, flagged
}

// clock is a ClockState and, of a device's own clock, what it is made of.
type clock struct {
	ClockState
	Begun telemetry.Millis `json:"begun,omitempty"`
	Best  int64            `json:"best,omitempty"` // smallest lag of the present span
	Prev  int64            `json:"prev,omitempty"` // and of the former
	Full  bool             `json:"full,omitempty"` // Prev is there
	Count int              `json:"count,omitempty"`
}

// What is done with the stamps of a clock.
const (
	Kept      = "kept"      // it is right
	Corrected = "corrected" // stamps are moved by the offset: a sender's clock
	Ignored   = "ignored"   // its reader's time is used: a device's clock that is ahead
	Flagged   = "flagged"   // kept, though a device's clock seems behind: its values may be that old
)

const (
	lagSpan   = 10 * time.Minute // the smallest lag of the last one to two of these counts
	lagCount  = 3                // readings before a device's clock is judged
	lagAhead  = time.Minute      // nothing is measured after it was read: the intake ignores such a stamp
	lagBehind = time.Minute      // or two periods, whichever is longer
)

// Clock takes what the intake estimated of a sender's clock: the smallest
// difference between arrival and `now` within the last 5 to 10 minutes. The way
// takes time and never less than none, so the least delayed message is nearest.
func (e *Evaluator) Clock(at telemetry.Millis, id devices.ID, offset time.Duration) {
	s := &clock{ClockState: ClockState{ID: id, Offset: offset.Milliseconds(), Heard: at, Rule: Kept}}
	if s.Bad = offset > telemetry.Trusted || offset < -telemetry.Trusted; s.Bad {
		s.Rule = Corrected
	}
	e.state.Clocks[id] = s
}

// Lag takes how far a device's stamp was behind its reader's corrected time.
// What a device held back makes it large and nothing makes it small, so the
// smallest of the last minutes is the best estimate of its clock.
func (e *Evaluator) Lag(at telemetry.Millis, id devices.ID, by time.Duration) {
	d := e.state.Devices[id]
	if d == nil {
		return
	}
	s := e.state.Clocks[id]
	if s == nil {
		s = &clock{ClockState: ClockState{ID: id}, Begun: at, Best: by.Milliseconds()}
		e.state.Clocks[id] = s
	}
	if age := at.Sub(s.Begun); age >= lagSpan {
		s.Prev, s.Full = s.Best, age < 2*lagSpan
		s.Best, s.Begun = by.Milliseconds(), at
	}
	s.Best = min(s.Best, by.Milliseconds())
	s.Count++
	s.Reader, s.Heard, s.Offset = d.Gateway, at, s.Best
	if s.Full {
		s.Offset = min(s.Best, s.Prev)
	}
	lag := time.Duration(s.Offset) * time.Millisecond
	s.Bad, s.Rule = false, Kept
	switch {
	case s.Count < lagCount:
	case lag < -lagAhead:
		s.Bad, s.Rule = true, Ignored
	case lag > max(lagBehind, 2*d.every()):
		s.Bad, s.Rule = true, Flagged
	}
}

// Clocks lists what is known of clocks, the bad ones first.
func (e *Evaluator) Clocks() []ClockState {
	var all []ClockState
	for _, s := range e.state.Clocks {
		all = append(all, s.ClockState)
	}
	slices.SortFunc(all, func(a, b ClockState) int {
		if a.Bad != b.Bad {
			if a.Bad {
				return -1
			}
			return 1
		}
		return cmp.Compare(a.ID, b.ID)
	})
	return all
}
