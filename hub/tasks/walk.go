package tasks

import (
	"context"
	"slices"

	"gridhub/hub/identity"
)

// walkAt is how many cases Walk reads at a time.
const walkAt = 500

// Walk shows the events of every case that f names, each case once, in no
// promised order. Unlike List it has no limit and holds only a few hundred
// cases at a time. An error of see ends it. f.Limit is not looked at.
func (p *Pool) Walk(ctx context.Context, f Filter, see func([]Event) error) error {
	f.Limit = all
	ids, err := find(ctx, p.db, f)
	if err != nil {
		return err
	}
	for some := range slices.Chunk(ids, walkAt) {
		if err := p.show(ctx, some, see); err != nil {
			return err
		}
	}
	return nil
}

// all is a limit that no pool reaches.
const all = 1 << 40

func (p *Pool) show(ctx context.Context, ids []identity.CaseID, see func([]Event) error) error {
	events, err := load(ctx, p.db, ids...)
	if err != nil {
		return err
	}
	for _, id := range ids {
		if len(events[id]) == 0 {
			continue
		}
		if err := see(events[id]); err != nil {
			return err
		}
	}
	return nil
}
