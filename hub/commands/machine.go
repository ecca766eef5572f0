package commands

import (
	"cmp"
	"slices"

	"gridhub/devices"
	"gridhub/devices/telemetry"
	"gridhub/devices/wire"
)

// State is how far a command has come.
type State string

// The states. The last four are ends.
const (
	Created      State = "created"
	Sent         State = "sent"
	Acknowledged State = wire.Accepted
	Executed     State = wire.Executed
	Failed       State = wire.Failed
	Expired      State = wire.Expired
	Refused      State = wire.Refused
)

// ranks order the stages of one command; unknown states have none.
var ranks = map[State]int{Created: 1, Sent: 2, Acknowledged: 3, Expired: 4, Executed: 5, Failed: 5, Refused: 5}

// Ended reports whether s is an end.
func (s State) Ended() bool { return ranks[s] >= ranks[Expired] }

// Causes that the hub itself gives.
const (
	NotDelivered = "not-delivered" // expired before the receiver could be reached
	NoAnswer     = "no-answer"     // sent, and nothing said what became of it
)

// Reply is what a receiver says of a command, by the hub's clock.
type Reply struct {
	From   devices.ID
	State  State
	At     telemetry.Millis // when it was so
	Cause  string
	Detail string
	Values map[string]float64
}

// Verdict says what became of a reply. All but Taken change nothing.
type Verdict string

// The verdicts, labels of counters.
const (
	Taken    Verdict = "taken"
	Repeated Verdict = "repeated" // this stage was told before
	Stranger Verdict = "stranger" // not from the receiver
	Conflict Verdict = "conflict" // it has another end already
	Unknown  Verdict = "unknown"  // no such command
	Odd      Verdict = "odd"      // no stage that a receiver tells
)

// take brings a reply into i. Each stage is taken once, in any order: an
// acknowledgement that comes behind the end is noted with its time. An end that
// the receiver told is final; the hub's own expiry, which only says that nothing
// was heard, gives way to what the receiver says later.
func (i *Instruction) take(r Reply) Verdict {
	switch {
	case r.From != i.To:
		return Stranger
	case ranks[r.State] < ranks[Acknowledged]:
		return Odd
	case i.stage(r.State) != nil:
		return Repeated
	case r.State.Ended() && i.State.Ended() && !i.givenUp():
		return Conflict
	}
	i.reach(Stage{State: r.State, At: r.At, Cause: r.Cause, Detail: r.Detail, Values: r.Values})
	return Taken
}

// reach adds a stage at its place.
func (i *Instruction) reach(s Stage) {
	s.At = max(s.At, i.Stages[0].At) // nothing was before it was asked for
	i.Stages = append(slices.Clone(i.Stages), s)
	slices.SortStableFunc(i.Stages, func(a, b Stage) int { return cmp.Compare(ranks[a.State], ranks[b.State]) })
	i.State = i.Stages[len(i.Stages)-1].State
	if i.State != Created {
		i.Waiting = ""
	}
	i.Rev++
}

// givenUp reports whether the hub itself ended i, for want of an answer.
func (i *Instruction) givenUp() bool {
	s := i.stage(Expired)
	return i.State == Expired && (s.Cause == NoAnswer || s.Cause == NotDelivered)
}

func (i *Instruction) stage(s State) *Stage {
	for k := range i.Stages {
		if i.Stages[k].State == s {
			return &i.Stages[k]
		}
	}
	return nil
}

// sent notes that i is on its way, for the first time or again.
func (i *Instruction) sent(at telemetry.Millis) {
	i.Sends++
	i.LastSent = at
	if i.State == Created {
		i.reach(Stage{State: Sent, At: at})
	}
}

// expire ends i if its time is over: at once if it never left, else after grace
// for an answer that is under way.
func (i *Instruction) expire(now, grace telemetry.Millis) bool {
	cause, end := NotDelivered, i.Expires
	if i.State != Created {
		cause, end = NoAnswer, i.Expires+grace
	}
	if i.State.Ended() || now < end {
		return false
	}
	i.reach(Stage{State: Expired, At: now, Cause: cause})
	return true
}
