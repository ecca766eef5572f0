// Package call is the state machine of one call: who is invited, whose phone
// rings, who answered, who is away and may come back, and when it is over.
//
// It owns the rules and nothing else: no media, no clock, no goroutine, no
// timer, no storage. A command and a time go in, events come out, and the
// state is whatever the events say: New(events...) after a restart is the call
// as it was. Deadlines are exposed (Next) for whoever runs the clock. Who may
// call whom is decided before a command gets here.
//
// A Call is not safe for concurrent use; one goroutine owns it.
package call

import "time"

// ID names one call; the caller's device makes it, so that a repeated invite
// is the same call. 1 to 64 bytes of a-z A-Z 0-9 - _ .
type ID string

// Person names somebody who can be called, as the signed-in identity does.
type Person string

// Mode says how several callees are treated and who is heard.
type Mode string

// The modes of a call.
const (
	One       Mode = "one"       // the first to accept gets it
	Group     Mode = "group"     // all may join, leave and join again
	Broadcast Mode = "broadcast" // as group, but only the caller is heard
	Listen    Mode = "listen"    // as one, but only the callee is heard
)

// Media says what the call carries.
type Media string

// What a call may carry. Video includes audio.
const (
	Audio Media = "audio"
	Video Media = "video"
)

// Priority orders calls that compete for one person.
type Priority string

// The priorities. An emergency rings even where somebody is busy.
const (
	Normal    Priority = "normal"
	Urgent    Priority = "urgent"
	Emergency Priority = "emergency"
)

// The times of a call.
const (
	// ReachWithin is how long a callee's device has to say that it rings.
	ReachWithin = 2 * time.Second
	// RingFor is how long it rings where the invitation says nothing else.
	RingFor = 30 * time.Second
	// KeepSeat is how long a seat waits for somebody who lost the connection.
	KeepSeat = 60 * time.Second
)

// Bounds of an invitation.
const (
	MaxCallees = 64
	MaxRing    = 120 * time.Second
	minRing    = 5 * time.Second
	maxText    = 256 // bytes of a reason, a task or a name
	maxDevices = 16  // devices of one person that may act in one call
)

// Status is where one person stands in a call.
type Status string

// The statuses of a seat.
const (
	Invited     Status = "invited" // told, nothing heard yet
	Ringing     Status = "ringing"
	Joined      Status = "joined"
	Resuming    Status = "resuming" // lost the connection, the seat is kept
	Unreachable Status = "unreachable"
	Declined    Status = "declined"
	Busy        Status = "busy"
	TimedOut    Status = "timed-out"
	Elsewhere   Status = "elsewhere" // somebody else took the call
	Left        Status = "left"
	Lost        Status = "lost"   // did not come back in time
	Missed      Status = "missed" // the call ended while it rang
)

// Present reports whether the seat counts as a participant.
func (s Status) Present() bool { return s == Joined || s == Resuming }

// Pending reports whether an answer is still awaited.
func (s Status) Pending() bool { return s == Invited || s == Ringing }

// Phase is where the whole call stands.
type Phase string

// The phases of a call.
const (
	Calling Phase = "calling" // nobody has accepted yet
	Live    Phase = "live"
	Ended   Phase = "ended"
)

// Seat is one person's place in a call.
type Seat struct {
	Person Person    `json:"person"`
	Status Status    `json:"status"`
	Device string    `json:"device,omitempty"` // the one in the call, once joined
	Epoch  uint64    `json:"epoch,omitempty"`  // of that device's connection
	Since  time.Time `json:"since"`
	Reason string    `json:"reason,omitempty"`

	deadline time.Time         // zero: none
	seen     map[string]uint64 // newest sequence that had an effect, by device
}

// Call is the state of one call. The zero value is no call yet.
type Call struct {
	ID       ID
	Invite   Invite
	Caller   Person
	Phase    Phase
	Created  time.Time
	Answered time.Time // zero until somebody accepted
	EndedAt  time.Time
	Reason   string // why it ended
	Seats    []Seat // the caller first, then the callees as invited

	number uint64    // of the newest event
	last   time.Time // of the newest event
}

// Seat returns the seat of p, or nil where p has none.
func (c *Call) Seat(p Person) *Seat {
	for i := range c.Seats {
		if c.Seats[i].Person == p {
			return &c.Seats[i]
		}
	}
	return nil
}

// Sends reports whether p may be heard and seen by the others now.
func (c *Call) Sends(p Person) bool {
	s := c.Seat(p)
	if s == nil || !s.Status.Present() || c.Phase == Ended {
		return false
	}
	switch c.Invite.Mode {
	case Broadcast:
		return p == c.Caller
	case Listen:
		return p != c.Caller
	}
	return true
}

// Hears reports whether p may hear and see the others now.
func (c *Call) Hears(p Person) bool {
	s := c.Seat(p)
	if s == nil || !s.Status.Present() || c.Phase == Ended {
		return false
	}
	switch c.Invite.Mode {
	case Broadcast:
		return p != c.Caller
	case Listen:
		return p == c.Caller
	}
	return true
}

// Next is the earliest moment at which something expires: call Expire then.
func (c *Call) Next() (time.Time, bool) {
	var next time.Time
	for _, s := range c.Seats {
		if !s.deadline.IsZero() && (next.IsZero() || s.deadline.Before(next)) {
			next = s.deadline
		}
	}
	return next, !next.IsZero()
}
