// Package jt808 reads and makes the messages of vehicle and handheld terminals
// in China (JT/T 808-2013 and -2019): registration, authentication, heartbeat,
// positions with alarms and additional items, texts to the terminal.
//
// It is pure: bytes in, messages out, no connection, no clock. It promises
// never to panic on foreign bytes and never to return a message whose check
// code is wrong. Encrypted messages are not read. Positions are taken as
// WGS-84, as the standard's status bits demand of a plain terminal.
package jt808

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
)

// ID says what a message is.
type ID uint16

// The messages that are understood, and the answers to them.
const (
	TerminalAnswer ID = 0x0001
	Heartbeat      ID = 0x0002
	SignOff        ID = 0x0003
	Register       ID = 0x0100
	Authenticate   ID = 0x0102
	Position       ID = 0x0200
	Batch          ID = 0x0704
	Answer         ID = 0x8001
	Registered     ID = 0x8100
	TextDown       ID = 0x8300
)

// Message is one message. Body is plain: escapes and check code are gone.
type Message struct {
	ID     ID
	New    bool   // of 2019: a longer number and a version byte
	Phone  string // the terminal's number without leading zeros
	Serial uint16 // the sender's running number
	Total  uint16 // packets that the message is split into; 0 = not split
	Number uint16 // of this one, from 1
	Body   []byte
}

// Attribute bits of the header (JT/T 808-2019, 4.4.3).
const (
	lengthBits = 0x03FF
	encrypted  = 0x1C00
	split      = 0x2000
	versioned  = 0x4000
)

const (
	mark      = 0x7E
	escape    = 0x7D
	version19 = 1 // of the protocol, in the headers of 2019
)

// MaxFrame is the most bytes between two marks that are looked at: a body of
// 1023 bytes and its header, each byte escaped.
const MaxFrame = 2 * (lengthBits + 32)

// Faults of a message.
var (
	ErrCheck     = errors.New("wrong check code")
	ErrEscape    = errors.New("wrong escape")
	ErrHeader    = errors.New("wrong header")
	ErrEncrypted = errors.New("encrypted message")
	ErrLong      = errors.New("no end of a message")
	ErrBody      = errors.New("body too short")
)

// Next takes the next message off the front of buf and returns it with what
// lies behind it. m is nil while none is complete, or when one was damaged: err
// then says how, and rest is behind it.
func Next(buf []byte) (m *Message, rest []byte, err error) {
	i := bytes.IndexByte(buf, mark)
	if i < 0 {
		return nil, nil, nil
	}
	for buf = buf[i:]; len(buf) > 1 && buf[1] == mark; buf = buf[1:] {
		// An end and a beginning; or two beginnings, the message between lost.
	}
	size := bytes.IndexByte(buf[1:], mark)
	if size < 0 {
		if len(buf) > MaxFrame {
			return nil, nil, ErrLong
		}
		return nil, buf, nil
	}
	rest = buf[size+2:]
	plain, err := unescape(buf[1 : size+1])
	if err != nil {
		// The mark may have been a beginning: what follows is not lost.
		return nil, buf[size+1:], err
	}
	m, err = parse(plain)
	if err != nil {
		return nil, buf[size+1:], err
	}
	return m, rest, nil
}

func unescape(b []byte) ([]byte, error) {
	plain := make([]byte, 0, len(b))
	for i := 0; i < len(b); i++ {
		if b[i] != escape {
			plain = append(plain, b[i])
			continue
		}
		i++
		if i == len(b) || b[i] != 1 && b[i] != 2 {
			return nil, ErrEscape
		}
		plain = append(plain, escape+b[i]-1)
	}
	return plain, nil
}

func check(b []byte) (x byte) {
	for _, c := range b {
		x ^= c
	}
	return x
}

func parse(b []byte) (*Message, error) {
	if len(b) < 13 {
		return nil, ErrHeader
	}
	if check(b) != 0 { // the check code included
		return nil, ErrCheck
	}
	b = b[:len(b)-1]
	attributes := binary.BigEndian.Uint16(b[2:])
	m := &Message{ID: ID(binary.BigEndian.Uint16(b)), New: attributes&versioned != 0}
	digits, head := 6, b[4:]
	if m.New {
		digits, head = 10, b[5:]
	}
	tail := digits + 2
	if attributes&split != 0 {
		tail += 4
	}
	if len(head) < tail || len(head)-tail != int(attributes&lengthBits) {
		return nil, ErrHeader
	}
	if attributes&encrypted != 0 {
		return nil, ErrEncrypted
	}
	phone, ok := decimal(head[:digits])
	if !ok {
		return nil, ErrHeader
	}
	m.Phone = strings.TrimLeft(phone, "0")
	m.Serial = binary.BigEndian.Uint16(head[digits:])
	if attributes&split != 0 {
		m.Total, m.Number = binary.BigEndian.Uint16(head[digits+2:]), binary.BigEndian.Uint16(head[digits+4:])
		if m.Number == 0 || m.Number > m.Total {
			return nil, ErrHeader
		}
	}
	m.Body = head[tail:]
	return m, nil
}

// decimal reads packed digits.
func decimal(b []byte) (string, bool) {
	text := make([]byte, 0, 2*len(b))
	for _, x := range b {
		if x>>4 > 9 || x&15 > 9 {
			return "", false
		}
		text = append(text, '0'+x>>4, '0'+x&15)
	}
	return string(text), true
}

// packed is the inverse of decimal, filled with zeros in front.
func packed(s string, size int) []byte {
	s = fmt.Sprintf("%0*s", 2*size, s)
	s = s[len(s)-2*size:]
	b := make([]byte, size)
	for i := range b {
		b[i] = (s[2*i]-'0')<<4 | (s[2*i+1]-'0')&15
	}
	return b
}

// Bytes returns the message as it travels. A body longer than 1023 bytes is
// cut: callers split before.
func (m *Message) Bytes() []byte {
	body := m.Body[:min(len(m.Body), lengthBits)]
	attributes := uint16(len(body))
	if m.Total > 0 {
		attributes |= split
	}
	b := binary.BigEndian.AppendUint16(nil, uint16(m.ID))
	if m.New {
		b = binary.BigEndian.AppendUint16(b, attributes|versioned)
		b = append(append(b, version19), packed(m.Phone, 10)...)
	} else {
		b = binary.BigEndian.AppendUint16(b, attributes)
		b = append(b, packed(m.Phone, 6)...)
	}
	b = binary.BigEndian.AppendUint16(b, m.Serial)
	if m.Total > 0 {
		b = binary.BigEndian.AppendUint16(b, m.Total)
		b = binary.BigEndian.AppendUint16(b, m.Number)
	}
	b = append(b, body...)
	return wrap(append(b, check(b)))
}

func wrap(b []byte) []byte {
	out := []byte{mark}
	for _, x := range b {
		if x == mark || x == escape {
			out = append(out, escape, x-escape+1)
		} else {
			out = append(out, x)
		}
	}
	return append(out, mark)
}
