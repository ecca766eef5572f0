package recordings

import (
	"context"
	"errors"
	"time"

	"gridhub/configs"
	"gridhub/devices/telemetry"
	"gridhub/hub/identity"
	"gridhub/hub/tasks"
	"gridhub/streams/call"
	"gridhub/streams/record"
)

// Config says how long recordings are kept. Those of cases that are not closed
// are always kept.
type Config struct {
	// Keep is for recordings of cases that are closed and not archived, and of
	// calls without a case, since the end of the call.
	Keep time.Duration `yaml:"keep"`
	// Archived is for those of archived cases; 0 keeps them for ever.
	Archived time.Duration `yaml:"keep_archived"`
}

// Default is what the shipped configuration says.
func Default() Config { return Config{Keep: 180 * 24 * time.Hour} }

// Validate reports every mistake at once.
func (c Config) Validate() error {
	var errs []error
	if c.Keep < 24*time.Hour {
		errs = append(errs, configs.Fault("keep", c.Keep, "24h or more"))
	}
	if c.Archived != 0 && c.Archived < 24*time.Hour {
		errs = append(errs, configs.Fault("keep_archived", c.Archived, "24h or more, or 0 for ever"))
	}
	return errors.Join(errs...)
}

// expire removes the recordings whose time is over.
func (d *Desk) expire(ctx context.Context) error {
	now := d.o.Clock()
	old, err := d.rows(ctx, `WHERE state = ? AND ended < ? ORDER BY ended`, stateDone, int64(telemetry.At(now.Add(-min(d.o.Keep.Keep, orEver(d.o.Keep.Archived))))))
	if err != nil {
		return err
	}
	var errs []error
	for _, r := range old {
		keep, held := d.keeps(ctx, r)
		if held || now.Sub(r.Ended.Time()) < keep {
			continue
		}
		err := record.Erase(d.fs, d.dir(call.ID(r.Call)), "system", "kept for "+keep.String(), now)
		if err == nil {
			err = d.erased(ctx, r.Call)
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

func orEver(keep time.Duration) time.Duration {
	if keep == 0 {
		return 1<<63 - 1
	}
	return keep
}

// keeps says how long a recording is kept, or that it is held.
func (d *Desk) keeps(ctx context.Context, r Recording) (keep time.Duration, held bool) {
	if r.Case == "" {
		return d.o.Keep.Keep, false
	}
	c, _, err := d.o.Pool.Get(ctx, identity.CaseID(r.Case))
	switch {
	case err != nil:
		return 0, !errors.Is(err, tasks.ErrNotFound)
	case c.State == tasks.Archived:
		return d.o.Keep.Archived, d.o.Keep.Archived == 0
	case c.State == tasks.Closed, c.State == tasks.Voided, c.State == tasks.Rejected, c.State == tasks.Merged:
		return d.o.Keep.Keep, false
	}
	return 0, true
}
