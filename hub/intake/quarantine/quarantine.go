// Package quarantine keeps what was not understood or not believed: each
// refused item with its cause, and the message that it came in, so that people
// can look at it and, once a codec or an inventory has been put right, have it
// tried again. It is a consumer of the intake and keeps its state in the store.
//
// It promises that an item is listed once, however often its record is decoded,
// and that it leaves the list only when a replay has succeeded or when the
// bounds are reached, oldest first, counted. What waits for an inventory is
// tried again by itself when that comes; all else is for people to decide.
package quarantine

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"log/slog"
	"sync"

	"gridhub/devices"
	"gridhub/devices/telemetry"
	"gridhub/hub/intake"
	"gridhub/hub/store"
)

// Config bounds what is kept.
type Config struct {
	MaxMessages int   // raw messages kept; beyond it the oldest go
	MaxBytes    int64 // bytes of these
}

// Default keeps up to 50,000 messages in 256 MiB.
func Default() Config { return Config{MaxMessages: 50_000, MaxBytes: 256 << 20} }

// Validate names every key that makes no sense.
func (c Config) Validate() error {
	var errs []error
	if c.MaxMessages < 1 {
		errs = append(errs, fmt.Errorf("quarantine.max_messages is %d: want 1 or more", c.MaxMessages))
	}
	if c.MaxBytes < 1 {
		errs = append(errs, fmt.Errorf("quarantine.max_bytes is %d: want 1 or more", c.MaxBytes))
	}
	return errors.Join(errs...)
}

// Journal is what a replay needs of the intake.
type Journal interface {
	Replay(ctx context.Context, all ...intake.Again) error
	Record(ctx context.Context, number uint64) []byte
}

// Quarantine is the list. All methods may be called concurrently.
type Quarantine struct {
	cfg Config
	db  *store.DB
	log *slog.Logger

	mu      sync.Mutex
	journal Journal
	dropped uint64 // entries that the bounds removed while they still waited
}

// State is how far an entry is.
type State int

// The states of an entry.
const (
	Waiting  State = iota
	Retrying       // appended to the journal again, not decoded yet
	Done           // a replay has brought it out
)

func (s State) String() string { return [...]string{"waiting", "retrying", "done"}[s] }

// Entry is one refused item.
type Entry struct {
	Number  int64 // of the message, in the journal; negative: of a former journal
	Item    int   // in the message; -1: the whole
	From    devices.ID
	Topic   string
	Device  devices.ID // whom it speaks of
	At      telemetry.Millis
	Cause   string
	Detail  string
	Items   uint32 // numbers that it stands for
	State   State
	Payload []byte // as it came; nil in lists, and when it is gone
}

// Options are what a quarantine is joined to.
type Options struct {
	Config
	Epoch  uint64 // of the journal whose numbers the entries carry
	Logger *slog.Logger
}

// Open brings the tables up to date. Entries from a journal of another epoch, as
// after a restore, stay listed under negative numbers and cannot be replayed.
func Open(ctx context.Context, db *store.DB, o Options) (*Quarantine, error) {
	if err := o.Config.Validate(); err != nil {
		return nil, err
	}
	if err := db.Migrate(ctx, "quarantine", migrations...); err != nil {
		return nil, err
	}
	if err := db.Write(ctx, func(tx *store.Tx) error { return enter(ctx, tx, o.Epoch) }); err != nil {
		return nil, fmt.Errorf("quarantine: %w", err)
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return &Quarantine{cfg: o.Config, db: db, log: o.Logger}, nil
}

// Join gives the quarantine the journal of which it is a consumer.
func (q *Quarantine) Join(j Journal) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.journal = j
}

func (q *Quarantine) source() (Journal, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.journal == nil {
		return nil, errors.New("quarantine has no journal: call Join first")
	}
	return q.journal, nil
}

// Name is the consumer's and its cursor's.
func (q *Quarantine) Name() string { return "quarantine" }

// Handle keeps what was refused, and ticks off what a replay has brought out.
func (q *Quarantine) Handle(ctx context.Context, batch []intake.Decoded) error {
	if !news(batch) {
		return q.named(ctx, batch)
	}
	err := q.db.Write(ctx, func(tx *store.Tx) error {
		for i := range batch {
			if err := take(ctx, tx, &batch[i]); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("quarantine: %w", err)
	}
	if err := q.prune(ctx); err != nil {
		return err
	}
	return q.named(ctx, batch)
}

// named tries again what waits for an inventory that has come: records of
// devices that their gateway names now.
func (q *Quarantine) named(ctx context.Context, batch []intake.Decoded) error {
	for i := range batch {
		d := &batch[i]
		if d.Inventory == nil {
			continue
		}
		waiting, err := q.unknown(ctx, d.From)
		if err != nil {
			return err
		}
		for _, e := range d.Inventory.Devices {
			if !waiting[e.ID] {
				continue
			}
			n, err := q.Replay(ctx, Filter{Cause: intake.UnknownDevice, From: d.From, Device: e.ID})
			if err != nil {
				return err
			}
			q.log.Info("inventory names a device whose records waited: they are tried again", "gateway", d.From, "device", e.ID, "records", n)
		}
	}
	return nil
}

func news(batch []intake.Decoded) bool {
	for i := range batch {
		if len(batch[i].Refused)+len(batch[i].Retried) > 0 {
			return true
		}
	}
	return false
}

func take(ctx context.Context, tx *store.Tx, d *intake.Decoded) error {
	number := d.Number
	if d.Replay != 0 {
		number = d.Replay
	}
	for _, item := range d.Retried {
		if err := setState(ctx, tx, number, item, Done); err != nil {
			return err
		}
	}
	for _, r := range d.Refused {
		if err := insert(ctx, tx, entryOf(d, number, r), d.Offset, d.Raw); err != nil {
			return err
		}
		if d.Replay != 0 { // it waits again
			if err := setState(ctx, tx, number, r.Item, Waiting); err != nil {
				return err
			}
		}
	}
	return nil
}

func entryOf(d *intake.Decoded, number uint64, r intake.Refusal) Entry {
	return Entry{Number: int64(number), Item: r.Item, From: d.From, Topic: d.Topic, Device: r.Device, At: r.Hour,
		Cause: r.Cause, Detail: clip(r.Detail), Items: r.Items}
}

// clip bounds what is kept of a reason.
func clip(s string) string { return s[:min(len(s), 500)] }

// Poison keeps a message on which a consumer gave up; it is intake.Options'
// Poison.
func (q *Quarantine) Poison(ctx context.Context, d intake.Decoded) error {
	number := d.Number
	if d.Replay != 0 {
		number = d.Replay
	}
	return q.db.Write(ctx, func(tx *store.Tx) error {
		for _, r := range d.Refused {
			if err := insert(ctx, tx, entryOf(&d, number, r), d.Offset, d.Raw); err != nil {
				return err
			}
		}
		return nil
	})
}

// StoreRejected is the cause of a point that the history will never take.
const StoreRejected = "store-rejected"

// firstStoreItem is above every item of a message.
const firstStoreItem = 1 << 20

// Reject keeps a point that the history will never take; it is
// history.WriterOptions' Rejected.
func (q *Quarantine) Reject(ctx context.Context, p telemetry.Point, reason string) error {
	j, err := q.source()
	if err != nil {
		return err
	}
	h := fnv.New32a()
	fmt.Fprint(h, p.Device, p.Kind, p.At)
	e := Entry{Number: int64(p.Key.Offset), Item: firstStoreItem + int(h.Sum32()>>1), From: p.Key.Sender, Topic: p.Kind, Device: p.Device,
		At: p.At, Cause: StoreRejected, Detail: clip(reason)}
	raw := j.Record(ctx, p.Key.Offset)
	return q.db.Write(ctx, func(tx *store.Tx) error {
		if err := insert(ctx, tx, e, 0, raw); err != nil {
			return err
		}
		return setState(ctx, tx, p.Key.Offset, e.Item, Waiting)
	})
}

// Filter chooses entries; what is zero does not choose.
type Filter struct {
	Cause  string
	Device devices.ID
	From   devices.ID
	Since  telemetry.Millis
	Until  telemetry.Millis
	All    bool  // those that are done too
	Before int64 // entries of lower numbers: the page after this one
	Limit  int   // 0: 100, at most 1000

	after  uint64 // entries of higher numbers, for a replay
	replay bool
}

// Replay appends every message that has an entry that matches to the journal
// again, oldest first, and returns how many entries that were. Whether they came
// out shows when they have been decoded. Limit and Before bound nothing here.
func (q *Quarantine) Replay(ctx context.Context, f Filter) (n int, err error) {
	j, err := q.source()
	if err != nil {
		return 0, err
	}
	f.All, f.Before, f.after, f.replay = false, 0, 0, true
	for {
		part, last, err := q.replayPart(ctx, j, f)
		n += part
		if err != nil || last == 0 {
			return n, err
		}
		f.after = last
	}
}

// replayAtOnce is how many messages one step of a replay holds in memory.
const replayAtOnce = 200

// replayPart replays the oldest messages after f.after, and returns the highest
// number among them, 0 when there were none.
func (q *Quarantine) replayPart(ctx context.Context, j Journal, f Filter) (n int, last uint64, err error) {
	numbers, err := q.numbers(ctx, f)
	if err != nil || len(numbers) == 0 {
		return 0, 0, err
	}
	var all []intake.Again
	for _, number := range numbers {
		a, err := q.again(ctx, number, f)
		if err != nil {
			return 0, 0, err
		}
		all = append(all, a...)
	}
	// First the mark, then the journal: what is marked and never decoded can be
	// replayed once more, what is decoded must not be marked afterwards.
	n, err = q.mark(ctx, all)
	if err == nil {
		err = j.Replay(ctx, all...)
	}
	return n, numbers[len(numbers)-1], err
}

// mark notes what is about to be tried. What a store had rejected it will
// reject again, if it must: until then it counts as done.
func (q *Quarantine) mark(ctx context.Context, all []intake.Again) (n int, err error) {
	err = q.db.Write(ctx, func(tx *store.Tx) error {
		for i := range all {
			a := &all[i]
			for k := range a.Items {
				r, state := &a.Items[k], Retrying
				if r.Item >= firstStoreItem {
					state = Done
				}
				n++
				if err := setState(ctx, tx, a.Number, r.Item, state); err != nil {
					return err
				}
				if state == Done {
					r.Item = -1
				}
			}
		}
		return nil
	})
	return n, err
}

// Payload returns an entry's message as it came.
func (q *Quarantine) Payload(ctx context.Context, number int64) (intake.Raw, error) {
	raw, err := q.raw(ctx, number)
	if err != nil {
		return intake.Raw{}, err
	}
	return intake.ReadRaw(raw)
}

// Dropped is how many entries the bounds removed before they were done.
func (q *Quarantine) Dropped() uint64 {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.dropped
}

// Count is how much of a cause there is.
type Count struct {
	Cause   string
	Device  devices.ID
	Entries int
	Newest  telemetry.Millis
}
