package figures

import (
	"context"
	"fmt"

	"gridhub/devices/telemetry"
	"gridhub/hub/identity"
	"gridhub/hub/tasks"
)

// Pool lists cases. A filter without a limit must return all that fit.
type Pool interface {
	List(ctx context.Context, f tasks.Filter) ([]tasks.Case, error)
}

// Board reads the figures of a period from the pool. It keeps nothing.
type Board struct{ pool Pool }

// New returns a board over a pool.
func New(p Pool) *Board { return &Board{pool: p} }

// Summary counts the period [from, to). What it needs of the pool are the
// cases that changed since from, and those still open.
func (b *Board) Summary(ctx context.Context, from, to telemetry.Millis) (Summary, error) {
	if to < from {
		return Summary{}, &tasks.RefusedError{Code: "invalid", Reason: fmt.Sprintf("the period ends (%d) before it begins (%d)", to, from)}
	}
	known := map[identity.CaseID]bool{}
	var all []tasks.Case
	for _, f := range []tasks.Filter{{Since: from}, {Open: true}} {
		list, err := b.pool.List(ctx, f)
		if err != nil {
			return Summary{}, fmt.Errorf("figures: %w", err)
		}
		for _, c := range list {
			if !known[c.ID] {
				known[c.ID] = true
				all = append(all, c)
			}
		}
	}
	return Of(all, from, to), nil
}
