package uplink

import (
	"encoding/binary"
	"errors"
	"math"
	"slices"
	"strings"

	"gridhub/devices"
	"gridhub/devices/telemetry"
	"gridhub/devices/wire"
)

// recordFormat is the first byte of every spooled record. Format 1 had no mark
// and is read still.
const recordFormat = 2

// Limits of a spooled record; a longer cause is cut.
const (
	maxCause  = 160
	maxValues = 256 // as the hub
)

var errRecord = errors.New("spooled record is damaged")

// reading is a spooled record and the mark of when it was made.
type reading struct {
	wire.Record
	mark mark
}

// encode writes a record compactly, without its number, which the journal
// keeps: format, quality, at, own, boot, up, device, cause, then name and value
// of each metric. Texts are a length and bytes, numbers varints, values 8 bytes.
func encode(r reading) []byte {
	b := make([]byte, 0, 48+16*len(r.Values))
	b = append(b, recordFormat, byte(r.Quality))
	b = binary.AppendVarint(b, int64(r.At))
	b = binary.AppendVarint(b, int64(r.Own))
	b = binary.AppendUvarint(b, r.mark.boot)
	b = binary.AppendVarint(b, int64(r.mark.up))
	b = appendText(b, string(r.Device))
	b = appendText(b, strings.ToValidUTF8(r.Cause[:min(len(r.Cause), maxCause)], ""))
	names := make([]string, 0, len(r.Values))
	for name := range r.Values {
		names = append(names, name)
	}
	slices.Sort(names)
	b = binary.AppendUvarint(b, uint64(len(names)))
	for _, name := range names {
		b = appendText(b, name)
		b = binary.BigEndian.AppendUint64(b, math.Float64bits(r.Values[name]))
	}
	return b
}

func appendText(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

// decode is the inverse of encode.
func decode(b []byte) (reading, error) {
	if len(b) < 2 || b[0] < 1 || b[0] > recordFormat || b[1] > byte(telemetry.Bad) {
		return reading{}, errRecord
	}
	d := scanner{rest: b[2:]}
	r := reading{Record: wire.Record{Quality: telemetry.Quality(b[1])}}
	r.At = telemetry.Millis(d.varint())
	r.Own = telemetry.Millis(d.varint())
	if b[0] > 1 {
		r.mark = mark{d.uvarint(), telemetry.Millis(d.varint())}
	}
	r.Device = devices.ID(d.text())
	r.Cause = d.text()
	n := d.uvarint()
	if d.bad || n > maxValues {
		return reading{}, errRecord
	}
	if n > 0 {
		r.Values = make(map[string]float64, min(n, 64))
	}
	for range n {
		name := d.text()
		r.Values[name] = d.float()
	}
	if d.bad || len(d.rest) > 0 {
		return reading{}, errRecord
	}
	return r, nil
}

// scanner takes values off the front of bytes and remembers a failure.
type scanner struct {
	rest []byte
	bad  bool
}

func (d *scanner) take(n int) []byte {
	if n <= 0 || n > len(d.rest) {
		d.bad = d.bad || n != 0
		return nil
	}
	b := d.rest[:n]
	d.rest = d.rest[n:]
	return b
}

func (d *scanner) varint() int64 {
	v, n := binary.Varint(d.rest)
	if d.take(max(n, -1)) == nil {
		d.bad = true
	}
	return v
}

func (d *scanner) uvarint() uint64 {
	v, n := binary.Uvarint(d.rest)
	if d.take(max(n, -1)) == nil {
		d.bad = true
	}
	return v
}

func (d *scanner) text() string {
	return string(d.take(int(min(d.uvarint(), math.MaxInt32))))
}

func (d *scanner) float() float64 {
	b := d.take(8)
	if b == nil {
		return 0
	}
	return math.Float64frombits(binary.BigEndian.Uint64(b))
}
