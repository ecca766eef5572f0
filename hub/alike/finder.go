package alike

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"gridhub/devices/telemetry"
	"gridhub/hub/identity"
	"gridhub/hub/tasks"
)

// Pool is read for what changed since the last question.
type Pool interface {
	Matters() []tasks.Matter
	Walk(ctx context.Context, f tasks.Filter, see func([]tasks.Event) error) error
	Get(ctx context.Context, id identity.CaseID) (tasks.Case, []tasks.Event, error)
}

// Finder keeps an index of a pool up to date by reading, before each answer,
// what changed since the one before. It holds the cases of the last two spans
// of time that count as the same, and no texts, only their pairs of
// characters. Its methods may be called concurrently.
type Finder struct {
	pool   Pool
	cfg    Config
	now    func() time.Time
	domain map[string]string

	mu    sync.Mutex // guards the fields below
	index *Index
	seen  telemetry.Millis
}

// New returns a finder over a pool. It reads the pool at the first question.
func New(p Pool, c Config, now func() time.Time) *Finder {
	f := &Finder{pool: p, cfg: c, now: now, domain: map[string]string{}, index: NewIndex(c)}
	for _, m := range p.Matters() {
		f.domain[m.Code] = m.Domain
	}
	return f
}

// Alike returns what is alike a case, best first.
func (f *Finder) Alike(ctx context.Context, id identity.CaseID) ([]Match, error) {
	_, events, err := f.pool.Get(ctx, id)
	if err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.catchUp(ctx); err != nil {
		return nil, fmt.Errorf("alike: %w", err)
	}
	return f.index.Find(f.entry(events)), nil
}

// overlap is read again each time: two changes may carry one time, and the
// commit of the earlier may be seen later.
const overlap telemetry.Millis = 10_000

// catchUp reads what changed. f.mu is held.
func (f *Finder) catchUp(ctx context.Context) error {
	now := telemetry.At(f.now())
	oldest := now - 2*f.cfg.Apart
	newest := f.seen
	err := f.pool.Walk(ctx, tasks.Filter{Since: max(f.seen-overlap, oldest)}, func(events []tasks.Event) error {
		newest = max(newest, events[len(events)-1].Server)
		e := f.entry(events)
		if gone(events) || e.At < oldest {
			f.index.Drop(e.Case)
		} else {
			f.index.Put(e)
		}
		return nil
	})
	if err != nil {
		return err
	}
	f.index.Forget(oldest)
	f.seen = newest
	return nil
}

// gone reports whether a case is nothing that another could be merged into.
func gone(events []tasks.Event) bool {
	c := tasks.Fold(events)
	return c.State == tasks.Merged || c.State == tasks.Voided || c.State == tasks.Rejected
}

func (f *Finder) entry(events []tasks.Event) Entry {
	c := tasks.Fold(events)
	said := []string{events[0].Body.Text}
	if c.Title != "" && c.Source != "sensor" {
		said = append(said, c.Title)
	}
	return Entry{Case: c.ID, Matter: c.Matter, Domain: f.domain[c.Matter], Place: c.Place, At: events[0].At, Open: c.Open(),
		Words: NewWords(strings.Join(said, " "))}
}
