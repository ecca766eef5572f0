package dlt645

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Codes of functions. Reading a meter's own number is new in 2007; meters of
// 1997 give it with every answer to Anyone.
const (
	read1997    = 0x01
	more1997    = 0x02
	read2007    = 0x11
	more2007    = 0x12
	readAddress = 0x13
)

// DI is a data identifier: what is asked for.
type DI uint32

// ParseDI reads an identifier as documents print it, the highest byte first:
// four hexadecimal digits in 1997, eight in 2007. Spaces and dashes are
// ignored.
func ParseDI(s string, e Edition) (DI, error) {
	s = strings.NewReplacer(" ", "", "-", "").Replace(s)
	v, err := strconv.ParseUint(s, 16, 32)
	if err != nil || len(s) != 2*e.width() {
		return 0, fmt.Errorf("want a data identifier of %d hexadecimal digits, such as %s", 2*e.width(), e.example())
	}
	return DI(v), nil
}

func (e Edition) width() int {
	if e == E1997 {
		return 2
	}
	return 4
}

func (e Edition) example() string {
	if e == E1997 {
		return "9010"
	}
	return "00010000"
}

// Text prints d as documents do.
func (e Edition) Text(d DI) string { return fmt.Sprintf("%0*X", 2*e.width(), uint32(d)) }

// bytes are d as it travels, the lowest first.
func (e Edition) bytes(d DI) []byte {
	b := binary.LittleEndian.AppendUint32(nil, uint32(d))
	return b[:e.width()]
}

// Read returns the frame that asks the meter a for d.
func (e Edition) Read(a Address, d DI) Frame {
	if e == E1997 {
		return Frame{a, read1997, e.bytes(d)}
	}
	return Frame{a, read2007, e.bytes(d)}
}

// ReadMore asks for the n-th continuation of an answer, counted from 1. In
// 1997 continuations have no numbers.
func (e Edition) ReadMore(a Address, d DI, n byte) Frame {
	if e == E1997 {
		return Frame{a, more1997, e.bytes(d)}
	}
	return Frame{a, more2007, append(e.bytes(d), n)}
}

// ReadAddress asks the only meter on a line for its number (2007).
func ReadAddress() Frame { return Frame{Address: Anyone, Control: readAddress} }

// Refusal is a meter's answer that it will not answer; the byte's bits say
// why.
type Refusal struct {
	Edition Edition
	Code    byte
}

// reasons by bit (2007 annex B.1, 1997 annex B).
var reasons = map[Edition][]string{
	E2007: {"other error", "no such data", "wrong password or no right", "speed cannot be changed", "too many year zones", "too many day slots", "too many tariffs"},
	E1997: {"illegal data", "no such data identifier", "wrong password", "", "too many year zones", "too many day slots", "too many tariffs"},
}

func (r Refusal) Error() string {
	var why []string
	for bit, reason := range reasons[r.Edition] {
		if r.Code&(1<<bit) != 0 && reason != "" {
			why = append(why, reason)
		}
	}
	if len(why) == 0 {
		return fmt.Sprintf("refusal %02X", r.Code)
	}
	return fmt.Sprintf("refusal %02X (%s)", r.Code, strings.Join(why, ", "))
}

// Answer checks f as an answer to ask, which Read or ReadMore made, and
// returns the data behind the identifier. more means that the meter has a
// continuation. The error is a Refusal, ErrForeign or ErrShort.
func (e Edition) Answer(ask, f Frame) (data []byte, more bool, err error) {
	if f.Control&FromMeter == 0 || f.Control&function != ask.Control || !ask.Address.Matches(f.Address) {
		return nil, false, ErrForeign
	}
	if f.Control&Refused != 0 {
		if len(f.Data) != 1 {
			return nil, false, ErrShort
		}
		return nil, false, Refusal{e, f.Data[0]}
	}
	di := ask.Data[:min(e.width(), len(ask.Data))]
	if len(f.Data) < len(di) {
		return nil, false, ErrShort
	}
	if string(f.Data[:len(di)]) != string(di) {
		return nil, false, ErrForeign
	}
	data, more = f.Data[len(di):], f.Control&More != 0
	if e == E2007 && ask.Control == more2007 { // the number of the continuation comes last
		n := len(data) - 1
		if n < 0 || data[n] != ask.Data[len(ask.Data)-1] {
			return nil, false, ErrForeign
		}
		data = data[:n]
	}
	return data, more, nil
}

// Number reads a meter's answer to ReadAddress.
func Number(f Frame) (Address, error) {
	if f.Control != FromMeter|readAddress || len(f.Data) != 6 {
		return Address{}, ErrForeign
	}
	return Address(f.Data), nil
}

// IsRefusal reports whether err is a meter's refusal.
func IsRefusal(err error) bool {
	var r Refusal
	return errors.As(err, &r)
}
