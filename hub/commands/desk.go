package commands

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"gridhub/devices"
	"gridhub/devices/telemetry"
	"gridhub/hub/store"
)

// Options are what a Desk works with. All but Changed and Log are required.
type Options struct {
	Config  Config
	Keys    *Keys
	Devices Devices
	Sender  Sender
	Changed func(Instruction) // told of every change; must not block
	Clock   func() time.Time
	Log     *slog.Logger
}

// Desk takes commands and follows them to their end. It is safe for concurrent
// use.
type Desk struct {
	Options
	db   *store.DB
	log  *slog.Logger
	wake chan struct{} // holds one: that there is something new says all

	mu     sync.Mutex          // guards what follows, and every change of a record
	open   map[string]*tracked // by id; at most Config.All
	counts map[Verdict]uint64
	said   telemetry.Millis // when an odd reply was last logged
}

// tracked is an open record, and when it was last tried.
type tracked struct {
	record
	next telemetry.Millis // not to be tried before
	wait time.Duration
}

// Open reads what is under way. Nothing is sent before Run.
func Open(ctx context.Context, db *store.DB, o Options) (*Desk, error) {
	if err := o.Config.Validate(); err != nil {
		return nil, err
	}
	if o.Changed == nil {
		o.Changed = func(Instruction) {}
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	d := &Desk{Options: o, db: db, log: o.Log, wake: make(chan struct{}, 1), open: map[string]*tracked{}, counts: map[Verdict]uint64{}}
	if err := db.Migrate(ctx, "commands", migrations...); err != nil {
		return nil, err
	}
	all, err := d.records(ctx, `WHERE ended = 0`)
	for _, r := range all {
		d.open[r.ID] = &tracked{record: *r}
	}
	return d, err
}

func (d *Desk) now() telemetry.Millis { return telemetry.At(d.Clock()) }

// Command takes a request. When it returns without an error, the command is on
// the disk and will be sent. The same request again under its id returns what
// became of it. Errors: ErrUnknownDevice, ErrConflict, ErrBusy, *Invalid.
func (d *Desk) Command(ctx context.Context, r Request) (Instruction, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if known, err := d.repeated(ctx, r); known != nil || err != nil {
		return value(known), err
	}
	rec, err := d.plan(ctx, r)
	if err != nil {
		return Instruction{}, err
	}
	if err := d.room(r.Device); err != nil {
		return Instruction{}, err
	}
	if err := d.insert(ctx, rec); err != nil {
		return Instruction{}, err
	}
	d.open[rec.ID] = &tracked{record: *rec}
	d.tell(&rec.Instruction)
	d.nudge()
	return rec.Instruction, nil
}

func value(r *record) Instruction {
	if r == nil {
		return Instruction{}
	}
	return r.Instruction
}

// repeated finds the command that a request was before.
func (d *Desk) repeated(ctx context.Context, r Request) (*record, error) {
	if r.ID == "" {
		return nil, nil
	}
	old, err := d.find(ctx, `WHERE id = ?`, r.ID)
	if errors.Is(err, ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	same := old.Device == r.Device && old.Control == r.Control && old.Text == r.Text && old.By == r.By &&
		(old.Value == nil) == (r.Value == nil) && (r.Value == nil || *old.Value == *r.Value)
	if !same {
		return nil, ErrConflict
	}
	return old, nil
}

// plan makes the record of a request, or says what is wrong with it.
func (d *Desk) plan(ctx context.Context, r Request) (*record, error) {
	route, known := d.Devices.Route(r.Device)
	if !known {
		return nil, fmt.Errorf("%s: %w", r.Device, ErrUnknownDevice)
	}
	ways, err := d.settable(ctx, r.Device, route)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(ways, func(w way) bool { return w.Control.Name == r.Control })
	if i < 0 {
		return nil, &Invalid{"control", r.Control, wanted(ways)}
	}
	if err := r.check(ways[i].Control); err != nil {
		return nil, err
	}
	if r.ID == "" {
		r.ID = strings.ToLower(rand.Text())
	}
	if r.Within == 0 {
		r.Within = d.Config.Within
	}
	now := d.now()
	rec := &record{Instruction: Instruction{ID: r.ID, Device: r.Device, To: route.To, Control: r.Control, Value: r.Value, Text: r.Text, By: r.By,
		Unsigned: route.Convention != "", State: Created, Stages: []Stage{{State: Created, At: now}}, Expires: now.Add(r.Within), Rev: 1}}
	if rec.Unsigned {
		rec.Foreign = &message{Way: ways[i], Route: route}
	}
	return rec, nil
}

func wanted(all []way) string {
	if len(all) == 0 {
		return "none: nothing may be set on this device"
	}
	names := make([]string, len(all))
	for i, w := range all {
		names[i] = w.Control.Name
	}
	return "one of " + strings.Join(names, ", ")
}

// room refuses what would be one too many under way.
func (d *Desk) room(id devices.ID) error {
	n := 0
	for _, t := range d.open {
		if t.Device == id {
			n++
		}
	}
	if n >= d.Config.PerDevice || len(d.open) >= d.Config.All {
		return fmt.Errorf("%w: %d of this device, %d in all", ErrBusy, n, len(d.open))
	}
	return nil
}

// Get returns one command of a device.
func (d *Desk) Get(ctx context.Context, device devices.ID, id string) (Instruction, error) {
	r, err := d.find(ctx, `WHERE id = ? AND device = ?`, id, string(device))
	return value(r), err
}

// List returns the newest commands of a device, newest first.
func (d *Desk) List(ctx context.Context, device devices.ID, limit int) ([]Instruction, error) {
	all, err := d.records(ctx, `WHERE device = ? ORDER BY number DESC LIMIT ?`, string(device), limit)
	out := make([]Instruction, len(all))
	for i, r := range all {
		out[i] = r.Instruction
	}
	return out, err
}

// Counts says how many replies came to which verdict since the start.
func (d *Desk) Counts() map[Verdict]uint64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	return maps.Clone(d.counts)
}

// Underway is how many commands have no end yet.
func (d *Desk) Underway() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.open)
}

// tell reports a change. What it hands out is not changed any more.
func (d *Desk) tell(i *Instruction) { d.Changed(*i) }

// nudge has Run look at what is to be done.
func (d *Desk) nudge() {
	select {
	case d.wake <- struct{}{}:
	default: // it will look anyway
	}
}
