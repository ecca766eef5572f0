package call

import (
	"errors"
	"fmt"
	"time"
)

// Verb is what a command asks for.
type Verb string

// The verbs. Away and Restart are the server's own; everything else comes
// from a device. Busy comes from either.
const (
	DoInvite  Verb = "invite"
	DoRing    Verb = "ringing" // "it rings here"
	DoAccept  Verb = "accept"
	DoDecline Verb = "decline"
	DoBusy    Verb = "busy"
	DoHangup  Verb = "hangup" // leaves; the others may go on
	DoEnd     Verb = "end"    // ends the call for everybody: the caller, or the server
	DoResume  Verb = "resume"
	DoAway    Verb = "away"    // the connection of a device in the call is gone
	DoRestart Verb = "restart" // all connections are gone, the server was away
)

// Command is one request about a call.
type Command struct {
	Verb   Verb
	Person Person // who asks; empty: the server
	Device string // of that person
	// Sequence numbers the commands of one device in one call, upwards.
	// A command that had its effect has none when it is repeated.
	Sequence uint64
	// Epoch numbers the connections of one person, upwards: with accept and
	// resume, the newest wins the seat.
	Epoch  uint64
	Reason string
	Call   ID      // with invite
	Invite *Invite // with invite
}

// Invite is what the caller asks for. It is stored with the call.
type Invite struct {
	Task     string   `json:"task,omitempty"`
	Callees  []Person `json:"callees"`
	Mode     Mode     `json:"mode"`
	Media    Media    `json:"media"`
	Priority Priority `json:"priority"`
	// RingSeconds is how long it rings; 0 means RingFor.
	RingSeconds int `json:"ringSeconds,omitempty"`
}

// Why a command had no effect. The caller decides by errors.Is.
var (
	ErrInvalid    = errors.New("invalid command")
	ErrNotInvited = errors.New("not invited to this call")
	ErrElsewhere  = errors.New("answered elsewhere")
	ErrStale      = errors.New("a newer connection holds the seat")
	ErrState      = errors.New("not possible now")
	ErrOver       = errors.New("the call has ended")
)

// Ring is how long the invitation rings.
func (i Invite) Ring() time.Duration {
	if i.RingSeconds == 0 {
		return RingFor
	}
	return time.Duration(i.RingSeconds) * time.Second
}

func (i Invite) validate(caller Person) error {
	if n := len(i.Callees); n == 0 || n > MaxCallees {
		return fmt.Errorf("%w: %d callees, want 1 to %d", ErrInvalid, n, MaxCallees)
	}
	seen := map[Person]bool{caller: true}
	for _, p := range i.Callees {
		if p == "" || len(p) > maxText || seen[p] {
			return fmt.Errorf("%w: callee %.64q is empty, too long, named twice or the caller", ErrInvalid, p)
		}
		seen[p] = true
	}
	if !known(i.Mode, One, Group, Broadcast, Listen) {
		return fmt.Errorf("%w: mode %.64q, want one, group, broadcast or listen", ErrInvalid, i.Mode)
	}
	if !known(i.Media, Audio, Video) {
		return fmt.Errorf("%w: media %.64q, want audio or video", ErrInvalid, i.Media)
	}
	if !known(i.Priority, Normal, Urgent, Emergency) {
		return fmt.Errorf("%w: priority %.64q, want normal, urgent or emergency", ErrInvalid, i.Priority)
	}
	if r := i.Ring(); r < minRing || r > MaxRing {
		return fmt.Errorf("%w: rings for %v, want %v to %v", ErrInvalid, r, minRing, MaxRing)
	}
	if len(i.Task) > maxText {
		return fmt.Errorf("%w: task of %d bytes, at most %d", ErrInvalid, len(i.Task), maxText)
	}
	return nil
}

func known[T comparable](v T, all ...T) bool {
	for _, a := range all {
		if v == a {
			return true
		}
	}
	return false
}

// Valid reports whether id may name a call.
func (id ID) Valid() bool {
	if len(id) == 0 || len(id) > 64 {
		return false
	}
	for _, c := range []byte(id) {
		ok := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_' || c == '.'
		if !ok {
			return false
		}
	}
	return true
}

func (c Command) validate() error {
	switch {
	case len(c.Reason) > maxText:
		return fmt.Errorf("%w: reason of %d bytes, at most %d", ErrInvalid, len(c.Reason), maxText)
	case len(c.Device) > maxText || len(c.Person) > maxText:
		return fmt.Errorf("%w: a name is longer than %d bytes", ErrInvalid, maxText)
	}
	return nil
}
