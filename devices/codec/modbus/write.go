package modbus

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
)

// Write is one request that sets: a single coil, or whole registers.
type Write struct {
	Table   Table // Coil or Holding
	Address uint16
	Data    []byte // registers as they travel; a coil is one byte, 0 or 1
	Many    bool   // by the functions for several (15, 16), even if it is one
}

// Functions that write (Application Protocol V1.1b3, 6.5, 6.6, 6.11, 6.12).
const (
	writeCoil      = 5
	writeRegister  = 6
	writeCoils     = 15
	writeRegisters = 16
)

// maxWritten is how many registers one request sets (6.12).
const maxWritten = 123

// coilOn is how function 5 says 1; 0 is 0, all else is refused (6.5).
const coilOn = 0xFF00

// ErrValue means that a field cannot hold a value.
var ErrValue = errors.New("the register cannot hold this value")

// Write returns the request that sets f to v. Fields that share a register
// with others (a bit, a mask) cannot be set alone.
func (f Field) Write(v float64, many bool) (Write, error) {
	w := Write{Table: f.Table, Address: f.Address, Many: many}
	switch {
	case f.Table != Coil && f.Table != Holding, f.Mask != 0:
		return w, fmt.Errorf("%s %d cannot be written", f.Table, f.Address)
	case f.Table == Coil:
		w.Data = []byte{0}
		if v != 0 {
			w.Data[0] = 1
		}
		return w, nil
	}
	w.Data = make([]byte, 2*int(f.width()))
	f.put(w.Data, v)
	if back, ok := f.value(w.Data, 0); !ok || math.Abs(back-v) > f.Step(v) {
		return w, fmt.Errorf("%w: %v would become %v", ErrValue, v, back)
	}
	return w, nil
}

// Step is by how much a value near v may differ from what it was set to: half
// of the register's resolution.
func (f Field) Step(v float64) float64 {
	switch f.Type {
	case F32, F64:
		return 1e-6 * max(1, math.Abs(v))
	case Bool:
		return 0
	}
	scale := math.Abs(f.Scale)
	if scale == 0 {
		scale = 1
	}
	return scale/2 + 1e-9*math.Abs(v)
}

// count is how many coils or registers are set.
func (w Write) count() uint16 {
	if w.Table == Coil {
		return uint16(len(w.Data))
	}
	return uint16(len(w.Data) / 2)
}

// Request returns the body: function, address and what is to be written.
func (w Write) Request() []byte {
	body := binary.BigEndian.AppendUint16([]byte{w.function()}, w.Address)
	switch body[0] {
	case writeCoil:
		return binary.BigEndian.AppendUint16(body, uint16(w.Data[0])*coilOn)
	case writeRegister:
		return append(body, w.Data...)
	}
	body = append(binary.BigEndian.AppendUint16(body, w.count()), byte(len(w.Data)))
	return append(body, w.Data...)
}

func (w Write) function() byte {
	switch {
	case w.Table == Coil && !w.Many:
		return writeCoil
	case w.Table == Coil:
		return writeCoils
	case len(w.Data) == 2 && !w.Many:
		return writeRegister
	}
	return writeRegisters
}

// writtenSize is the body of every sound reply to a write.
const writtenSize = 5

// Answer takes the body of a reply apart and returns what it repeats: the
// address and the value, or of a request for several their count.
func (w Write) Answer(body []byte) ([]byte, error) {
	request := w.Request()
	switch {
	case len(body) < 2:
		return nil, ErrShort
	case body[0] == request[0]|0x80:
		if len(body) != 2 {
			return nil, ErrLength
		}
		return nil, Exception(body[1])
	case !bytes.Equal(body[:min(len(body), writtenSize)], request[:writtenSize]):
		return nil, ErrForeign
	case len(body) != writtenSize:
		return nil, ErrLength
	}
	return body[1:], nil
}

// Reply returns the length of the serial frame that begins with the three
// bytes of head, if it can be the reply to w.
func (w Write) Reply(head []byte) (size int, ok bool) {
	return 1 + writtenSize + 2, head[1] == w.function() && head[2] == byte(w.Address>>8)
}

// WriteLength returns the full length of a serial frame that begins with head
// and asks to write. ok is false if it does not, or while its end is unknown.
func WriteLength(head []byte) (n int, ok bool) {
	switch {
	case len(head) < 2:
		return 0, false
	case head[1] == writeCoil || head[1] == writeRegister:
		return 8, true
	case (head[1] == writeCoils || head[1] == writeRegisters) && len(head) >= 7:
		return 9 + int(head[6]), true
	}
	return 0, false
}

// Written reads the body of a request to write registers or one coil, as the
// device at the other end does. The error is the Exception to answer with.
func Written(body []byte) (Write, error) {
	if len(body) < writtenSize {
		return Write{}, Exception(1)
	}
	w := Write{Address: binary.BigEndian.Uint16(body[1:]), Many: body[0] >= writeCoils}
	value := binary.BigEndian.Uint16(body[3:])
	size := writtenSize
	switch body[0] {
	case writeCoil:
		if value != 0 && value != coilOn {
			return w, Exception(3)
		}
		w.Table, w.Data = Coil, []byte{byte(value >> 15)}
	case writeRegister:
		w.Data = bytes.Clone(body[3:5])
	case writeCoils:
		w.Table, size = Coil, size+2
		if len(body) != size || value != 1 || body[5] != 1 {
			return w, Exception(3)
		}
		w.Data = []byte{body[6] & 1}
	case writeRegisters:
		size += 1 + 2*int(value)
		if value < 1 || value > maxWritten || len(body) != size || int(body[5]) != 2*int(value) {
			return w, Exception(3)
		}
		w.Data = bytes.Clone(body[6:])
	default:
		return w, Exception(1)
	}
	if len(body) != size {
		return w, Exception(3)
	}
	return w, nil
}

// Read returns the value that w gives to f; ok is false when w sets another
// place, or not the whole of it.
func (w Write) Read(f Field) (v float64, ok bool) {
	if f.Table != w.Table || f.Address != w.Address || f.width() != w.count() || f.Mask != 0 {
		return 0, false
	}
	return f.value(w.Data, 0)
}

// Done returns the body of the reply that confirms w.
func (w Write) Done() []byte { return w.Request()[:writtenSize] }

// Refuse returns the body of the reply that refuses the request of body.
func Refuse(body []byte, e Exception) []byte { return []byte{body[0] | 0x80, byte(e)} }
