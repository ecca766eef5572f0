package intake

import (
	"cmp"
	"encoding/binary"
	"errors"
	"maps"
	"math"
	"slices"

	"gridhub/devices"
	"gridhub/devices/telemetry"
)

// The state of a Decoder as bytes, version 3: the senders, then the devices, in
// the order of their ids, then what was freed, each with a count before, so that
// equal states are equal bytes. Numbers are varints, values 8 bytes, little end first.
// Version 1 had nothing of foreign senders, version 2 nothing of holes, of
// former gateways and of SOS buttons; both are read still.
const stateVersion = 3

var errState = errors.New("not a decoder state of version 1 to 3")

// Save appends the state to b.
func (d *Decoder) Save(b []byte) []byte {
	b = append(b, stateVersion)
	b = binary.AppendUvarint(b, uint64(len(d.senders)))
	for _, id := range slices.SortedFunc(maps.Keys(d.senders), cmp.Compare) {
		b = d.senders[id].save(appendText(b, string(id)))
	}
	b = binary.AppendUvarint(b, uint64(len(d.devices)))
	for _, id := range slices.SortedFunc(maps.Keys(d.devices), cmp.Compare) {
		b = d.devices[id].save(appendText(b, string(id)))
	}
	b = binary.AppendUvarint(b, uint64(len(d.freed.order)))
	for _, k := range d.freed.order {
		b = binary.AppendUvarint(b, k.number)
		b = binary.AppendVarint(b, int64(k.item))
	}
	return b
}

func (s *sender) save(b []byte) []byte {
	b = appendText(b, s.convention)
	b = s.clock.save(b)
	b = binary.AppendUvarint(b, uint64(len(s.streams)))
	for _, st := range s.streams {
		b = appendText(b, st.name)
		b = binary.AppendUvarint(b, st.epoch)
		b = binary.AppendUvarint(b, st.used)
		b = binary.AppendUvarint(b, uint64(len(st.seen)))
		at := uint64(0)
		for _, sp := range st.seen {
			b = binary.AppendUvarint(b, sp.first-at)
			b = binary.AppendUvarint(b, sp.last-sp.first)
			at = sp.last
		}
		b = st.holes.save(b)
	}
	return s.foreign.save(b)
}

func (c *clock) save(b []byte) []byte {
	flags := uint64(0)
	if c.known {
		flags |= 1
	}
	if c.hasPrev {
		flags |= 2
	}
	b = binary.AppendUvarint(b, flags)
	for _, v := range [...]int64{int64(c.begun), c.best, c.prev, int64(c.high), c.highBest, int64(c.heard)} {
		b = binary.AppendVarint(b, v)
	}
	return b
}

func (d *device) save(b []byte) []byte {
	b = appendText(b, d.kind)
	b = appendText(b, string(d.gateway))
	b = appendText(b, string(d.former))
	flags := uint64(d.oldest) << 1
	if d.hub {
		flags |= 1
	}
	b = binary.AppendUvarint(b, flags)
	for i := range d.recent {
		in := &d.recent[i]
		b = binary.AppendVarint(b, int64(in.at))
		if in.at == 0 {
			continue
		}
		b = appendText(b, string(in.Key.Sender))
		b = appendText(b, in.Key.Stream)
		for _, v := range [...]uint64{in.Key.Epoch, in.Key.Seq, in.Key.Offset, uint64(len(in.Fields))} {
			b = binary.AppendUvarint(b, v)
		}
		for _, f := range in.Fields {
			b = appendText(b, f.Metric)
			b = binary.LittleEndian.AppendUint64(b, math.Float64bits(f.Value))
		}
	}
	return d.sos.save(b)
}

// LoadDecoder returns a Decoder with a state that Save wrote; no bytes are the
// state of one that has seen nothing.
func LoadDecoder(b []byte) (*Decoder, error) {
	d := NewDecoder()
	if len(b) == 0 {
		return d, nil
	}
	c := &cut{b: b}
	version := c.byte()
	if version < 1 || version > stateVersion {
		return nil, errState
	}
	for n := c.uint(); n > 0 && c.err == nil; n-- {
		id := devices.ID(c.text())
		s := d.loadSender(c, version)
		if version > 1 {
			s.foreign.load(c)
		}
		d.senders[id] = s
	}
	for n := c.uint(); n > 0 && c.err == nil; n-- {
		id := devices.ID(c.text())
		dev := d.loadDevice(c, version)
		if version > 2 {
			dev.sos = loadPresses(c)
		}
		d.devices[id] = dev
	}
	for n := c.uint(); n > 0 && c.err == nil; n-- {
		d.freed.add(c.uint(), int(c.int()))
	}
	if c.err != nil || len(c.b) > 0 {
		return nil, errState
	}
	return d, nil
}

func (d *Decoder) loadSender(c *cut, version byte) *sender {
	s := &sender{convention: d.intern(c.text())}
	flags := c.uint()
	s.clock = clock{known: flags&1 != 0, hasPrev: flags&2 != 0, begun: telemetry.Millis(c.int()), best: c.int(), prev: c.int(),
		high: int(c.int()), highBest: c.int(), heard: telemetry.Millis(c.int())}
	for n := c.uint(); n > 0 && c.err == nil; n-- {
		st := &stream{name: d.intern(c.text()), epoch: c.uint(), used: c.uint()}
		at := uint64(0)
		for k := c.uint(); k > 0 && c.err == nil; k-- {
			first := at + c.uint()
			at = first + c.uint()
			st.seen = append(st.seen, span{first, at})
		}
		if version > 2 {
			st.holes.load(c)
		}
		s.streams = append(s.streams, st)
	}
	return s
}

func (d *Decoder) loadDevice(c *cut, version byte) *device {
	dev := &device{kind: d.intern(c.text()), gateway: devices.ID(d.intern(c.text()))}
	if version > 2 {
		dev.former = devices.ID(d.intern(c.text()))
	}
	flags := c.uint()
	dev.hub, dev.oldest = flags&1 != 0, int(flags>>1%recentInstants)
	for i := range dev.recent {
		in := &dev.recent[i]
		if in.at = telemetry.Millis(c.int()); in.at == 0 {
			continue
		}
		in.Key = telemetry.Key{Sender: devices.ID(d.intern(c.text())), Stream: d.intern(c.text()), Epoch: c.uint(), Seq: c.uint(), Offset: c.uint()}
		for n := c.uint(); n > 0 && c.err == nil; n-- {
			f := telemetry.Field{Metric: d.intern(c.text())}
			if len(c.b) < 8 {
				c.err = errState
				break
			}
			f.Value = math.Float64frombits(binary.LittleEndian.Uint64(c.b))
			c.b = c.b[8:]
			in.Fields = append(in.Fields, f)
		}
	}
	return dev
}
