// Package hj212 reads and answers the messages of environmental monitors in
// China (HJ 212-2017, its predecessor HJ/T 212-2005 understood where it is the
// same): noise, dust, air and water stations.
//
// It is pure: bytes in, packets out, no connection, no clock. It promises never
// to panic on foreign bytes and never to return values of a packet whose length
// or CRC is wrong. Which values a station has is profile's to say.
package hj212

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// MaxData is the longest data segment (HJ 212-2017, 6.3.1, packets that are not
// split; stations in the field exceed its 1024 bytes).
const MaxData = 9999

// Command codes (annex, table C.1).
const (
	RealTime = 2011 // values of this moment
	Day      = 2031
	Minutes  = 2051
	Hour     = 2061
	Beat     = 9015 // heartbeat of 2017's amendments
	Request  = 9011 // answer to a request
	Done     = 9012 // result of a request
	Notice   = 9013 // answer to a notice
	Received = 9014 // answer to data
)

// Flag bits (6.3.2): the sender wants an answer; the packet is split.
const (
	WantsAnswer = 1
	Split       = 2
)

// Packet is one message. Text is the inside of CP=&&…&&.
type Packet struct {
	QN       string // the request's number, a time with milliseconds
	ST       string // the system: 22 air, 23 noise, 31 smoke gas, 32 waste water, 39 dust, 91 interaction
	CN       int
	Password string
	MN       string // the station's number
	Flag     int
	Total    int // packets that the message is split into; 0 = not split
	Number   int // of this one, from 1
	Text     string
}

// Faults of a packet.
var (
	ErrLength = errors.New("wrong length")
	ErrCRC    = errors.New("wrong CRC")
	ErrPacket = errors.New("not an HJ 212 packet")
)

var start, lineEnd = []byte("##"), []byte("\r\n")

// overhead is ##, four digits of length, four of CRC and the line's end.
const overhead = 2 + 4 + 4 + 2

// MaxPacket is the most bytes that Next ever waits for.
const MaxPacket = MaxData + overhead

// Next takes the next packet off the front of buf and returns it with what lies
// behind it. p is nil while none is complete, or when one was damaged: err then
// says how, and rest is behind its beginning.
func Next(buf []byte) (p *Packet, rest []byte, err error) {
	i := bytes.Index(buf, start)
	if i < 0 {
		return nil, buf[max(0, len(buf)-1):], nil
	}
	buf = buf[i:]
	if len(buf) < 6 {
		return nil, buf, nil
	}
	size, err := strconv.ParseUint(string(buf[2:6]), 10, 16)
	if err != nil {
		return nil, buf[1:], ErrLength
	}
	whole := int(size) + overhead
	if len(buf) < whole {
		return nil, buf, nil
	}
	data := buf[6 : 6+size]
	sum, tail := buf[6+size:whole-2], buf[whole-2:whole]
	if !bytes.Equal(tail, lineEnd) {
		return nil, buf[1:], ErrLength
	}
	if want, err := strconv.ParseUint(string(sum), 16, 16); err != nil || uint16(want) != CRC(data) {
		return nil, buf[whole:], ErrCRC
	}
	p, err = parse(string(data))
	return p, buf[whole:], err
}

// parse takes a data segment apart: fields to the left of CP, then its inside.
func parse(data string) (*Packet, error) {
	head, cp, ok := strings.Cut(data, "CP=&&")
	text, _, closed := strings.Cut(cp, "&&")
	if !ok || !closed {
		return nil, ErrPacket
	}
	p := &Packet{Text: text}
	for field := range strings.SplitSeq(head, ";") {
		name, value, _ := strings.Cut(field, "=")
		switch name {
		case "QN":
			p.QN = value
		case "ST":
			p.ST = value
		case "CN":
			p.CN = number(value)
		case "PW":
			p.Password = value
		case "MN":
			p.MN = value
		case "Flag":
			p.Flag = number(value)
		case "PNUM":
			p.Total = number(value)
		case "PNO":
			p.Number = number(value)
		}
	}
	if p.MN == "" || p.CN == 0 {
		return nil, ErrPacket
	}
	return p, nil
}

// number is what s says, 0 if it is none.
func number(s string) int {
	n, err := strconv.ParseUint(s, 10, 16)
	if err != nil {
		return 0
	}
	return int(n)
}

// Bytes returns the packet as it travels.
func (p *Packet) Bytes() []byte {
	var b strings.Builder
	if p.QN != "" {
		fmt.Fprintf(&b, "QN=%s;", p.QN)
	}
	fmt.Fprintf(&b, "ST=%s;CN=%d;PW=%s;MN=%s;Flag=%d;", p.ST, p.CN, p.Password, p.MN, p.Flag)
	if p.Total > 0 {
		fmt.Fprintf(&b, "PNUM=%d;PNO=%d;", p.Total, p.Number)
	}
	fmt.Fprintf(&b, "CP=&&%s&&", p.Text)
	return fmt.Appendf(nil, "##%04d%s%04X\r\n", b.Len(), b.String(), CRC([]byte(b.String())))
}

// Asks reports whether the sender wants an answer. A packet of 2005 without a
// flag wants none.
func (p *Packet) Asks() bool { return p.Flag&WantsAnswer != 0 }

// Ack answers p: it was received and kept (9014). The upper bits of the flag
// are the version of the standard and are sent back.
func (p *Packet) Ack() []byte {
	return (&Packet{QN: p.QN, ST: "91", CN: Received, Password: p.Password, MN: p.MN, Flag: p.Flag &^ (WantsAnswer | Split)}).Bytes()
}

// CRC is the standard's check (annex A): like Modbus' CRC, but each byte meets
// only what is left of the register after a shift by eight.
func CRC(data []byte) uint16 {
	crc := uint16(0xFFFF)
	for _, b := range data {
		crc = crc>>8 ^ uint16(b)
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
