// Package dlt645 turns the frames of Chinese electricity meters (DL/T 645-1997
// and -2007) and of water, gas and heat meters built like them into numbers,
// and makes the frames that ask for them.
//
// It is pure: bytes in, values out, no bus, no clock. It promises never to
// panic on foreign bytes and never to return a value from a frame that is
// damaged, another meter's, or the answer to another question. Which data a
// model of meter has is profile's to say; asking the meter is the driver's.
package dlt645

import (
	"errors"
	"fmt"
	"slices"
)

// Edition is the year of the standard that a meter follows.
type Edition int

// The editions differ in control codes, in the size of a data identifier (two
// and four bytes) and in how what follows is asked for.
const (
	E1997 Edition = 1997
	E2007 Edition = 2007
)

// Address is a meter's number in twelve decimal digits, as it travels: the
// last two digits first (DL/T 645-2007, 5.2.2).
type Address [6]byte

// Wildcard matches every digit pair of every meter; one meter alone on a line
// answers to Anyone.
const Wildcard = 0xAA

// Anyone is the address to which every meter answers.
var Anyone = Address{Wildcard, Wildcard, Wildcard, Wildcard, Wildcard, Wildcard}

// ParseAddress reads one to twelve digits; missing leading ones are zeros.
func ParseAddress(s string) (a Address, err error) {
	if s == "" || len(s) > 12 {
		return a, fmt.Errorf("meter number %q: want 1 to 12 digits", s)
	}
	s = fmt.Sprintf("%012s", s)
	for i := range a {
		hi, lo := s[10-2*i], s[11-2*i]
		if hi < '0' || hi > '9' || lo < '0' || lo > '9' {
			return a, fmt.Errorf("meter number %q: want 1 to 12 digits", s)
		}
		a[i] = (hi-'0')<<4 | (lo - '0')
	}
	return a, nil
}

// String returns the twelve digits as they stand on the meter.
func (a Address) String() string {
	r := a
	slices.Reverse(r[:])
	return fmt.Sprintf("%X", r[:])
}

// Matches reports whether a meter numbered m may answer a request to a.
func (a Address) Matches(m Address) bool {
	for i := range a {
		if a[i] != Wildcard && a[i] != m[i] {
			return false
		}
	}
	return true
}

// Frame is one frame between its two delimiters. Data is plain: the offset of
// 33H that every byte carries on the line is added and taken off here.
type Frame struct {
	Address Address
	Control byte
	Data    []byte
}

// Bits of the control code (5.2.4).
const (
	FromMeter = 0x80
	Refused   = 0x40
	More      = 0x20 // further frames follow
	function  = 0x1F
)

const (
	begin   = 0x68
	end     = 0x16
	offset  = 0x33
	waking  = 0xFE // sent before a frame to wake the receiver
	header  = 10   // 68, address, 68, control, length
	trailer = 2    // sum, 16
)

// MaxData is the most bytes of data in an answer (5.2.5).
const MaxData = 200

// MaxFrame is the longest answer, waking bytes included.
const MaxFrame = 4 + header + 255 + trailer

// Faults of a frame. ErrForeign means that it answers somebody else's request:
// the right one may still come.
var (
	ErrSum     = errors.New("wrong checksum")
	ErrForeign = errors.New("frame answers another request")
	ErrShort   = errors.New("frame too short")
)

// Bytes returns the frame as it travels, behind four waking bytes.
func (f Frame) Bytes() []byte {
	b := []byte{waking, waking, waking, waking, begin}
	b = append(append(b, f.Address[:]...), begin, f.Control, byte(len(f.Data)))
	for _, d := range f.Data {
		b = append(b, d+offset)
	}
	return append(b, sum(b[4:]), end)
}

// sum adds all bytes from the first delimiter on (5.2.7).
func sum(b []byte) (s byte) {
	for _, c := range b {
		s += c
	}
	return s
}

// Next finds the first sound frame in buf and returns it with what lies behind
// it. Bytes before it (waking bytes, noise) are passed over. ok is false when
// there is none yet; err then says whether something looked like one but was
// damaged.
func Next(buf []byte) (f Frame, rest []byte, ok bool, err error) {
	for i := range buf {
		head := buf[i:]
		if head[0] != begin || len(head) < header || head[7] != begin {
			continue
		}
		size := header + int(head[9]) + trailer
		if len(head) < size {
			continue // its end may still come
		}
		if head[size-1] != end || sum(head[:size-2]) != head[size-2] {
			err = ErrSum
			continue
		}
		f = Frame{Control: head[8], Data: make([]byte, head[9])}
		copy(f.Address[:], head[1:7])
		for j := range f.Data {
			f.Data[j] = head[header+j] - offset
		}
		return f, head[size:], true, nil
	}
	return Frame{}, nil, false, err
}
