package figures

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"gridhub/devices/telemetry"
	"gridhub/hub/store"
	"gridhub/hub/tasks"
)

// Pool shows the cases that a period needs: those that began before to and were
// open, or had an event, in or after [from, to), each as it stood at to.
type Pool interface {
	Period(ctx context.Context, from, to telemetry.Millis, see func(tasks.Digest) error) error
}

// Options of a board. DayKind says what a day is: a working day, a weekend, a
// holiday. Name says what people call a line of a table that is cut by something;
// without it sheets show the keys.
type Options struct {
	Definitions Definitions
	Zone        *time.Location
	DayKind     func(time.Time) string
	Name        func(by, key string) string
}

// Board reads the figures of a period from the pool. It may be used
// concurrently.
type Board struct {
	pool Pool
	o    Options
}

// Open returns a board over a pool. It refuses formulas that were changed under
// the name of a version which was in use.
func Open(ctx context.Context, db *store.DB, p Pool, o Options) (*Board, error) {
	if err := o.Definitions.Validate(); err != nil {
		return nil, err
	}
	if err := db.Migrate(ctx, "figures", `CREATE TABLE figure_versions (version TEXT PRIMARY KEY, hash TEXT NOT NULL)`); err != nil {
		return nil, err
	}
	return &Board{pool: p, o: o}, db.Write(ctx, func(tx *store.Tx) error {
		for _, v := range o.Definitions.Versions {
			if err := same(ctx, tx, v); err != nil {
				return err
			}
		}
		return nil
	})
}

// same compares a version with what was known under its name.
func same(ctx context.Context, tx *store.Tx, v Version) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	sum := sha256.Sum256(b)
	is, was := hex.EncodeToString(sum[:]), ""
	err = tx.QueryRow(ctx, `SELECT hash FROM figure_versions WHERE version = ?`, v.Version).Scan(&was)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		_, err = tx.Exec(ctx, `INSERT INTO figure_versions (version, hash) VALUES (?, ?)`, v.Version, is)
		return err
	case err == nil && was != is:
		return fmt.Errorf("figures: the formulas of version %s were changed after it was in use, which would rewrite past figures: add a new version with a later day", v.Version)
	}
	return err
}

// Over returns the same figures of other cases: those that a pool shows.
func (b *Board) Over(p Pool) *Board { return &Board{pool: p, o: b.o} }

// Summary counts the period [from, to).
func (b *Board) Summary(ctx context.Context, from, to telemetry.Millis) (Summary, error) {
	var all []Fact
	err := b.facts(ctx, from, to, func(f *Fact) { all = append(all, *f) })
	if err != nil {
		return Summary{}, err
	}
	return Of(all, from, to), nil
}

// facts shows what a period counts of each case.
func (b *Board) facts(ctx context.Context, from, to telemetry.Millis, see func(*Fact)) error {
	if to < from {
		return &tasks.RefusedError{Code: "invalid", Reason: fmt.Sprintf("the period ends (%d) before it begins (%d)", to, from)}
	}
	err := b.pool.Period(ctx, from, to, func(d tasks.Digest) error {
		f := factOf(d, period{from, to})
		see(&f)
		return nil
	})
	if err != nil {
		return fmt.Errorf("figures: %w", err)
	}
	return nil
}
