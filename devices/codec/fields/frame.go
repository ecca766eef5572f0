package fields

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
)

// Frame is a frame of fixed length that begins with Start and is proved by a
// checksum.
type Frame struct {
	Start    []byte
	End      []byte // last bytes, behind the checksum; may be empty
	Length   int    // of the whole frame
	Checksum Checksum
	From     int // first byte that the checksum covers; it ends before the checksum
	Numbers  []Number
}

// Number is a value's place in a frame.
type Number struct {
	Name   string
	At     int // first byte
	Bytes  int // 1 to 8; a Float has 4 or 8
	Little bool
	Signed bool
	Float  bool
}

// Checksum is how a frame proves itself.
type Checksum string

// The checksums in use; None means that only start and end prove a frame.
const (
	None       Checksum = "none"
	Sum        Checksum = "sum"        // one byte, the sum
	Complement Checksum = "complement" // one byte that makes the sum zero
	XOR        Checksum = "xor"        // one byte
	Sum16      Checksum = "sum16"      // two bytes, the high one first
	CRC16      Checksum = "crc16"      // Modbus' CRC, the low byte first
)

// Checksums lists all of them.
var Checksums = []string{string(None), string(Sum), string(Complement), string(XOR), string(Sum16), string(CRC16)}

// ErrChecksum means that a frame was damaged.
var ErrChecksum = errors.New("wrong checksum")

func (c Checksum) size() int {
	switch c {
	case Sum, Complement, XOR:
		return 1
	case Sum16, CRC16:
		return 2
	}
	return 0
}

func (c Checksum) of(b []byte) []byte {
	var sum uint16
	switch c {
	case Sum, Complement, Sum16:
		for _, x := range b {
			sum += uint16(x)
		}
		if c == Sum16 {
			return binary.BigEndian.AppendUint16(nil, sum)
		}
		if c == Complement {
			sum = -sum
		}
	case XOR:
		for _, x := range b {
			sum ^= uint16(x)
		}
	case CRC16:
		return binary.LittleEndian.AppendUint16(nil, crc16(b))
	default:
		return nil
	}
	return []byte{byte(sum)}
}

func crc16(b []byte) uint16 {
	crc := uint16(0xFFFF)
	for _, x := range b {
		crc ^= uint16(x)
		for range 8 {
			odd := crc & 1
			crc >>= 1
			if odd == 1 {
				crc ^= 0xA001
			}
		}
	}
	return crc
}

// MaxLength is the longest fixed frame.
const MaxLength = 512

// Check says what is wrong with a frame's description.
func (f *Frame) Check() error {
	switch {
	case len(f.Start) == 0:
		return errors.New("start bytes by which a frame is found")
	case f.Length < len(f.Start)+f.Checksum.size()+len(f.End) || f.Length > MaxLength:
		return fmt.Errorf("a length from %d to %d that holds start, checksum and end", len(f.Start)+f.Checksum.size()+len(f.End), MaxLength)
	case f.From < 0 || f.From >= f.Length:
		return errors.New("a byte within the frame from which the checksum counts")
	}
	for _, n := range f.Numbers {
		if n.At < 0 || n.Bytes < 1 || n.Bytes > 8 || n.At+n.Bytes > f.Length || n.Float && n.Bytes != 4 && n.Bytes != 8 {
			return fmt.Errorf("1 to 8 bytes within the frame for %s, 4 or 8 for a float", n.Name)
		}
	}
	return nil
}

// sound reports whether b, of the right length, is a frame.
func (f *Frame) sound(b []byte) bool {
	tail := f.Length - len(f.End)
	at := tail - f.Checksum.size()
	return bytes.Equal(b[tail:], f.End) && f.From <= at && bytes.Equal(b[at:tail], f.Checksum.of(b[f.From:at]))
}

// next finds the first sound frame. What looked like one and is damaged is
// passed over by one byte only: its start may have been a value.
func (f *Frame) next(buf []byte) (said map[string]float64, rest []byte, err error) {
	for {
		i := bytes.Index(buf, f.Start)
		if i < 0 {
			return nil, buf[max(0, len(buf)-len(f.Start)+1):], err
		}
		buf = buf[i:]
		if len(buf) < f.Length {
			return nil, buf, err
		}
		if f.sound(buf[:f.Length]) {
			return f.read(buf[:f.Length]), buf[f.Length:], nil
		}
		err = ErrChecksum
		buf = buf[1:]
	}
}

func (f *Frame) read(b []byte) map[string]float64 {
	said := map[string]float64{}
	for _, n := range f.Numbers {
		said[n.Name] = n.read(b[n.At : n.At+n.Bytes])
	}
	return said
}

func (n Number) read(b []byte) float64 {
	var raw uint64
	for i := range b {
		if n.Little {
			raw = raw<<8 | uint64(b[len(b)-1-i])
		} else {
			raw = raw<<8 | uint64(b[i])
		}
	}
	switch {
	case n.Float && len(b) == 4:
		return float64(math.Float32frombits(uint32(raw)))
	case n.Float:
		return math.Float64frombits(raw)
	case n.Signed:
		shift := 64 - 8*len(b)
		return float64(int64(raw<<shift) >> shift)
	}
	return float64(raw)
}
