// Package journal is a crash-safe log of records on one disk: the edge's spool
// and the hub's intake log. It owns a directory of segment files, numbers
// records from 1 without reuse, and commits in groups: one write and one
// fdatasync for all that waited. It promises that a number handed out is
// durable, that readers see only durable records, in order, and that whatever
// is missing (damage, retention) appears as a Gap that says how many numbers
// and why. Cursors remember durably how far a consumer came, and retention
// respects them unless Options.Overrun says otherwise. It leaves out what
// records mean, who sends them and whether one was sent twice. The bytes are
// described in FORMAT.md.
package journal

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"gridhub/streams/journal/fsx"
)

// Errors that callers tell apart with errors.Is.
var (
	ErrClosed   = errors.New("journal is closed")
	ErrFull     = errors.New("journal is full: a cursor still needs the oldest segment")
	ErrDiskFull = errors.New("disk is full")
	ErrTooLarge = errors.New("record too large")
	ErrVersion  = errors.New("written by another version")
	ErrLocked   = fsx.ErrLocked
)

// FS is the file system that a journal writes through; see package fsx.
type FS = fsx.FS

// Journal is an open journal. All methods may be called concurrently.
type Journal struct {
	dir   string
	o     Options
	fs    FS
	log   *slog.Logger
	lock  io.Closer
	epoch uint64
	clock steadyClock

	wake    chan struct{} // capacity 1: something is queued, or a cursor moved
	hurry   chan struct{} // capacity 1: what is queued waits for nothing more
	closing chan struct{} // closed once by Close
	stopped chan struct{} // closed by the commit goroutine when it ends
	failing atomic.Pointer[failure]

	queue struct {
		sync.Mutex
		pending *batch
		room    chan struct{} // closed when pending is taken; nil if nobody waits
		closed  bool
		spare   buffers // of the batch before, for reuse
	}

	// Owned by the commit goroutine (and by Open before it starts).
	active    *writer
	serial    uint64 // of the newest segment file
	carry     []byte // encoded records to copy to the next segment
	carryFrom uint64 // number of the first of them
	free      int64  // bytes free on the disk, when last asked; only with Reserve
	lastSync  time.Duration
	expected  int // how many appends may soon be queued; see gather

	// mu guards what readers, cursors and statistics look at.
	mu        sync.RWMutex
	segments  []*segment    // oldest first, numbers ascending
	next      uint64        // first number that is not yet durable
	published chan struct{} // closed when next grows; nil if nobody waits
	cursors   map[string]*Cursor
	lost      span // the newest numbers removed before a cursor had them
	stats     Stats
}

// failure says why appends cannot be acknowledged just now.
type failure struct {
	err  error
	need int64 // bytes that did not fit
}

// span is a run of numbers [from, upto) with the reason why it is gone.
type span struct {
	from, upto uint64
	cause      string
}

// steadyClock advances with the monotonic clock from the wall clock's reading
// at Open, so that a wall clock that jumps never ages a segment.
type steadyClock struct{ wall, mono time.Time }

func (c steadyClock) now() time.Time { return c.wall.Add(time.Since(c.mono)) }

// Open opens the journal in dir, or makes one, and recovers from whatever the
// last owner left. It fails when another owner has dir (ErrLocked), when dir
// cannot be read or written, and when a segment has a version that this
// program does not know (ErrVersion). A full disk is no failure: what is there
// is served, and Healthy says why nothing can be appended.
func Open(dir string, o Options) (*Journal, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, fmt.Errorf("journal %s: %w", dir, err)
	}
	j := &Journal{
		dir: dir, o: o, fs: o.FS, log: o.Logger,
		clock:   steadyClock{wall: o.Now(), mono: time.Now()},
		wake:    make(chan struct{}, 1),
		hurry:   make(chan struct{}, 1),
		closing: make(chan struct{}),
		stopped: make(chan struct{}),
		cursors: make(map[string]*Cursor),
	}
	j.queue.pending = newBatch(buffers{})
	if err := j.start(); err != nil {
		if j.lock != nil {
			j.lock.Close()
		}
		return nil, fmt.Errorf("journal %s: %w", dir, err)
	}
	go j.run()
	return j, nil
}

// start takes the lock, recovers and opens the first segment for writing.
func (j *Journal) start() error {
	if err := j.fs.MkdirAll(filepath.Join(j.dir, cursorDir)); err != nil {
		return err
	}
	var err error
	if j.lock, err = j.fs.Lock(filepath.Join(j.dir, lockName)); err != nil {
		return err
	}
	if err := j.recover(); err != nil {
		return err
	}
	if err := j.roll(); err != nil {
		if !isNoSpace(err) {
			return err
		}
		j.fail(fmt.Errorf("%w: %w", ErrDiskFull, err), segmentHeader)
	}
	j.retain()
	return nil
}

// Epoch identifies this numbering. A journal made anew has a higher one, as
// far as the clock allows.
func (j *Journal) Epoch() uint64 { return j.epoch }

// First is the oldest number still served.
func (j *Journal) First() uint64 {
	j.mu.RLock()
	defer j.mu.RUnlock()
	return j.firstLocked()
}

func (j *Journal) firstLocked() uint64 {
	if len(j.segments) == 0 {
		return j.next
	}
	return min(j.segments[0].first, j.next)
}

// Next is the number that the next record will get; all lower ones are
// durable.
func (j *Journal) Next() uint64 {
	j.mu.RLock()
	defer j.mu.RUnlock()
	return j.next
}

// Healthy is nil when appends can be acknowledged; otherwise it says why not.
// The journal tries again by itself, once a second.
func (j *Journal) Healthy() error {
	if f := j.failing.Load(); f != nil {
		return f.err
	}
	select {
	case <-j.closing:
		return ErrClosed
	default:
		return nil
	}
}

// Close commits what is queued, answers all who wait and gives the directory
// back. Later calls do nothing.
func (j *Journal) Close() error {
	j.queue.Lock()
	first := !j.queue.closed
	j.queue.closed = true
	j.queue.Unlock()
	if first {
		close(j.closing)
	}
	<-j.stopped
	return nil
}
