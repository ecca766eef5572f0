package modbus

import (
	"cmp"
	"math"
	"math/bits"
)

// Encode is the inverse of Decode for one request: the data bytes that a
// device with these values answers. ok is false when b reaches beyond what the
// layout reads, as a device refuses a register that it does not have. Values
// that are not given are zeros.
func (l Layout) Encode(b Block, values map[string]float64) (data []byte, ok bool) {
	if !l.has(b) {
		return nil, false
	}
	data = make([]byte, b.Size())
	for _, f := range l.fields {
		first := int(f.Address) - int(b.Address)
		if f.Table != b.Table || first < 0 || first+int(f.width()) > int(b.Count) {
			continue
		}
		v := values[f.Metric]
		if f.Table.Bits() {
			if v != 0 {
				data[first/8] |= 1 << (first % 8)
			}
			continue
		}
		f.put(data[2*first:2*first+2*int(f.width())], v)
	}
	return data, true
}

// has reports whether every register of b lies in one of the layout's blocks.
func (l Layout) has(b Block) bool {
	end := int(b.Address) + int(b.Count)
	for at := int(b.Address); at < end; {
		reach := at
		for _, own := range l.blocks {
			if own.Table == b.Table && int(own.Address) <= at {
				reach = max(reach, int(own.Address)+int(own.Count))
			}
		}
		if reach == at {
			return false
		}
		at = reach
	}
	return b.Count > 0
}

// put writes v into registers that may hold other fields' bits too.
func (f Field) put(data []byte, v float64) {
	raw := f.rawOf((v - f.Offset) / cmp.Or(f.Scale, 1))
	keep := uint64(0)
	switch {
	case f.Mask != 0:
		raw, keep = raw<<bits.TrailingZeros64(f.Mask)&f.Mask, ^f.Mask
	case f.Type == Bool:
		raw, keep = raw<<(f.Bit&15), ^(1 << (f.Bit & 15))
	}
	whole := f
	whole.Mask = 0
	raw |= whole.raw(data) & keep
	for i := range len(data) / 2 {
		word := i
		if f.Order.swapsWords() {
			word = len(data)/2 - 1 - i
		}
		shift := 16 * (len(data)/2 - 1 - i)
		hi, lo := byte(raw>>(shift+8)), byte(raw>>shift)
		if f.Order.swapsBytes() {
			hi, lo = lo, hi
		}
		data[2*word], data[2*word+1] = hi, lo
	}
}

// rawOf is the inverse of number.
func (f Field) rawOf(n float64) uint64 {
	switch f.Type {
	case F32:
		return uint64(math.Float32bits(float32(n)))
	case F64:
		return math.Float64bits(n)
	case Bool:
		if n != 0 {
			return 1
		}
		return 0
	}
	return uint64(int64(math.Round(n)))
}

// Answered wraps data in the body of a reply to b.
func (b Block) Answered(data []byte) []byte {
	return append([]byte{b.Table.function(), byte(len(data))}, data...)
}

// Asked reads the body of a request to read. ok is false for other functions
// and for counts that the protocol forbids.
func Asked(body []byte) (b Block, ok bool) {
	if len(body) != 5 || body[0] < 1 || body[0] > 4 {
		return Block{}, false
	}
	b = Block{
		Table:   [...]Table{Coil, Discrete, Holding, Input}[body[0]-1],
		Address: uint16(body[1])<<8 | uint16(body[2]), Count: uint16(body[3])<<8 | uint16(body[4]),
	}
	limit := uint16(maxRegisters)
	if b.Table.Bits() {
		limit = maxBits
	}
	return b, b.Count >= 1 && b.Count <= limit && int(b.Address)+int(b.Count) <= 1<<16
}

// Number reads the bytes of whole registers, as they travel, as one number of
// type t in the given order. NaN where t does not fit them.
func Number(data []byte, t Type, o Order) float64 {
	if len(data) != 2*int(t.Registers()) {
		return math.NaN()
	}
	f := Field{Type: t, Order: o}
	return f.number(f.raw(data))
}
