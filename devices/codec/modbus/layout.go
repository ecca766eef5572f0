package modbus

import (
	"cmp"
	"fmt"
	"math"
	"math/bits"
	"slices"

	"gridhub/devices/telemetry"
)

// Field is one value in a device's registers: value = raw × Scale + Offset.
type Field struct {
	Metric   string
	Table    Table
	Address  uint16 // zero-based, as on the wire
	Type     Type
	Order    Order
	Bit      uint8    // for Bool in a register: 0 is the lowest
	Mask     uint64   // bits that count, shifted down to the lowest; 0 = all
	Scale    float64  // 0 counts as 1
	Offset   float64  // in the metric's unit
	Min, Max *float64 // plausible range; outside, the reading is uncertain
	Known    []float64
	Absent   []uint64 // raw values by which the device says "no value"
}

// Block is a run of registers (or bits) read with one request.
type Block struct {
	Table   Table
	Address uint16
	Count   uint16
}

// Limits of one request (Application Protocol V1.1b3, 6.1 and 6.3).
const (
	maxRegisters = 125
	maxBits      = 2000
)

// Layout says which blocks to read and how fields lie in them. It is immutable
// and safe for concurrent use.
type Layout struct {
	fields []located
	blocks []Block
	absent int // fields that Split gave up
}

// located is a field and where its bytes begin in which block.
type located struct {
	Field
	block, at int
}

// New plans the requests for fields: neighbours in one table share a request
// when at most gap registers between them are read in vain and the request
// stays within most registers (0 = what the protocol allows). Some devices
// refuse a read across holes: gap 0 never reads any.
func New(fields []Field, gap, most uint16) (Layout, error) {
	sorted := slices.Clone(fields)
	slices.SortStableFunc(sorted, func(a, b Field) int {
		return cmp.Or(cmp.Compare(a.Table, b.Table), cmp.Compare(a.Address, b.Address))
	})
	var l Layout
	for _, f := range sorted {
		width := uint32(f.width())
		if uint32(f.Address)+width > 1<<16 {
			return Layout{}, fmt.Errorf("metric %s: %s %d with %d registers ends after 65535", f.Metric, f.Table, f.Address, width)
		}
		if f.Table.Bits() && f.Type != Bool {
			return Layout{}, fmt.Errorf("metric %s: a %s is a single bit, want type bool", f.Metric, f.Table)
		}
		l.place(f, gap, most)
	}
	return l, nil
}

// place puts f into the last block if it fits there, else opens a new one.
func (l *Layout) place(f Field, gap, most uint16) {
	limit := uint32(maxRegisters)
	if f.Table.Bits() {
		limit = maxBits
	}
	if most > 0 {
		limit = min(limit, uint32(most))
	}
	end := uint32(f.Address) + uint32(f.width())
	if n := len(l.blocks); n > 0 {
		b := &l.blocks[n-1]
		reach := uint32(b.Address) + uint32(b.Count)
		if b.Table == f.Table && uint32(f.Address) <= reach+uint32(gap) && end-uint32(b.Address) <= limit {
			b.Count = uint16(max(reach, end) - uint32(b.Address))
			l.fields = append(l.fields, located{f, n - 1, int(f.Address - b.Address)})
			return
		}
	}
	l.blocks = append(l.blocks, Block{f.Table, f.Address, f.width()})
	l.fields = append(l.fields, located{f, len(l.blocks) - 1, 0})
}

func (f Field) width() uint16 {
	if f.Table.Bits() {
		return 1
	}
	return f.Type.Registers()
}

// Blocks are the requests that one reading takes, in order.
func (l Layout) Blocks() []Block { return slices.Clone(l.blocks) }

// Split returns the layout with block i read in smaller pieces, for a device
// that refused it: first without registers that are read in vain, then halved
// between fields. A field that is refused alone is given up, and every reading
// is uncertain from then on. ok is false when nothing would be left to read.
func (l Layout) Split(i int) (smaller Layout, ok bool) {
	var mine []Field
	next := Layout{absent: l.absent}
	for n := range l.blocks {
		fields := l.of(n)
		if n == i {
			mine = fields
			continue
		}
		next.add(fields, l.blocks[n])
	}
	runs := together(mine)
	switch {
	case len(runs) == 1 && len(mine) == 1:
		next.absent++
	case len(runs) == 1:
		half := len(mine) / 2
		runs = [][]Field{mine[:half], mine[half:]}
		fallthrough
	default:
		for _, run := range runs {
			first, last := run[0], run[len(run)-1]
			next.add(run, Block{first.Table, first.Address, last.Address + last.width() - first.Address})
		}
	}
	return next, len(next.fields) > 0
}

// of are the fields of one block.
func (l Layout) of(block int) (fields []Field) {
	for _, f := range l.fields {
		if f.block == block {
			fields = append(fields, f.Field)
		}
	}
	return fields
}

// add puts fields into a block of their own.
func (l *Layout) add(fields []Field, b Block) {
	for _, f := range fields {
		b.Count = max(b.Count, f.Address+f.width()-b.Address)
		l.fields = append(l.fields, located{f, len(l.blocks), int(f.Address - b.Address)})
	}
	l.blocks = append(l.blocks, b)
}

// together sorts fields, in order of address, into runs without holes.
func together(fields []Field) (runs [][]Field) {
	reach := uint32(0)
	for i, f := range fields {
		if i == 0 || uint32(f.Address) > reach {
			runs = append(runs, nil)
		}
		runs[len(runs)-1] = append(runs[len(runs)-1], f)
		reach = max(reach, uint32(f.Address)+uint32(f.width()))
	}
	return runs
}

// Size is the number of data bytes in the answer to b.
func (b Block) Size() int {
	if b.Table.Bits() {
		return (int(b.Count) + 7) / 8
	}
	return 2 * int(b.Count)
}

// Decode makes values of the answers to Blocks, in their order and of their
// Size. A field that the device calls absent, or that is not a number, is left
// out and makes the reading uncertain, as an implausible value does.
func (l Layout) Decode(answers [][]byte) ([]telemetry.Field, telemetry.Quality, error) {
	if len(answers) != len(l.blocks) {
		return nil, telemetry.Bad, fmt.Errorf("%d answers for %d requests", len(answers), len(l.blocks))
	}
	for i, b := range l.blocks {
		if len(answers[i]) != b.Size() {
			return nil, telemetry.Bad, fmt.Errorf("%s %d: %d bytes, want %d", b.Table, b.Address, len(answers[i]), b.Size())
		}
	}
	quality := telemetry.Good
	if l.absent > 0 {
		quality = telemetry.Uncertain
	}
	values := make([]telemetry.Field, 0, len(l.fields))
	for _, f := range l.fields {
		v, ok := f.value(answers[f.block], f.at)
		if !ok || !f.plausible(v) {
			quality = telemetry.Uncertain
		}
		if ok {
			values = append(values, telemetry.Field{Metric: f.Metric, Value: v})
		}
	}
	return values, quality, nil
}

// value reads the field that begins at register (or bit) at of data.
func (f Field) value(data []byte, at int) (float64, bool) {
	if f.Table.Bits() {
		return float64(data[at/8] >> (at % 8) & 1), true
	}
	raw := f.raw(data[2*at : 2*at+2*int(f.width())])
	if slices.Contains(f.Absent, raw) {
		return 0, false
	}
	n := f.number(raw)
	v := n*cmp.Or(f.Scale, 1) + f.Offset
	return v, !math.IsNaN(v) && !math.IsInf(v, 0)
}

// raw undoes the order and returns the bits as one big-endian number.
func (f Field) raw(data []byte) uint64 {
	var raw uint64
	for i := range len(data) / 2 {
		word := i
		if f.Order.swapsWords() {
			word = len(data)/2 - 1 - i
		}
		hi, lo := data[2*word], data[2*word+1]
		if f.Order.swapsBytes() {
			hi, lo = lo, hi
		}
		raw = raw<<16 | uint64(hi)<<8 | uint64(lo)
	}
	if f.Mask != 0 {
		raw = raw & f.Mask >> bits.TrailingZeros64(f.Mask)
	}
	return raw
}

func (f Field) number(raw uint64) float64 {
	switch f.Type {
	case S16:
		return float64(int16(raw))
	case S32:
		return float64(int32(raw))
	case S64:
		return float64(int64(raw))
	case F32:
		return float64(math.Float32frombits(uint32(raw)))
	case F64:
		return math.Float64frombits(raw)
	case Bool:
		return float64(raw >> (f.Bit & 15) & 1)
	}
	return float64(raw)
}

func (f Field) plausible(v float64) bool {
	if len(f.Known) > 0 && !slices.Contains(f.Known, v) {
		return false
	}
	return (f.Min == nil || v >= *f.Min) && (f.Max == nil || v <= *f.Max)
}
