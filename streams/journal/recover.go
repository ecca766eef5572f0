package journal

import (
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"time"
)

// recover reads what the last owner left: cursors, the headers of all
// segments, and the records of the newest one. It changes nothing that was
// acknowledged. Only the newest commit may not have reached the disk (the
// kernel may hold it in memory, or have lost it after a failed sync), so it is
// carried over: the next segment begins with a copy of it, and Next counts it
// only when that copy is durable.
func (j *Journal) recover() error {
	if err := j.loadCursors(); err != nil {
		return err
	}
	bad, err := j.loadSegments()
	if err != nil {
		return err
	}
	t, err := j.newestReadable(&bad)
	if err != nil {
		return err
	}
	if len(j.segments) == 0 {
		j.begin()
		return nil
	}
	if bad > 0 {
		t.burn(t.next+bad, "a newer segment could not be read")
	}
	j.settleCursors()
	for _, c := range j.cursors {
		t.burn(c.position, fmt.Sprintf("cursor %s was already past them, but they are gone", c.name))
	}
	j.takeOver(t)
	return nil
}

// newestReadable walks the newest segment. One that the disk cannot read is put
// aside, and bad grows by what it may have held.
func (j *Journal) newestReadable(bad *uint64) (tail, error) {
	for n := len(j.segments); n > 0; n-- {
		last := j.segments[n-1]
		t, err := j.scanTail(last)
		if err == nil {
			return t, nil
		}
		if err := j.quarantine(last.name, err); err != nil {
			return tail{}, err
		}
		*bad += mayHold(last.end)
		j.segments = j.segments[:n-1]
	}
	return tail{}, nil
}

// mayHold is how many records fit a segment of size bytes.
func mayHold(size int64) uint64 { return uint64(max(0, size-segmentHeader) / recordHeader) }

// begin starts a numbering, above all epochs that the cursors remember.
func (j *Journal) begin() {
	j.next = 1
	if j.epoch = j.o.Epoch; j.epoch == 0 {
		j.epoch = uint64(max(1, j.o.Now().UnixMilli()))
		for _, c := range j.cursors {
			j.epoch = max(j.epoch, c.epoch+1)
		}
	}
	j.settleCursors()
}

// loadSegments reads all headers. A segment whose header is damaged is put
// aside; if it was the newest, bad is how many records it may have held.
func (j *Journal) loadSegments() (bad uint64, err error) {
	names, err := j.fs.ReadDir(j.dir)
	if err != nil {
		return 0, err
	}
	for _, name := range names {
		switch {
		case strings.HasSuffix(name, tempSuffix):
			_ = j.fs.Remove(filepath.Join(j.dir, name)) // never became part of the journal
		case strings.HasSuffix(name, badSuffix):
			j.stats.Quarantined = append(j.stats.Quarantined, name)
		case strings.HasSuffix(name, segmentSuffix):
			if bad, err = j.loadSegment(name, bad); err != nil {
				return 0, err
			}
		}
	}
	return bad, nil
}

// loadSegment reads one header; bad is what the segments before it lost.
func (j *Journal) loadSegment(name string, bad uint64) (uint64, error) {
	var serial uint64
	if _, err := fmt.Sscanf(name, "%016x"+segmentSuffix, &serial); err != nil {
		return 0, fmt.Errorf("segment %s: name is not a serial number in hex", name)
	}
	j.serial = max(j.serial, serial)
	h, size, err := j.readHeader(name)
	if err == nil {
		err = j.checkSequence(h, serial)
	}
	if errors.Is(err, errHeader) {
		return bad + mayHold(size), j.quarantine(name, err)
	}
	if err != nil {
		return 0, fmt.Errorf("segment %s: %w", name, err)
	}
	if n := len(j.segments); n > 0 && h.prevEnd > 0 && j.segments[n-1].serial == h.serial-1 {
		j.segments[n-1].end = min(h.prevEnd, j.segments[n-1].end)
	}
	if n := len(j.segments); n > 0 {
		j.segments[n-1].newest = time.UnixMilli(h.created)
	}
	j.segments = append(j.segments, &segment{
		header: h, name: name, end: size, newest: time.UnixMilli(h.created),
	})
	j.epoch = h.epoch
	return 0, nil
}

func (j *Journal) readHeader(name string) (header, int64, error) {
	f, err := j.fs.Open(filepath.Join(j.dir, name))
	if err != nil {
		return header{}, 0, err
	}
	defer f.Close()
	size, err := f.Size()
	if err != nil {
		return header{}, 0, err
	}
	b := make([]byte, min(size, segmentHeader))
	if _, err := f.ReadAt(b, 0); err != nil && len(b) == segmentHeader {
		return header{}, size, fmt.Errorf("%w: %w", errHeader, err)
	}
	h, err := decodeHeader(b)
	return h, size, err
}

// checkSequence refuses a header that does not continue the one before it.
func (j *Journal) checkSequence(h header, serial uint64) error {
	if h.serial != serial {
		return fmt.Errorf("%w: serial %d in a file named %s", errHeader, h.serial, segmentName(serial))
	}
	n := len(j.segments)
	if n == 0 {
		return nil
	}
	if last := j.segments[n-1]; h.epoch != last.epoch || h.first < last.first {
		return fmt.Errorf("%w: epoch %d first %d does not continue epoch %d first %d",
			errHeader, h.epoch, h.first, last.epoch, last.first)
	}
	return nil
}

// quarantine puts a segment aside under another name.
func (j *Journal) quarantine(name string, cause error) error {
	j.log.Error("journal segment put aside", slog.String("segment", name), slog.Any("error", cause))
	if err := j.fs.Rename(filepath.Join(j.dir, name), filepath.Join(j.dir, name+badSuffix)); err != nil {
		return fmt.Errorf("quarantine segment %s: %w", name, err)
	}
	j.stats.Quarantined = append(j.stats.Quarantined, name+badSuffix)
	return nil
}

// takeOver makes the recovered tail the journal's state.
func (j *Journal) takeOver(t tail) {
	j.next = t.commitNext
	if len(t.carry) > 0 {
		j.carry, j.carryFrom = t.carry, t.commitNext
	}
	seg := j.segments[len(j.segments)-1]
	seg.end, seg.newest = t.commitOff, millis(max(seg.created, t.newest))
	if t.lost == 0 && t.end < t.size {
		// Only space reserved ahead, or a torn tail: nothing depends on it.
		_ = j.fs.Truncate(filepath.Join(j.dir, seg.name), t.end)
	}
	if t.lost > 0 {
		j.log.Error("journal tail is damaged", slog.Uint64("numbers", t.lost), slog.String("cause", t.cause))
	}
	if t.torn > 0 {
		j.log.Info("journal tail was cut off", slog.Int64("bytes", t.torn), slog.Uint64("next", t.next))
	}
}
