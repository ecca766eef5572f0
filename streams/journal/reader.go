package journal

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"path/filepath"
	"sort"
	"time"
)

// Record is what a Reader returns.
type Record struct {
	Number uint64
	At     time.Time // wall clock of the commit, in milliseconds
	Kind   Kind
	Data   []byte // of a Data record; valid until the reader's following call
	Lost   uint64 // of a Gap: how many numbers, Number being the first
	Cause  string // of a Gap: why they cannot be served
}

// readAttempts is how often a reader reports that a segment cannot be read
// before it gives the rest of that segment up as a Gap.
const readAttempts = 3

// Reader returns records in order. It is for one goroutine.
type Reader struct {
	j       *Journal
	want    uint64 // next number to return
	high    uint64 // first number that scan cannot have
	segment *segment
	scan    scanner
	marked  int64  // offset of the last mark
	cause   string // of the damage met last in this segment
	fails   int    // read errors in a row
	out     []Record
}

// Reader returns a reader that begins at number from. Numbers below First
// come as one Gap; a number above Next waits for it.
func (j *Journal) Reader(from uint64) *Reader {
	return &Reader{j: j, want: max(1, from)}
}

// Next returns the durable records at hand, at least one and at most limit of
// them, ending when their data reaches maxBytes; it blocks until there is one.
// What cannot be served comes as a Gap. Data is valid until the following
// call. It fails when ctx ends, with ErrClosed, and with input/output errors,
// after which it may be called again.
func (r *Reader) Next(ctx context.Context, limit, maxBytes int) ([]Record, error) {
	r.out = r.out[:0]
	for len(r.out) == 0 {
		if err := r.j.await(ctx, r.want); err != nil {
			return nil, err
		}
		ready, err := r.locate()
		if err == nil && ready {
			err = r.harvest(max(1, limit), maxBytes)
		}
		if err != nil && len(r.out) == 0 {
			if err = r.tolerate(err); err != nil {
				return nil, err
			}
		}
	}
	r.fails = 0
	return r.out, nil
}

// Close releases the reader's file.
func (r *Reader) Close() error {
	if r.scan.file == nil {
		return nil
	}
	err := r.scan.file.Close()
	r.scan, r.segment = scanner{}, nil
	return err
}

// await blocks until number n is durable.
func (j *Journal) await(ctx context.Context, n uint64) error {
	for {
		select {
		case <-j.closing:
			return ErrClosed
		default:
		}
		j.mu.Lock()
		if n < j.next {
			j.mu.Unlock()
			return nil
		}
		if j.published == nil {
			j.published = make(chan struct{})
		}
		more := j.published
		j.mu.Unlock()
		select {
		case <-more:
		case <-ctx.Done():
			return ctx.Err()
		case <-j.closing:
		}
	}
}

// locate makes scan stand in the segment that has number want. It reports
// false when that turned out to be gone: a Gap is out, or another try is due.
func (r *Reader) locate() (bool, error) {
	j := r.j
	j.mu.RLock()
	if first := j.firstLocked(); r.want < first {
		cause := "removed by retention"
		if r.want < j.lost.upto {
			cause = j.lost.cause
		}
		j.mu.RUnlock()
		r.gap(first, cause)
		return false, nil
	}
	i := sort.Search(len(j.segments), func(i int) bool { return j.segments[i].first > r.want }) - 1
	seg := j.segments[i]
	end := seg.end
	r.high = j.endOf(seg)
	j.mu.RUnlock()
	if seg == r.segment {
		r.scan.limit = end
		return true, nil
	}
	return r.open(seg, end)
}

func (r *Reader) open(seg *segment, end int64) (bool, error) {
	_ = r.Close()
	f, err := r.j.fs.Open(filepath.Join(r.j.dir, seg.name))
	if errors.Is(err, fs.ErrNotExist) {
		if r.j.First() <= r.want { // nobody of ours removed it
			r.damage(seg, "file is missing")
			r.gap(r.high, r.cause)
		}
		return false, nil
	}
	if err != nil {
		return false, err
	}
	off := seg.near(r.want)
	r.segment, r.marked, r.cause = seg, off, seg.name+": records are missing"
	r.scan = scanner{file: f, salt: seg.salt, off: off, limit: end, buf: r.scan.buf[:0]}
	return true, nil
}

// harvest collects records from the segment at hand. It reads the file only
// while nothing is out, as records point into the buffer.
func (r *Reader) harvest(limit, maxBytes int) error {
	size := 0
	for len(r.out) < limit && r.want < r.high && (size < maxBytes || len(r.out) == 0) {
		at := r.scan.off
		f, err := r.scan.buffered()
		var short *shortError
		switch {
		case err == nil && f.number < r.high:
			r.accept(f, at)
			size += len(f.data)
		case err == nil || errors.Is(err, errNoMore):
			r.gap(r.high, r.cause)
		case len(r.out) > 0:
			return nil
		case errors.As(err, &short):
			if err := r.scan.fill(short.need); err != nil {
				return err
			}
		default:
			r.damage(r.segment, fmt.Sprintf("damaged at offset %d", at))
			if _, err := r.scan.resync(r.want, r.high); err != nil {
				r.scan.off = at
				return err
			}
		}
	}
	return nil
}

// accept returns f if it is wanted, and what is missing before it as a Gap.
func (r *Reader) accept(f frame, at int64) {
	if at-r.marked >= markEvery {
		r.segment.note(f.number, at)
		r.marked = at
	}
	switch upto := f.number + f.span(); {
	case upto <= r.want: // still on the way from the mark
	case f.number > r.want:
		r.gap(f.number, r.cause)
		r.scan.off = at // and f once more
	case f.kind == Gap:
		r.gap(min(upto, r.high), string(f.data[min(8, len(f.data)):]))
		r.out[len(r.out)-1].At = millis(f.at)
	default:
		r.out = append(r.out, Record{Number: f.number, At: millis(f.at), Kind: Data, Data: f.data})
		r.want = upto
	}
}

// gap returns the numbers from want up to upto as lost.
func (r *Reader) gap(upto uint64, cause string) {
	r.out = append(r.out, Record{
		Number: r.want, At: r.j.o.Now().Truncate(time.Millisecond), Kind: Gap, Lost: upto - r.want, Cause: cause,
	})
	r.want = upto
}

// damage notes that a segment can be served only in part.
func (r *Reader) damage(seg *segment, cause string) {
	r.cause = seg.name + ": " + cause
	r.j.mu.Lock()
	known := seg.damaged
	seg.damaged = true
	r.j.mu.Unlock()
	if !known {
		r.j.log.Error("journal segment is damaged", slog.String("segment", seg.name), slog.String("cause", cause))
	}
}

// tolerate returns err for the caller to try again, until that has been in
// vain often enough: then the rest of the segment is given up.
func (r *Reader) tolerate(err error) error {
	if r.fails++; r.fails < readAttempts || r.segment == nil {
		return fmt.Errorf("journal read at %d: %w", r.want, err)
	}
	r.damage(r.segment, "unreadable: "+err.Error())
	r.gap(r.high, r.cause)
	return nil
}
