package talk

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// Floor is the state of one group. New makes it.
type Floor struct {
	Group   Group
	Holder  *Burst    // nil: the floor is free
	Queue   []Waiting // in the order in which they get the floor
	Present map[Person]bool
	Past    []Burst           // ended, oldest first, at most MaxUnheard
	ears    map[Person]ear    // of everybody ever expected or present and not forgotten
	seen    map[Person]uint64 // newest sequence; a restart knows those with an effect
	number  uint64            // of the newest event
	bursts  uint64            // ever
	last    time.Time
}

// ear is which bursts concern somebody, and which of them were heard.
type ear struct{ from, upto uint64 }

// New is the floor that events, all that were told of it in their order, have
// left behind.
func New(g Group, events ...Event) (*Floor, error) {
	if len(g) == 0 || len(g) > 64 {
		return nil, fmt.Errorf("%w: group %.70q", ErrCommand, g)
	}
	f := &Floor{Group: g, Present: map[Person]bool{}, ears: map[Person]ear{}, seen: map[Person]uint64{}}
	for i, e := range events {
		if e.Group != g || e.Number != f.number+1 {
			return nil, fmt.Errorf("event %d of group %s: %s/%d does not follow", i, g, e.Group, e.Number)
		}
		f.happen(e)
	}
	return f, nil
}

// Apply does what c wants, after what was due by now, and returns what
// happened. A repeated command has no effect and is no error. now must not go
// back; it is taken for the last one if it does.
func (f *Floor) Apply(c Command, now time.Time) ([]Event, error) {
	events := f.Expire(now)
	more, err := f.do(c, f.time(now))
	if err == nil && c.Verb != DoForget && c.Verb != DoExpect && c.Sequence > 0 {
		// Also without an effect: a release that overtakes its request must
		// not leave a floor that nobody lets go.
		f.seen[c.Person] = max(f.seen[c.Person], c.Sequence)
	}
	return append(events, more...), err
}

func (f *Floor) time(now time.Time) time.Time {
	if now.Before(f.last) {
		return f.last
	}
	return now
}

func (f *Floor) do(c Command, now time.Time) ([]Event, error) {
	switch c.Verb {
	case DoRevoke:
		return f.revoke(now), nil
	case DoForget:
		return f.forget(c, now), nil
	case DoExpect:
		return f.expect(c, now)
	}
	switch {
	case c.Person == "" || len(c.Person) > maxText || c.Sequence == 0 || c.Priority < Normal || c.Priority > Emergency:
		return nil, fmt.Errorf("%w: %+v", ErrCommand, c)
	case c.Sequence == f.seen[c.Person]:
		return nil, nil
	case c.Sequence < f.seen[c.Person]:
		return nil, ErrStale
	case c.Verb != DoJoin && c.Verb != DoHeard && !f.Present[c.Person]:
		return nil, ErrNotPresent
	}
	switch c.Verb {
	case DoJoin:
		return f.join(c, now)
	case DoLeave:
		return f.leave(c, now), nil
	case DoRequest:
		return f.request(c, now)
	case DoRelease:
		return f.release(c, now), nil
	case DoHeard:
		return f.hear(c, now)
	}
	return nil, fmt.Errorf("%w: %.32q", ErrCommand, c.Verb)
}

// tell makes an event and lets it happen.
func (f *Floor) tell(e Event, now time.Time) Event {
	e.Group, e.Number, e.At = f.Group, f.number+1, now
	f.happen(e)
	return e
}

func (f *Floor) join(c Command, now time.Time) ([]Event, error) {
	if f.Present[c.Person] {
		return nil, nil
	}
	if len(f.Present) >= MaxMembers {
		return nil, fmt.Errorf("%d members: %w", len(f.Present), ErrFull)
	}
	return []Event{f.tell(Event{Kind: Joined, Person: c.Person, Sequence: c.Sequence}, now)}, nil
}

// expect makes somebody who never came one of the absent.
func (f *Floor) expect(c Command, now time.Time) ([]Event, error) {
	_, known := f.ears[c.Person]
	switch {
	case c.Person == "" || len(c.Person) > maxText:
		return nil, fmt.Errorf("%w: %+v", ErrCommand, c)
	case known:
		return nil, nil
	case len(f.ears) >= MaxMembers:
		return nil, fmt.Errorf("%d members: %w", len(f.ears), ErrFull)
	}
	return []Event{f.tell(Event{Kind: Expected, Person: c.Person}, now)}, nil
}

func (f *Floor) leave(c Command, now time.Time) []Event {
	events := f.drop(c.Person, c.Sequence, Gone, now)
	free := f.holds(c.Person)
	if free {
		events = append(events, f.end(c.Sequence, Gone, now))
	}
	events = append(events, f.tell(Event{Kind: Parted, Person: c.Person, Sequence: c.Sequence}, now))
	if free {
		events = append(events, f.next(now)...)
	}
	return events
}

func (f *Floor) holds(p Person) bool { return f.Holder != nil && f.Holder.Person == p }

// request gives the floor to whoever comes first or stands higher; the others
// wait.
func (f *Floor) request(c Command, now time.Time) ([]Event, error) {
	at := slices.IndexFunc(f.Queue, func(w Waiting) bool { return w.Person == c.Person })
	switch {
	case f.holds(c.Person) && f.Holder.Priority >= c.Priority, at >= 0 && f.Queue[at].Priority >= c.Priority:
		return nil, nil // has what it wants
	case f.Holder == nil:
		return []Event{f.grant(c.waiting(now), now)}, nil
	case f.holds(c.Person), c.Priority > f.Holder.Priority:
		return f.preempt(c, now), nil
	case at < 0 && len(f.Queue) >= MaxQueue && f.Queue[MaxQueue-1].Priority >= c.Priority:
		return nil, fmt.Errorf("%d wait: %w", MaxQueue, ErrFull)
	}
	var events []Event
	if at < 0 && len(f.Queue) >= MaxQueue {
		events = f.drop(f.Queue[MaxQueue-1].Person, 0, Preempted, now)
	}
	return append(events, f.tell(Event{Kind: Queued, Person: c.Person, Sequence: c.Sequence, Priority: c.Priority}, now)), nil
}

// preempt ends the running burst for one of a higher priority, which may be
// the same person's.
func (f *Floor) preempt(c Command, now time.Time) []Event {
	ended := f.end(0, Preempted, now)
	return []Event{ended, f.grant(c.waiting(now), now)}
}

// waiting is the request as a place in the queue, since the button was pressed.
func (c Command) waiting(now time.Time) Waiting {
	return Waiting{Person: c.Person, Priority: c.Priority, Since: now.Add(-max(0, c.Held)), sequence: c.Sequence}
}

func (f *Floor) release(c Command, now time.Time) []Event {
	events := f.drop(c.Person, c.Sequence, LetGo, now)
	if !f.holds(c.Person) {
		return events
	}
	events = append(events, f.end(c.Sequence, LetGo, now))
	return append(events, f.next(now)...)
}

func (f *Floor) revoke(now time.Time) []Event {
	if f.Holder == nil {
		return nil
	}
	return append([]Event{f.end(0, Revoked, now)}, f.next(now)...)
}

// forget makes a stranger of somebody who no longer belongs to the group.
func (f *Floor) forget(c Command, now time.Time) []Event {
	if _, known := f.ears[c.Person]; !known {
		return nil
	}
	var events []Event
	if f.Present[c.Person] {
		events = f.leave(c, now)
	}
	return append(events, f.tell(Event{Kind: Forgotten, Person: c.Person}, now))
}

func (f *Floor) hear(c Command, now time.Time) ([]Event, error) {
	e, known := f.ears[c.Person]
	switch {
	case !known:
		return nil, ErrNotPresent
	case c.Burst > f.bursts:
		return nil, fmt.Errorf("%w: burst %d of %d", ErrCommand, c.Burst, f.bursts)
	case c.Burst <= e.upto || c.Burst < e.from:
		return nil, nil
	}
	return []Event{f.tell(Event{Kind: Heard, Person: c.Person, Sequence: c.Sequence, Burst: c.Burst}, now)}, nil
}

// grant gives the floor, which is free.
func (f *Floor) grant(w Waiting, now time.Time) Event {
	from := w.Since
	if earliest := now.Add(-PreRoll); from.Before(earliest) {
		from = earliest
	}
	return f.tell(Event{Kind: Granted, Person: w.Person, Sequence: w.sequence, Priority: w.Priority, Burst: f.bursts + 1, From: from}, now)
}

func (f *Floor) end(sequence uint64, reason string, now time.Time) Event {
	return f.tell(Event{Kind: Released, Person: f.Holder.Person, Sequence: sequence, Burst: f.Holder.Number, Reason: reason}, now)
}

// drop takes p from the queue, if it waits.
func (f *Floor) drop(p Person, sequence uint64, reason string, now time.Time) []Event {
	if !slices.ContainsFunc(f.Queue, func(w Waiting) bool { return w.Person == p }) {
		return nil
	}
	return []Event{f.tell(Event{Kind: Dropped, Person: p, Sequence: sequence, Reason: reason}, now)}
}

// next gives a free floor to the first who waits.
func (f *Floor) next(now time.Time) []Event {
	if f.Holder != nil || len(f.Queue) == 0 {
		return nil
	}
	w := f.Queue[0]
	w.sequence = 0 // the request had its event when it was queued
	return []Event{f.grant(w, now)}
}

// Next is when Expire has something to do. False: nothing waits.
func (f *Floor) Next() (at time.Time, ok bool) {
	if f.Holder != nil {
		at, ok = f.Holder.deadline(), true
	}
	for _, w := range f.Queue {
		if d := w.Since.Add(WaitLimit); !ok || d.Before(at) {
			at, ok = d, true
		}
	}
	return at, ok
}

// deadline is when the burst is ended. The pre-roll does not count.
func (b *Burst) deadline() time.Time {
	if b.Priority == Emergency {
		return b.granted.Add(EmergencyLimit)
	}
	return b.granted.Add(BurstLimit)
}

// Expire lets happen what was due by now, each at its own time.
func (f *Floor) Expire(now time.Time) (events []Event) {
	for {
		at, ok := f.Next()
		if !ok || at.After(now) {
			return events
		}
		at = f.time(at)
		if f.Holder != nil && !f.Holder.deadline().After(at) {
			events = append(events, f.end(0, TimedOut, at))
			events = append(events, f.next(at)...)
			continue
		}
		for _, w := range slices.Clone(f.Queue) {
			if !w.Since.Add(WaitLimit).After(at) {
				events = append(events, f.drop(w.Person, 0, TimedOut, at)...)
			}
		}
	}
}

// happen is the only thing that changes the floor.
func (f *Floor) happen(e Event) {
	f.number, f.last = e.Number, e.At
	if e.Sequence > 0 {
		f.seen[e.Person] = max(f.seen[e.Person], e.Sequence)
	}
	switch e.Kind {
	case Expected:
		f.listen(e.Person)
	case Joined:
		f.Present[e.Person] = true
		f.listen(e.Person)
	case Parted:
		delete(f.Present, e.Person)
	case Queued:
		f.enqueue(Waiting{Person: e.Person, Priority: e.Priority, Since: e.At})
	case Dropped:
		f.dequeue(e.Person)
	case Granted:
		f.dequeue(e.Person)
		f.bursts = e.Burst
		f.Holder = &Burst{Number: e.Burst, Person: e.Person, Priority: e.Priority, From: e.From, granted: e.At}
	case Released:
		f.keep(e)
	case Heard:
		f.ears[e.Person] = ear{f.ears[e.Person].from, e.Burst}
	case Forgotten:
		delete(f.ears, e.Person)
		delete(f.seen, e.Person)
	}
}

// listen says what concerns somebody who is heard of for the first time: the
// running burst and those to come.
func (f *Floor) listen(p Person) {
	if _, known := f.ears[p]; known {
		return
	}
	e := ear{from: f.bursts + 1}
	if f.Holder != nil {
		e.from = f.Holder.Number
	}
	f.ears[p] = e
}

// enqueue keeps the higher priority first, then who came first.
func (f *Floor) enqueue(w Waiting) {
	f.dequeue(w.Person)
	f.Queue = append(f.Queue, w)
	slices.SortStableFunc(f.Queue, func(a, b Waiting) int { return cmp.Compare(b.Priority, a.Priority) })
}

func (f *Floor) dequeue(p Person) {
	f.Queue = slices.DeleteFunc(f.Queue, func(w Waiting) bool { return w.Person == p })
}

func (f *Floor) keep(e Event) {
	b := *f.Holder
	b.Until, b.Reason = e.At, e.Reason
	f.Holder = nil
	if f.Past = append(f.Past, b); len(f.Past) > MaxUnheard {
		f.Past = slices.Delete(f.Past, 0, 1)
	}
}

// Unheard are the bursts that p has yet to hear, oldest first, the running one
// included: who comes late begins there at From. Strangers have none.
func (f *Floor) Unheard(p Person) []Burst {
	e, known := f.ears[p]
	var all []Burst
	for _, b := range f.Past {
		if known && b.Number >= e.from && b.Number > e.upto && b.Person != p {
			all = append(all, b)
		}
	}
	if h := f.Holder; known && h != nil && h.Number > e.upto && h.Person != p {
		all = append(all, *h)
	}
	return all
}

// HeardBy lists, sorted, who has said to have heard the burst.
func (f *Floor) HeardBy(burst uint64) []Person {
	var all []Person
	for p, e := range f.ears {
		if burst >= e.from && burst <= e.upto {
			all = append(all, p)
		}
	}
	slices.Sort(all)
	return all
}
