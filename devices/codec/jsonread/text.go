package jsonread

import (
	"strconv"
	"unicode/utf8"

	"gridhub/devices/codec"
)

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
