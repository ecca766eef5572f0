package main

import (
	"bytes"
	"encoding"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"time"
)

// object is a JSON object.
type object = map[string]any

// generator turns Go types into schemas.
type generator struct{ comments comments }

// value makes the schema of what a file may say in place of v; what v holds is
// the default.
func (g generator) value(v reflect.Value) (object, error) {
	t := v.Type()
	if s, ok := scalarOf(t); ok {
		return withDefault(s, v), nil
	}
	switch t.Kind() {
	case reflect.Pointer:
		return g.value(fresh(t.Elem()))
	case reflect.Struct:
		return g.structure(v)
	case reflect.Slice:
		items, err := g.value(fresh(t.Elem()))
		return object{"type": "array", "items": items}, err
	case reflect.Map:
		each, err := g.value(fresh(t.Elem()))
		s := object{"type": "object", "additionalProperties": each}
		if t.Key().Kind() != reflect.String {
			s["propertyNames"] = object{"pattern": `^(0x[0-9A-Fa-f]+|[0-9]+)$`}
		}
		return s, err
	}
	return nil, fmt.Errorf("no schema for a %s: say in scripts/schemas/scalars.go how it is written", t)
}

// fresh is a new value as the loader makes one for an element.
func fresh(t reflect.Type) reflect.Value {
	p := reflect.New(t)
	if d, ok := p.Interface().(interface{ SetDefaults() }); ok {
		d.SetDefaults()
	}
	return p.Elem()
}

// structure makes the schema of a group of keys.
func (g generator) structure(v reflect.Value) (object, error) {
	properties := object{}
	if err := g.fields(v, properties); err != nil {
		return nil, err
	}
	s := object{"type": "object", "additionalProperties": false, "properties": properties}
	for key, more := range rules[typeName(v.Type())] {
		s[key] = more
	}
	return s, nil
}

// fields adds the keys of v, those of inlined structs included.
func (g generator) fields(v reflect.Value, into object) error {
	t := v.Type()
	said, err := g.comments.of(t)
	if err != nil {
		return err
	}
	for i := range t.NumField() {
		f := t.Field(i)
		key, options, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		switch {
		case key == "-" || !f.IsExported() && !f.Anonymous:
			continue
		case strings.Contains(options, "inline") || f.Anonymous && key == "":
			if err := g.fields(v.Field(i), into); err != nil {
				return err
			}
			continue
		case key == "":
			key = strings.ToLower(f.Name)
		}
		s, err := g.value(v.Field(i))
		if err != nil {
			return fmt.Errorf("%s.%s: %w", typeName(t), f.Name, err)
		}
		name := typeName(t) + "." + key
		for k, more := range rules[name] {
			s[k] = more
		}
		if d := describe(words[name], said[f.Name]); d != "" {
			s["description"] = d
		}
		into[key] = s
	}
	return nil
}

// describe joins what is said in both languages, Chinese first.
func describe(w word, comment string) string {
	en := w.en
	if en == "" {
		en = comment
	}
	switch {
	case w.zh == "":
		return en
	case en == "":
		return w.zh
	}
	return w.zh + "\n" + en
}

// withDefault adds what stands there if the file says nothing.
func withDefault(s object, v reflect.Value) object {
	if v.IsZero() {
		return s
	}
	switch x := v.Interface().(type) {
	case time.Duration:
		s["default"] = x.String()
	case fmt.Stringer:
		s["default"] = x.String()
	case encoding.TextMarshaler:
	default:
		s["default"] = x
	}
	return s
}

// typeName is a type as the tables call it: profile.Line.
func typeName(t reflect.Type) string { return t.String() }

// encode prints a schema with its keys sorted, so that equal types give equal
// bytes.
func encode(s object) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	err := e.Encode(s)
	return b.Bytes(), err
}
