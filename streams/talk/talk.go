// Package talk is the floor of a push-to-talk group: who may speak now, who
// waits, and what somebody who was away or comes late has yet to hear.
//
// It owns the rules and nothing else: no media, no clock, no goroutine, no
// storage. A command and a time go in, events come out, and the state is
// whatever the events say: New(events...) after a restart is the floor as it
// was. Deadlines are exposed (Next) for whoever runs the clock.
// It promises that at most one person has the floor, that whoever presses gets
// it, a place in the queue or a reason at once, and that a higher priority
// takes it from a lower one, never the reverse. Who belongs to a group, and
// who may use which priority, is decided before a command gets here.
//
// A Floor is not safe for concurrent use; one goroutine owns it.
package talk

import (
	"errors"
	"time"
)

// Group names a talk group. 1 to 64 bytes.
type Group string

// Person names somebody in a group, as the signed-in identity does.
type Person string

// Priority orders those who want the floor.
type Priority int

// The priorities. An emergency takes the floor from everybody but another
// emergency.
const (
	Normal Priority = iota
	Urgent
	Emergency
)

// The times of a floor.
const (
	// BurstLimit is how long one burst may last: somebody who sits on the
	// button must not silence the group.
	BurstLimit = 60 * time.Second
	// EmergencyLimit is the same for an emergency.
	EmergencyLimit = 5 * time.Minute
	// WaitLimit is how long a place in the queue is kept for a pressed button.
	WaitLimit = 30 * time.Second
	// PreRoll is how far back what came between press and grant is played, so
	// that first words are not lost.
	PreRoll = 500 * time.Millisecond
)

// Bounds of a floor.
const (
	MaxMembers = 512 // present at once
	MaxQueue   = 16  // who presses then is refused
	MaxUnheard = 200 // bursts kept for the absent; the oldest go first
	maxText    = 256 // bytes of a name
)

// The reasons for which a command has no effect.
var (
	ErrNotPresent = errors.New("not present in the group")
	ErrFull       = errors.New("limit reached")
	ErrStale      = errors.New("an older command than the last")
	ErrCommand    = errors.New("not understood")
)

// Verb is what is wanted.
type Verb string

// The verbs. Those of a person carry a sequence, and a repeat is harmless.
const (
	DoExpect  Verb = "expect"  // belongs to the group: what is said from now on concerns them
	DoJoin    Verb = "join"    // is present, and hears
	DoLeave   Verb = "leave"   // or lost the connection
	DoRequest Verb = "request" // the button is pressed
	DoRelease Verb = "release" // and let go
	DoHeard   Verb = "heard"   // has heard the burst named, and all before it
	DoRevoke  Verb = "revoke"  // the centre takes the floor from its holder
	DoForget  Verb = "forget"  // no longer belongs to the group
)

// Command is one wish.
type Command struct {
	Verb     Verb
	Person   Person
	Sequence uint64 // of the person's device, upwards for ever; 0 only with expect, revoke and forget
	Priority Priority
	Burst    uint64 // for heard
	// Held is, of a request, for how long the button may have been pressed
	// before it came here. More than PreRoll is taken for PreRoll.
	Held time.Duration
}

// Kind is what happened.
type Kind string

// The kinds of events.
const (
	Expected Kind = "expected" // belongs to the group, and is away
	Joined   Kind = "joined"
	Parted   Kind = "left"
	Queued   Kind = "queued"   // waits for the floor
	Dropped  Kind = "dropped"  // waits no longer, see Reason
	Granted  Kind = "granted"  // speaks; a burst begins
	Released Kind = "released" // the burst has ended, see Reason
	Heard    Kind = "heard"    // up to Burst
	// Forgotten ends what is known of somebody.
	Forgotten Kind = "forgotten"
)

// The reasons of Dropped and Released.
const (
	LetGo     = "let-go"
	TimedOut  = "timed-out"
	Preempted = "preempted"
	Revoked   = "revoked"
	Gone      = "gone"
)

// Event is something that happened on the floor.
type Event struct {
	Group    Group     `json:"group"`
	Number   uint64    `json:"number"` // 1, 2, 3, …
	At       time.Time `json:"at"`
	Kind     Kind      `json:"kind"`
	Person   Person    `json:"person"`
	Sequence uint64    `json:"sequence,omitempty"` // of the command that caused it
	Priority Priority  `json:"priority,omitempty"`
	Burst    uint64    `json:"burst,omitempty"`
	// From is, of a burst that begins, since when it is to be played: the
	// press, at most PreRoll ago.
	From   time.Time `json:"from,omitzero"`
	Reason string    `json:"reason,omitempty"`
}

// Burst is one time that somebody spoke.
type Burst struct {
	Number   uint64
	Person   Person
	Priority Priority
	From     time.Time // to be played from here
	Until    time.Time // zero: still running
	Reason   string    // why it ended

	granted time.Time
}

// Waiting is a place in the queue.
type Waiting struct {
	Person   Person
	Priority Priority
	Since    time.Time
	sequence uint64
}
