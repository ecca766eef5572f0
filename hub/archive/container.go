package archive

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math"
)

// entry is one file of a sealed case. open may be called several times and
// gives the same size bytes each time.
type entry struct {
	name string
	size int64
	open func() (io.ReadCloser, error)
}

// held is an entry whose bytes are in memory.
func held(name string, data []byte) entry {
	return entry{name, int64(len(data)), func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(data)), nil }}
}

// The records of a ZIP file (APPNOTE 6.3.10, 4.3.7, 4.3.12, 4.3.16), of which a
// sealed case uses one form only: stored, UTF-8 names, one fixed date, no extra
// fields, no comments, no data descriptors. So the bytes follow from names and
// contents, and a verifier knows every one of them.
const (
	localSize   = 30
	centralSize = 46
	endSize     = 22

	localMark   = 0x04034b50
	centralMark = 0x02014b50
	endMark     = 0x06054b50

	needs    = 20             // version needed to extract
	madeBy   = 3<<8 | needs   // Unix
	utf8Name = 1 << 11        // general purpose bit 11
	date     = 1<<5 | 1       // 1 January 1980, the first day that the format knows
	mode     = 0o100644 << 16 // of the unpacked file
)

// slot is where an entry lies in a container.
type slot struct {
	name   string
	size   int64
	crc    uint32
	header int64 // offset of its local header
}

func (s slot) data() int64 { return s.header + localSize + int64(len(s.name)) }

func (s slot) end() int64 { return s.data() + s.size }

// local is the record before an entry's bytes.
func (s slot) local() []byte {
	le := binary.LittleEndian
	b := le.AppendUint32(nil, localMark)
	b = s.common(b)
	b = le.AppendUint16(b, 0) // extra field
	return append(b, s.name...)
}

// common is what both records of an entry say.
func (s slot) common(b []byte) []byte {
	le := binary.LittleEndian
	for _, v := range []uint16{needs, utf8Name, 0, 0, date} { // stored; midnight
		b = le.AppendUint16(b, v)
	}
	b = le.AppendUint32(b, s.crc)
	b = le.AppendUint32(b, uint32(s.size))
	b = le.AppendUint32(b, uint32(s.size))
	return le.AppendUint16(b, uint16(len(s.name)))
}

// central is the record in the directory at the end.
func (s slot) central() []byte {
	le := binary.LittleEndian
	b := le.AppendUint32(nil, centralMark)
	b = le.AppendUint16(b, madeBy)
	b = s.common(b)
	for range 4 { // extra field, comment, disk, internal attributes
		b = le.AppendUint16(b, 0)
	}
	b = le.AppendUint32(b, mode)
	b = le.AppendUint32(b, uint32(s.header))
	return append(b, s.name...)
}

// ending is the record that closes the directory.
func ending(entries int, from, size int64) []byte {
	le := binary.LittleEndian
	b := le.AppendUint32(nil, endMark)
	for _, v := range []uint16{0, 0, uint16(entries), uint16(entries)} { // disks
		b = le.AppendUint16(b, v)
	}
	b = le.AppendUint32(b, uint32(size))
	b = le.AppendUint32(b, uint32(from))
	return le.AppendUint16(b, 0) // comment
}

// errTooBig says that a case does not fit into the one form of container.
var errTooBig = errors.New("a sealed case holds at most 4 GiB and 65,534 entries")

// pack writes entries, in order, as one container.
func pack(w io.Writer, entries []entry) error {
	var at int64
	var directory []byte
	for _, e := range entries {
		s := slot{name: e.name, size: e.size, header: at}
		if s.end() > math.MaxUint32-1<<20 || len(entries) >= math.MaxUint16 {
			return errTooBig
		}
		var err error
		if s.crc, err = e.sum(); err != nil {
			return err
		}
		if _, err := w.Write(s.local()); err != nil {
			return err
		}
		if err := e.copy(w); err != nil {
			return err
		}
		directory = append(directory, s.central()...)
		at = s.end()
	}
	_, err := w.Write(append(directory, ending(len(entries), at, int64(len(directory)))...))
	return err
}

func (e entry) sum() (uint32, error) {
	h := crc32.NewIEEE()
	err := e.copy(h)
	return h.Sum32(), err
}

// copy writes the entry's bytes; a source that has become shorter or longer is
// an error.
func (e entry) copy(w io.Writer) error {
	r, err := e.open()
	if err != nil {
		return fmt.Errorf("%s: %w", e.name, err)
	}
	defer r.Close()
	n, err := io.Copy(w, r)
	if err == nil && n != e.size {
		err = fmt.Errorf("%d bytes, want %d", n, e.size)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", e.name, err)
	}
	return nil
}
