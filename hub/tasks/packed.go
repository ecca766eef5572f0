package tasks

import (
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"time"

	"gridhub/devices/telemetry"
	"gridhub/hub/identity"
)

// digestFormat is raised by every change of the layout below, and of what the
// fold or the clocks make of events: kept digests of another format are not
// read, and made again.
const digestFormat = 1

// The layout: varints and texts with their length in front, instants as the
// distance from the one before. The id and the matter stand beside it.
//
//	state, source, grid, department, assignee
//	reported, reopened, reworks, joined, pauses, paused, resent, last
//	times:  n × (event, instant); of the newest life again, if it was opened again
//	clocks: n × (name, until, started, due, stopped, used ‰ if it stopped)
//	former: as clocks
//	stays:  n × (department, from, to)
//	passes: n × (order, kind, from, to, got, gave, on, back)
type packer struct {
	b  []byte
	at telemetry.Millis
}

func (p *packer) text(s string) {
	p.b = append(binary.AppendUvarint(p.b, uint64(len(s))), s...)
}

func (p *packer) number(n int64) { p.b = binary.AppendVarint(p.b, n) }

// instant writes 0, which stands for none, as it is.
func (p *packer) instant(t telemetry.Millis) {
	p.truth(t != 0)
	if t != 0 {
		p.number(int64(t - p.at))
		p.at = t
	}
}

func (p *packer) truth(is bool) {
	n := byte(0)
	if is {
		n = 1
	}
	p.b = append(p.b, n)
}

// encode packs a digest for a row.
func (d *Digest) encode() []byte {
	p := packer{b: make([]byte, 0, 256)}
	for _, s := range []string{string(d.State), d.Source, d.Grid, d.Department, string(d.Assignee)} {
		p.text(s)
	}
	p.instant(d.Reported)
	p.instant(d.Reopened)
	for _, n := range []int64{int64(d.Reworks), int64(len(d.Joined)), int64(d.Pauses), int64(d.Paused)} {
		p.number(n)
	}
	p.truth(d.Resent)
	p.instant(d.Last)
	p.times(d.Times)
	if d.Reopened != 0 {
		p.times(d.newest)
	}
	p.clocks(d.Clocks)
	p.clocks(d.Former)
	p.hands(d)
	return p.b
}

func (p *packer) times(times map[EventType]telemetry.Millis) {
	p.number(int64(len(times)))
	for _, t := range slices.Sorted(maps.Keys(times)) {
		p.text(string(t))
		p.instant(times[t])
	}
}

// clocks packs limits. What is used of one that never stopped depends on the
// time, and is left out.
func (p *packer) clocks(all []Clock) {
	p.number(int64(len(all)))
	for i := range all {
		k := &all[i]
		p.text(k.Name)
		p.text(string(k.Until))
		p.instant(k.Started)
		p.instant(k.Due)
		p.instant(k.Stopped)
		if k.Stopped != 0 {
			p.number(int64(math.Round(k.Used * 1000)))
		}
	}
}

// hands packs who had the case, and how it went round.
func (p *packer) hands(d *Digest) {
	p.number(int64(len(d.stays.all)))
	for _, s := range d.stays.all {
		p.text(s.Department)
		p.instant(s.From)
		p.instant(s.To)
	}
	p.number(int64(len(d.Passes)))
	for i := range d.Passes {
		s := &d.Passes[i]
		p.number(int64(s.Order))
		for _, name := range []string{string(s.Kind), s.From, s.To} {
			p.text(name)
		}
		for _, t := range []telemetry.Millis{s.Got, s.Gave, s.On} {
			p.instant(t)
		}
		p.truth(s.Back)
	}
}

// names lets equal texts of many digests be one.
type names map[string]string

// errDigest says that the bytes of a digest are not what was written.
var errDigest = errors.New("a kept digest cannot be read")

// unpacker reads what packer wrote; after a fault it reads zeroes.
type unpacker struct {
	b     []byte
	at    telemetry.Millis
	names names
	bad   bool
}

func (u *unpacker) text() string {
	n, size := binary.Uvarint(u.b)
	if size <= 0 || n > uint64(len(u.b)-size) {
		u.fail()
		return ""
	}
	raw := u.b[size : size+int(n)]
	u.b = u.b[size+int(n):]
	s, known := u.names[string(raw)]
	if !known {
		s = string(raw)
		u.names[s] = s
	}
	return s
}

func (u *unpacker) fail() { u.b, u.bad = nil, true }

func (u *unpacker) number() int64 {
	n, size := binary.Varint(u.b)
	if size <= 0 {
		u.fail()
		return 0
	}
	u.b = u.b[size:]
	return n
}

// size is the length of a list: each entry has a byte at least.
func (u *unpacker) size() int {
	n := u.number()
	if n < 0 || n > int64(len(u.b)) {
		u.fail()
		return 0
	}
	return int(n)
}

func (u *unpacker) instant() telemetry.Millis {
	if !u.truth() {
		return 0
	}
	u.at += telemetry.Millis(u.number())
	return u.at
}

func (u *unpacker) truth() bool {
	if len(u.b) == 0 || u.b[0] > 1 {
		u.fail()
		return false
	}
	is := u.b[0] == 1
	u.b = u.b[1:]
	return is
}

// decodeDigest unpacks a row.
func decodeDigest(b []byte, known names) (d Digest, err error) {
	u := unpacker{b: b, names: known}
	d.State, d.Source, d.Grid, d.Department, d.Assignee = EventType(u.text()), u.text(), u.text(), u.text(), identity.PersonID(u.text())
	d.Reported, d.Reopened = u.instant(), u.instant()
	d.Reworks = int(u.number())
	d.Joined = make([]identity.CaseID, u.size())
	d.Pauses, d.Paused = int(u.number()), time.Duration(u.number())
	d.Resent, d.Last = u.truth(), u.instant()
	d.Times = u.times()
	if d.Reopened != 0 {
		d.newest = u.times()
	}
	d.Clocks, d.Former = u.clocks(), u.clocks()
	u.hands(&d)
	if u.bad || len(u.b) > 0 {
		return Digest{}, fmt.Errorf("%w: %x", errDigest, b)
	}
	return d, nil
}

func (u *unpacker) times() map[EventType]telemetry.Millis {
	n := u.size()
	out := make(map[EventType]telemetry.Millis, n)
	for range n {
		t := EventType(u.text())
		out[t] = u.instant()
	}
	return out
}

func (u *unpacker) clocks() []Clock {
	out := make([]Clock, u.size())
	for i := range out {
		out[i] = Clock{Name: u.text(), Until: EventType(u.text()), Started: u.instant(), Due: u.instant(), Stopped: u.instant()}
		if out[i].Stopped != 0 {
			out[i].Used = float64(u.number()) / 1000
		}
	}
	return out
}

func (u *unpacker) hands(d *Digest) {
	d.stays.all = make([]Stay, u.size())
	for i := range d.stays.all {
		d.stays.all[i] = Stay{Department: u.text(), From: u.instant(), To: u.instant()}
	}
	d.Passes = make([]Pass, u.size())
	for i := range d.Passes {
		d.Passes[i] = Pass{Order: int(u.number()), Kind: EventType(u.text()), From: u.text(), To: u.text(),
			Got: u.instant(), Gave: u.instant(), On: u.instant(), Back: u.truth()}
	}
}
