package journal

import (
	"errors"
	"fmt"
	"io"

	"gridhub/streams/journal/fsx"
)

// scanBuffer is how much of a segment a scanner reads at once, in bytes.
const scanBuffer = 256 << 10

// errNoMore means that the scanner stands at its limit.
var errNoMore = errors.New("no more records")

// scanner walks over the records of one segment. Frames it returns are valid
// until the next fill.
type scanner struct {
	file  fsx.File
	salt  uint32
	off   int64 // of the next record
	limit int64 // where the records end
	buf   []byte
	base  int64 // file offset of buf[0]
}

// window is what the buffer holds from off on.
func (s *scanner) window() []byte {
	if s.off < s.base || s.off >= s.base+int64(len(s.buf)) {
		return nil
	}
	return s.buf[s.off-s.base:]
}

// fill reads from off on, at least need bytes unless the limit comes first.
func (s *scanner) fill(need int) error {
	want := min(max(int64(need), scanBuffer), s.limit-s.off)
	if int64(cap(s.buf)) < want {
		s.buf = make([]byte, max(want, min(scanBuffer, max(4096, 2*int64(cap(s.buf))))))
	}
	s.buf, s.base = s.buf[:want], s.off
	n, err := s.file.ReadAt(s.buf, s.off)
	s.buf = s.buf[:n]
	if err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("at offset %d: %w", s.off, err)
	}
	if n < need {
		s.limit = s.off + int64(n) // shorter than promised: the rest is gone
	}
	return nil
}

// next returns the record at off, reading as needed: errNoMore at the limit,
// errDamaged when what lies there is no record.
func (s *scanner) next() (frame, error) {
	for {
		f, err := s.buffered()
		var short *shortError
		if !errors.As(err, &short) {
			return f, err
		}
		if err := s.fill(short.need); err != nil {
			return frame{}, err
		}
	}
}

// buffered is next without reading: a shortError when the buffer ends first.
func (s *scanner) buffered() (frame, error) {
	if s.off >= s.limit {
		return frame{}, errNoMore
	}
	f, err := decodeFrame(s.window(), s.salt, s.limit-s.off)
	if err == nil {
		s.off += f.size()
	}
	return f, err
}

// resync moves off behind damage, to the next whole record whose number lies
// in [low, high), and reports whether there is one.
func (s *scanner) resync(low, high uint64) (bool, error) {
	for s.off++; s.off+recordHeader <= s.limit; s.off++ {
		w := s.window()
		if len(w) < recordHeader {
			if err := s.fill(recordHeader); err != nil {
				return false, err
			}
			if w = s.window(); len(w) < recordHeader {
				break
			}
		}
		if f, _ := peekFrame(w); f.number < low || f.number >= high {
			continue
		}
		at := s.off
		_, err := s.next()
		s.off = at
		if err == nil {
			return true, nil
		}
		if !errors.Is(err, errDamaged) && !errors.Is(err, errNoMore) {
			return false, err
		}
	}
	s.off = s.limit
	return false, nil
}
