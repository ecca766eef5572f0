package archive

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash/crc32"
	"io"
)

// container is a sealed file as it is read: where the entries lie and what
// their bytes sum up to. Nothing in it is trusted.
type container struct {
	r     io.ReaderAt
	size  int64
	slots []slot
	sums  []string // hex SHA-256 of each entry's bytes
}

// maxRead bounds what is brought into memory of one entry: everything but
// evidence is far smaller.
const maxRead = 64 << 20

// find returns the place of an entry, -1 when there is none.
func (c *container) find(name string) int {
	for i, s := range c.slots {
		if s.name == name {
			return i
		}
	}
	return -1
}

// read returns a small entry's bytes, nil when there is none.
func (c *container) read(name string) []byte {
	i := c.find(name)
	if i < 0 || c.slots[i].size > maxRead {
		return nil
	}
	b := make([]byte, c.slots[i].size)
	if _, err := c.r.ReadAt(b, c.slots[i].data()); err != nil {
		return nil
	}
	return b
}

// entry gives an entry on, to be packed again.
func (c *container) entry(i int) entry {
	s := c.slots[i]
	return entry{s.name, s.size, func() (io.ReadCloser, error) {
		return io.NopCloser(io.NewSectionReader(c.r, s.data(), s.size)), nil
	}}
}

// unpack finds the entries and compares every byte that is not an entry's own
// with the one that it must be.
func unpack(r io.ReaderAt, size int64) (*container, []Fault) {
	c := &container{r: r, size: size}
	directory, stuck := c.walk()
	if stuck >= 0 {
		if directory = c.lookUp(); directory < 0 {
			c.slots = nil // nothing that is said of them holds
			return c, []Fault{{Code: BadRecord, From: stuck, To: min(stuck+localSize, max(size, stuck+1))}}
		}
	}
	return c, c.compare(directory)
}

// walk goes from entry to entry as their own headers say. It returns where the
// directory begins, or where it got stuck (else -1).
func (c *container) walk() (directory, stuck int64) {
	at := int64(0)
	for {
		head := c.bytes(at, localSize)
		if len(head) >= 4 && at > 0 && binary.LittleEndian.Uint32(head) == centralMark {
			return at, -1
		}
		if len(head) < localSize || binary.LittleEndian.Uint32(head) != localMark {
			return -1, at
		}
		s := slot{header: at, crc: binary.LittleEndian.Uint32(head[14:]), size: int64(binary.LittleEndian.Uint32(head[18:])),
			name: string(c.bytes(at+localSize, int64(binary.LittleEndian.Uint16(head[26:]))))}
		if s.end() > c.size || s.name == "" {
			return -1, at
		}
		c.slots, at = append(c.slots, s), s.end()
	}
}

// lookUp takes the entries from the directory instead, and returns where it
// begins; -1 when it cannot be used either. Entries that share bytes are
// refused: a small file could make a verifier read without end.
func (c *container) lookUp() int64 {
	c.slots = nil
	end := c.bytes(c.size-endSize, endSize)
	if len(end) < endSize {
		return -1
	}
	n, from := int(binary.LittleEndian.Uint16(end[10:])), int64(binary.LittleEndian.Uint32(end[16:]))
	at, used := from, int64(0)
	for range n {
		head := c.bytes(at, centralSize)
		if len(head) < centralSize {
			return -1
		}
		s := slot{crc: binary.LittleEndian.Uint32(head[16:]), size: int64(binary.LittleEndian.Uint32(head[20:])),
			header: int64(binary.LittleEndian.Uint32(head[42:])),
			name:   string(c.bytes(at+centralSize, int64(binary.LittleEndian.Uint16(head[28:]))))}
		if s.end() > c.size || s.name == "" || s.header < used {
			return -1
		}
		used = s.end()
		c.slots, at = append(c.slots, s), at+centralSize+int64(len(s.name))
	}
	if n == 0 {
		return -1
	}
	return from
}

// bytes reads what there is of n bytes.
func (c *container) bytes(at, n int64) []byte {
	if at < 0 || at >= c.size {
		return nil
	}
	b := make([]byte, min(n, c.size-at))
	got, _ := c.r.ReadAt(b, at) // a shorter answer is a difference
	return b[:got]
}

// compare holds every record against the one that follows from names and
// contents. Where an entry's own bytes were changed, its two records agree
// with each other and not with them.
func (c *container) compare(directory int64) (faults []Fault) {
	at := directory
	next := int64(0)
	for i := range c.slots {
		s := &c.slots[i]
		central := c.bytes(at, centralSize)
		var listed uint32
		if len(central) == centralSize {
			listed = binary.LittleEndian.Uint32(central[16:])
		}
		said := uint32(0)
		if b := c.bytes(s.header, localSize); len(b) == localSize {
			said = binary.LittleEndian.Uint32(b[14:])
		}
		if s.header != next {
			faults = append(faults, Fault{Code: BadRecord, Entry: s.name, From: min(next, s.header), To: max(next, s.header)})
		}
		next = s.end()
		sum := c.sum(*s)
		s.crc = sum
		if said == listed && said != sum {
			faults = append(faults, Fault{Code: BadContent, Entry: s.name, From: s.data(), To: s.end()})
			s.crc = said
		}
		faults = append(faults, c.differs(s.name, s.header, s.local())...)
		faults = append(faults, c.differs(s.name, at, s.central())...)
		at += centralSize + int64(len(s.name))
	}
	if next != directory {
		faults = append(faults, Fault{Code: BadRecord, From: min(next, directory), To: max(next, directory)})
	}
	faults = append(faults, c.differs("", at, ending(len(c.slots), directory, at-directory))...)
	if end := at + endSize; end < c.size {
		faults = append(faults, Fault{Code: BadEnd, From: end, To: c.size})
	}
	return faults
}

// differs holds a record against what it must be.
func (c *container) differs(name string, at int64, want []byte) []Fault {
	have := c.bytes(at, int64(len(want)))
	if bytes.Equal(have, want) {
		return nil
	}
	if len(have) < len(want) {
		return []Fault{{Code: BadEnd, Entry: name, From: at, To: at + int64(len(want)), Detail: fmt.Sprintf("%d < %d", len(have), len(want))}}
	}
	return []Fault{{Code: BadRecord, Entry: name, From: at, To: at + int64(len(want))}}
}

// sum reads an entry once, for both of its sums.
func (c *container) sum(s slot) uint32 {
	check, digest := crc32.NewIEEE(), sha256.New()
	_, _ = io.Copy(io.MultiWriter(check, digest), io.NewSectionReader(c.r, s.data(), s.size)) // less than all is another sum
	c.sums = append(c.sums, hex.EncodeToString(digest.Sum(nil)))
	return check.Sum32()
}
