package history

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"gridhub/devices/telemetry"
)

// WriterOptions tune a Writer.
type WriterOptions struct {
	Batch  int           // most points in one write; 0 = 5000
	Gather time.Duration // how long less than a batch waits for more, unless somebody flushes; 0 = not
	Logger *slog.Logger
	// Rejected keeps what the store will never take, with the reason. An error
	// means that it is offered again. nil: it is counted and logged.
	Rejected func(ctx context.Context, p telemetry.Point, reason string) error
}

// Preparer is a Store whose Write has two halves, so that the next points are
// encoded while the last are on their way.
type Preparer interface {
	Prepare(pts []telemetry.Point) any
	Send(ctx context.Context, prepared any) (Written, error)
}

// Writer brings points into a Store in the order in which they come, as many at
// once as wait. Put and Flush are for one goroutine; Run does the work.
type Writer struct {
	store Store
	o     WriterOptions

	mu      sync.Mutex
	waiting [][]telemetry.Point // batches, all but the last full; bounded: Put blocks at 4
	since   time.Time           // when the first of these points came
	taken   int                 // points of the last batch that was taken: as many may come again
	flushes int                 // callers of Flush
	put     uint64              // points taken by Put
	done    uint64              // of these, written or rejected
	total   Totals
	changed chan struct{} // closed when waiting or done changes
}

// Totals are what a Writer did since its start.
type Totals struct {
	Stored, Repeated, Superseded, Rejected uint64
	Waiting                                int
	Failures                               uint64 // writes that had to be tried again
	Error                                  string // why nothing goes on just now
	Person                                 bool   // and that a person must look
}

// NewWriter returns a writer to store.
func NewWriter(store Store, o WriterOptions) *Writer {
	if o.Batch <= 0 {
		o.Batch = 5000
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return &Writer{store: store, o: o, changed: make(chan struct{})}
}

// Put takes points and positions to be written. It blocks while four batches
// wait, and fails only when ctx ends.
func (w *Writer) Put(ctx context.Context, pts []telemetry.Point, spots []telemetry.Position) error {
	w.mu.Lock()
	for len(w.waiting) >= 4 {
		if err := w.wait(ctx); err != nil {
			w.mu.Unlock()
			return err
		}
	}
	defer w.mu.Unlock()
	if len(pts)+len(spots) == 0 {
		return ctx.Err()
	}
	if len(w.waiting) == 0 {
		w.since = time.Now()
	}
	w.add(pts)
	for _, p := range spots {
		w.add([]telemetry.Point{PositionPoint(p)})
	}
	w.put += uint64(len(pts) + len(spots))
	w.signal()
	return nil
}

// add fills batches. mu is held.
func (w *Writer) add(pts []telemetry.Point) {
	for len(pts) > 0 {
		last := len(w.waiting) - 1
		if last < 0 || len(w.waiting[last]) == w.o.Batch {
			w.waiting = append(w.waiting, make([]telemetry.Point, 0, min(w.o.Batch, max(w.taken, len(pts)))))
			last++
		}
		n := min(len(pts), w.o.Batch-len(w.waiting[last]))
		w.waiting[last] = append(w.waiting[last], pts[:n]...)
		pts = pts[n:]
	}
}

// Flush returns when all that was put is in the store.
func (w *Writer) Flush(ctx context.Context) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.flushes++
	defer func() { w.flushes-- }()
	w.signal()
	for target := w.put; w.done < target; {
		if err := w.wait(ctx); err != nil {
			return err
		}
	}
	return nil
}

// Totals returns what was done so far.
func (w *Writer) Totals() Totals {
	w.mu.Lock()
	defer w.mu.Unlock()
	t := w.total
	t.Waiting = int(w.put - w.done)
	return t
}

// signal tells all who wait that something changed. mu is held.
func (w *Writer) signal() {
	close(w.changed)
	w.changed = make(chan struct{})
}

// wait gives mu away until something changes.
func (w *Writer) wait(ctx context.Context) error {
	c := w.changed
	w.mu.Unlock()
	defer w.mu.Lock()
	select {
	case <-c:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// load is a batch on its way.
type load struct {
	pts      []telemetry.Point
	prepared any
}

// Run writes until ctx ends. What then still waits is forgotten: it was never
// flushed, so it comes again.
func (w *Writer) Run(ctx context.Context) error {
	ready := make(chan load, 1) // one is encoded while one is sent
	var wg sync.WaitGroup
	wg.Go(func() {
		defer close(ready)
		for {
			pts, err := w.take(ctx)
			if err != nil {
				return
			}
			l := load{pts: pts}
			if p, ok := w.store.(Preparer); ok {
				l.prepared = p.Prepare(pts)
			}
			select {
			case ready <- l:
			case <-ctx.Done():
				return
			}
		}
	})
	for l := range ready {
		w.write(ctx, l)
	}
	wg.Wait()
	return nil
}

// take waits for points and returns at most a batch of them.
func (w *Writer) take(ctx context.Context) ([]telemetry.Point, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for len(w.waiting) == 0 {
		if err := w.wait(ctx); err != nil {
			return nil, err
		}
	}
	if err := w.gather(ctx); err != nil {
		return nil, err
	}
	pts := w.waiting[0]
	w.waiting[0] = nil
	w.waiting = w.waiting[1:]
	w.taken = len(pts)
	w.signal()
	return pts, nil
}

// gather waits until there is a batch, or the first point has waited long
// enough, or somebody flushes.
func (w *Writer) gather(ctx context.Context) error {
	until, cancel := context.WithDeadline(ctx, w.since.Add(w.o.Gather))
	defer cancel()
	for len(w.waiting[0]) < w.o.Batch && w.flushes == 0 && until.Err() == nil {
		_ = w.wait(until) // its end is no error here
	}
	return ctx.Err()
}

const (
	firstPause   = 100 * time.Millisecond
	longestPause = 30 * time.Second
	slowPause    = 15 * time.Second // between tries that only a person can make succeed
	longestAfter = 5 * time.Minute  // of what a server asks for
)

// write tries until the store has taken what it ever will.
func (w *Writer) write(ctx context.Context, l load) {
	for wait := firstPause; ctx.Err() == nil; wait = min(2*wait, longestPause) {
		res, err := w.once(ctx, l)
		if err == nil {
			err = w.reject(ctx, l.pts, res.Rejected)
		}
		if err == nil {
			w.settle(len(l.pts), res)
			return
		}
		if ctx.Err() != nil {
			return
		}
		t := time.NewTimer(w.fail(err, wait))
		select {
		case <-t.C:
		case <-ctx.Done():
			t.Stop()
		}
	}
}

func (w *Writer) once(ctx context.Context, l load) (Written, error) {
	if l.prepared != nil {
		return w.store.(Preparer).Send(ctx, l.prepared)
	}
	return w.store.Write(ctx, l.pts)
}

func (w *Writer) reject(ctx context.Context, pts []telemetry.Point, all []Rejected) error {
	for _, r := range all {
		p := pts[r.Index]
		w.o.Logger.Warn("history rejects a point", "device", p.Device, "kind", p.Kind, "reason", r.Reason)
		if w.o.Rejected == nil {
			continue
		}
		if err := w.o.Rejected(ctx, p, r.Reason); err != nil {
			return fmt.Errorf("keep a rejected point: %w", err)
		}
	}
	return nil
}

func (w *Writer) settle(n int, res Written) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.done += uint64(n)
	w.total.Stored += uint64(res.Stored)
	w.total.Repeated += uint64(res.Repeated)
	w.total.Superseded += uint64(res.Superseded)
	w.total.Rejected += uint64(len(res.Rejected))
	w.total.Error, w.total.Person = "", false
	w.signal()
}

// fail notes why nothing goes on, and returns how long to wait.
func (w *Writer) fail(err error, wait time.Duration) time.Duration {
	var u *Unavailable
	person := false
	if errors.As(err, &u) {
		if wait, person = max(wait, min(u.After, longestAfter)), u.Person; person {
			wait = max(wait, slowPause)
		}
	}
	w.mu.Lock()
	first := w.total.Error == "" || person && !w.total.Person
	w.total.Error, w.total.Person = err.Error(), person
	w.total.Failures++
	w.mu.Unlock()
	switch {
	case first && person:
		w.o.Logger.Error("history refuses us: check its address, name and token; points wait", "error", err)
	case first:
		w.o.Logger.Warn("history cannot be written, points wait", "error", err)
	}
	return wait
}
