// Package reports makes the reports of the figures that are wanted regularly: a
// workbook for each day, week or month, in a folder, when it is due.
//
// It promises that each one is made once and never rewritten, also across
// crashes and with several hubs on one database; that those which fell due while
// nobody ran are made afterwards; and that each names the period and the version
// of the definitions that it was counted by. It leaves out what is counted
// (figures) and who may read it (api). Files lie with the hub that made them.
package reports

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"gridhub/devices/telemetry"
	"gridhub/hub/sheets"
	"gridhub/hub/store"
)

// ErrNotFound says that there is no such report.
var ErrNotFound = errors.New("no such report")

// Workbook is a report that was made.
type Workbook struct {
	File    string           `json:"file"` // weekly-2026-11-23.xlsx
	Name    string           `json:"name"`
	Title   string           `json:"title"`
	From    telemetry.Millis `json:"from"`
	To      telemetry.Millis `json:"to"`
	Version string           `json:"version"` // of the definitions
	Made    telemetry.Millis `json:"made"`
	Bytes   int              `json:"bytes"`
}

// Options of a maker. Sheet counts a period cut up by something and says by which
// version of the definitions. All but Log are required.
type Options struct {
	Reports []Config
	Folder  string // made if missing, mode 0700
	Zone    *time.Location
	Now     func() time.Time
	Sheet   func(ctx context.Context, from, to telemetry.Millis, by string) (s sheets.Sheet, version string, err error)
	Log     *slog.Logger
}

// Maker makes reports while it runs. Its methods may be called concurrently.
type Maker struct {
	db *store.DB
	o  Options

	mu    sync.Mutex // guards the field below
	fault error
}

// Open prepares the table and the folder. Nothing is made before Run.
func Open(ctx context.Context, db *store.DB, o Options) (*Maker, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if err := os.MkdirAll(o.Folder, 0o700); err != nil {
		return nil, fmt.Errorf("reports folder: %w", err)
	}
	return &Maker{db: db, o: o}, db.Migrate(ctx, "reports", migrations...)
}

const (
	again     = 10 * time.Minute // after one that failed
	look      = time.Hour        // at most until the clock is looked at again: it may be set
	mostAfter = 60               // of one report that are made afterwards; older ones are left out
)

// Run makes what is due until ctx ends.
func (m *Maker) Run(ctx context.Context) error {
	for ctx.Err() == nil {
		err := m.Make(ctx)
		pause := m.pause()
		if err != nil && ctx.Err() == nil {
			pause = again
			m.o.Log.Error("a report could not be made, trying again", "error", err, "in", again)
		}
		m.note(err)
		wait := time.NewTimer(pause)
		select {
		case <-wait.C:
		case <-ctx.Done():
			wait.Stop()
		}
	}
	return nil
}

// Healthy says why a report that is due is not there.
func (m *Maker) Healthy() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.fault
}

func (m *Maker) note(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.fault = err
}

// pause is how long nothing falls due.
func (m *Maker) pause() time.Duration {
	now := m.o.Now().In(m.o.Zone)
	least := look
	for _, c := range m.o.Reports {
		least = min(least, c.next(now).Sub(now))
	}
	return max(least, time.Second)
}

// Make makes everything that is due and not made, oldest first. One that fails
// does not keep others from being made.
func (m *Maker) Make(ctx context.Context) error {
	var errs []error
	for _, c := range m.o.Reports {
		dues, err := m.due(ctx, c)
		for _, due := range dues {
			if err == nil {
				err = m.make(ctx, c, due)
			}
		}
		if err == nil {
			err = m.forget(ctx, c)
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("report %s: %w", c.Name, err))
		}
	}
	return errors.Join(errs...)
}

// due are the instants since the newest one made at which a report was due; of
// one that was never made the newest alone.
func (m *Maker) due(ctx context.Context, c Config) ([]time.Time, error) {
	newest, err := newest(ctx, m.db, c.Name)
	if err != nil {
		return nil, err
	}
	var out []time.Time
	for due := c.last(m.o.Now().In(m.o.Zone)); telemetry.At(due) > newest; due = c.before(due) {
		out = append(out, due)
		if newest == 0 {
			break
		}
		if len(out) == mostAfter {
			m.o.Log.Warn("older reports are left out", "report", c.Name, "before", due)
			break
		}
	}
	slices.Reverse(out)
	return out, nil
}

// make writes a workbook beside its name, then takes name and row together: who
// comes second finds the row, and its workbook goes.
func (m *Maker) make(ctx context.Context, c Config, due time.Time) error {
	span := c.of(due)
	r := Workbook{File: c.Name + "-" + due.Format(time.DateOnly) + ".xlsx", Name: c.Name, Title: c.Title,
		From: telemetry.At(span.from), To: telemetry.At(span.to), Made: telemetry.At(m.o.Now())}
	book, err := m.book(ctx, c, &r)
	if err != nil {
		return err
	}
	r.Bytes = len(book)
	path := filepath.Join(m.o.Folder, r.File)
	draft, err := write(m.o.Folder, book)
	if err != nil {
		return err
	}
	defer os.Remove(draft) // after the renaming there is none
	made, err := insert(ctx, m.db, r, telemetry.At(due), func() error { return os.Rename(draft, path) })
	if made {
		m.o.Log.Info("a report was made", "report", c.Name, "file", r.File, "definitions", r.Version)
	}
	return err
}

// write puts bytes on the disk under a name of their own.
func write(folder string, b []byte) (path string, err error) {
	f, err := os.CreateTemp(folder, ".draft-*")
	if err != nil {
		return "", err
	}
	_, err = f.Write(b)
	if err == nil {
		err = f.Sync()
	}
	return f.Name(), errors.Join(err, f.Close())
}

// book is the workbook: what it is, then a sheet for each table.
func (m *Maker) book(ctx context.Context, c Config, r *Workbook) ([]byte, error) {
	all := []sheets.Sheet{{}}
	for _, by := range c.By {
		s, version, err := m.o.Sheet(ctx, r.From, r.To, by)
		if err != nil {
			return nil, err
		}
		r.Version = version
		all = append(all, s)
	}
	all[0] = m.cover(*r)
	var b bytes.Buffer
	err := sheets.WriteXLSX(&b, all...)
	return b.Bytes(), err
}

func (m *Maker) cover(r Workbook) sheets.Sheet {
	say := func(at telemetry.Millis) string { return at.Time().In(m.o.Zone).Format("2006-01-02 15:04") }
	return sheets.Sheet{Name: "说明", Head: []string{"项目", "内容"}, Rows: [][]any{
		{"报表", r.Title}, {"期间起", say(r.From)}, {"期间止（不含）", say(r.To)}, {"指标定义版本", r.Version}, {"生成时间", say(r.Made)}}}
}

// List returns what was made, newest first.
func (m *Maker) List(ctx context.Context) ([]Workbook, error) { return list(ctx, m.db) }

// File returns the bytes of a report.
func (m *Maker) File(ctx context.Context, name string) ([]byte, error) {
	known, err := list(ctx, m.db)
	if err != nil {
		return nil, err
	}
	if !slices.ContainsFunc(known, func(r Workbook) bool { return r.File == name }) {
		return nil, ErrNotFound
	}
	b, err := os.ReadFile(filepath.Join(m.o.Folder, name))
	if errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("%w: another hub made it, or its file was taken away", ErrNotFound)
	}
	return b, err
}

// forget removes what is more than is to stay.
func (m *Maker) forget(ctx context.Context, c Config) error {
	old, err := forget(ctx, m.db, c.Name, c.Keep)
	for _, file := range old {
		if e := os.Remove(filepath.Join(m.o.Folder, file)); e != nil && !errors.Is(e, os.ErrNotExist) {
			err = errors.Join(err, e)
		}
	}
	return err
}
