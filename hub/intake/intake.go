// Package intake is the hub's way of a reading: what was published goes raw
// into the journal, is acknowledged when it is durable, and is decoded behind
// it, once, for several consumers that each have a durable cursor.
//
// Decoding is a pure fold over the journal: the same records give the same
// points, refusals and counts, whenever and from wherever they are read. What
// the fold has to remember (the numbers seen of each sender, its clock, who
// owns which device, the last instants of each device) is its state, and every
// cursor saves the state that belongs to its position.
//
// It promises that nothing disappears: each message ends as points, as a
// refusal with a cause, as a re-delivery that was counted, or as a loss that the
// sender declared. It leaves out the broker in front, the databases behind, and
// every meaning of a value.
package intake

import (
	"encoding/binary"
	"errors"
	"time"

	"gridhub/devices"
	"gridhub/devices/telemetry"
)

// Raw is one publish as the broker took it, on the sender's own up tree.
type Raw struct {
	At      telemetry.Millis // the hub's clock when it came
	From    devices.ID
	Topic   string // behind gh/1/<from>/up/
	Payload []byte
	QoS     byte
	Retain  bool
	Will    bool
	Refused string // why the broker would not have it; it goes to quarantine with this cause
}

// A record of the hub's journal, version 1. Numbers are unsigned varints
// (encoding/binary), texts have their length before them.
//
//	version 1 | type | …
//	published:  flags | at ms | from | topic | [refused] | payload to the end
//	registered: at ms | JSON of a Registration to the end
//	began:      at ms
//	replayed:   original number | offset in force, ms (zigzag) | count | held … | the published record to the end
//	held:       item (zigzag, -1 the whole) | device | hour, ms | cause | numbers that it stands for
//
// flags: bits 0-1 QoS, 2 retain, 3 will, 4 refused is there.
const (
	recordVersion = 1

	published  = 0
	registered = 1
	replayed   = 2
	began      = 3

	flagRetain  = 1 << 2
	flagWill    = 1 << 3
	flagRefused = 1 << 4
)

// errRecord is a record that this version did not write: damage that the
// journal's checksum missed, or a newer hub.
var errRecord = errors.New("not an intake record of version 1")

// appendRaw appends the record of r to b.
func appendRaw(b []byte, r *Raw) []byte {
	flags := r.QoS & 3
	if r.Retain {
		flags |= flagRetain
	}
	if r.Will {
		flags |= flagWill
	}
	if r.Refused != "" {
		flags |= flagRefused
	}
	b = append(b, recordVersion, published, flags)
	b = binary.AppendUvarint(b, uint64(max(r.At, 0)))
	b = appendText(b, string(r.From))
	b = appendText(b, r.Topic)
	if r.Refused != "" {
		b = appendText(b, r.Refused)
	}
	return append(b, r.Payload...)
}

// replay is the header of a replayed record.
type replay struct {
	original uint64        // its number when it first came
	offset   time.Duration // the clock offset then in force
	items    []held        // what is to be tried again
}

// held is an item in quarantine: its refusal, without the detail.
type held struct {
	item   int // -1: the whole message
	device devices.ID
	hour   telemetry.Millis
	cause  string
	n      uint32
}

// appendReplay appends the record that tries the items of original again.
func appendReplay(b []byte, p replay, original []byte) []byte {
	b = append(b, recordVersion, replayed)
	b = binary.AppendUvarint(b, p.original)
	b = binary.AppendVarint(b, p.offset.Milliseconds())
	b = binary.AppendUvarint(b, uint64(len(p.items)))
	for _, h := range p.items {
		b = binary.AppendVarint(b, int64(h.item))
		b = appendText(b, string(h.device))
		b = binary.AppendUvarint(b, uint64(h.hour))
		b = appendText(b, h.cause)
		b = binary.AppendUvarint(b, uint64(h.n))
	}
	return append(b, original...)
}

func appendText(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

// cut reads the pieces of a record; the first error sticks.
type cut struct {
	b   []byte
	err error
}

func (c *cut) byte() byte {
	if len(c.b) == 0 {
		c.err = errRecord
		return 0
	}
	v := c.b[0]
	c.b = c.b[1:]
	return v
}

func (c *cut) uint() uint64 {
	v, n := binary.Uvarint(c.b)
	if n <= 0 {
		c.err = errRecord
		c.b = nil
		return 0
	}
	c.b = c.b[n:]
	return v
}

func (c *cut) int() int64 {
	v, n := binary.Varint(c.b)
	if n <= 0 {
		c.err = errRecord
		c.b = nil
		return 0
	}
	c.b = c.b[n:]
	return v
}

// text returns bytes of the record itself.
func (c *cut) text() []byte {
	n := c.uint()
	if n > uint64(len(c.b)) {
		c.err = errRecord
		c.b = nil
		return nil
	}
	v := c.b[:n]
	c.b = c.b[n:]
	return v
}

// ReadRaw reads the record of a publish, as Decoded.Raw has it.
func ReadRaw(rec []byte) (Raw, error) {
	if len(rec) < 2 || rec[0] != recordVersion || rec[1] != published {
		return Raw{}, errRecord
	}
	return parseRaw(rec[2:], func(b []byte) string { return string(b) })
}

// parseRaw reads the rest of a published record, behind its type. Payload
// points into b; intern makes the texts.
func parseRaw(b []byte, intern func([]byte) string) (Raw, error) {
	c := cut{b: b}
	flags := c.byte()
	r := Raw{QoS: flags & 3, Retain: flags&flagRetain != 0, Will: flags&flagWill != 0}
	r.At = telemetry.Millis(c.uint())
	r.From = devices.ID(intern(c.text()))
	r.Topic = intern(c.text())
	if flags&flagRefused != 0 {
		r.Refused = intern(c.text())
	}
	r.Payload = c.b
	return r, c.err
}

func parseReplay(b []byte) (p replay, rest []byte, err error) {
	c := cut{b: b}
	p.original = c.uint()
	p.offset = time.Duration(c.int()) * time.Millisecond
	for n := c.uint(); n > 0 && c.err == nil; n-- {
		h := held{item: int(c.int()), device: devices.ID(c.text()), hour: telemetry.Millis(c.uint())}
		h.cause, h.n = string(c.text()), uint32(c.uint())
		p.items = append(p.items, h)
	}
	return p, c.b, c.err
}

// counted reports whether nothing that is tried again had been refused by the
// decoder: a consumer or a store had given up on it.
func (p *replay) counted() bool {
	for _, h := range p.items {
		if h.n > 0 || h.cause == Foreign {
			return false
		}
	}
	return true
}

// find returns the item's entry.
func (p *replay) find(item int) *held {
	for i := range p.items {
		if p.items[i].item == item {
			return &p.items[i]
		}
	}
	return nil
}
