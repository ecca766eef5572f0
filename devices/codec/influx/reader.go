package influx

import (
	"bytes"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"gridhub/devices/codec"
	"gridhub/devices/telemetry"
)

// reader goes through the bytes of a payload.
type reader struct {
	b      []byte
	i      int
	number int // of the line at i
}

// toNext goes to the begin of the next line that says something.
func (r *reader) toNext() bool {
	for r.i < len(r.b) {
		switch r.b[r.i] {
		case '\n':
			r.number++
			r.i++
		case ' ', '\t', '\r':
			r.i++
		case '#':
			r.skip()
		default:
			return true
		}
	}
	return false
}

// skip goes to the end of the line, as far as it can be known.
func (r *reader) skip() {
	if n := bytes.IndexByte(r.b[r.i:], '\n'); n >= 0 {
		r.i += n
		return
	}
	r.i = len(r.b)
}

func (r *reader) peek() byte {
	if r.i < len(r.b) {
		return r.b[r.i]
	}
	return '\n'
}

func (r *reader) spaces() (any bool) {
	for c := r.peek(); c == ' ' || c == '\t'; c = r.peek() {
		r.i++
		any = true
	}
	return any
}

// ended reports whether the line is over; a carriage return before its end
// belongs to the end.
func (r *reader) ended() bool {
	return r.peek() == '\n' || r.b[r.i] == '\r' && (r.i+1 == len(r.b) || r.b[r.i+1] == '\n')
}

// line reads measurement[,tag=value…] field=value[,…] [timestamp].
func (r *reader) line(l *Line, unit Precision) (err error) {
	if l.Measurement, err = r.name("measurement", ", "); err != nil {
		return err
	}
	for r.peek() == ',' {
		r.i++
		if err := r.tag(l); err != nil {
			return err
		}
	}
	slices.SortFunc(l.Tags, func(a, b Tag) int { return strings.Compare(a.Key, b.Key) })
	for i := 1; i < len(l.Tags); i++ {
		if l.Tags[i].Key == l.Tags[i-1].Key {
			return codec.Errorf(codec.Duplicate, "duplicate tags")
		}
	}
	if !r.spaces() || r.ended() {
		return codec.Errorf(codec.Malformed, "missing fields")
	}
	if err := r.fields(l); err != nil {
		return err
	}
	return r.stamp(l, unit)
}

func (r *reader) tag(l *Line) error {
	if len(l.Tags) == MaxTags {
		return codec.Errorf(codec.TooLarge, "more than %d tags", MaxTags)
	}
	key, err := r.name("tag key", "=, ")
	if err != nil {
		return err
	}
	if r.peek() != '=' {
		return codec.Errorf(codec.Malformed, "missing tag value")
	}
	r.i++
	value, err := r.name("tag value", "=, ")
	if err != nil {
		return err
	}
	if r.peek() == '=' {
		return codec.Errorf(codec.Malformed, "invalid tag format")
	}
	l.Tags = append(l.Tags, Tag{key, value})
	return nil
}

// name reads up to one of ends, or the end of the line. A backslash before one
// of `,= ` makes it a part of the name; before anything else it is itself
// ("Special characters").
func (r *reader) name(what, ends string) (string, error) {
	var out []byte
	for !r.ended() && !strings.ContainsRune(ends, rune(r.b[r.i])) {
		if r.b[r.i] == '\\' && r.i+1 < len(r.b) && strings.IndexByte(",= ", r.b[r.i+1]) >= 0 {
			r.i++
		}
		out = append(out, r.b[r.i])
		r.i++
	}
	switch {
	case len(out) == 0:
		return "", codec.Errorf(codec.Malformed, "missing %s", what)
	case !utf8.Valid(out):
		return "", codec.Errorf(codec.Malformed, "%s is not UTF-8", what)
	}
	return string(out), nil
}

func (r *reader) fields(l *Line) error {
	seen := map[string]bool{}
	for {
		if len(seen) == MaxFields {
			return codec.Errorf(codec.TooLarge, "more than %d fields", MaxFields)
		}
		key, err := r.name("field key", "=, ")
		if err != nil {
			return err
		}
		if seen[key] {
			return codec.Errorf(codec.Duplicate, "field %s twice", strconv.Quote(key))
		}
		seen[key] = true
		if r.peek() != '=' {
			return codec.Errorf(codec.Malformed, "missing field value")
		}
		r.i++
		if err := r.value(l, key); err != nil {
			return err
		}
		if r.peek() != ',' {
			return nil
		}
		r.i++
	}
}

func (r *reader) value(l *Line, key string) error {
	if r.peek() == '"' {
		l.LeftOut++
		return r.text()
	}
	from := r.i
	for !r.ended() && strings.IndexByte(", \t", r.b[r.i]) < 0 {
		r.i++
	}
	v, err := number(string(r.b[from:r.i]))
	if err == nil {
		l.Fields = append(l.Fields, telemetry.Field{Metric: key, Value: v})
	}
	return err
}

// text passes over a string, in which a line may break.
func (r *reader) text() error {
	from := r.i
	for r.i++; r.i < len(r.b); r.i++ {
		switch r.b[r.i] {
		case '\\':
			r.i++
		case '"':
			r.i++
			return nil
		}
	}
	r.i = from // the line ends where it seems to
	return codec.Errorf(codec.Malformed, "unbalanced quotes")
}

// number reads a float, an integer (1i), an unsigned one (1u) or a boolean.
func number(s string) (float64, error) {
	switch s {
	case "":
		return 0, codec.Errorf(codec.Malformed, "missing field value")
	case "t", "T", "true", "True", "TRUE":
		return 1, nil
	case "f", "F", "false", "False", "FALSE":
		return 0, nil
	}
	var v float64
	var err error
	switch body := s[:len(s)-1]; s[len(s)-1] {
	case 'i':
		var n int64
		n, err = strconv.ParseInt(body, 10, 64)
		v = float64(n)
	case 'u':
		var n uint64
		n, err = strconv.ParseUint(body, 10, 64)
		v = float64(n)
	default:
		if strings.Trim(s, "+-.0123456789eE") != "" { // no NaN, Inf, hexadecimal, underscores
			return 0, codec.Errorf(codec.Malformed, "invalid number")
		}
		v, err = strconv.ParseFloat(s, 64)
	}
	switch {
	case math.IsInf(v, 0) || err != nil && strings.HasSuffix(err.Error(), strconv.ErrRange.Error()):
		return 0, codec.Errorf(codec.Number, "number out of range")
	case err != nil:
		return 0, codec.Errorf(codec.Malformed, "invalid number")
	}
	return v, nil
}

func (r *reader) stamp(l *Line, unit Precision) error {
	if !r.spaces() && !r.ended() {
		return codec.Errorf(codec.Malformed, "invalid field format")
	}
	from := r.i
	for !r.ended() && strings.IndexByte(" \t", r.b[r.i]) < 0 {
		r.i++
	}
	digits := string(r.b[from:r.i])
	r.spaces()
	if !r.ended() {
		return codec.Errorf(codec.Malformed, "bytes after the timestamp")
	}
	if digits == "" {
		return nil
	}
	v, err := strconv.ParseInt(digits, 10, 64)
	if err != nil {
		return codec.Errorf(codec.Malformed, "bad timestamp")
	}
	var ok bool
	if l.At, ok = unit.millis(v); !ok {
		return codec.Errorf(codec.Number, "timestamp out of range")
	}
	return nil
}
