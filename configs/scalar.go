package configs

import (
	"encoding"
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"
)

var (
	durationType = reflect.TypeFor[time.Duration]()
	textType     = reflect.TypeFor[encoding.TextUnmarshaler]()
)

// isScalar reports whether t is written as a single value in a file.
func isScalar(t reflect.Type) bool {
	if reflect.PointerTo(t).Implements(textType) {
		return true
	}
	switch t.Kind() {
	case reflect.Bool, reflect.String, reflect.Float32, reflect.Float64,
		reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return true
	}
	return false
}

// scalar decodes a single value. A string takes a number as it is written, so
// that codes such as 0755 keep their zeros.
func (d *decoder) scalar(n ast.Node, v reflect.Value, path string) {
	text, ok := scalarText(n)
	if !ok {
		d.problem(n, path, "", "%s, not a %s", wanted(v.Type()), strings.ToLower(n.Type().String()))
		return
	}
	if want := setScalar(v, text); want != "" {
		d.problem(n, path, text, "%s", want)
	}
}

// scalarText returns a single value as the file spells it, without quotes.
func scalarText(n ast.Node) (string, bool) {
	switch n := n.(type) {
	case *ast.StringNode:
		return n.Value, true
	case *ast.LiteralNode:
		return n.Value.Value, true
	case ast.ScalarNode:
		return n.GetToken().Value, true
	}
	return "", false
}

// setScalar parses text into v; it returns what was wanted if that fails.
func setScalar(v reflect.Value, text string) (want string) {
	if v.CanAddr() {
		if u, ok := v.Addr().Interface().(encoding.TextUnmarshaler); ok {
			if err := u.UnmarshalText([]byte(text)); err != nil {
				return err.Error()
			}
			return ""
		}
	}
	want = wanted(v.Type())
	ok := false
	switch {
	case v.Type() == durationType:
		var d time.Duration
		if d, ok = parseDuration(text); ok {
			v.SetInt(int64(d))
		}
	case v.Kind() == reflect.String:
		v.SetString(text)
		ok = true
	case v.Kind() == reflect.Bool:
		if ok = text == "true" || text == "false"; ok {
			v.SetBool(text == "true")
		}
	case v.CanInt():
		var i int64
		if i, ok = parseInt(text); ok && !v.OverflowInt(i) {
			v.SetInt(i)
			return ""
		}
		return want
	case v.CanUint():
		var i int64
		if i, ok = parseInt(text); ok && i >= 0 && !v.OverflowUint(uint64(i)) {
			v.SetUint(uint64(i))
			return ""
		}
		return want
	case v.CanFloat():
		f, err := strconv.ParseFloat(text, 64)
		if ok = err == nil && !math.IsInf(f, 0) && !math.IsNaN(f); ok {
			v.SetFloat(f)
		}
	}
	if ok {
		return ""
	}
	return want
}

func parseDuration(text string) (time.Duration, bool) {
	d, err := time.ParseDuration(text)
	return d, err == nil
}

// parseInt reads decimal (also with leading zeros), 0x, 0o and 0b numbers.
func parseInt(text string) (int64, bool) {
	base := 0
	if strings.Trim(text, "0123456789") == "" {
		base = 10
	}
	i, err := strconv.ParseInt(text, base, 64)
	return i, err == nil
}

// wanted says in plain words what a value of type t looks like.
func wanted(t reflect.Type) string {
	switch {
	case t == durationType:
		return "want a duration such as 500ms, 30s, 5m or 1h30m"
	case t.Kind() == reflect.Bool:
		return "want true or false"
	case t.Kind() == reflect.Float64 || t.Kind() == reflect.Float32:
		return "want a number"
	case t.Kind() == reflect.String:
		return "want a text"
	case reflect.Int8 <= t.Kind() && t.Kind() <= reflect.Int32:
		bits := t.Bits()
		return fmt.Sprintf("want a whole number from %d to %d", -(int64(1) << (bits - 1)), int64(1)<<(bits-1)-1)
	case reflect.Uint8 <= t.Kind() && t.Kind() <= reflect.Uint32:
		return fmt.Sprintf("want a whole number from 0 to %d", uint64(1)<<t.Bits()-1)
	case t.Kind() == reflect.Uint || t.Kind() == reflect.Uint64:
		return "want a whole number, 0 or more"
	case t.Kind() == reflect.Int || t.Kind() == reflect.Int64:
		return "want a whole number"
	}
	return "want a single value"
}
