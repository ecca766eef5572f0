package tasks

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"gridhub/devices/telemetry"
	"gridhub/hub/identity"
	"gridhub/hub/store"
)

// ladder knows when the next rung of each open case will be reached. It holds
// one instant for each of them; what it forgets with a stop is read again.
type ladder struct {
	mu   sync.Mutex
	next map[identity.CaseID]time.Time
	wake chan struct{} // holds one: an instant earlier than all others was set
}

func newLadder() *ladder {
	return &ladder{next: map[identity.CaseID]time.Time{}, wake: make(chan struct{}, 1)}
}

// set notes when a case is to be looked at; never, when at is zero.
func (l *ladder) set(id identity.CaseID, at time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if at.IsZero() {
		delete(l.next, id)
		return
	}
	l.next[id] = at
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// due takes out the cases whose time has come, the earliest first, and says when
// the next one's comes: zero when there is none.
func (l *ladder) due(now time.Time) (ids []identity.CaseID, next time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	when := map[identity.CaseID]time.Time{}
	for id, at := range l.next {
		switch {
		case !at.After(now):
			ids, when[id] = append(ids, id), at
			delete(l.next, id)
		case next.IsZero() || at.Before(next):
			next = at
		}
	}
	slices.SortFunc(ids, func(a, b identity.CaseID) int { return when[a].Compare(when[b]) })
	return ids, next
}

// everyOpen is a limit that no pool reaches.
const everyOpen = 1 << 40

// longestNap bounds how long Watch sleeps, so that a clock that is set does not
// make it late for longer.
const longestNap = time.Minute

// Watch climbs the ladder of every open case as its limits run, until ctx ends.
// What was reached while nobody watched is told first, with the time at which it
// was reached.
func (p *Pool) Watch(ctx context.Context) error {
	if err := p.Recall(ctx); err != nil {
		return err
	}
	for {
		next, err := p.Climb(ctx)
		if err != nil && ctx.Err() == nil {
			p.log.Warn("limits could not be watched, and will be again", "error", err)
		}
		nap := longestNap
		if !next.IsZero() {
			nap = min(nap, max(0, next.Sub(p.now())))
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(nap):
		case <-p.ladder.wake:
		}
	}
}

// Recall notes every open case for the next Climb.
func (p *Pool) Recall(ctx context.Context) error {
	open, err := find(ctx, p.db, Filter{Open: true, Limit: everyOpen})
	for _, c := range open {
		p.ladder.set(c.id, p.now())
	}
	return err
}

// Climb tells every rung that was reached by now, once, and returns when the next
// one will be: zero when no limit runs that has one. A case that fails is looked
// at again after a minute.
func (p *Pool) Climb(ctx context.Context) (next time.Time, err error) {
	for {
		ids, next := p.ladder.due(p.now())
		if len(ids) == 0 {
			return next, nil
		}
		for i, id := range ids {
			if err := p.escalate(ctx, id); err != nil {
				for _, again := range ids[i:] {
					p.ladder.set(again, p.now().Add(longestNap))
				}
				return next, fmt.Errorf("case %s: %w", id, err)
			}
		}
	}
}

// escalate tells the rungs that one case has reached.
func (p *Pool) escalate(ctx context.Context, id identity.CaseID) error {
	now := p.now()
	told := false
	_, err := p.change(ctx, id, fmt.Sprintf("escalate/%d", now.UnixMilli()), func(_ *store.Tx, events []Event) ([]Event, error) {
		c := Fold(events)
		due, _ := p.byCode[c.Matter].climb(p.o.Standing.Escalation, &c, events, p.cal, now)
		if told = len(due) > 0; !told {
			return nil, nil
		}
		for i := range due {
			p.address(ctx, &c, &due[i])
		}
		return due, nil
	})
	if err != nil || told {
		return err // what was told was looked at by change
	}
	c, events, err := p.Get(ctx, id)
	if err == nil {
		p.ahead(&c, events)
	}
	return err
}

// ahead notes when the next rung of a case will be reached.
func (p *Pool) ahead(c *Case, events []Event) {
	now := p.now()
	due, next := p.byCode[c.Matter].climb(p.o.Standing.Escalation, c, events, p.cal, now)
	if len(due) > 0 {
		next = now
	}
	p.ladder.set(c.ID, next)
}

// address names who is told.
func (p *Pool) address(ctx context.Context, c *Case, e *Event) {
	b := &e.Body
	e.Server, e.By, e.Why = telemetry.At(p.now()), identity.System.Account, "automatic"
	holder := c.Assignee
	b.Department = Desk
	for _, l := range p.byCode[c.Matter].Limits {
		if l.Name == b.Kind && slices.Contains(inField, l.Until) {
			b.Department = c.Department
		}
	}
	if b.Order > 0 {
		o := &c.Orders[b.Order-1]
		holder, b.Department = o.Assignee, o.Department
	}
	switch {
	case b.Level == ToHolder && b.Department != Desk:
		b.Assignee = holder
	case b.Level != ToHolder && p.o.Superior != nil:
		b.Assignee = p.o.Superior(ctx, b.Department, b.Level)
	}
}

// inField are the steps that a department takes; those of all others are the desk's.
var inField = []EventType{Accepted, Enroute, Onscene, Handling, Claimed}
