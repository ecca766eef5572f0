package call

import (
	"fmt"
	"time"
)

// Apply carries out a command at the server's time now and returns what
// happened, in order. What was due by now happens first, so that the outcome
// does not depend on how punctual a timer is; those events are returned even
// where the command itself is refused with an error. A command that repeats
// one that had its effect returns no events and no error.
func (c *Call) Apply(cmd Command, now time.Time) ([]Event, error) {
	events := c.Expire(now)
	more, err := c.decide(cmd, c.notBefore(now))
	return append(events, more...), err
}

// Expire carries out what is due at the server's time now.
func (c *Call) Expire(now time.Time) []Event {
	t := turn{call: c, now: c.notBefore(now)}
	for i := range c.Seats {
		s := &c.Seats[i]
		if c.Phase == Ended || s.deadline.IsZero() || t.now.Before(s.deadline) {
			continue
		}
		kind := map[Status]Kind{Invited: IsUnreachable, Ringing: HasTimedOut, Resuming: IsLost}[s.Status]
		t.happen(Event{Kind: kind, Person: s.Person, Device: s.Device})
	}
	return t.finish()
}

func (c *Call) notBefore(now time.Time) time.Time {
	if now.Before(c.last) {
		return c.last
	}
	return now
}

// turn collects the events of one command. Each is folded into the call as it
// happens, so that the next decision sees it.
type turn struct {
	call   *Call
	cmd    Command
	now    time.Time
	events []Event
}

func (t *turn) happen(e Event) {
	c := t.call
	e.Call, e.Number, e.At, e.Task = c.ID, c.number+1, t.now, c.Invite.Task
	if e.Kind == Created {
		e.Call, e.Task = t.cmd.Call, e.Invite.Task
	}
	c.fold(e)
	t.events = append(t.events, e)
}

// did is an event about the commander's own seat. Without a device the server
// spoke for the person.
func (t *turn) did(kind Kind) {
	m := t.cmd
	by := m.Person
	if m.Device == "" {
		by = ""
	}
	t.happen(Event{
		Kind: kind, Person: m.Person, Device: m.Device, By: by,
		Reason: m.Reason, Sequence: m.Sequence, Epoch: m.Epoch,
	})
}

// finish ends the call where too few remain, and returns what happened.
func (t *turn) finish() []Event {
	if n := len(t.events); n > 0 && t.call.Phase != Ended && t.call.deserted() {
		why := t.events[n-1]
		for _, e := range t.events { // what somebody did explains more than its consequences
			if e.By != "" {
				why = e
			}
		}
		t.happen(Event{Kind: HasEnded, By: why.By, Reason: t.call.because(why)})
	}
	return t.events
}

// because is the reason of an end that the event why brought about.
func (c *Call) because(why Event) string {
	if why.Kind == HasLeft && c.Phase == Calling && why.Person == c.Caller {
		return "cancelled"
	}
	return string(why.Kind)
}

// deserted reports whether fewer than two remain, present or still to answer,
// or nobody is present at all.
func (c *Call) deserted() bool {
	present, pending := 0, 0
	for _, s := range c.Seats {
		if s.Status.Present() {
			present++
		}
		if s.Status.Pending() {
			pending++
		}
	}
	callerGone := c.Phase == Calling && !c.Seats[0].Status.Present()
	return present == 0 || present+pending < 2 || callerGone
}

func (c *Call) decide(cmd Command, now time.Time) ([]Event, error) {
	if err := cmd.validate(); err != nil {
		return nil, err
	}
	t := &turn{call: c, cmd: cmd, now: now}
	if cmd.Verb == DoInvite {
		err := t.invite()
		return t.events, err
	}
	if c.number == 0 {
		return nil, fmt.Errorf("%w: no such call", ErrNotInvited)
	}
	var err error
	if cmd.Person == "" {
		err = t.byServer()
	} else {
		err = t.byPerson()
	}
	return t.finish(), err
}

func (t *turn) byServer() error {
	switch {
	case t.call.Phase == Ended:
		return nil
	case t.cmd.Verb == DoEnd:
		t.happen(Event{Kind: HasEnded, Reason: t.reason("ended")})
	case t.cmd.Verb == DoRestart:
		for _, s := range t.call.Seats {
			if s.Status == Joined {
				t.happen(Event{Kind: IsResuming, Person: s.Person, Device: s.Device, Reason: t.reason("restart")})
			}
		}
	default:
		return fmt.Errorf("%w: %.64q without a person", ErrInvalid, t.cmd.Verb)
	}
	return nil
}

func (t *turn) reason(otherwise string) string {
	if t.cmd.Reason != "" {
		return t.cmd.Reason
	}
	return otherwise
}

// byPerson finds the commander's seat and sorts out repeats before anything
// else: a repeat of a command that had its effect is no error, even when the
// call has ended since.
func (t *turn) byPerson() error {
	s := t.call.Seat(t.cmd.Person)
	if s == nil {
		return fmt.Errorf("%w: %.64q", ErrNotInvited, t.cmd.Person)
	}
	if n := t.cmd.Sequence; n != 0 && n <= s.seen[t.cmd.Device] {
		return nil
	}
	if t.call.Phase == Ended {
		return fmt.Errorf("%w: %s", ErrOver, t.call.Reason)
	}
	if _, known := s.seen[t.cmd.Device]; !known && len(s.seen) >= maxDevices {
		return fmt.Errorf("%w: more than %d devices of one person", ErrInvalid, maxDevices)
	}
	switch t.cmd.Verb {
	case DoRing:
		return t.ring(s)
	case DoAccept:
		return t.accept(s)
	case DoDecline:
		return t.refuse(s, HasDeclined)
	case DoBusy:
		return t.refuse(s, IsBusy)
	case DoHangup:
		return t.hangup(s)
	case DoEnd:
		return t.end()
	case DoResume:
		return t.resume(s)
	case DoAway:
		return t.away(s)
	}
	return fmt.Errorf("%w: verb %.64q", ErrInvalid, t.cmd.Verb)
}
