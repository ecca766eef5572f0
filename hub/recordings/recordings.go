// Package recordings decides which calls are recorded and keeps what was: it
// follows the events of calls, has streams/record record those whose matter
// says so, writes the head of each recording's chain into its case, gives parts
// out to those who may play them, and removes what was kept long enough.
//
// It promises that every playing is in the audit before the first byte leaves,
// that a recording survives the process, and that no recording of an open case
// is removed. Who may ask is decided by the faces.
package recordings

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"time"

	"gridhub/hub/identity"
	"gridhub/hub/store"
	"gridhub/hub/tasks"
	"gridhub/streams/call"
	"gridhub/streams/journal/fsx"
	"gridhub/streams/record"
)

// The policies of a matter.
const (
	Always   = "always"
	OnDemand = "on-demand"
	Never    = "never"
)

// ErrNotFound says that there is no such recording, or no such part of it.
var ErrNotFound = errors.New("no such recording")

// ErrState says that the call cannot be recorded now.
var ErrState = errors.New("not possible now")

// Pool is the task pool as recordings ask it.
type Pool interface {
	Add(ctx context.Context, of identity.CaseID, id string, e tasks.Event) (tasks.Case, error)
	Get(ctx context.Context, id identity.CaseID) (tasks.Case, []tasks.Event, error)
	Matter(code string) (tasks.Matter, bool)
}

// Options say how recordings are made and kept. All but Log are required.
type Options struct {
	Folder string // one folder per call; made if missing
	Rooms  record.Rooms
	Pool   Pool
	Keep   Config
	// Audit records a playing durably before it begins.
	Audit func(ctx context.Context, who identity.Principal, act, subject, reason, from string) error
	Clock func() time.Time
	Log   *slog.Logger
}

// Desk is the recordings of one hub. It is safe for concurrent use.
type Desk struct {
	db *store.DB
	fs fsx.FS
	o  Options

	stop context.CancelFunc // ends the keepers, to be gone on with
	life context.Context    //nolint:containedctx // of the keepers, which outlive each request
	work sync.WaitGroup

	mu      sync.Mutex
	calls   map[call.ID]*followed
	tickets map[string]ticket
}

// followed is a call that goes on.
type followed struct {
	task      string
	policy    string
	announced time.Time
	live      bool
	over      chan string // nil: not recorded; takes one reason
	ended     bool
}

// Open prepares the table and the folder.
func Open(ctx context.Context, db *store.DB, o Options) (*Desk, error) {
	if o.Folder == "" || o.Rooms == nil || o.Pool == nil || o.Audit == nil || o.Clock == nil {
		return nil, errors.New("recordings: want a folder, rooms, a pool, an audit and a clock")
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if err := db.Migrate(ctx, "recordings", migrations...); err != nil {
		return nil, err
	}
	d := &Desk{db: db, fs: fsx.OS{}, o: o, calls: map[call.ID]*followed{}, tickets: map[string]ticket{}}
	d.life, d.stop = context.WithCancel(context.WithoutCancel(ctx))
	return d, d.fs.MkdirAll(o.Folder)
}

// Run removes what was kept long enough until ctx ends; then the recordings
// under way are left to be gone on with, and their files are closed.
func (d *Desk) Run(ctx context.Context) error {
	tick := time.NewTicker(time.Hour)
	defer tick.Stop()
	for {
		if err := d.expire(ctx); err != nil && ctx.Err() == nil {
			d.o.Log.Warn("old recordings could not be removed", "error", err)
		}
		select {
		case <-ctx.Done():
			d.Close()
			return nil
		case <-tick.C:
		}
	}
}

// Close leaves the recordings under way to be gone on with.
func (d *Desk) Close() {
	d.stop()
	d.work.Wait()
}

// Restore goes on with the recordings of calls that had not ended when the
// process did, and finishes those of calls that have.
func (d *Desk) Restore(ctx context.Context, unfinished ...[]call.Event) error {
	going := map[string]bool{}
	for _, events := range unfinished {
		for _, e := range events {
			d.Follow(ctx, e)
			going[string(e.Call)] = true
		}
	}
	open, err := d.rows(ctx, `WHERE state = ?`, stateOpen)
	for _, r := range open {
		if !going[r.Call] {
			d.mu.Lock()
			f := &followed{task: r.Case, policy: Always, over: make(chan string, 1)}
			f.over <- "interrupted"
			d.record(call.ID(r.Call), f, time.Time{})
			d.mu.Unlock()
		}
	}
	return err
}

// Policy says what a call about a case is told before anybody is heard: always,
// on-demand or never.
func (d *Desk) Policy(ctx context.Context, task string) string {
	if task == "" {
		return Never
	}
	c, _, err := d.o.Pool.Get(ctx, identity.CaseID(task))
	if err != nil {
		return Never // a case that is not ours
	}
	if m, ok := d.o.Pool.Matter(c.Matter); ok && m.Recording != "" {
		return m.Recording
	}
	return Always
}

// Told is the policy that a call's members were shown; "" for none.
func (d *Desk) Told(id call.ID) string {
	d.mu.Lock()
	defer d.mu.Unlock()
	f := d.calls[id]
	switch {
	case f == nil || f.policy == Never:
		return ""
	case f.over != nil:
		return Always
	}
	return f.policy
}

// Follow takes one event of a call, in their order. It never waits for a disk.
func (d *Desk) Follow(ctx context.Context, e call.Event) {
	if e.Kind == call.Created {
		policy := d.Policy(ctx, e.Task)
		d.mu.Lock()
		if d.calls[e.Call] == nil && policy != Never {
			d.calls[e.Call] = &followed{task: e.Task, policy: policy}
		}
		d.mu.Unlock()
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	f := d.calls[e.Call]
	if f == nil {
		return
	}
	switch e.Kind {
	case call.IsRinging, call.Accepted:
		if f.announced.IsZero() {
			f.announced = e.At // shown on the page that rang, or was answered at
		}
		if e.Kind == call.Accepted && !f.live {
			f.live = true
			if f.policy == Always || d.exists(e.Call) {
				d.record(e.Call, f, e.At)
			}
		}
	case call.HasEnded:
		if f.over != nil && !f.ended {
			f.ended = true
			f.over <- e.Reason
		}
		delete(d.calls, e.Call)
	}
}

func (d *Desk) dir(id call.ID) string { return filepath.Join(d.o.Folder, string(id)) }

// exists reports whether a former process began to record the call.
func (d *Desk) exists(id call.ID) bool {
	names, err := d.fs.ReadDir(d.dir(id))
	return err == nil && len(names) > 0
}

// Begin records a call whose policy is on-demand, from as far back as the
// rings reach and the members were told.
func (d *Desk) Begin(ctx context.Context, who identity.Principal, id, from string) error {
	d.mu.Lock()
	f := d.calls[call.ID(id)]
	possible := f != nil && f.live
	d.mu.Unlock()
	if !possible {
		return fmt.Errorf("%w: call %s is not under way, or must not be recorded", ErrState, id)
	}
	if err := d.o.Audit(ctx, who, "recording.begin", id, "", from); err != nil {
		return fmt.Errorf("recording %s: %w", id, err)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if f.over == nil && d.calls[call.ID(id)] == f {
		d.record(call.ID(id), f, d.o.Clock().Add(-lookBack))
	}
	return nil
}

// lookBack is how far the rings reach.
const lookBack = 30 * time.Second

// record starts a keeper. Called under d.mu.
func (d *Desk) record(id call.ID, f *followed, from time.Time) {
	if f.over == nil {
		f.over = make(chan string, 1)
	}
	k := &record.Keeper{FS: d.fs, Dir: d.dir(id), Room: string(id), Rooms: d.o.Rooms, Clock: d.o.Clock, Log: d.o.Log,
		About: record.About{Call: string(id), Task: f.task, Policy: f.policy, Announced: f.announced, From: from}}
	task, over := f.task, f.over
	d.work.Go(func() { d.keep(id, task, k, over) })
}

// keep records one call to its end.
func (d *Desk) keep(id call.ID, task string, k *record.Keeper, over <-chan string) {
	ctx := d.life
	if err := d.open(ctx, id, task); err != nil {
		d.o.Log.Error("a recording is not listed", "call", id, "error", err)
	}
	_, err := k.Run(ctx, over)
	if err != nil && !errors.Is(err, record.ErrFinished) {
		if ctx.Err() == nil {
			d.o.Log.Error("a call is not recorded", "call", id, "task", task, "error", err)
		}
		return
	}
	for ctx.Err() == nil {
		if err = d.attach(ctx, id, task); err == nil {
			return
		}
		d.o.Log.Error("a recording is not in its case; trying again", "call", id, "task", task, "error", err)
		select {
		case <-ctx.Done():
		case <-time.After(time.Minute):
		}
	}
}

// ticket lets one account read one recording for a while.
type ticket struct {
	call    string
	account string
	until   time.Time
}

const (
	// ticketLife is how long a playing may go on before it is asked for again.
	ticketLife = 2 * time.Hour
	// maxTickets bounds them; the oldest goes first.
	maxTickets = 4096
)

// Play records that who plays a recording, and returns what its parts are
// given out for.
func (d *Desk) Play(ctx context.Context, who identity.Principal, id, reason, from string) (string, error) {
	r, err := d.get(ctx, id)
	if err != nil {
		return "", err
	}
	if err := d.o.Audit(ctx, who, "recording.play", r.Call, reason, from); err != nil {
		return "", fmt.Errorf("recording %s: the playing cannot be recorded: %w", id, err)
	}
	t := rand.Text()
	d.mu.Lock()
	defer d.mu.Unlock()
	for len(d.tickets) >= maxTickets {
		oldest, at := "", time.Time{}
		for k, v := range d.tickets {
			if oldest == "" || v.until.Before(at) {
				oldest, at = k, v.until
			}
		}
		delete(d.tickets, oldest)
	}
	d.tickets[t] = ticket{r.Call, who.Account, d.o.Clock().Add(ticketLife)}
	return t, nil
}

// Part opens one part for who plays the recording. The caller closes it.
func (d *Desk) Part(_ context.Context, who identity.Principal, id, part, with string) (*record.View, error) {
	d.mu.Lock()
	t, ok := d.tickets[with]
	d.mu.Unlock()
	if !ok || t.call != id || t.account != who.Account || d.o.Clock().After(t.until) {
		return nil, fmt.Errorf("%w: it must be played first", ErrNotFound)
	}
	b, err := record.Read(d.fs, d.dir(call.ID(id)))
	if err != nil {
		return nil, err
	}
	v, err := b.View(d.fs, d.dir(call.ID(id)), part)
	if errors.Is(err, record.ErrNoPart) {
		err = fmt.Errorf("%w: %w", ErrNotFound, err)
	}
	return v, err
}
