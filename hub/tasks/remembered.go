package tasks

import (
	"context"
	"slices"
	"sync"

	"gridhub/hub/identity"
)

// rememberedMost bounds the cases whose events are kept in memory, some tens of
// kilobytes each. When they are full, any one goes.
const rememberedMost = 4096

// readAt is how many cases one statement reads.
const readAt = 250

// remembered are events that were read before, by case. They serve only a reader
// who has just read the case's revision, and hold no personal values, so that
// what is erased in the store is erased.
type remembered struct {
	mu  sync.Mutex // guards the field below
	all map[identity.CaseID][]Event
}

// at returns the events up to a revision; nil when they are not at hand.
func (r *remembered) at(id identity.CaseID, rev uint64) []Event {
	r.mu.Lock()
	defer r.mu.Unlock()
	if events := r.all[id]; uint64(len(events)) == rev {
		return slices.Clip(events)
	}
	return nil
}

// keep remembers the events of a case, unless newer ones are known.
func (r *remembered) keep(id identity.CaseID, events []Event) {
	if len(events) == 0 || r.at(id, uint64(len(events))) != nil {
		return
	}
	events = slices.Clone(events)
	for i := range events {
		events[i].conceal()
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.all == nil {
		r.all = map[identity.CaseID][]Event{}
	}
	if len(r.all[id]) >= len(events) {
		return
	}
	if _, known := r.all[id]; !known && len(r.all) >= rememberedMost {
		for other := range r.all {
			delete(r.all, other)
			break
		}
	}
	r.all[id] = events
}

// conceal takes the personal values out that the store keeps beside the event.
func (e *Event) conceal() {
	for field := range e.Body.Private {
		Secret{Field: field}.Reveal(e)
	}
}

// known is a case as its row names it.
type known struct {
	id  identity.CaseID
	rev uint64
}

// recall returns the events of cases at the revisions named, without personal
// values, read from the store where they are not remembered. A case that moved
// on meanwhile comes with its newer events.
func (p *Pool) recall(ctx context.Context, db rows, cases ...known) (map[identity.CaseID][]Event, error) {
	out := make(map[identity.CaseID][]Event, len(cases))
	var missing []identity.CaseID
	for _, c := range cases {
		if c.rev == 0 {
			continue
		}
		if events := p.remembered.at(c.id, c.rev); events != nil {
			out[c.id] = events
		} else {
			missing = append(missing, c.id)
		}
	}
	for some := range slices.Chunk(missing, readAt) {
		read, err := load(ctx, db, some...)
		if err != nil {
			return nil, err
		}
		for id, events := range read {
			out[id] = events
		}
	}
	return out, nil
}
