package configs

import (
	"reflect"
	"strings"
)

// Prefix begins every variable that overrides a key. The rest is the key's
// path in capitals, joined by _: GRIDHUB_HTTP_ADDRESS is http.address. Keys
// inside lists and maps cannot be overridden; variables that fit no key are
// left alone, because both programs share the prefix.
const Prefix = "GRIDHUB_"

// environment overrides the single values below v.
func (d *decoder) environment(v reflect.Value, environ []string) {
	set := map[string]string{}
	for _, e := range environ {
		if name, value, ok := strings.Cut(e, "="); ok && strings.HasPrefix(name, Prefix) {
			set[name] = value
		}
	}
	if len(set) > 0 && v.Kind() == reflect.Struct {
		d.override(v, "", strings.TrimSuffix(Prefix, "_"), set)
	}
}

func (d *decoder) override(v reflect.Value, path, name string, set map[string]string) {
	for _, f := range fieldsOf(v) {
		key := join(path, f.name)
		variable := name + "_" + strings.ToUpper(strings.NewReplacer("-", "_", ".", "_").Replace(f.name))
		switch {
		case isScalar(f.value.Type()):
			if text, ok := set[variable]; ok {
				d.at[key] = place{text: text}
				if want := setScalar(f.value, text); want != "" {
					d.problems = append(d.problems, Problem{File: "environment", Key: variable, Value: text, Want: want})
				}
			}
		case f.value.Kind() == reflect.Struct:
			d.override(f.value, key, variable, set)
		}
	}
}
