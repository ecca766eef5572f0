package jsonread

import (
	"math"
	"strconv"
	"unsafe"

	"gridhub/devices/codec"
)

// number is a JSON number as it was scanned: digits as an integer when they
// fit, and how it was written.
type number struct {
	text     []byte
	mantissa uint64
	digits   int // significant digits in mantissa; more than 19 did not fit
	scale    int // value = mantissa × 10^scale
	negative bool
	integer  bool
}

func (r *Reader) scan() (n number, ok bool) {
	r.space()
	start, b := r.i, r.b
	i := start
	if i < len(b) && b[i] == '-' {
		n.negative = true
		i++
	}
	whole := i
	i = n.take(b, i)
	if i == whole || i-whole > 1 && b[whole] == '0' {
		r.Fail(codec.Shape, "want a number")
		return n, false
	}
	n.integer = true
	if i < len(b) && b[i] == '.' {
		n.integer = false
		from := i + 1
		if i = n.take(b, from); i == from {
			r.Fail(codec.Malformed, "want a digit after the point")
			return n, false
		}
		n.scale = from - i
	}
	if i < len(b) && (b[i] == 'e' || b[i] == 'E') {
		n.integer = false
		if i, ok = n.exponent(b, i+1); !ok {
			r.Fail(codec.Malformed, "want a digit in the exponent")
			return n, false
		}
	}
	n.text = b[start:i]
	r.i = i
	return n, r.err == nil
}

// take reads digits into the mantissa and returns where they end.
func (n *number) take(b []byte, i int) int {
	for ; i < len(b) && b[i] >= '0' && b[i] <= '9'; i++ {
		if n.mantissa != 0 || b[i] != '0' {
			n.digits++
		}
		n.mantissa = n.mantissa*10 + uint64(b[i]-'0')
	}
	return i
}

func (n *number) exponent(b []byte, i int) (int, bool) {
	negative := false
	if i < len(b) && (b[i] == '+' || b[i] == '-') {
		negative = b[i] == '-'
		i++
	}
	from, e := i, 0
	for ; i < len(b) && b[i] >= '0' && b[i] <= '9'; i++ {
		e = min(e*10+int(b[i]-'0'), 100_000)
	}
	if negative {
		e = -e
	}
	n.scale += e
	return i, i > from
}

var tens = [...]float64{1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11,
	1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22}

// Float reads a number as the nearest float64. One that is too large for any
// is an error of cause Number.
func (r *Reader) Float() float64 {
	n, ok := r.scan()
	if !ok {
		return 0
	}
	// Up to 15 digits and powers of ten up to 22 are exact, so that one division
	// or multiplication rounds correctly (Clinger 1990); the rest is strconv's.
	if n.digits <= 15 && n.scale >= -22 && n.scale <= 22 {
		f := float64(n.mantissa)
		if n.scale < 0 {
			f /= tens[-n.scale]
		} else {
			f *= tens[n.scale]
		}
		if n.negative {
			f = -f
		}
		return f
	}
	f, err := strconv.ParseFloat(unsafe.String(&n.text[0], len(n.text)), 64)
	if err != nil || math.IsInf(f, 0) {
		r.Fail(codec.Number, "number too large: "+clip(n.text))
		return 0
	}
	return f
}

// Uint reads a whole number from 0 to 2^63-1: the databases and JavaScript's
// neighbours know no larger ones.
func (r *Reader) Uint() uint64 {
	v := r.Int()
	if v < 0 {
		r.Fail(codec.Number, "want a number that is not negative")
		return 0
	}
	return uint64(v)
}

// Int reads a whole number from -2^63+1 to 2^63-1.
func (r *Reader) Int() int64 {
	n, ok := r.scan()
	if !ok {
		return 0
	}
	if !n.integer {
		r.Fail(codec.Shape, "want a whole number, not "+clip(n.text))
		return 0
	}
	if n.digits > 19 || n.mantissa > math.MaxInt64 {
		r.Fail(codec.Number, "number too large: "+clip(n.text))
		return 0
	}
	if n.negative {
		return -int64(n.mantissa)
	}
	return int64(n.mantissa)
}

func clip(b []byte) string { return string(b[:min(len(b), 24)]) }
