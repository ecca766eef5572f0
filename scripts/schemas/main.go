// Command schemas writes the JSON Schemas of configs/schema from the Go types
// that the loader fills: keys from the yaml tags, descriptions from the fields'
// comments, defaults from the values that the programs begin with. Run it from
// the project's root after such a type has changed:
//
//	go run ./scripts/schemas
package main

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"

	"gridhub/configs/schema"
	"gridhub/devices/profile"
	"gridhub/edge/gateway"
	"gridhub/hub/server"
)

// root is one kind of file: what is decoded from it and what stands there
// before.
type root struct {
	title string
	value any
}

// roots are the files that have a schema.
func roots() map[string]root {
	p := new(profile.Profile)
	p.SetDefaults()
	e, h := gateway.Default(), server.Default()
	return map[string]root{
		"profile": {"gridhub: what a model of device measures; 型号档案", p},
		"devices": {"gridhub: lines and devices of a gateway; 线路与设备", new(profile.Plant)},
		"edge":    {"gridhub: configuration of edge, the gateway; 网关配置", &e},
		"hub":     {"gridhub: configuration of hub, the centre; 中心配置", &h},
	}
}

func main() {
	if err := run("."); err != nil {
		fmt.Fprintln(os.Stderr, "schemas:", err)
		os.Exit(1)
	}
}

// run writes all schemas of the project that lies in dir.
func run(dir string) error {
	for name, r := range roots() {
		data, err := generate(dir, name, r)
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, "configs", "schema", name+schema.Suffix), data, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// generate makes one schema.
func generate(dir, name string, r root) ([]byte, error) {
	g := generator{comments: comments{dir: dir, known: map[string]map[string]string{}}}
	s, err := g.value(reflect.ValueOf(r.value).Elem())
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	s["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	s["title"] = r.title
	return encode(s)
}
