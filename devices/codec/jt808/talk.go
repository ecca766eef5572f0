package jt808

import (
	"encoding/binary"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/simplifiedchinese"
)

// Result is what an answer says of a message.
type Result byte

// The results of a general answer (0x8001) that a platform gives.
const (
	OK          Result = 0
	Failed      Result = 1
	Wrong       Result = 2
	Unsupported Result = 3
)

// Reply is the platform's general answer to m, with the running number serial.
func Reply(m *Message, serial uint16, r Result) *Message {
	body := binary.BigEndian.AppendUint16(nil, m.Serial)
	body = binary.BigEndian.AppendUint16(body, uint16(m.ID))
	return &Message{ID: Answer, New: m.New, Phone: m.Phone, Serial: serial, Body: append(body, byte(r))}
}

// Welcome answers a registration with the code by which the terminal will
// authenticate itself.
func Welcome(m *Message, serial uint16, code string) *Message {
	body := append(binary.BigEndian.AppendUint16(nil, m.Serial), 0)
	return &Message{ID: Registered, New: m.New, Phone: m.Phone, Serial: serial, Body: append(body, code...)}
}

// NoSuchTerminal refuses a registration (result 4 of 0x8100).
func NoSuchTerminal(m *Message, serial uint16) *Message {
	body := append(binary.BigEndian.AppendUint16(nil, m.Serial), 4)
	return &Message{ID: Registered, New: m.New, Phone: m.Phone, Serial: serial, Body: body}
}

// Code is the code of an authentication (0x0102). In 2019 its length comes
// first, IMEI and software version behind it.
func (m *Message) Code() (string, error) {
	if !m.New {
		return string(m.Body), nil
	}
	if len(m.Body) < 1 || len(m.Body) < 1+int(m.Body[0]) {
		return "", ErrBody
	}
	return string(m.Body[1 : 1+int(m.Body[0])]), nil
}

// Urgency flags of a text (0x8300).
const (
	Urgent  = 1 << 0
	Display = 1 << 2
	Speak   = 1 << 3
)

// maxText keeps a text in one packet, flags included (8.28).
const maxText = lengthBits - 2

// Text makes a message that the terminal shows or speaks. Terminals read GBK;
// characters that it lacks become question marks, and a text too long for one
// packet is cut between characters.
func Text(phone string, newer bool, serial uint16, flags byte, text string) *Message {
	body := []byte{flags}
	if newer {
		body = append(body, 1) // a notice
	}
	encoder := encoding.ReplaceUnsupported(simplifiedchinese.GBK.NewEncoder())
	for _, r := range text {
		b, err := encoder.Bytes([]byte(string(r)))
		if err != nil {
			b = []byte{'?'}
		}
		if len(body)+len(b) > maxText {
			break
		}
		body = append(body, b...)
	}
	return &Message{ID: TextDown, New: newer, Phone: phone, Serial: serial, Body: body}
}

// Answered reads a terminal's general answer: which running number and message
// it speaks of, and the result.
func (m *Message) Answered() (serial uint16, id ID, r Result, err error) {
	if m.ID != TerminalAnswer || len(m.Body) < 5 {
		return 0, 0, 0, ErrBody
	}
	return binary.BigEndian.Uint16(m.Body), ID(binary.BigEndian.Uint16(m.Body[2:])), Result(m.Body[4]), nil
}
