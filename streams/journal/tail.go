package journal

import (
	"encoding/binary"
	"errors"
	"fmt"
	"path/filepath"
)

// sector is what a disk writes at once, in bytes.
const sector = 512

// tail is what recovery learnt from the newest segment.
type tail struct {
	next       uint64 // behind the last record
	end        int64  // likewise, as an offset
	commitNext uint64 // number of the first record of the last commit
	commitOff  int64  // its offset
	carry      []byte // the records of the last commit, encoded
	torn       int64  // bytes behind end that were never acknowledged
	lost       uint64 // numbers that may have been acknowledged but are gone
	cause      string
	newest     int64 // time of the last record, unix ms
	size       int64 // of the file
	at         int64 // when recovery ran, unix ms
}

// scanTail walks the newest segment from its header to its end.
func (j *Journal) scanTail(seg *segment) (tail, error) {
	f, err := j.fs.Open(filepath.Join(j.dir, seg.name))
	if err != nil {
		return tail{}, err
	}
	defer f.Close()
	s := &scanner{file: f, salt: seg.salt, off: segmentHeader, limit: seg.end}
	t := tail{next: seg.first, end: segmentHeader, commitNext: seg.first, commitOff: segmentHeader, size: seg.end, at: j.o.Now().UnixMilli()}
	for {
		at := s.off
		fr, err := s.next()
		switch {
		case err == nil && fr.number >= t.next:
			t.take(fr, at, s.off)
			seg.note(fr.number, at)
		case err == nil || errors.Is(err, errDamaged):
			s.off = at
			found, err := s.resync(t.next, t.next+1<<32)
			if err != nil {
				return t, err
			}
			if found {
				seg.damaged = true
				continue
			}
			return t, t.judge(s, seg.end)
		case errors.Is(err, errNoMore):
			return t, nil
		default:
			return t, fmt.Errorf("segment %s: %w", seg.name, err)
		}
	}
}

// take adds a whole record.
func (t *tail) take(f frame, at, end int64) {
	if f.flags&commitStart != 0 {
		t.commitOff, t.commitNext, t.carry = at, f.number, t.carry[:0]
	}
	t.carry = appendFrame(t.carry, 0, f)
	t.next, t.end, t.newest = f.number+f.span(), end, f.at
}

// judge decides what the bytes behind the last whole record are: the torn end
// of a commit that was never acknowledged, or a damaged record that may have
// been. A damaged one's number is burnt, lest it be given out twice.
func (t *tail) judge(s *scanner, size int64) error {
	s.limit = size
	rest, err := lastNonzero(s, t.end)
	if err != nil || rest == 0 {
		return err
	}
	s.off = t.end
	if err := s.fill(int(min(recordHeader, size-t.end))); err != nil {
		return err
	}
	head := s.window()
	if rest < recordHeader || allZero(head[:recordHeader]) {
		t.torn = rest // cut inside a head, or a head that was never written
		return nil
	}
	lost := uint64(rest/recordHeader) + 1 // as many as can fit
	if headSum(head, s.salt) == binary.LittleEndian.Uint32(head) {
		_, length := peekFrame(head)
		end := t.end + recordHeader + length
		if end > size || (t.end+rest+sector-1)/sector*sector < end {
			t.torn = rest // whole sectors of its data were never written
			return nil
		}
		if end >= t.end+rest {
			lost = 1
		}
	}
	t.burn(t.next+lost, fmt.Sprintf("%d damaged bytes at the end of the newest segment", rest))
	return nil
}

// burn gives up the numbers up to upto: a stored Gap takes their place.
func (t *tail) burn(upto uint64, cause string) {
	if upto <= t.next {
		return
	}
	n := upto - t.next
	g := frame{number: t.next, at: t.at, kind: Gap, flags: commitStart, data: gapData(n, cause)}
	t.carry = appendFrame(t.carry, 0, g)
	t.next, t.lost, t.cause = upto, t.lost+n, cause
}

// lastNonzero is the length of what lies behind from, without trailing zeros:
// space that was reserved and never written.
func lastNonzero(s *scanner, from int64) (int64, error) {
	var last int64
	for s.off = from; s.off < s.limit; s.off += int64(len(s.window())) {
		if err := s.fill(1); err != nil {
			return 0, err
		}
		w := s.window()
		for i := len(w) - 1; i >= 0; i-- {
			if w[i] != 0 {
				last = s.off + int64(i) + 1 - from
				break
			}
		}
	}
	return last, nil
}

func allZero(b []byte) bool {
	for _, c := range b {
		if c != 0 {
			return false
		}
	}
	return true
}
