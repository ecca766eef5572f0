package journal

import (
	"context"
	"errors"
	"fmt"
)

// batch is what one commit makes durable: encoded records and whom to tell.
type batch struct {
	buf   []byte // records, still without number, time and checksum
	count int    // records in buf
	calls []call
	waits int // callers of Append

	// Set before done is closed.
	first uint64
	err   error
	done  chan struct{}
}

// call is one AppendAsync to answer.
type call struct {
	index int // of its first record in the batch
	done  func(first uint64, err error)
}

// buffers are what batches hand down to later ones.
type buffers struct {
	buf   []byte
	calls []call
}

func newBatch(b buffers) *batch {
	return &batch{buf: b.buf[:0], calls: b.calls[:0], done: make(chan struct{})}
}

var errNoRecords = errors.New("append of no records")

// Append makes recs durable under consecutive numbers and returns the first of
// them. When ctx ends while the commit is under way, the records may or may
// not become durable. It fails with ErrFull, ErrDiskFull, ErrTooLarge,
// ErrClosed, or an input/output error of the disk.
func (j *Journal) Append(ctx context.Context, recs ...[]byte) (first uint64, err error) {
	b, index, err := j.enqueue(ctx, recs, nil)
	if err != nil {
		return 0, err
	}
	if ctx.Done() == nil {
		<-b.done // spares the select: measurable with a thousand writers
	} else {
		select {
		case <-b.done:
		case <-ctx.Done():
			return 0, fmt.Errorf("journal append: %w", ctx.Err())
		}
	}
	if b.err != nil {
		return 0, b.err
	}
	return b.first + uint64(index), nil
}

// AppendAsync queues recs, copied before it returns, and calls done from the
// one commit goroutine, in the order of appends, when they are durable or have
// failed. done must be quick and must not append. The queue is bounded by
// Options.QueueBytes: when it is full, AppendAsync blocks until the commit
// under way ends. An error means that nothing was queued and done is not
// called.
func (j *Journal) AppendAsync(recs [][]byte, done func(first uint64, err error)) error {
	_, _, err := j.enqueue(context.Background(), recs, done)
	return err
}

// enqueue adds recs to the pending batch and says where in it they begin.
func (j *Journal) enqueue(ctx context.Context, recs [][]byte, done func(uint64, error)) (*batch, int, error) {
	size, err := j.encodedSize(recs)
	if err != nil {
		return nil, 0, err
	}
	if f := j.failing.Load(); f != nil {
		return nil, 0, f.err
	}
	q := &j.queue
	q.Lock()
	for !q.closed && q.pending.count > 0 && int64(len(q.pending.buf)+size) > j.o.QueueBytes {
		if err := j.waitRoom(ctx); err != nil {
			q.Unlock()
			return nil, 0, err
		}
	}
	if q.closed {
		q.Unlock()
		return nil, 0, ErrClosed
	}
	b := q.pending
	index := b.count
	b.add(recs, done)
	urgent := j.urgent(b)
	q.Unlock()
	if index == 0 {
		poke(j.wake)
	}
	if urgent && j.o.Delay > 0 {
		poke(j.hurry)
	}
	return b, index, nil
}

// urgent reports whether b should not wait for company. The queue is locked.
func (j *Journal) urgent(b *batch) bool {
	return b.waits > 0 || int64(len(b.buf)) >= j.o.QueueBytes/2
}

// add encodes recs behind what is there.
func (b *batch) add(recs [][]byte, done func(uint64, error)) {
	for _, r := range recs {
		b.buf = putBlank(b.buf, r)
	}
	if done != nil {
		b.calls = append(b.calls, call{b.count, done})
	} else {
		b.waits++
	}
	b.count += len(recs)
}

// encodedSize is what recs take in a segment. It refuses what can never fit.
func (j *Journal) encodedSize(recs [][]byte) (int, error) {
	if len(recs) == 0 {
		return 0, errNoRecords
	}
	size := 0
	for _, r := range recs {
		if len(r) > MaxRecord {
			return 0, fmt.Errorf("%w: %d bytes, want at most %d", ErrTooLarge, len(r), MaxRecord)
		}
		size += recordHeader + len(r)
	}
	most := int64(4 * MaxRecord)
	if j.o.MaxBytes > 0 {
		most = min(most, j.o.MaxBytes-2*segmentHeader)
	}
	if int64(size) > most {
		return 0, fmt.Errorf("%w: %d bytes in one append, want at most %d", ErrTooLarge, size, most)
	}
	return size, nil
}

// waitRoom waits until the commit goroutine takes the pending batch. The queue
// is locked before and after, not while waiting.
func (j *Journal) waitRoom(ctx context.Context) error {
	q := &j.queue
	if q.room == nil {
		q.room = make(chan struct{})
	}
	room := q.room
	q.Unlock()
	defer q.Lock()
	select {
	case <-room:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("journal append: queue is full: %w", ctx.Err())
	}
}

// poke wakes the commit goroutine; one token is enough for any number.
func poke(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// take hands the pending batch to the commit goroutine; nil if it is empty.
func (j *Journal) take() *batch {
	q := &j.queue
	q.Lock()
	defer q.Unlock()
	b := q.pending
	if b.count == 0 {
		return nil
	}
	q.pending, q.spare = newBatch(q.spare), buffers{}
	if q.room != nil {
		close(q.room)
		q.room = nil
	}
	return b
}

// recycle keeps the buffers of b for the batch after the next.
func (j *Journal) recycle(b *batch) {
	if int64(cap(b.buf)) > 2*j.o.QueueBytes {
		return // grown by one huge append
	}
	clear(b.calls) // what done refers to must not live on
	j.queue.Lock()
	j.queue.spare = buffers{b.buf, b.calls}
	j.queue.Unlock()
}
