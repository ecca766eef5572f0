package modbus

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// MaxFrame is the longest frame on a serial line, CRC included (Modbus over
// Serial Line V1.02, 2.5.1).
const MaxFrame = 256

// Exception is a device's refusal: it is there, but cannot or will not answer.
type Exception byte

var exceptions = map[Exception]string{
	1: "illegal function", 2: "illegal data address", 3: "illegal data value",
	4: "device failure", 5: "acknowledged, still busy", 6: "device busy",
	7: "negative acknowledgement", 8: "memory parity error",
	10: "gateway path unavailable", 11: "gateway target did not answer",
}

func (e Exception) Error() string {
	return fmt.Sprintf("exception %d (%s)", byte(e), exceptions[e])
}

// Passing reports whether the same request may succeed later without anybody
// changing the configuration.
func (e Exception) Passing() bool { return e >= 4 && e != 7 }

// Lacking reports whether the device says that it lacks what was asked for.
func (e Exception) Lacking() bool { return e == 2 || e == 3 }

// Faults of a frame. ErrForeign means that it answers somebody else's request:
// the right one may still come.
var (
	ErrShort   = errors.New("frame too short")
	ErrCRC     = errors.New("wrong CRC")
	ErrForeign = errors.New("frame answers another request")
	ErrLength  = errors.New("frame has the wrong length")
)

// Request returns the body (function, address, count) that asks for b.
func (b Block) Request() []byte {
	body := []byte{b.Table.function(), 0, 0, 0, 0}
	binary.BigEndian.PutUint16(body[1:], b.Address)
	binary.BigEndian.PutUint16(body[3:], b.Count)
	return body
}

// Answer takes the body of a reply (function and what follows) apart and
// returns its data bytes.
func (b Block) Answer(body []byte) ([]byte, error) {
	fn := b.Table.function()
	switch {
	case len(body) < 2:
		return nil, ErrShort
	case body[0] == fn|0x80:
		if len(body) != 2 {
			return nil, ErrLength
		}
		return nil, Exception(body[1])
	case body[0] != fn || int(body[1]) != b.Size():
		return nil, ErrForeign
	case len(body) != 2+b.Size():
		return nil, ErrLength
	}
	return body[2:], nil
}

// Reply returns the length of the serial frame that begins with the three
// bytes of head, if it can be the reply to b.
func (b Block) Reply(head []byte) (size int, ok bool) {
	return 5 + b.Size(), head[1] == b.Table.function() && int(head[2]) == b.Size()
}

// RTU wraps a body for a serial line: unit, body, CRC low byte first.
func RTU(unit byte, body []byte) []byte {
	frame := append([]byte{unit}, body...)
	return binary.LittleEndian.AppendUint16(frame, CRC(frame))
}

// OpenRTU checks a whole serial frame from unit and returns its body.
func OpenRTU(unit byte, frame []byte) ([]byte, error) {
	if len(frame) < 5 {
		return nil, ErrShort
	}
	body, sum := frame[1:len(frame)-2], frame[len(frame)-2:]
	if CRC(frame[:len(frame)-2]) != binary.LittleEndian.Uint16(sum) {
		return nil, ErrCRC
	}
	if frame[0] != unit {
		return nil, ErrForeign
	}
	return body, nil
}

// RTULength returns the full length of the reply that begins with head (unit,
// function, byte count), as far as head tells: ok is false while more bytes
// are needed, err is set if no reply to a read begins like this.
func RTULength(head []byte) (n int, ok bool, err error) {
	switch {
	case len(head) < 3:
		return 0, false, nil
	case head[1]&0x80 != 0:
		return 5, true, nil
	case head[1] >= 1 && head[1] <= 4:
		return min(3+int(head[2])+2, MaxFrame), true, nil
	}
	return 0, false, ErrForeign
}

// CRC is the check of a serial frame (Modbus over Serial Line V1.02, 6.2.2).
func CRC(data []byte) uint16 {
	crc := uint16(0xFFFF)
	for _, b := range data {
		crc ^= uint16(b)
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
