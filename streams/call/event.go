package call

import (
	"fmt"
	"time"
)

// Kind is what happened.
type Kind string

// What can happen in a call. Each kind but created and ended is about one
// seat and becomes its status.
const (
	Created       Kind = "created"
	IsRinging     Kind = "ringing"
	IsUnreachable Kind = "unreachable"
	Accepted      Kind = "accepted"
	HasDeclined   Kind = "declined"
	IsBusy        Kind = "busy"
	HasTimedOut   Kind = "timed-out"
	IsElsewhere   Kind = "elsewhere"
	HasLeft       Kind = "left"
	IsResuming    Kind = "resuming"
	Resumed       Kind = "resumed"
	IsLost        Kind = "lost"
	HasEnded      Kind = "ended"
)

// Event is one thing that happened in a call: who, when and why. Events are
// what is stored on the task, and all that a call is made of.
type Event struct {
	Call   ID        `json:"call"`
	Number uint64    `json:"number"` // 1, 2, 3, … within the call
	At     time.Time `json:"at"`     // server time, never before the previous event
	Kind   Kind      `json:"kind"`
	Person Person    `json:"person,omitempty"` // whose seat
	Device string    `json:"device,omitempty"`
	By     Person    `json:"by,omitempty"` // who did it; empty: the server
	Reason string    `json:"reason,omitempty"`
	Task   string    `json:"task,omitempty"`

	Sequence uint64  `json:"sequence,omitempty"` // of the command behind it
	Epoch    uint64  `json:"epoch,omitempty"`
	Invite   *Invite `json:"invite,omitempty"` // with created
}

// statuses is what each kind makes of a seat.
var statuses = map[Kind]Status{
	IsRinging: Ringing, IsUnreachable: Unreachable, Accepted: Joined, HasDeclined: Declined,
	IsBusy: Busy, HasTimedOut: TimedOut, IsElsewhere: Elsewhere, HasLeft: Left,
	IsResuming: Resuming, Resumed: Joined, IsLost: Lost,
}

// New returns the call that the events tell of, in their order. An error says
// that they are not the complete beginning of one call's events.
func New(events ...Event) (*Call, error) {
	c := &Call{}
	for i, e := range events {
		if err := c.fits(e); err != nil {
			return nil, fmt.Errorf("event %d of call %.64q: %w", i+1, e.Call, err)
		}
		c.fold(e)
	}
	return c, nil
}

// fits reports why e cannot be the next event of c.
func (c *Call) fits(e Event) error {
	switch {
	case e.Number != c.number+1:
		return fmt.Errorf("numbered %d, want %d", e.Number, c.number+1)
	case e.Kind == Created:
		if e.Number != 1 || e.Invite == nil {
			return fmt.Errorf("created without an invitation or not first")
		}
		return e.Invite.validate(e.Person)
	case c.number == 0:
		return fmt.Errorf("%s comes first, want created", e.Kind)
	case e.Call != c.ID:
		return fmt.Errorf("belongs to another call than %s", c.ID)
	case e.Kind == HasEnded:
		return nil
	case statuses[e.Kind] == "":
		return fmt.Errorf("unknown kind %.64q", e.Kind)
	case c.Seat(e.Person) == nil:
		return fmt.Errorf("%w: %.64q", ErrNotInvited, e.Person)
	}
	return nil
}

// fold is the only place where a call changes.
func (c *Call) fold(e Event) {
	c.number, c.last = e.Number, e.At
	switch e.Kind {
	case Created:
		c.create(e)
	case HasEnded:
		c.end(e)
	default:
		c.sit(c.Seat(e.Person), e)
	}
}

func (c *Call) create(e Event) {
	c.ID, c.Invite, c.Caller, c.Phase, c.Created = e.Call, *e.Invite, e.Person, Calling, e.At
	c.Seats = append(c.Seats, Seat{Person: e.Person, Status: Joined, Device: e.Device, Epoch: e.Epoch, Since: e.At})
	c.Seats[0].heard(e)
	for _, p := range e.Invite.Callees {
		c.Seats = append(c.Seats, Seat{Person: p, Status: Invited, Since: e.At, deadline: e.At.Add(ReachWithin)})
	}
}

func (c *Call) end(e Event) {
	c.Phase, c.EndedAt, c.Reason = Ended, e.At, e.Reason
	for i := range c.Seats {
		s := &c.Seats[i]
		s.deadline = time.Time{}
		if s.Status.Pending() {
			s.Status, s.Since = Missed, e.At
		}
	}
	if by := c.Seat(e.By); by != nil {
		by.heard(e)
	}
}

func (c *Call) sit(s *Seat, e Event) {
	s.Status, s.Since, s.Reason, s.deadline = statuses[e.Kind], e.At, e.Reason, time.Time{}
	switch e.Kind {
	case IsRinging:
		s.deadline = e.At.Add(c.Invite.Ring())
	case IsResuming:
		s.deadline = e.At.Add(KeepSeat)
	case Accepted, Resumed:
		s.Device, s.Epoch = e.Device, e.Epoch
		if c.Phase == Calling && s.Person != c.Caller {
			c.Phase, c.Answered = Live, e.At
		}
	}
	if e.By == s.Person {
		s.heard(e)
	}
}

// heard remembers the newest command of a device that had an effect.
func (s *Seat) heard(e Event) {
	if e.Sequence == 0 {
		return
	}
	if s.seen == nil {
		s.seen = map[string]uint64{}
	}
	s.seen[e.Device] = max(s.seen[e.Device], e.Sequence)
}
