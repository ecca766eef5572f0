package tasks

import (
	"context"
	"fmt"

	"gridhub/hub/identity"
	"gridhub/hub/store"
)

// settleAt is how many cases are read, and then written, at a time.
const settleAt = 250

// Settle makes the digests of ended cases again where they follow from other
// limits, another calendar or another format than are in force, or were never
// made. Meanwhile figures are right, and slow, as they read the events instead.
// It may be broken off, and goes on with the rest when it is called again; tell,
// which may be nil, hears how many of how many cases were looked at.
func (p *Pool) Settle(ctx context.Context, tell func(done, of int)) error {
	stale, err := p.stale(ctx)
	if err != nil || len(stale) == 0 {
		return err
	}
	done, of := 0, 0
	if err := p.db.QueryRow(ctx, `SELECT COUNT(*) FROM cases`).Scan(&of); err != nil {
		return err
	}
	after := identity.CaseID("")
	for {
		page, err := unsettled(ctx, p.db, after, settleAt*8)
		if err != nil {
			return err
		}
		if len(page) == 0 {
			break
		}
		if err := p.resettle(ctx, page, stale); err != nil {
			return err
		}
		after, done = page[len(page)-1].id, done+len(page)
		if tell != nil {
			tell(done, of)
		}
	}
	return p.db.Write(ctx, func(tx *store.Tx) error {
		for matter, basis := range stale {
			if _, err := tx.Exec(ctx, `INSERT INTO case_bases (matter, basis) VALUES (?, ?) ON CONFLICT (matter) DO UPDATE SET basis = excluded.basis`, matter, basis); err != nil {
				return err
			}
		}
		return nil
	})
}

// stale are the matters, with the basis in force, of which not all digests are
// known to follow from it.
func (p *Pool) stale(ctx context.Context) (map[string]string, error) {
	have, err := bases(ctx, p.db)
	if err != nil {
		return nil, err
	}
	out := map[string]string{}
	for matter, basis := range p.basis {
		if have[matter] != basis {
			out[matter] = basis
		}
	}
	return out, nil
}

// resettle makes the digests of those cases of a page that are stale.
func (p *Pool) resettle(ctx context.Context, page []settledRow, stale map[string]string) error {
	var some []known
	flush := func() error {
		read, err := p.recall(ctx, p.db, some...)
		if err != nil {
			return err
		}
		some = some[:0]
		return p.db.Join(ctx, func(tx *store.Tx) error {
			for id, events := range read {
				c := Fold(events)
				if err := keepDigest(ctx, tx, id, c.Rev, p.settle(events, &c)); err != nil {
					return fmt.Errorf("digest of %s: %w", id, err)
				}
			}
			return nil
		})
	}
	for _, r := range page {
		if basis, ok := stale[r.matter]; !ok || r.live || r.basis == basis {
			continue
		}
		if some = append(some, r.known); len(some) == settleAt {
			if err := flush(); err != nil {
				return err
			}
		}
	}
	if len(some) == 0 {
		return nil
	}
	return flush()
}
