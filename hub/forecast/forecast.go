// Package forecast says how likely an open case is to overrun a limit, from how
// long such cases took: those of its matter and department, else of its matter,
// that had not been done either when as much of the limit was used up.
//
// It promises to count and not to guess: every figure is so many of so many cases
// that happened, and below a least number there is none. It leaves out whether a
// limit has run out (tasks) and what is done about it.
package forecast

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"gridhub/devices/telemetry"
	"gridhub/hub/identity"
	"gridhub/hub/tasks"
)

// Pool shows cases as they stood at an instant: see tasks.Pool.Period.
type Pool interface {
	Period(ctx context.Context, from, to telemetry.Millis, see func(tasks.Digest) error) error
}

// Risk is what is known of one open case.
type Risk struct {
	Case  identity.CaseID `json:"case"`
	Clock string          `json:"clock"` // the limit that is the likeliest to run out
	Such  int             `json:"such" doc:"earlier cases that were not done either when as much of the limit was used up"`
	Late  int             `json:"late" doc:"of these, how many overran it"`
	By    string          `json:"by" enum:"department,matter" doc:"such are the cases of the matter and the department, or of the matter"`
}

// Share is the part of such cases that were late, 0 to 1.
func (r Risk) Share() float64 { return float64(r.Late) / float64(r.Such) }

const (
	past     = 90 * 24 * time.Hour // how far back cases count
	least    = 20                  // fewer such cases say nothing
	relearns = time.Hour
)

// Board knows how long cases took. It is safe for concurrent use.
type Board struct {
	pool Pool
	now  func() time.Time
	log  *slog.Logger

	mu    sync.Mutex
	spans map[kind][]float64 // shares of the limit that cases used, ascending
}

// kind is what makes cases alike; without a department: all of the matter.
type kind struct{ matter, department, clock string }

// New joins a board, which knows nothing before it has learnt.
func New(pool Pool, now func() time.Time, log *slog.Logger) *Board {
	return &Board{pool: pool, now: now, log: log}
}

// Run learns at once and every hour, until ctx ends.
func (b *Board) Run(ctx context.Context) error {
	for {
		if err := b.Learn(ctx); err != nil && ctx.Err() == nil {
			b.log.Warn("how long cases take cannot be read; the forecast is an older one", "error", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(relearns):
		}
	}
}

// Learn reads how long the cases of the last ninety days took.
func (b *Board) Learn(ctx context.Context) error {
	spans := map[kind][]float64{}
	note := func(c tasks.Case, k tasks.Clock) {
		if k.Stopped == 0 {
			return
		}
		for _, d := range []string{c.Department, ""} {
			of := kind{c.Matter, d, k.Name}
			spans[of] = append(spans[of], k.Used)
		}
	}
	now := b.now()
	err := b.pool.Period(ctx, telemetry.At(now.Add(-past)), telemetry.At(now)+1, func(d tasks.Digest) error {
		for _, k := range slices.Concat(d.Former, d.Clocks) {
			note(d.Case, k)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("forecast: %w", err)
	}
	for _, s := range spans {
		slices.Sort(s)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.spans = spans
	return nil
}

// Of is the risk of one case; false when nothing runs, or too little is known. A
// limit that has run out is no risk any more.
func (b *Board) Of(c tasks.Case) (out Risk, known bool) {
	if !c.Open() || c.State == tasks.Suspended {
		return Risk{}, false
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, k := range c.Clocks {
		if k.Stopped != 0 || k.Used > 1 {
			continue
		}
		if r, ok := b.clock(c, k); ok && (!known || r.Share() > out.Share()) {
			out, known = r, true
		}
	}
	return out, known
}

// clock counts for one limit, the department's cases first.
func (b *Board) clock(c tasks.Case, k tasks.Clock) (Risk, bool) {
	for _, by := range []struct{ name, department string }{{"department", c.Department}, {"matter", ""}} {
		s := b.spans[kind{c.Matter, by.department, k.Name}]
		such, late := len(s)-above(s, k.Used), len(s)-above(s, 1)
		if such >= least {
			return Risk{Case: c.ID, Clock: k.Name, Such: such, Late: late, By: by.name}, true
		}
	}
	return Risk{}, false
}

// above is the index of the first value that is more than v.
func above(s []float64, v float64) int {
	n, _ := slices.BinarySearchFunc(s, v, func(x, v float64) int {
		if x > v {
			return 1
		}
		return -1
	})
	return n
}

// Open lists the risks of all open cases, the greatest first.
func (b *Board) Open(ctx context.Context) ([]Risk, error) {
	out := []Risk{}
	at := telemetry.At(b.now())
	err := b.pool.Period(ctx, at, at+1, func(d tasks.Digest) error {
		if r, known := b.Of(d.Case); known {
			out = append(out, r)
		}
		return nil
	})
	slices.SortFunc(out, func(x, y Risk) int {
		return cmp.Or(cmp.Compare(y.Late*x.Such, x.Late*y.Such), cmp.Compare(x.Case, y.Case))
	})
	return out, err
}
