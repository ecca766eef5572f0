// Package jsonread reads JSON (RFC 8259) by pulling, without building values
// that nobody asked for: a message of a few readings is read in well under a
// microsecond and without allocation. It owns the grammar and the limits
// (nesting, exact integers, finite numbers, valid UTF-8); what the keys mean is
// the caller's.
//
// Errors stick: after the first, every call returns the zero value and More
// returns false, so that a caller checks Err once, at the end.
package jsonread

import (
	"math"
	"strconv"
	"unicode/utf8"
	"unsafe"

	"gridhub/devices/codec"
)

// MaxDepth is how deep arrays and objects may nest.
const MaxDepth = 32

// Reader reads one JSON text. It is not safe for concurrent use. The zero
// value is ready for Reset.
type Reader struct {
	b       []byte
	i       int
	depth   int
	fresh   bool // just after an opening bracket: no comma wanted
	err     error
	scratch []byte
}

// Reset starts over with b, which must stay unchanged while it is read.
func (r *Reader) Reset(b []byte) {
	r.b, r.i, r.depth, r.fresh, r.err = b, 0, 0, false, nil
	if len(b) >= 3 && b[0] == 0xEF && b[1] == 0xBB && b[2] == 0xBF {
		r.Fail(codec.Malformed, "begins with a byte order mark")
	}
}

// Err returns the first error.
func (r *Reader) Err() error { return r.err }

// Fail makes the reader fail, unless it has failed already.
func (r *Reader) Fail(c codec.Cause, detail string) {
	if r.err == nil {
		r.err = codec.Errorf(c, "%s (byte %d)", detail, r.i)
	}
}

// Check makes the reader fail with err, unless err is nil or it has failed
// already.
func (r *Reader) Check(err error) {
	if r.err == nil {
		r.err = err
	}
}

// Peek returns the first byte of the next value: { [ " t f n - or a digit; 0
// at the end or after an error.
func (r *Reader) Peek() byte {
	r.space()
	if r.err != nil || r.i >= len(r.b) {
		return 0
	}
	return r.b[r.i]
}

func (r *Reader) space() {
	for r.i < len(r.b) {
		switch r.b[r.i] {
		case ' ', '\t', '\n', '\r':
			r.i++
		default:
			return
		}
	}
}

// Begin enters an object ('{') or an array ('[').
func (r *Reader) Begin(open byte) {
	if r.Peek() != open {
		r.Fail(codec.Shape, "want "+string(open))
		return
	}
	if r.depth++; r.depth > MaxDepth {
		r.Fail(codec.TooDeep, "nested more than "+strconv.Itoa(MaxDepth)+" deep")
		return
	}
	r.i++
	r.fresh = true
}

// More reports whether another member or element follows, and consumes the
// comma before it or the closing bracket ('}' or ']') after the last.
func (r *Reader) More(closing byte) bool {
	c := r.Peek()
	if r.err != nil {
		return false
	}
	if c == closing {
		r.i++
		r.depth--
		r.fresh = false
		return false
	}
	if r.fresh {
		r.fresh = false
		return true
	}
	if c != ',' {
		r.Fail(codec.Malformed, "want , or "+string(closing))
		return false
	}
	r.i++
	return true
}

// Key reads a member's name and its colon. The bytes are valid until the next
// call of Key or Bytes.
func (r *Reader) Key() []byte {
	k := r.Bytes()
	if r.Peek() != ':' {
		r.Fail(codec.Malformed, "want :")
		return nil
	}
	r.i++
	return k
}

// End fails unless nothing but white space is left, and returns Err.
func (r *Reader) End() error {
	r.space()
	if r.err == nil && r.i < len(r.b) {
		r.Fail(codec.Malformed, "bytes after the end")
	}
	return r.err
}

// Bytes reads a string. The bytes are valid until the next call of Key or
// Bytes, and must not be changed.
func (r *Reader) Bytes() []byte {
	if r.Peek() != '"' {
		r.Fail(codec.Shape, "want a string")
		return nil
	}
	start := r.i + 1
	for i := start; i < len(r.b); i++ {
		switch c := r.b[i]; {
		case c == '"':
			r.i = i + 1
			return r.b[start:i]
		case c == '\\' || c < 0x20 || c >= utf8.RuneSelf:
			return r.slowString(start, i)
		}
	}
	r.Fail(codec.Malformed, "unfinished string")
	return nil
}

// slowString goes on at i in a string that has an escape or is not ASCII.
func (r *Reader) slowString(start, i int) []byte {
	r.scratch = append(r.scratch[:0], r.b[start:i]...)
	for i < len(r.b) {
		c := r.b[i]
		switch {
		case c == '"':
			r.i = i + 1
			return r.scratch
		case c < 0x20:
			r.i = i
			r.Fail(codec.Malformed, "control character in a string")
			return nil
		case c == '\\':
			n := r.escape(i)
			if n == 0 {
				r.i = i
				r.Fail(codec.Malformed, "bad escape")
				return nil
			}
			i += n
		case c < utf8.RuneSelf:
			r.scratch = append(r.scratch, c)
			i++
		default:
			v, n := utf8.DecodeRune(r.b[i:])
			if v == utf8.RuneError && n == 1 {
				r.i = i
				r.Fail(codec.Malformed, "not UTF-8")
				return nil
			}
			r.scratch = append(r.scratch, r.b[i:i+n]...)
			i += n
		}
	}
	r.Fail(codec.Malformed, "unfinished string")
	return nil
}

// escape appends what the escape at i stands for and returns its length, 0
// when there is none.
func (r *Reader) escape(i int) int {
	if i+1 >= len(r.b) {
		return 0
	}
	const from, to = `"\/bfnrt`, "\"\\/\b\f\n\r\t"
	for k := range len(from) {
		if r.b[i+1] == from[k] {
			r.scratch = append(r.scratch, to[k])
			return 2
		}
	}
	v, ok := r.hex4(i)
	if !ok {
		return 0
	}
	if v < 0xD800 || v > 0xDFFF {
		r.scratch = utf8.AppendRune(r.scratch, v)
		return 6
	}
	low, ok := r.hex4(i + 6)
	if v > 0xDBFF || !ok || low < 0xDC00 || low > 0xDFFF {
		return 0 // half of a surrogate pair
	}
	r.scratch = utf8.AppendRune(r.scratch, 0x10000+(v-0xD800)<<10+(low-0xDC00))
	return 12
}

func (r *Reader) hex4(i int) (rune, bool) {
	if i+6 > len(r.b) || r.b[i] != '\\' || r.b[i+1] != 'u' {
		return 0, false
	}
	v, err := strconv.ParseUint(string(r.b[i+2:i+6]), 16, 32)
	return rune(v), err == nil
}

// Bool reads true or false.
func (r *Reader) Bool() bool {
	if r.literal("true") {
		return true
	}
	if !r.literal("false") {
		r.Fail(codec.Shape, "want true or false")
	}
	return false
}

// Null reads null if it is next, and reports whether it was.
func (r *Reader) Null() bool { return r.Peek() == 'n' && r.literal("null") }

func (r *Reader) literal(s string) bool {
	r.space()
	if r.err != nil || len(r.b)-r.i < len(s) || string(r.b[r.i:r.i+len(s)]) != s {
		return false
	}
	r.i += len(s)
	return true
}

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

// Skip reads the next value and forgets it. Its grammar and depth are checked.
func (r *Reader) Skip() {
	switch c := r.Peek(); c {
	case '{':
		for r.Begin('{'); r.More('}'); {
			r.Key()
			r.Skip()
		}
	case '[':
		for r.Begin('['); r.More(']'); {
			r.Skip()
		}
	case '"':
		r.Bytes()
	case 't', 'f':
		r.Bool()
	case 'n':
		if !r.Null() {
			r.Fail(codec.Malformed, "want null")
		}
	case 0:
		r.Fail(codec.Malformed, "ends too early")
	default:
		r.scan()
	}
}

// Check fails unless b is one JSON text within the limits and without an
// object that has one key twice.
func Check(b []byte) error {
	var r Reader
	r.Reset(b)
	r.checkValue()
	return r.End()
}

func (r *Reader) checkValue() {
	switch r.Peek() {
	case '{':
		seen := map[string]bool{}
		for r.Begin('{'); r.More('}'); {
			k := r.Key()
			if r.err == nil && seen[string(k)] {
				r.Fail(codec.Duplicate, "key "+strconv.Quote(clip(k))+" twice")
			}
			seen[string(k)] = true
			r.checkValue()
		}
	case '[':
		for r.Begin('['); r.More(']'); {
			r.checkValue()
		}
	default:
		r.Skip()
	}
}
