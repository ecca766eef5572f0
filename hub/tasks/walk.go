package tasks

import (
	"context"
	"slices"
	"sync"

	"gridhub/hub/identity"
)

// How many cases walk reads at a time, and how many such parts wait for the
// reader while further ones are read.
const (
	walkAt    = 250
	walkAhead = 2
)

// walk shows the events of cases, without personal values, in the order in which
// they are named. see is not called concurrently; an error of it ends the walk.
func (p *Pool) walk(ctx context.Context, ids []identity.CaseID, see func([]Event) error) error {
	var readers sync.WaitGroup
	defer readers.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	parts := make(chan chan part, walkAhead) // in order; full: the readers wait
	readers.Go(func() {
		defer close(parts)
		for some := range slices.Chunk(ids, walkAt) {
			read := make(chan part, 1)
			select {
			case parts <- read:
			case <-ctx.Done():
				return
			}
			readers.Go(func() {
				events, err := load(ctx, p.db, some...)
				read <- part{some, events, err}
			})
		}
	})
	for read := range parts {
		if err := (<-read).show(see); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// part is what one read brought.
type part struct {
	ids    []identity.CaseID
	events map[identity.CaseID][]Event
	err    error
}

func (p part) show(see func([]Event) error) error {
	if p.err != nil {
		return p.err
	}
	for _, id := range p.ids {
		if len(p.events[id]) == 0 {
			continue
		}
		if err := see(p.events[id]); err != nil {
			return err
		}
	}
	return nil
}
