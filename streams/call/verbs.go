package call

import "fmt"

// invite begins the call. The caller sits in it from the start.
func (t *turn) invite() error {
	m := t.cmd
	if t.call.number > 0 {
		if m.Person == t.call.Caller && m.Call == t.call.ID {
			return nil // a repeat
		}
		return fmt.Errorf("%w: call %s exists", ErrState, t.call.ID)
	}
	if !m.Call.Valid() || m.Person == "" || m.Invite == nil {
		return fmt.Errorf("%w: an invitation needs a call id, a caller and callees", ErrInvalid)
	}
	if err := m.Invite.validate(m.Person); err != nil {
		return err
	}
	own := *m.Invite
	own.Callees = append([]Person(nil), own.Callees...)
	t.happen(Event{
		Kind: Created, Person: m.Person, Device: m.Device, By: m.Person,
		Sequence: m.Sequence, Epoch: m.Epoch, Invite: &own,
	})
	return nil
}

// ring: a device says that it rings. One that was unreachable and comes back
// while the call still goes on may ring late.
func (t *turn) ring(s *Seat) error {
	switch s.Status {
	case Invited, Unreachable:
		if !t.open(s) {
			return fmt.Errorf("%w: somebody else took the call", ErrElsewhere)
		}
		t.did(IsRinging)
	case Ringing:
	default:
		return fmt.Errorf("%w: %s", ErrElsewhere, s.Status)
	}
	return nil
}

// accept: the first device of a person wins the person's seat and, where one
// answer is wanted, the call.
func (t *turn) accept(s *Seat) error {
	switch {
	case s.Status.Present() && s.Device == t.cmd.Device:
		return nil
	case s.Status.Present():
		return fmt.Errorf("%w: by %s", ErrElsewhere, s.Device)
	case !t.open(s):
		return fmt.Errorf("%w: somebody else took the call", ErrElsewhere)
	case !s.Status.Pending() && !t.call.rejoins():
		return fmt.Errorf("%w: the seat is %s", ErrState, s.Status)
	}
	t.did(Accepted)
	if t.call.rejoins() {
		return nil
	}
	for i := range t.call.Seats {
		if o := &t.call.Seats[i]; o != s && (o.Status.Pending() || o.Status == Unreachable) {
			t.happen(Event{Kind: IsElsewhere, Person: o.Person, By: t.cmd.Person})
		}
	}
	return nil
}

// rejoins reports whether all may join, and join again after leaving.
func (c *Call) rejoins() bool { return c.Invite.Mode == Group || c.Invite.Mode == Broadcast }

// open reports whether the call still takes an answer from s.
func (t *turn) open(s *Seat) bool { return t.call.rejoins() || t.call.Phase == Calling }

// refuse: one device speaks for the person.
func (t *turn) refuse(s *Seat, kind Kind) error {
	switch {
	case s.Status == statuses[kind]:
	case s.Status.Pending():
		t.did(kind)
	default:
		return fmt.Errorf("%w: the seat is %s", ErrState, s.Status)
	}
	return nil
}

func (t *turn) hangup(s *Seat) error {
	switch {
	case s.Status == Left:
	case s.Status.Pending():
		t.did(HasDeclined)
	case !s.Status.Present():
		return fmt.Errorf("%w: the seat is %s", ErrState, s.Status)
	case s.Device != t.cmd.Device:
		return fmt.Errorf("%w: on %s", ErrElsewhere, s.Device)
	default:
		t.did(HasLeft)
	}
	return nil
}

// end is the initiator's right alone.
func (t *turn) end() error {
	if t.cmd.Person != t.call.Caller {
		return fmt.Errorf("%w: only the caller ends the call for all", ErrState)
	}
	t.happen(Event{
		Kind: HasEnded, Device: t.cmd.Device, By: t.cmd.Person,
		Reason: t.reason("ended"), Sequence: t.cmd.Sequence,
	})
	return nil
}

// resume: the newest connection of a person takes the seat, at once and
// whole; an older one that wakes up late gets nothing.
func (t *turn) resume(s *Seat) error {
	switch {
	case !s.Status.Present():
		return fmt.Errorf("%w: the seat is %s", ErrState, s.Status)
	case t.cmd.Epoch < s.Epoch:
		return fmt.Errorf("%w: epoch %d, the seat has %d", ErrStale, t.cmd.Epoch, s.Epoch)
	case t.cmd.Epoch == s.Epoch && t.cmd.Device != s.Device:
		return fmt.Errorf("%w: on %s", ErrStale, s.Device)
	case t.cmd.Epoch == s.Epoch && s.Status == Joined:
		return nil
	}
	t.did(Resumed)
	return nil
}

// away: only the connection that holds the seat can lose it.
func (t *turn) away(s *Seat) error {
	if s.Status == Joined && s.Device == t.cmd.Device {
		t.happen(Event{Kind: IsResuming, Person: s.Person, Device: s.Device, Reason: t.reason("connection lost")})
	}
	return nil
}
