package journal

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"time"
)

// The layout of FORMAT.md. All integers are little-endian.
const (
	formatVersion = 1
	segmentMagic  = "gridhubJ"

	headerSize    = 64   // one copy of the segment header
	headerCopyAt  = 512  // the second copy lies in another sector
	segmentHeader = 1024 // where records begin
	recordHeader  = 28   // before the data of each record

	commitStart = 1 // flag: first record of a commit
)

// Kind is what a record is.
type Kind uint8

// The kinds of record.
const (
	Data Kind = 1 // bytes that somebody appended
	Gap  Kind = 2 // numbers that cannot be served
)

// String names the kind as logs and listings show it.
func (k Kind) String() string {
	switch k {
	case Data:
		return "data"
	case Gap:
		return "gap"
	}
	return fmt.Sprintf("kind %d", uint8(k))
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// header is the head of a segment.
type header struct {
	epoch   uint64
	serial  uint64 // of this segment file; one more than its predecessor's
	first   uint64 // number of the first record
	prevEnd int64  // last good offset in the file with serial-1; 0 = there is none
	created int64  // unix ms
	salt    uint32 // seed of the record heads' checksums: data cannot forge a record
}

var errHeader = errors.New("segment header is damaged")

func (h header) encode() []byte {
	b := make([]byte, segmentHeader)
	copy(b, segmentMagic)
	binary.LittleEndian.PutUint32(b[8:], formatVersion)
	binary.LittleEndian.PutUint64(b[16:], h.epoch)
	binary.LittleEndian.PutUint64(b[24:], h.serial)
	binary.LittleEndian.PutUint64(b[32:], h.first)
	binary.LittleEndian.PutUint64(b[40:], uint64(h.prevEnd))
	binary.LittleEndian.PutUint64(b[48:], uint64(h.created))
	binary.LittleEndian.PutUint32(b[56:], h.salt)
	binary.LittleEndian.PutUint32(b[60:], crc32.Checksum(b[:60], castagnoli))
	copy(b[headerCopyAt:], b[:headerSize])
	return b
}

// decodeHeader reads whichever of the two copies is whole.
func decodeHeader(b []byte) (header, error) {
	if len(b) >= segmentHeader {
		for _, at := range []int{0, headerCopyAt} {
			if h, err := decodeHeaderCopy(b[at : at+headerSize]); !errors.Is(err, errHeader) {
				return h, err
			}
		}
	}
	return header{}, errHeader
}

func decodeHeaderCopy(b []byte) (header, error) {
	if string(b[:8]) != segmentMagic || crc32.Checksum(b[:60], castagnoli) != binary.LittleEndian.Uint32(b[60:]) {
		return header{}, errHeader
	}
	if v := binary.LittleEndian.Uint32(b[8:]); v != formatVersion {
		return header{}, fmt.Errorf("segment has version %d, this program reads %d: %w", v, formatVersion, ErrVersion)
	}
	h := header{
		epoch:   binary.LittleEndian.Uint64(b[16:]),
		serial:  binary.LittleEndian.Uint64(b[24:]),
		first:   binary.LittleEndian.Uint64(b[32:]),
		prevEnd: int64(binary.LittleEndian.Uint64(b[40:])),
		created: int64(binary.LittleEndian.Uint64(b[48:])),
		salt:    binary.LittleEndian.Uint32(b[56:]),
	}
	if h.first == 0 || h.first > maxJump || h.prevEnd < 0 {
		return header{}, errHeader
	}
	return h, nil
}

// frame is one record as it lies in a segment.
type frame struct {
	number uint64
	at     int64 // unix ms
	kind   Kind
	flags  uint8
	data   []byte
}

// size is the number of bytes the frame takes in the segment.
func (f frame) size() int64 { return recordHeader + int64(len(f.data)) }

// span is how many numbers the frame stands for.
func (f frame) span() uint64 {
	if f.kind == Gap {
		return max(1, gapCount(f.data))
	}
	return 1
}

// errDamaged means that no whole record begins here; a shortError that more
// bytes are needed to tell.
var errDamaged = errors.New("record is damaged")

type shortError struct{ need int }

func (e *shortError) Error() string { return fmt.Sprintf("record needs %d bytes", e.need) }

const (
	maxMillis = 1<<48 - 1
	maxNumber = 1 << 62 // so that sums of two do not overflow
	maxJump   = 1 << 61 // what a gap, a header or a cursor may lead to: room for records behind it
)

// decodeFrame reads the record at the start of b. limit is how many bytes the
// segment still has from here, b included.
func decodeFrame(b []byte, salt uint32, limit int64) (frame, error) {
	if limit < recordHeader {
		return frame{}, errDamaged
	}
	if len(b) < recordHeader {
		return frame{}, &shortError{recordHeader}
	}
	f, length := peekFrame(b)
	if headSum(b, salt) != binary.LittleEndian.Uint32(b) ||
		f.kind != Data && f.kind != Gap || recordHeader+length > limit {
		return frame{}, errDamaged
	}
	end := recordHeader + int(length)
	if len(b) < end {
		return frame{}, &shortError{end}
	}
	f.data = b[recordHeader:end:end]
	if crc32.Checksum(f.data, castagnoli) != binary.LittleEndian.Uint32(b[24:]) {
		return frame{}, errDamaged
	}
	if f.number == 0 || f.number > maxNumber || f.kind == Gap && (f.span() > maxJump || f.number+f.span() > maxJump) {
		return frame{}, errDamaged
	}
	return f, nil
}

// headSum is the checksum of a record head, which covers that of the data.
func headSum(b []byte, salt uint32) uint32 {
	return crc32.Update(salt, castagnoli, b[4:recordHeader])
}

// peekFrame reads the fields of a record header without trusting them.
func peekFrame(b []byte) (frame, int64) {
	stamp := binary.LittleEndian.Uint64(b[16:])
	return frame{
		number: binary.LittleEndian.Uint64(b[8:]),
		at:     int64(stamp & maxMillis),
		kind:   Kind(stamp >> 48),
		flags:  uint8(stamp >> 56),
	}, int64(binary.LittleEndian.Uint32(b[4:]))
}

// putBlank appends a record whose number, time and checksum are still to be
// filled in by finish.
func putBlank(b []byte, data []byte) []byte {
	var head [recordHeader]byte
	binary.LittleEndian.PutUint32(head[4:], uint32(len(data)))
	return append(append(b, head[:]...), data...)
}

// finish fills in the head of the record at the start of b and returns the
// length of the record. The length field is already there.
func finish(b []byte, salt uint32, f frame) int {
	end := recordHeader + int(binary.LittleEndian.Uint32(b[4:]))
	stamp := uint64(min(max(f.at, 0), maxMillis)) | uint64(f.kind)<<48 | uint64(f.flags)<<56
	binary.LittleEndian.PutUint64(b[8:], f.number)
	binary.LittleEndian.PutUint64(b[16:], stamp)
	binary.LittleEndian.PutUint32(b[24:], crc32.Checksum(b[recordHeader:end], castagnoli))
	binary.LittleEndian.PutUint32(b, headSum(b, salt))
	return end
}

// appendFrame appends a complete record.
func appendFrame(b []byte, salt uint32, f frame) []byte {
	at := len(b)
	b = putBlank(b, f.data)
	finish(b[at:], salt, f)
	return b
}

// gapData is the data of a stored Gap: how many numbers, then why.
func gapData(lost uint64, cause string) []byte {
	return append(binary.LittleEndian.AppendUint64(nil, lost), cause...)
}

func gapCount(data []byte) uint64 {
	if len(data) < 8 {
		return 1
	}
	return binary.LittleEndian.Uint64(data)
}

func millis(ms int64) time.Time { return time.UnixMilli(ms) }
