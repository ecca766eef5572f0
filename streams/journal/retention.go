package journal

import (
	"fmt"
	"log/slog"
	"path/filepath"
)

// makeRoom sees to it that n more bytes fit the limits, removing segments as
// far as retention allows.
func (j *Journal) makeRoom(n int64) error {
	for j.o.MaxBytes > 0 && j.total()+n > j.o.MaxBytes {
		if !j.giveUpOldest("journal is at its size limit") {
			return fmt.Errorf("%w: %d bytes of %d used", ErrFull, j.total(), j.o.MaxBytes)
		}
	}
	for j.o.Reserve > 0 {
		free, err := j.fs.Free(j.dir)
		j.free = free
		if err != nil || free >= j.o.Reserve+n {
			return nil // an unreadable figure stops nobody: writes tell
		}
		if !j.giveUpOldest("disk is at its reserve") {
			return fmt.Errorf("%w: %d bytes free, %d to be kept", ErrDiskFull, free, j.o.Reserve)
		}
	}
	return nil
}

// giveUpOldest removes the oldest segment if no cursor needs it or the policy
// is to drop it all the same, and reports whether it did. A journal without any
// retention is an archive: a full disk is no reason to eat it.
func (j *Journal) giveUpOldest(cause string) bool {
	if j.o.MaxBytes == 0 && j.o.MaxAge == 0 && j.o.Overrun != DropOldest {
		return false
	}
	j.mu.RLock()
	var seg *segment
	if len(j.segments) > 0 {
		seg = j.segments[0]
	}
	j.mu.RUnlock()
	needed := seg != nil && j.needed(seg)
	if seg == nil || needed && j.o.Overrun != DropOldest || !j.ended(seg) {
		return false
	}
	if needed {
		j.announceLoss(seg)
		j.recordLoss(seg, cause)
	}
	return j.remove(seg)
}

// announceLoss tells the owner what is about to go.
func (j *Journal) announceLoss(seg *segment) {
	if j.o.Dropping == nil {
		return
	}
	j.mu.RLock()
	upto := j.endOf(seg)
	j.mu.RUnlock()
	j.o.Dropping(upto)
}

// ended reports whether seg is no longer written, and ends it for that if it
// is the active one and has records.
func (j *Journal) ended(seg *segment) bool {
	if j.oldestSealed() == seg {
		return true
	}
	return j.active != nil && j.active.end > segmentHeader && j.roll() == nil && j.oldestSealed() == seg
}

// oldestSealed is the oldest segment unless it is the newest as well: a
// journal without any segment would forget its numbering.
func (j *Journal) oldestSealed() *segment {
	j.mu.RLock()
	defer j.mu.RUnlock()
	if len(j.segments) < 2 {
		return nil
	}
	return j.segments[0]
}

// needed reports whether a cursor still wants a record of seg.
func (j *Journal) needed(seg *segment) bool {
	j.mu.RLock()
	defer j.mu.RUnlock()
	for _, c := range j.cursors {
		if c.position < j.endOf(seg) {
			return true
		}
	}
	return false
}

// endOf is the first number behind seg.
func (j *Journal) endOf(seg *segment) uint64 {
	for i, s := range j.segments[:len(j.segments)-1] {
		if s == seg {
			return j.segments[i+1].first
		}
	}
	return j.next
}

// recordLoss remembers durably that a cursor loses what seg holds. A failure
// to do so is no reason to stop: the numbers still show as a Gap.
func (j *Journal) recordLoss(seg *segment, cause string) {
	j.mu.Lock()
	from, upto := max(seg.first, j.neededFrom()), j.endOf(seg)
	if j.lost.upto < from {
		j.lost.from = from
	}
	j.lost.upto, j.lost.cause = upto, cause
	j.stats.Dropped += upto - from
	lost := j.lost
	j.mu.Unlock()
	j.log.Warn("journal dropped records before they were read",
		slog.Uint64("first", from), slog.Uint64("count", upto-from), slog.String("cause", cause))
	if err := j.saveLoss(lost); err != nil {
		j.log.Warn("journal could not note the loss", slog.Any("error", err))
	}
}

// neededFrom is the lowest number that a cursor wants.
func (j *Journal) neededFrom() uint64 {
	low := j.next
	for _, c := range j.cursors {
		low = min(low, c.position)
	}
	return low
}

// remove deletes the oldest segment. Readers that have it open finish it.
func (j *Journal) remove(seg *segment) bool {
	if err := j.fs.Remove(filepath.Join(j.dir, seg.name)); err != nil {
		j.log.Error("journal segment not removed", slog.String("segment", seg.name), slog.Any("error", err))
		return false
	}
	j.mu.Lock()
	j.segments = append([]*segment(nil), j.segments[1:]...)
	j.mu.Unlock()
	return true
}

// total is the size of all segments in bytes, without space reserved ahead.
func (j *Journal) total() (n int64) {
	j.mu.RLock()
	defer j.mu.RUnlock()
	for _, s := range j.segments {
		n += s.end
	}
	return n
}

// retain removes old segments that no cursor needs: those beyond MaxAge, and
// the oldest while all together exceed MaxBytes.
func (j *Journal) retain() {
	for {
		seg := j.oldestSealed()
		if seg == nil || j.needed(seg) {
			return
		}
		tooMuch := j.o.MaxBytes > 0 && j.total() > j.o.MaxBytes
		if !tooMuch && !j.aged(seg) || !j.remove(seg) {
			return
		}
	}
}

func (j *Journal) aged(seg *segment) bool {
	return j.o.MaxAge > 0 && j.clock.now().Sub(seg.newest) > j.o.MaxAge
}

// rollAged ends the active segment once it has lived for an eighth of MaxAge,
// so that little traffic does not keep old records alive.
func (j *Journal) rollAged() {
	if j.o.MaxAge == 0 || j.active == nil || j.active.end == segmentHeader ||
		j.clock.now().Sub(j.active.opened) < j.o.MaxAge/8 {
		return
	}
	if err := j.roll(); err != nil {
		j.fail(fmt.Errorf("journal %s: %w", j.dir, err), segmentHeader)
	}
}
