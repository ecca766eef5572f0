package hotline

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"gridhub/devices/telemetry"
	"gridhub/hub/geo"
	"gridhub/hub/identity"
	"gridhub/hub/sheets"
	"gridhub/hub/store"
	"gridhub/hub/tasks"
)

// ErrNotFound says that there is no such import.
var ErrNotFound = errors.New("no such import")

// Import is one file on its way into the pool. Done counts rows; Made + Known +
// Rejected = Done.
type Import struct {
	ID       string           `json:"id"`
	Name     string           `json:"name"` // of the file
	By       string           `json:"by"`
	Started  telemetry.Millis `json:"started"`
	Finished telemetry.Millis `json:"finished,omitempty"`
	Rows     int              `json:"rows"`
	Done     int              `json:"done"`
	Made     int              `json:"made"`
	Known    int              `json:"known"` // orders that a former import or row brought
	Rejected int              `json:"rejected"`
	Error    string           `json:"error,omitempty"` // why it stands still; it is tried again
	hash     string
}

// Result is what became of one order.
type Result struct {
	Number string          `json:"order"`
	Case   identity.CaseID `json:"case,omitempty"`
	Known  bool            `json:"known,omitempty"`
	Faults []Fault         `json:"faults,omitempty"`
}

// Options of an importer. Locate finds a grid by its code or name, or by an
// address that contains its name: its middle and its code. Center is where
// orders lie that say nothing of a place.
type Options struct {
	Config Config
	Limits sheets.Limits
	Folder string // for files under way; made when missing
	Zone   *time.Location
	Center geo.Point
	Locate func(grid, address string) (geo.Point, string, bool)
	Now    func() time.Time
	Log    *slog.Logger
}

// Importer brings orders into the pool. All methods may be called
// concurrently; files are worked off one after the other.
type Importer struct {
	db    *store.DB
	desk  desk
	o     Options
	awake chan struct{} // holds one: somebody has work
}

// Open prepares the tables and the folder. Imports that were interrupted go on
// when Run is called.
func Open(ctx context.Context, db *store.DB, pool Pool, o Options) (*Importer, error) {
	if err := o.Config.Validate(); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(o.Folder, 0o700); err != nil {
		return nil, fmt.Errorf("hotline: %w", err)
	}
	im := &Importer{db: db, o: o, awake: make(chan struct{}, 1),
		desk: desk{pool: pool, locate: o.Locate, center: o.Center, zone: o.Zone, back: o.Config.Fallback, now: o.Now}}
	return im, db.Migrate(ctx, "hotline", migrations...)
}

// Start takes a file. It is refused as a whole when it is no table, exceeds a
// limit, or lacks a heading; else its rows become cases while Run runs, also
// after a restart. The same file, given again before it is finished, is the
// same import.
func (im *Importer) Start(ctx context.Context, who identity.Principal, name string, data []byte) (Import, error) {
	r, err := read(data, im.o.Config, im.o.Zone, im.o.Limits)
	if err != nil {
		return Import{}, &tasks.RefusedError{Code: "invalid", Reason: err.Error()}
	}
	sum := sha256.Sum256(data)
	run := Import{ID: rand.Text()[:16], Name: shorten(filepath.Base(name)), By: who.Account, Started: telemetry.At(im.o.Now()),
		Rows: len(r.rows), hash: hex.EncodeToString(sum[:])}
	if same, err := im.unfinished(ctx, run.hash); err != nil || same.ID != "" {
		return same, err
	}
	if err := keep(im.file(run.ID), data); err != nil {
		return Import{}, fmt.Errorf("hotline: %w", err)
	}
	if err := im.save(ctx, run); err != nil {
		return Import{}, err
	}
	im.wake()
	return run, nil
}

// keep writes a file so that it is whole or not there.
func keep(path string, data []byte) error {
	f, err := os.OpenFile(path+".part", os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(path+".part", path)
}

func (im *Importer) file(id string) string { return filepath.Join(im.o.Folder, id) }

func (im *Importer) wake() {
	select {
	case im.awake <- struct{}{}:
	default: // somebody has said so already
	}
}

// retry is how long an import rests after the store failed.
const retry = 10 * time.Second

// Run works off files until ctx ends.
func (im *Importer) Run(ctx context.Context) error {
	for {
		again := (<-chan time.Time)(nil)
		if err := im.Work(ctx); err != nil && ctx.Err() == nil {
			im.o.Log.Warn("a hotline file waits", "error", err, "again", retry)
			again = time.After(retry)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-im.awake:
		case <-again:
		}
	}
}

// Work finishes every import that is not finished, and returns the first error.
func (im *Importer) Work(ctx context.Context) error {
	for {
		run, err := im.unfinished(ctx, "")
		if err != nil || run.ID == "" {
			return err
		}
		if err := im.work(ctx, run); err != nil {
			run.Error = err.Error()
			return errors.Join(fmt.Errorf("%s: %w", run.Name, err), im.note(ctx, run))
		}
	}
}

// chunk is how many rows are done between two notes of how far it is: so many
// are looked at again after a crash, and none made twice.
const chunk = 100

func (im *Importer) work(ctx context.Context, run Import) error {
	data, err := os.ReadFile(im.file(run.ID))
	if errors.Is(err, os.ErrNotExist) {
		run.Error, run.Finished = "the file is gone: import it again", telemetry.At(im.o.Now())
		return im.save(ctx, run)
	}
	if err != nil {
		return err
	}
	r, err := read(data, im.o.Config, im.o.Zone, im.o.Limits)
	if err != nil { // the headings were changed since
		run.Error, run.Finished = err.Error(), telemetry.At(im.o.Now())
		return im.save(ctx, run)
	}
	run.Error = ""
	for run.Done < len(r.rows) {
		if err := im.part(ctx, &run, r); err != nil {
			return err
		}
	}
	run.Finished = telemetry.At(im.o.Now())
	if err := im.save(ctx, run); err != nil {
		return err
	}
	return os.Remove(im.file(run.ID))
}

// part does one chunk of rows and notes it.
func (im *Importer) part(ctx context.Context, run *Import, r *reader) error {
	who := identity.Principal{Account: run.By, Roles: []identity.Role{identity.CallTaker}}
	var faults []Fault
	made := map[string]identity.CaseID{}
	next := *run
	for _, row := range r.rows[run.Done:min(run.Done+chunk, len(r.rows))] {
		next.Done++
		o, wrong := r.order(row)
		var res Result
		if len(wrong) == 0 {
			var err error
			if res, err = im.take(ctx, who, o, made); err != nil {
				return err
			}
			wrong = res.Faults
		}
		switch {
		case len(wrong) > 0:
			next.Rejected++
			faults = append(faults, r.place(row.Number, wrong)...)
		case res.Known:
			next.Known++
		default:
			next.Made++
		}
	}
	if err := im.progress(ctx, next, made, faults); err != nil {
		return err
	}
	*run = next
	return nil
}

// take makes a case of one order, unless its number is known. Which is new is
// kept in made until progress writes it down; a crash before that finds the
// case by the same report and counts it once.
func (im *Importer) take(ctx context.Context, who identity.Principal, o Order, made map[string]identity.CaseID) (Result, error) {
	res := Result{Number: o.Number}
	known, err := im.known(ctx, o.Number)
	if err != nil {
		return res, err
	}
	if known == "" {
		known = made[o.Number]
	}
	if known != "" {
		res.Case, res.Known = known, true
		return res, nil
	}
	r, faults := im.desk.report(o)
	if len(faults) > 0 {
		res.Faults = faults
		return res, nil
	}
	c, err := im.desk.pool.Report(ctx, who, r)
	var refused *tasks.RefusedError
	if errors.As(err, &refused) {
		res.Faults = []Fault{{Column: "order", Value: o.Number, Want: refused.Reason}}
		return res, nil
	}
	if err != nil {
		return res, err
	}
	res.Case, made[o.Number] = c.ID, c.ID
	return res, nil
}

// Take makes cases of orders that a program sends; each has its own result.
func (im *Importer) Take(ctx context.Context, who identity.Principal, orders []Order) ([]Result, error) {
	out := make([]Result, 0, len(orders))
	made := map[string]identity.CaseID{}
	for _, o := range orders {
		res, err := im.take(ctx, who, o, made)
		if err != nil {
			return nil, err
		}
		out = append(out, res)
	}
	return out, im.remember(ctx, made)
}
