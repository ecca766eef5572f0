package intake

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"gridhub/devices"
	"gridhub/devices/telemetry"
	"gridhub/devices/wire"
	"gridhub/streams/journal"
)

// Config tunes an intake.
type Config struct {
	Window      int           // messages kept decoded for consumers near the head
	CommitEvery time.Duration // between two saves of a cursor that moves; longer where packing the state takes long
	AckEvery    time.Duration // shortest time between two acknowledgements to one gateway
	Attempts    int           // how often a consumer may panic on one message before it is put aside
	Batch       int           // most messages handed to a consumer at once
}

// Default returns what suits a street on two cores: a window of some 50 MB.
func Default() Config {
	return Config{Window: 100_000, CommitEvery: 5 * time.Second, AckEvery: 200 * time.Millisecond, Attempts: 3, Batch: 2048}
}

// Validate names every key that makes no sense.
func (c Config) Validate() error {
	var errs []error
	want := func(ok bool, key string, got any, what string) {
		if !ok {
			errs = append(errs, fmt.Errorf("intake.%s is %v: want %s", key, got, what))
		}
	}
	want(c.Window >= c.Batch, "window", c.Window, "at least batch")
	want(c.CommitEvery > 0, "commit_every", c.CommitEvery, "more than 0")
	want(c.AckEvery > 0, "ack_every", c.AckEvery, "more than 0")
	want(c.Attempts > 0, "attempts", c.Attempts, "1 or more")
	want(c.Batch > 0, "batch", c.Batch, "1 or more")
	return errors.Join(errs...)
}

// Options are what an intake is joined to.
type Options struct {
	Logger *slog.Logger
	// Acknowledge sends a payload on the gateway's down/ack. It must not block
	// for long; what it cannot deliver is said again on connect, see Acks.
	Acknowledge func(to devices.ID, payload []byte)
	// Tell sends a foreign sender an answer, on the kind of its down tree. Like
	// Acknowledge it must not block; nobody repeats what it cannot deliver.
	Tell func(to devices.ID, kind string, payload []byte)
	// Poison keeps a message on which a consumer gave up. Its refusals have the
	// cause Poison. An error means that it is offered again.
	Poison func(ctx context.Context, d Decoded) error
}

// Intake is the journal with its consumers.
type Intake struct {
	cfg     Config
	log     *slog.Logger
	o       Options
	journal *journal.Journal
	window  *window
	from    uint64 // where the shared decoding begins, with the state there
	state   []byte
	workers []*worker
	acks    *acks
}

// New joins a journal and its consumers, whose names must differ; each name is
// that of a durable cursor. It reads the cursors and starts nothing.
func New(cfg Config, j *journal.Journal, o Options, consumers ...Consumer) (*Intake, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	in := &Intake{cfg: cfg, log: o.Logger, o: o, journal: j, acks: newAcks()}
	if err := in.open(consumers); err != nil {
		return nil, fmt.Errorf("intake: %w", err)
	}
	return in, nil
}

// buffers are reused, for the journal copies what it is given.
var buffers = sync.Pool{New: func() any { return &scratch{} }}

type scratch struct {
	b    []byte
	recs [1][]byte
}

// Accept queues a publish for the journal. done is called once, with nil when
// the record is durable; it must be quick and must not call Accept. The queue
// is the journal's, bounded in bytes; while it is full, Accept blocks. r is
// not needed after it returns.
func (in *Intake) Accept(r Raw, done func(error)) {
	s := buffers.Get().(*scratch)
	s.b = appendRaw(s.b[:0], &r)
	s.recs[0] = s.b
	err := in.journal.AppendAsync(s.recs[:], func(_ uint64, err error) { done(err) })
	buffers.Put(s)
	if err != nil {
		done(err)
	}
}

// Register makes a change of the registry part of the journal, so that the
// messages behind it are decoded by it. It returns when it is durable.
func (in *Intake) Register(ctx context.Context, at telemetry.Millis, r Registration) error {
	b, err := appendRegistration(nil, at, r)
	if err == nil {
		_, err = in.journal.Append(ctx, b)
	}
	return err
}

// Again is a message with items in quarantine that are to be tried again.
type Again struct {
	Number uint64 // under which it first came
	Offset time.Duration
	Raw    []byte    // Decoded.Raw
	Items  []Refusal // which of them
}

// Replay appends messages that were refused once more. They are decoded with
// the time, the clock offset and the number that they first had.
func (in *Intake) Replay(ctx context.Context, all ...Again) error {
	recs := make([][]byte, 0, len(all))
	for _, a := range all {
		p := replay{original: a.Number, offset: a.Offset}
		for _, r := range a.Items {
			p.items = append(p.items, held{item: r.Item, device: r.Device, hour: r.Hour, cause: r.Cause, n: r.Items})
		}
		recs = append(recs, appendReplay(nil, p, a.Raw))
	}
	if len(recs) == 0 {
		return nil
	}
	_, err := in.journal.Append(ctx, recs...)
	return err
}

// Run decodes and serves all consumers until ctx ends, and returns when all
// its goroutines have ended.
func (in *Intake) Run(ctx context.Context) error {
	var wg sync.WaitGroup
	wg.Go(func() { in.lead(ctx) })
	wg.Go(func() { in.acks.run(ctx, in.cfg.AckEvery, in.o.Acknowledge) })
	for _, w := range in.workers {
		wg.Go(func() { w.run(ctx) })
	}
	wg.Wait()
	return nil
}

// Acks returns the newest acknowledgements for a gateway, to be sent when it
// connects.
func (in *Intake) Acks(id devices.ID) []wire.Acknowledgement { return in.acks.of(id) }

// Stat says how a consumer does.
type Stat struct {
	Name     string
	Position uint64 // next number that it wants
	Lag      uint64 // durable records that it has not handled
	Behind   bool   // it has fallen out of the shared window and decodes for itself
	Failures uint64 // errors that it returned since the start
	Poisoned uint64 // messages on which it gave up
	Error    string // of the newest failure, empty once it goes on
}

// Stats returns one Stat for each consumer.
func (in *Intake) Stats() []Stat {
	next := in.journal.Next()
	all := make([]Stat, 0, len(in.workers))
	for _, w := range in.workers {
		s := w.stat()
		s.Lag = next - min(next, s.Position)
		all = append(all, s)
	}
	return all
}
