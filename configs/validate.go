package configs

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
)

// Validator is a value that knows its own rules: FieldErrors for its keys, or
// any other error for itself as a whole. Rules that need several values belong
// to the smallest struct that holds them all.
type Validator interface{ Validate() error }

// Validate asks v and every value inside it (fields, list items, map entries)
// that is a Validator. The error joins theirs, with keys that begin at v; it
// is what a program asks of a configuration that did not come from a file.
func Validate(v any) error {
	var all []error
	walk(reflect.ValueOf(v), "", func(key string, err error) {
		var field FieldError
		if errors.As(err, &field) {
			field.Key = key
			err = field
		} else if key != "" {
			err = fmt.Errorf("%s: %w", key, err)
		}
		all = append(all, err)
	})
	return errors.Join(all...)
}

// validate asks the Validators below v and gives their errors positions. What
// failed to decode is not complained about twice.
func (d *decoder) validate(v reflect.Value) {
	broken := map[string]bool{}
	for _, p := range d.problems {
		broken[p.Key] = true
	}
	walk(v, "", func(key string, err error) {
		for path := key; path != ""; path = parent(path) {
			if broken[path] {
				return
			}
		}
		d.problems = append(d.problems, d.locate(key, err))
	})
}

// locate finds the line of an error: that of its key, else of the nearest
// group around it that the file mentions.
func (d *decoder) locate(key string, err error) Problem {
	p := Problem{File: d.file, Key: key, Want: err.Error()}
	here, ok := d.at[key]
	var field FieldError
	if errors.As(err, &field) {
		p.Want = "want " + field.Want
		p.Value = here.text
		if field.Value != nil {
			p.Value = fmt.Sprint(field.Value)
		}
	}
	for path := key; !ok && path != ""; {
		path = parent(path)
		here, ok = d.at[path]
	}
	p.Line, p.Column = here.line, here.column
	return p
}

// parent cuts the last key or index off a path.
func parent(path string) string { return path[:max(0, strings.LastIndexAny(path, ".["))] }

// walk reports what the Validators in v find, the outermost first.
func walk(v reflect.Value, path string, report func(key string, err error)) {
	if v.Kind() == reflect.Pointer || v.Kind() == reflect.Interface {
		if !v.IsNil() {
			walk(v.Elem(), path, report)
		}
		return
	}
	if val, ok := validator(v); ok {
		flatten(val.Validate(), path, report)
	}
	switch v.Kind() {
	case reflect.Struct:
		if !isScalar(v.Type()) {
			for _, f := range fieldsOf(v) {
				walk(f.value, join(path, f.name), report)
			}
		}
	case reflect.Slice, reflect.Array:
		for i := range v.Len() {
			walk(v.Index(i), fmt.Sprintf("%s[%d]", path, i), report)
		}
	case reflect.Map:
		for _, k := range v.MapKeys() {
			walk(v.MapIndex(k), join(path, fmt.Sprint(k)), report)
		}
	}
}

func validator(v reflect.Value) (Validator, bool) {
	if v.CanAddr() {
		val, ok := v.Addr().Interface().(Validator)
		return val, ok
	}
	if !v.IsValid() || !v.CanInterface() {
		return nil, false
	}
	val, ok := v.Interface().(Validator)
	return val, ok
}

// flatten reports every error of a joined one, keys put behind path.
func flatten(err error, path string, report func(key string, err error)) {
	var field FieldError
	joined, many := err.(interface{ Unwrap() []error })
	switch {
	case err == nil:
	case many:
		for _, e := range joined.Unwrap() {
			flatten(e, path, report)
		}
	case errors.As(err, &field):
		report(join(path, field.Key), field)
	default:
		report(path, err)
	}
}
