package journal

import (
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"time"
)

// commitAttempts is how many files a batch is tried on before its writers are
// told that it failed.
const commitAttempts = 3

// upkeepEvery is how often retention by age runs and a failing journal tries
// again.
const upkeepEvery = time.Second

// minFree is the space, in bytes, that must have returned on a full disk before
// a new segment is tried.
const minFree = 64 << 10

// The commit goroutine lets others run, although no new append comes, three
// times and once more for each 50 µs that the last sync took: a turn costs a
// microsecond or less, so that waiting stays a small part of what it may save.
const (
	minPatience  = 3
	maxPatience  = 500
	patienceUnit = 50 * time.Microsecond
)

// run is the commit goroutine: the only one that writes segments.
func (j *Journal) run() {
	defer close(j.stopped)
	tick := time.NewTicker(upkeepEvery)
	defer tick.Stop()
	for {
		select {
		case <-j.wake:
			j.delay()
			j.gather()
			if b := j.take(); b != nil {
				j.commit(b)
			} else if j.failing.Load() != nil {
				j.upkeep() // a cursor moved
			}
		case <-tick.C:
			j.upkeep()
		case <-j.closing:
			if b := j.take(); b != nil {
				j.commit(b)
			}
			j.shut()
			return
		}
	}
}

// shut releases what the journal holds; nothing is pending any more.
func (j *Journal) shut() {
	j.seal()
	if err := j.lock.Close(); err != nil {
		j.log.Warn("journal lock not released", slog.Any("error", err))
	}
}

// delay waits for company, if nothing that is queued is in a hurry.
func (j *Journal) delay() {
	if j.o.Delay == 0 {
		return
	}
	j.queue.Lock()
	b := j.queue.pending
	idle := b.count == 0 || j.urgent(b)
	j.queue.Unlock()
	if idle {
		return
	}
	t := time.NewTimer(j.o.Delay)
	defer t.Stop()
	select {
	case <-t.C:
	case <-j.hurry: // perhaps of an earlier commit: this one comes a little early
	case <-j.closing:
	}
}

// gather lets the writers that the last commit woke queue again before the
// next one starts: without it, writers would fall into two groups that take
// turns, each waiting for the other's sync. It ends when all who may come are
// there, or nobody more came for a while.
func (j *Journal) gather() {
	patience := min(maxPatience, minPatience+int(j.lastSync/patienceUnit))
	for before, idle := 0, 0; idle < patience; idle++ {
		n, bytes := j.queued()
		if n >= j.expected || bytes >= j.o.QueueBytes/2 {
			return
		}
		if n > before {
			before, idle = n, 0
		}
		runtime.Gosched()
	}
}

// queued is how many appends wait for the next commit, and their bytes.
func (j *Journal) queued() (appends int, bytes int64) {
	j.queue.Lock()
	defer j.queue.Unlock()
	b := j.queue.pending
	return len(b.calls) + b.waits, int64(len(b.buf))
}

// commit makes b durable, or not, and answers all who wait for it.
func (j *Journal) commit(b *batch) {
	b.err = j.write(b)
	early, _ := j.queued()
	j.expected = early + len(b.calls) + b.waits
	close(b.done)
	for _, c := range b.calls {
		if b.err != nil {
			c.done(0, b.err)
		} else {
			c.done(b.first+uint64(c.index), nil)
		}
	}
	j.recycle(b)
}

// write appends b to the active segment. A file that failed to take or to sync
// it is never written again: it is sealed at its last good offset, and b goes
// to a new one.
func (j *Journal) write(b *batch) error {
	var err error
	for range commitAttempts {
		if err = j.prepare(int64(len(b.buf))); err != nil {
			break
		}
		j.stamp(b)
		began := time.Now()
		if err = j.active.append(b.buf, j.step()); err == nil {
			j.lastSync = time.Since(began)
			j.publish(b, j.lastSync)
			return nil
		}
		j.log.Error("journal segment sealed after a failed write", slog.String("segment", j.active.name), slog.Any("error", err))
		j.seal()
		if isNoSpace(err) && !j.giveUpOldest("disk full") {
			break
		}
	}
	if isNoSpace(err) {
		err = fmt.Errorf("%w: %w", ErrDiskFull, err)
	}
	err = fmt.Errorf("journal %s: %w", j.dir, err)
	j.fail(err, int64(len(b.buf)))
	return err
}

// prepare sees to it that there is room for n bytes and a segment to take
// them.
func (j *Journal) prepare(n int64) error {
	if j.active == nil || j.active.end >= j.o.SegmentBytes {
		n += segmentHeader
	}
	if err := j.makeRoom(n); err != nil {
		return err
	}
	if j.active != nil && (j.active.end < j.o.SegmentBytes || j.active.end == segmentHeader) {
		return nil
	}
	err := j.roll()
	for isNoSpace(err) && j.giveUpOldest("disk full") {
		err = j.roll()
	}
	if err == nil {
		j.retain()
	}
	return err
}

// step is the granularity in which space is written ahead: little on a small
// disk, where others want room too, and none when that would eat into what is
// to be kept free.
func (j *Journal) step() int64 {
	step := min(allocateStep, j.o.SegmentBytes)
	if free, err := j.fs.Free(j.dir); err == nil {
		step = max(minStep, min(step, free/32/minStep*minStep))
	}
	if j.o.Reserve > 0 && j.free < j.o.Reserve+2*step {
		return 1
	}
	return step
}

// stamp gives the records of b their numbers, time and checksums.
func (j *Journal) stamp(b *batch) {
	b.first = j.next // only this goroutine changes it
	f := frame{number: b.first, at: j.o.Now().UnixMilli(), kind: Data, flags: commitStart}
	salt, off, marked := j.active.salt, j.active.end, 0
	for at := 0; at < len(b.buf); f.number, f.flags = f.number+1, 0 {
		if at == 0 || at-marked >= markEvery {
			j.active.note(f.number, off+int64(at))
			marked = at
		}
		at += finish(b.buf[at:], salt, f)
	}
}

// publish lets readers see a durable batch.
func (j *Journal) publish(b *batch, took time.Duration) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.active.end += int64(len(b.buf))
	j.active.newest = j.clock.now()
	j.stats.Commits++
	j.stats.Records += uint64(b.count)
	j.stats.Bytes += uint64(len(b.buf))
	j.stats.Sync.observe(took)
	j.publishLocked(b.first + uint64(b.count))
}

func (j *Journal) publishLocked(next uint64) {
	j.next = next
	if j.published != nil {
		close(j.published)
		j.published = nil
	}
}

// fail stops acknowledging; upkeep tries again.
func (j *Journal) fail(err error, need int64) {
	if j.failing.Swap(&failure{err, need}) == nil {
		j.log.Error("journal cannot append", slog.Any("error", err))
	}
	j.mu.Lock()
	j.stats.LastError = err
	j.mu.Unlock()
}

// upkeep applies retention, and finds out whether a failing journal can append
// again.
func (j *Journal) upkeep() {
	j.rollAged()
	j.retain()
	f := j.failing.Load()
	if f == nil {
		return
	}
	if errors.Is(f.err, ErrDiskFull) {
		if free, err := j.fs.Free(j.dir); err == nil && free < j.o.Reserve+f.need+minFree {
			return
		}
	}
	if err := j.prepare(f.need); err != nil {
		return
	}
	j.failing.Store(nil)
	j.log.Info("journal can append again", slog.Any("after", errors.Unwrap(f.err)))
}
