package tasks

import (
	"context"
	"fmt"

	"gridhub/devices/telemetry"
	"gridhub/hub/identity"
	"gridhub/hub/store"
)

// Merge puts two cases of one thing together (并案). Drop stays as it is with all
// it holds, its reporter too, but is no work any more; Keep carries on, and
// counts from the earlier report of the two. ID makes a repeat harmless.
type Merge struct {
	ID   string           `json:"id" minLength:"8" maxLength:"60" doc:"made by the caller; a repeat is harmless"`
	Keep identity.CaseID  `json:"keep"`
	Drop identity.CaseID  `json:"drop"`
	Why  string           `json:"why,omitempty" maxLength:"1000"`
	At   telemetry.Millis `json:"at,omitempty" doc:"default: now"`
}

// mergeable are the states in which a case can still be dropped: nobody claims
// to have finished it.
var mergeable = []EventType{Reported, Screened, Verifying, Verified, Filed, Dispatched, Returned, Upheld, Accepted, Enroute, Onscene, Handling, Suspended}

// mergers may merge and part.
var mergers = []identity.Role{identity.CallTaker, identity.Dispatcher, identity.Admin}

// Merge writes the event on both cases, or on none. It returns the case kept.
func (p *Pool) Merge(ctx context.Context, who identity.Principal, m Merge) (Case, error) {
	return p.both(ctx, who, m, func(keep, drop *Case) (Event, Event, error) {
		switch {
		case !keep.Open():
			return Event{}, Event{}, &RefusedError{Code: "state", Reason: "the case to keep is " + string(keep.State) + ": reopen it first"}
		case len(drop.Joined) > 0:
			return Event{}, Event{}, &RefusedError{Code: "state", Reason: "other cases were merged into " + drop.Number + ": keep that one, or part them first"}
		case !contains(mergeable, drop.State):
			return Event{}, Event{}, &RefusedError{Code: "state", Reason: "a case that is " + string(drop.State) + " is not merged into another"}
		}
		return joining(drop), Event{Type: Merged, Body: Body{Other: keep.ID}}, nil
	})
}

// Part undoes a merge: the dropped case is again what it was. It returns the
// case that was kept.
func (p *Pool) Part(ctx context.Context, who identity.Principal, m Merge) (Case, error) {
	return p.both(ctx, who, m, func(keep, drop *Case) (Event, Event, error) {
		switch {
		case drop.State != Merged || drop.Into != keep.ID:
			return Event{}, Event{}, &RefusedError{Code: "state", Reason: drop.Number + " is not merged into " + keep.Number}
		case keep.State == Archived:
			return Event{}, Event{}, &RefusedError{Code: "state", Reason: "the case is archived: reopen it first"}
		}
		return Event{Type: Parted, Body: Body{Other: drop.ID}}, Event{Type: Unmerged, Body: Body{Other: keep.ID}}, nil
	})
}

// both changes two cases in one transaction; f sees them as they are in it.
func (p *Pool) both(ctx context.Context, who identity.Principal, m Merge, f func(keep, drop *Case) (Event, Event, error)) (Case, error) {
	if !who.Has(mergers...) {
		return Case{}, &RefusedError{Code: "right", Reason: "account " + who.Account + " may not merge cases"}
	}
	if m.Keep == m.Drop {
		return Case{}, &RefusedError{Code: "invalid", Reason: "a case is not merged with itself"}
	}
	var kept, dropped []Event
	done := false
	err := p.db.Join(ctx, func(tx *store.Tx) error {
		known, err := load(ctx, tx, m.Keep, m.Drop)
		if err != nil {
			return err
		}
		if kept, dropped = known[m.Keep], known[m.Drop]; len(kept) == 0 || len(dropped) == 0 {
			return ErrNotFound
		}
		if _, done, err = standing(ctx, tx, m.Keep, m.ID); err != nil || done {
			return err
		}
		keep, drop := Fold(kept), Fold(dropped)
		on, off, err := f(&keep, &drop)
		if err != nil {
			return err
		}
		if err := p.write(ctx, tx, who, m, on, m.Keep, &kept); err != nil {
			return err
		}
		return p.write(ctx, tx, who, m, off, m.Drop, &dropped)
	})
	if err != nil {
		return Case{}, err
	}
	c := p.describe(kept)
	if !done {
		gone := p.describe(dropped)
		p.ahead(&c, kept)
		p.ahead(&gone, dropped)
		p.tell(c)
		p.tell(gone)
	}
	return c, nil
}

// write appends one event of a merge and brings the case's row up to date.
func (p *Pool) write(ctx context.Context, tx *store.Tx, who identity.Principal, m Merge, e Event, id identity.CaseID, events *[]Event) error {
	e.Server = telemetry.At(p.now())
	e.At, e.By, e.Person, e.Why = m.At, who.Account, who.Person, m.Why
	if e.At == 0 || e.At > e.Server {
		e.At = e.Server
	}
	if err := p.append(ctx, tx, id, events, e, m.ID, 0); err != nil {
		return fmt.Errorf("%s of %s: %w", e.Type, id, err)
	}
	c := Fold(*events)
	if err := mark(ctx, tx, id, c.Marks); err != nil {
		return err
	}
	return index(ctx, tx, &c, p.settle(*events, &c))
}

func contains(all []EventType, t EventType) bool {
	for _, a := range all {
		if a == t {
			return true
		}
	}
	return false
}

// join lets a case count from the earliest of the reports that it stands for.
func (c *Case) join(e *Event) {
	if c.joined == nil {
		c.joined, c.own = map[identity.CaseID]telemetry.Millis{}, c.Reported
	}
	switch e.Type {
	case Joined:
		c.joined[e.Body.Other] = e.Body.Since
		c.Joined = append(c.Joined, e.Body.Other)
	case Parted:
		delete(c.joined, e.Body.Other)
		var left []identity.CaseID
		for _, id := range c.Joined {
			if id != e.Body.Other {
				left = append(left, id)
			}
		}
		c.Joined = left
	}
	c.Reported = c.own
	for _, at := range c.joined {
		c.Reported = min(c.Reported, at)
	}
}
