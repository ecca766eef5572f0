package intake

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"time"

	"gridhub/streams/journal"
)

// Consumer takes what was decoded, in order, at least once: after a crash the
// last seconds come again, so Handle must do no harm when repeated. An error
// means that the same messages are offered again after a pause; other
// consumers do not wait. A message on which Handle panics again and again is
// put aside.
type Consumer interface {
	Name() string // also the cursor's: a-z 0-9 - _ .
	Handle(ctx context.Context, batch []Decoded) error
}

// Flusher is a Consumer that may still be at work when Handle returns. Flush
// returns when all that was handled is safe; only then is the cursor saved.
type Flusher interface {
	Flush(ctx context.Context) error
}

// Stateful is a Consumer with memory of its own, saved together with its
// cursor: Save is called between two Handles, Restore once before the first,
// with nil when nothing was saved. After a crash, what comes again comes to the
// state that belongs before it.
type Stateful interface {
	Save() []byte
	Restore(state []byte) error
}

// worker serves one consumer.
type worker struct {
	in       *Intake
	consumer Consumer
	cursor   *journal.Cursor
	base     uint64 // where the cursor was saved
	state    []byte // the decoder's state there, packed
	extra    []byte // the consumer's own, until it is restored
	pos      uint64 // next number to handle

	serial   uint64  // of the next chunk in the window
	own      *source // set while it decodes for itself
	attached bool

	mu   sync.Mutex
	seen Stat
}

// open reads all cursors. A new consumer begins where the furthest behind of
// the others stands, for what lies before may be gone, and with it the
// inventories that it would need.
func (in *Intake) open(consumers []Consumer) error {
	if len(consumers) == 0 {
		return errors.New("no consumers")
	}
	known := map[string]bool{}
	var fresh []*worker
	for _, c := range consumers {
		if known[c.Name()] {
			return fmt.Errorf("two consumers are called %s", c.Name())
		}
		known[c.Name()] = true
		cur, err := in.journal.Cursor(c.Name())
		if err != nil {
			return fmt.Errorf("cursor of %s: %w", c.Name(), err)
		}
		w := &worker{in: in, consumer: c, cursor: cur}
		w.load(cur.Position(), cur.State())
		switch {
		case cur.Damage() != nil: // it is not new, though it looks so: it starts over
			in.log.Error("cursor is damaged: starting over", "consumer", c.Name(), "error", cur.Damage())
			w.base, w.pos = in.journal.First(), in.journal.First()
		case len(cur.State()) == 0:
			fresh = append(fresh, w)
		}
		in.workers = append(in.workers, w)
	}
	old := in.behind()
	for _, w := range fresh {
		if err := w.begin(old); err != nil {
			return fmt.Errorf("cursor of %s: %w", w.consumer.Name(), err)
		}
	}
	far := in.furthest()
	in.from, in.state = far.base, far.state
	in.window = newWindow(in.cfg.Window, in.from)
	return nil
}

// load takes apart what the cursor keeps. What cannot be read makes the
// consumer start over from the oldest record: it sees things twice, never not.
func (w *worker) load(pos uint64, b []byte) {
	w.base = pos
	if len(b) > 0 {
		n, k := binary.Uvarint(b)
		bad := k <= 0 || n > uint64(len(b)-k)
		if !bad {
			w.state, w.extra = b[k:k+int(n)], b[k+int(n):]
			_, err := unpack(w.state)
			bad = err != nil
		}
		if bad {
			w.in.log.Error("cursor has a state that cannot be read: starting over", "consumer", w.consumer.Name())
			w.base, w.state, w.extra = w.in.journal.First(), nil, nil
		}
	}
	w.pos = w.base
}

// begin gives a new consumer its place, durably, so that it is not taken for
// new once more when it has not yet saved what it handled.
func (w *worker) begin(old *worker) error {
	w.state = pack(NewDecoder())
	if old != nil {
		w.base, w.pos, w.state = old.base, old.base, old.state
	}
	return w.cursor.Commit(w.base, append(binary.AppendUvarint(nil, uint64(len(w.state))), w.state...))
}

// behind returns the worker with a saved state that is furthest behind.
func (in *Intake) behind() (old *worker) {
	for _, w := range in.workers {
		if len(w.state) > 0 && (old == nil || w.base < old.base) {
			old = w
		}
	}
	return old
}

func (in *Intake) furthest() *worker {
	far := in.workers[0]
	for _, w := range in.workers {
		if w.base > far.base {
			far = w
		}
	}
	return far
}

// run serves the consumer until ctx ends.
func (w *worker) run(ctx context.Context) {
	if s, ok := w.consumer.(Stateful); ok {
		if err := guard(func() error { return s.Restore(w.extra) }); err != nil {
			w.in.log.Error("consumer cannot restore its state", "consumer", w.consumer.Name(), "error", err)
			w.fail(err)
			return
		}
	}
	defer w.detach()
	for ctx.Err() == nil {
		c, err := w.next(ctx)
		if err != nil {
			if ctx.Err() == nil {
				w.fail(err)
				pause(ctx, time.Second)
			}
			continue
		}
		if !w.offer(ctx, c) {
			return
		}
		if c.state != nil {
			w.save(ctx, c)
		}
	}
}

// next returns the chunk that holds pos: from the window if it is there, else
// decoded from where the cursor was saved.
func (w *worker) next(ctx context.Context) (chunk, error) {
	for {
		if !w.attached {
			if serial, ok := w.in.window.attach(w.pos); ok {
				w.detach()
				w.attached, w.serial = true, serial
			}
		}
		if !w.attached {
			return w.decode(ctx)
		}
		c, ok, err := w.in.window.get(ctx, w.serial)
		if err != nil {
			return c, err
		}
		if ok && c.first <= w.pos {
			w.serial++
			return c, nil
		}
		w.attached = false
	}
}

func (w *worker) decode(ctx context.Context) (chunk, error) {
	if w.own == nil {
		s, err := w.in.source(w.base, w.state)
		if err != nil {
			return chunk{}, err
		}
		w.own = s
	}
	return w.own.chunk(ctx)
}

func (w *worker) detach() {
	if w.own != nil {
		w.own.reader.Close()
		w.own = nil
	}
	w.attached = false
}

// offer hands the items from pos on to the consumer until it has taken them;
// false when ctx ended before.
func (w *worker) offer(ctx context.Context, c chunk) bool {
	items := c.items
	for len(items) > 0 && items[0].Number < w.pos {
		items = items[1:]
	}
	if len(items) > 0 && !w.deliver(ctx, items) {
		return false
	}
	w.pos = max(w.pos, c.next)
	w.mu.Lock()
	w.seen.Position, w.seen.Behind, w.seen.Error = w.pos, w.own != nil, ""
	w.mu.Unlock()
	return true
}

const (
	firstPause   = 100 * time.Millisecond
	longestPause = 30 * time.Second
)

// deliver tries until it works. A panic is looked for in halves, until it is
// one message that is to blame.
func (w *worker) deliver(ctx context.Context, items []Decoded) bool {
	panics, wait := 0, firstPause
	for ctx.Err() == nil {
		err := guard(func() error { return w.consumer.Handle(ctx, items) })
		if err == nil {
			return true
		}
		if ctx.Err() != nil {
			break
		}
		w.fail(err)
		var p *panicked
		if errors.As(err, &p) && len(items) > 1 {
			half := len(items) / 2
			return w.deliver(ctx, items[:half]) && w.deliver(ctx, items[half:])
		}
		if p != nil {
			if panics++; panics >= w.in.cfg.Attempts && w.poison(ctx, items[0], p) {
				return true
			}
		}
		pause(ctx, wait)
		wait = min(2*wait, longestPause)
	}
	return false
}

// panicked is a panic of a consumer.
type panicked struct {
	value any
	stack []byte
}

func (p *panicked) Error() string { return fmt.Sprintf("panic: %v", p.value) }

// guard turns a panic of a consumer into an error: it is the consumer's own.
func guard(f func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &panicked{value: v, stack: debug.Stack()}
		}
	}()
	return f()
}

// poison puts a message aside on which the consumer gave up.
func (w *worker) poison(ctx context.Context, d Decoded, p *panicked) bool {
	w.in.log.Error("consumer panics on a message, which is put aside", "consumer", w.consumer.Name(),
		"number", d.Number, "device", d.From, "error", p, "stack", string(p.stack))
	if w.in.o.Poison != nil {
		if d.Raw == nil {
			d.Raw = w.in.Record(ctx, d.Number)
		}
		detail := fmt.Sprintf("%s: %v", w.consumer.Name(), p.value)
		d.Refused = []Refusal{{Item: -1, Device: d.From, Hour: d.At - d.At%hourMillis, Cause: Poison, Detail: detail}}
		if err := w.in.o.Poison(ctx, d); err != nil {
			w.fail(err)
			return false
		}
	}
	w.mu.Lock()
	w.seen.Poisoned++
	w.mu.Unlock()
	return true
}

// Record reads one record of the journal again, nil if it is gone. ReadRaw
// tells what is in it.
func (in *Intake) Record(ctx context.Context, number uint64) []byte {
	r := in.journal.Reader(number)
	defer r.Close()
	recs, err := r.Next(ctx, 1, chunkBytes)
	if err != nil || len(recs) == 0 || recs[0].Kind != journal.Data || recs[0].Number != number {
		return nil
	}
	return append([]byte(nil), recs[0].Data...)
}

func (w *worker) fail(err error) {
	w.mu.Lock()
	first := w.seen.Error == ""
	w.seen.Failures++
	w.seen.Error = err.Error()
	w.mu.Unlock()
	if first {
		w.in.log.Warn("consumer fails, its messages wait", "consumer", w.consumer.Name(), "error", err)
	}
}

// save makes the cursor durable behind c, with the states that belong there.
// A failure costs nothing but a longer replay.
func (w *worker) save(ctx context.Context, c chunk) {
	if c.next < w.pos { // decoded again on the way to pos: not yet there
		return
	}
	b := append(binary.AppendUvarint(nil, uint64(len(c.state))), c.state...)
	err := guard(func() error {
		if f, ok := w.consumer.(Flusher); ok {
			if err := f.Flush(ctx); err != nil {
				return err
			}
		}
		if s, ok := w.consumer.(Stateful); ok {
			b = append(b, s.Save()...)
		}
		return nil
	})
	if err != nil {
		if ctx.Err() == nil {
			w.fail(err)
		}
		return
	}
	if err := w.cursor.Commit(c.next, b); err != nil {
		w.fail(fmt.Errorf("cursor: %w", err))
		return
	}
	w.base, w.state = c.next, c.state
}

func (w *worker) stat() Stat {
	w.mu.Lock()
	defer w.mu.Unlock()
	s := w.seen
	s.Name = w.consumer.Name()
	s.Position = max(s.Position, w.cursor.Position())
	return s
}
