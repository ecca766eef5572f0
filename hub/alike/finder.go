package alike

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"gridhub/devices/telemetry"
	"gridhub/hub/identity"
	"gridhub/hub/tasks"
)

// Pool is read for what changed since the last question.
type Pool interface {
	Matters() []tasks.Matter
	Changed(ctx context.Context, since telemetry.Millis) ([]tasks.Progress, error)
	Openings(ctx context.Context, ids []identity.CaseID, see func(tasks.Event)) error
}

// Finder keeps an index of a pool up to date by reading, before each answer,
// what changed since the one before: of cases that it knows the state, of new
// ones the report. It holds the cases of the last two spans of time that count
// as the same, some hundred bytes each, and no texts, only their pairs of
// characters. Its methods may be called concurrently.
type Finder struct {
	pool   Pool
	cfg    Config
	now    func() time.Time
	domain map[string]string

	mu     sync.Mutex // guards the fields below
	index  *Index
	seen   telemetry.Millis
	forgot telemetry.Millis // what was reported before it is not in the index
}

// New returns a finder over a pool. It reads the pool at the first question, or
// when it is warmed up.
func New(p Pool, c Config, now func() time.Time) *Finder {
	f := &Finder{pool: p, cfg: c, now: now, domain: map[string]string{}, index: NewIndex(c)}
	for _, m := range p.Matters() {
		f.domain[m.Code] = m.Domain
	}
	return f
}

// Warm reads the pool, so that the first question need not wait for it.
func (f *Finder) Warm(ctx context.Context) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.catchUp(ctx)
}

// Alike returns what is alike a case, best first.
func (f *Finder) Alike(ctx context.Context, id identity.CaseID) ([]Match, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.catchUp(ctx); err != nil {
		return nil, fmt.Errorf("alike: %w", err)
	}
	e, known := f.index.Get(id)
	if !known {
		err := f.pool.Openings(ctx, []identity.CaseID{id}, func(report tasks.Event) { e, known = f.entry(report, tasks.Reported), true })
		if err != nil {
			return nil, fmt.Errorf("alike: %w", err)
		}
	}
	if !known {
		return nil, tasks.ErrNotFound
	}
	return f.index.Find(e), nil
}

// overlap is read again each time: two changes may carry one time, and the
// commit of the earlier may be seen later.
const overlap telemetry.Millis = 10_000

// forgetEvery is how often what is too old is looked for.
const forgetEvery telemetry.Millis = 3_600_000

// catchUp reads what changed. f.mu is held.
func (f *Finder) catchUp(ctx context.Context) error {
	oldest := telemetry.At(f.now()) - 2*f.cfg.Apart
	changed, err := f.pool.Changed(ctx, max(f.seen-overlap, oldest))
	if err != nil {
		return err
	}
	newest := f.seen
	state := map[identity.CaseID]tasks.EventType{} // of those to be read
	for _, s := range changed {
		newest = max(newest, s.Updated)
		switch {
		case slices.Contains(gone, s.State):
			f.index.Drop(s.Case)
		case !f.index.Mark(s.Case, openIn(s.State)):
			state[s.Case] = s.State
		}
	}
	err = f.pool.Openings(ctx, slices.Collect(maps.Keys(state)), func(report tasks.Event) {
		if report.At >= oldest {
			f.index.Put(f.entry(report, state[report.Case]))
		}
	})
	if err != nil {
		return err
	}
	if oldest-f.forgot >= forgetEvery {
		f.index.Forget(oldest)
		f.forgot = oldest
	}
	f.seen = newest
	return nil
}

// gone are the states of what nothing can be merged into.
var gone = []tasks.EventType{tasks.Merged, tasks.Voided, tasks.Rejected}

func openIn(state tasks.EventType) bool {
	c := tasks.Case{State: state}
	return c.Open()
}

func (f *Finder) entry(report tasks.Event, state tasks.EventType) Entry {
	b := &report.Body
	said := b.Text
	if b.Title != "" && b.Source != "sensor" {
		said += " " + b.Title
	}
	e := Entry{Case: report.Case, Matter: b.Matter, Domain: f.domain[b.Matter], At: report.At, Open: openIn(state), Words: NewWords(said)}
	if report.Place != nil {
		e.Place = *report.Place
	}
	return e
}
