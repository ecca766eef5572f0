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
	"strconv"

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
