package configs

import (
	"reflect"
	"strings"
)

// field is one key of a struct and the value behind it.
type field struct {
	name  string
	value reflect.Value
}

// fields are the keys of a struct, those of inlined structs included.
type fields []field

// fieldsOf lists the keys of the struct v as its yaml tags name them; a field
// without a tag goes by its lower-case name, "-" hides one.
func fieldsOf(v reflect.Value) fields {
	var list fields
	t := v.Type()
	for i := range t.NumField() {
		sf := t.Field(i)
		name, options, _ := strings.Cut(sf.Tag.Get("yaml"), ",")
		switch {
		case name == "-" || (!sf.IsExported() && !sf.Anonymous):
		case strings.Contains(options, "inline") || (sf.Anonymous && name == ""):
			if v.Field(i).Kind() == reflect.Struct {
				list = append(list, fieldsOf(v.Field(i))...)
			}
		case name == "":
			list = append(list, field{strings.ToLower(sf.Name), v.Field(i)})
		default:
			list = append(list, field{name, v.Field(i)})
		}
	}
	return list
}

func (fs fields) names() []string {
	names := make([]string, len(fs))
	for i, f := range fs {
		names[i] = f.name
	}
	return names
}

func (fs fields) find(name string) (reflect.Value, bool) {
	for _, f := range fs {
		if f.name == name {
			return f.value, true
		}
	}
	return reflect.Value{}, false
}
