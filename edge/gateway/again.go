package gateway

import (
	"os"
	"reflect"
	"strings"

	"gridhub/configs"
)

// again reads the configuration file anew. Where it only names other profiles
// and device files, these are taken over; fixed are the keys of what else was
// changed, which counts from the next start on: then nothing of the file is
// taken over, and c is what goes on.
func (c Config) again() (next Config, fixed []string, err error) {
	if c.file == "" {
		return c, nil, nil // it was made by a program
	}
	next, err = Load(c.file)
	if err != nil {
		return c, nil, err
	}
	if err := configs.Validate(next); err != nil {
		return c, nil, err
	}
	if fixed = changed(reflect.ValueOf(c), reflect.ValueOf(next), ""); len(fixed) > 0 {
		return c, fixed, nil
	}
	return next, nil, nil
}

// changed lists the keys that say something else in b than in a, but for those
// that may change at any time.
func changed(a, b reflect.Value, above string) (keys []string) {
	for i := range a.NumField() {
		field := a.Type().Field(i)
		name, _, _ := strings.Cut(field.Tag.Get("yaml"), ",")
		key := strings.TrimPrefix(above+"."+name, ".")
		switch {
		case !field.IsExported() || key == "profiles" || key == "devices":
		case field.Type.Kind() == reflect.Struct:
			keys = append(keys, changed(a.Field(i), b.Field(i), key)...)
		case !reflect.DeepEqual(a.Field(i).Interface(), b.Field(i).Interface()):
			keys = append(keys, key)
		}
	}
	return keys
}

// waiting are the problems of keys that count from the next start on.
func (c Config) waiting(keys []string) (all configs.Problems) {
	for _, key := range keys {
		all = append(all, configs.Problem{File: c.file, Key: key, Want: "was changed: restart the gateway"})
	}
	return all
}

// config is the configuration file as far as it was taken over.
func (g *Gateway) config() Config {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.files
}

// look is the configuration file's part of a footprint.
func (c Config) look() string {
	if info, err := os.Stat(c.file); err == nil {
		return printOf(c.file, info)
	}
	return c.file + "\n"
}
