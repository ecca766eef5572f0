package journal

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"path/filepath"
	"sort"
	"sync"
	"syscall"
	"time"

	"gridhub/streams/journal/fsx"
)

// Names in a journal's directory.
const (
	lockName      = "LOCK"
	cursorDir     = "cursors"
	segmentSuffix = ".seg"
	badSuffix     = ".bad" // a segment whose header is damaged, kept for a person to look at
	tempSuffix    = ".tmp"
)

// markEvery is the distance of the marks in a segment's sparse index, in bytes.
const markEvery = 64 << 10

// segment is one file of records, as readers see it.
type segment struct {
	header
	name    string
	end     int64     // first offset behind what is served; guarded by Journal.mu while active
	newest  time.Time // steady time of the newest record, for retention by age
	damaged bool      // a reader met damage; guarded by Journal.mu

	mu    sync.Mutex
	marks []mark // ascending
}

// mark says where a record begins.
type mark struct {
	number uint64
	off    int64
}

func segmentName(serial uint64) string { return fmt.Sprintf("%016x%s", serial, segmentSuffix) }

// note adds a mark if the last one is far enough away.
func (s *segment) note(number uint64, off int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if n := len(s.marks); n == 0 && off >= segmentHeader+markEvery ||
		n > 0 && off >= s.marks[n-1].off+markEvery {
		s.marks = append(s.marks, mark{number, off})
	}
}

// near returns the offset of a record with a number of at most n, and close to
// it as far as the segment has been walked.
func (s *segment) near(n uint64) int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := sort.Search(len(s.marks), func(i int) bool { return s.marks[i].number > n })
	if i == 0 {
		return segmentHeader
	}
	return s.marks[i-1].off
}

// writer is the segment that records are appended to.
type writer struct {
	*segment
	file      fsx.File
	allocated int64     // how far zeros lie ahead
	opened    time.Time // steady
}

// append writes encoded records behind the last good offset and syncs them.
// After an error the file must not be written again.
func (w *writer) append(b []byte, step int64) error {
	if end := w.end + int64(len(b)); end > w.allocated {
		w.allocated = (end + step - 1) / step * step
		// Only a hint: if there is no room for it, there may be for the data.
		_ = w.file.Allocate(w.allocated)
	}
	if _, err := w.file.WriteAt(b, w.end); err != nil {
		return err
	}
	return w.file.Sync()
}

// seal ends the active segment at its last good offset. Whatever lies behind
// was never acknowledged; cutting it off only saves space, so errors of an
// already failing file do not matter.
func (j *Journal) seal() {
	if j.active == nil {
		return
	}
	_ = j.active.file.Truncate(j.active.end)
	_ = j.active.file.Close()
	j.active = nil
}

// roll begins a new segment. The file gets its final name only when its header
// (and the records carried over from recovery) are durable: a segment that
// exists has a header, so a broken header is always damage.
func (j *Journal) roll() error {
	j.seal()
	j.serial++
	h := j.nextHeader()
	name := segmentName(j.serial)
	temp := filepath.Join(j.dir, name+tempSuffix)
	body := append(h.encode(), resalt(j.carry, h.salt)...)
	f, err := j.createDurable(temp, filepath.Join(j.dir, name), body)
	if err != nil {
		_ = j.fs.Remove(temp)
		return fmt.Errorf("new segment %s: %w", name, err)
	}
	seg := &segment{header: h, name: name, end: int64(len(body)), newest: j.clock.now()}
	j.active = &writer{segment: seg, file: f, allocated: seg.end, opened: seg.newest}
	j.admit(seg)
	return nil
}

func (j *Journal) nextHeader() header {
	var salt [4]byte
	_, _ = rand.Read(salt[:]) // never fails, see crypto/rand
	h := header{
		epoch: j.epoch, serial: j.serial, first: j.next,
		created: j.o.Now().UnixMilli(), salt: binary.LittleEndian.Uint32(salt[:]),
	}
	if len(j.carry) > 0 {
		h.first = j.carryFrom
	}
	if n := len(j.segments); n > 0 && j.segments[n-1].serial == j.serial-1 {
		h.prevEnd = j.segments[n-1].end
	}
	return h
}

// createDurable writes a file under a temporary name, syncs it, moves it to
// its final name and syncs the directory. It returns the open file.
func (j *Journal) createDurable(temp, final string, body []byte) (fsx.File, error) {
	f, err := j.fs.Create(temp)
	if err != nil {
		return nil, err
	}
	if _, err = f.WriteAt(body, 0); err == nil {
		err = f.Sync()
	}
	if err == nil {
		err = j.fs.Rename(temp, final)
	}
	if err == nil {
		err = j.fs.SyncDir(filepath.Dir(final))
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// resalt copies encoded records under another salt.
func resalt(records []byte, salt uint32) []byte {
	b := append([]byte(nil), records...)
	for at := 0; at < len(b); {
		f, _ := peekFrame(b[at:])
		at += finish(b[at:], salt, f)
	}
	return b
}

// admit publishes a new active segment, and drops its predecessor if that
// holds nothing any more.
func (j *Journal) admit(seg *segment) {
	j.mu.Lock()
	j.segments = append(j.segments, seg)
	if len(j.carry) > 0 {
		j.publishLocked(j.carryNext())
		j.carry = nil
	}
	var empty *segment
	if n := len(j.segments); n > 1 && j.segments[n-2].first == seg.first {
		empty = j.segments[n-2]
		j.segments = append(j.segments[:n-2:n-2], seg)
	}
	j.mu.Unlock()
	if empty != nil {
		_ = j.fs.Remove(filepath.Join(j.dir, empty.name)) // else found empty at the next Open
	}
}

// carryNext is the number behind the carried records.
func (j *Journal) carryNext() (next uint64) {
	for at := 0; at < len(j.carry); {
		f, length := peekFrame(j.carry[at:])
		f.data = j.carry[at+recordHeader : at+recordHeader+int(length)]
		next = f.number + f.span()
		at += int(f.size())
	}
	return next
}

func isNoSpace(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}
