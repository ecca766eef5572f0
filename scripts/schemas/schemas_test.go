package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"gridhub/configs"
	"gridhub/configs/schema"
)

const project = "../.."

// TestCommitted holds that the committed schemas are what the types say.
func TestCommitted(t *testing.T) {
	for name, r := range roots() {
		want, err := generate(project, name, r)
		if err != nil {
			t.Fatal(err)
		}
		if got, ok := schema.Of(name); !ok || !bytes.Equal(got, want) {
			t.Errorf("configs/schema/%s%s is not what the Go types say: go run ./scripts/schemas", name, schema.Suffix)
		}
	}
	if got := schema.Names(); len(got) != len(roots()) {
		t.Errorf("schemas %v, want one for each of %d roots", got, len(roots()))
	}
}

// compile is a schema as an independent validator understands it.
func compile(t *testing.T, name string) *jsonschema.Schema {
	t.Helper()
	data, ok := schema.Of(name)
	if !ok {
		t.Fatalf("no schema %s", name)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource(name, doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile(name)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// plain reads YAML the way an editor does, without our types.
func plain(t *testing.T, name string, data []byte) any {
	t.Helper()
	var v map[string]any
	if err := configs.Decode(name, data, &v); err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

// TestShipped validates every shipped file.
func TestShipped(t *testing.T) {
	for name, patterns := range map[string][]string{
		"profile": {"profiles/*.yaml"},
		"devices": {"devices/*.yaml", "demo/devices.yaml"},
		"edge":    {"edge.yaml"},
		"hub":     {"hub.yaml", "demo/hub.yaml", "conformance.yaml"},
	} {
		s := compile(t, name)
		for _, pattern := range patterns {
			files, _ := filepath.Glob(filepath.Join(project, "configs", pattern))
			if len(files) == 0 {
				t.Errorf("%s: no files", pattern)
			}
			for _, file := range files {
				data, err := os.ReadFile(file)
				if err != nil {
					t.Fatal(err)
				}
				if err := s.Validate(plain(t, file, data)); err != nil {
					t.Errorf("%s: %v", file, err)
				}
			}
		}
	}
}

const soundProfile = `
name: gauge
version: 1
kind: water-level
title: {zh: 液位计, en: gauge}
source: https://example.org/manual
metrics: [{name: depth, holding: 4, type: s16}]
`

const soundPlant = `
lines: [{name: bus, kind: serial, path: /dev/ttyUSB0, baud: 9600}]
devices: [{id: a-1, profile: gas-ch4@1, line: bus, address: 17, answers: {ratio: 40, spare: true}, period: 30s}]
`

// TestBroken breaks a sound file in one place after another: an editor has to
// underline each.
func TestBroken(t *testing.T) {
	for _, tt := range []struct{ kind, sound, old, new string }{
		{"profile", soundProfile, "version: 1", "verison: 1"},
		{"profile", soundProfile, "version: 1", "version: 0"},
		{"profile", soundProfile, "name: gauge", "name: Gauge X"},
		{"profile", soundProfile, "{zh: 液位计, en: gauge}", "{zh: 液位计}"},
		{"profile", soundProfile, "type: s16", "type: s17"},
		{"profile", soundProfile, "type: s16", "type: s16, word_order: ABDC1"},
		{"profile", soundProfile, "type: s16", "type: s16, bit: 16"},
		{"profile", soundProfile, "type: s16", "type: s16, range: 100"},
		{"profile", soundProfile, "type: s16", "type: s16, input: 3"},
		{"profile", soundProfile, "holding: 4, ", ""},
		{"profile", soundProfile, "holding: 4", "holding: 65536"},
		{"profile", soundProfile, "kind: water-level", "kind: water-level\nprotocol: modbsu"},
		{"profile", soundProfile, "kind: water-level", "kind: water-level\nprotocol: dlt645-2007"},
		{"profile", soundProfile, "kind: water-level", "kind: water-level\nperiod: 5 seconds"},
		{"profile", soundProfile, "kind: water-level", "kind: water-level\nquestions: [{name: q, type: choice}]"},
		{"profile", soundProfile, "metrics: [{name: depth, holding: 4, type: s16}]", "metrics: []"},
		{"devices", soundPlant, "kind: serial", "kind: seriel"},
		{"devices", soundPlant, "path: /dev/ttyUSB0, ", ""},
		{"devices", soundPlant, "baud: 9600", "boud: 9600"},
		{"devices", soundPlant, "baud: 9600", "baud: 96"},
		{"devices", soundPlant, "baud: 9600", "baud: 9600, parity: odds"},
		{"devices", soundPlant, "baud: 9600", "baud: 9600, stop_bits: 3"},
		{"devices", soundPlant, "gas-ch4@1", "gas-ch4"},
		{"devices", soundPlant, "id: a-1, ", ""},
		{"devices", soundPlant, "period: 30s", "period: 30"},
		{"devices", soundPlant, "period: 30s", "place: {lon: 30.6, lat: 104.06}"},
		{"edge", "id: edge-1", "id: edge-1", "id: Edge One"},
		{"edge", "id: edge-1", "id: edge-1", "hub: {ulr: x}"},
		{"edge", "id: edge-1", "id: edge-1", "poll: {retries: 3}"},
		{"edge", "id: edge-1", "id: edge-1", "spool: {data: 512MB}"},
		{"hub", "data: d", "data: d", "history: {store: mysql}"},
	} {
		s := compile(t, tt.kind)
		if err := s.Validate(plain(t, "sound", []byte(tt.sound))); err != nil {
			t.Fatalf("the sound %s: %v", tt.kind, err)
		}
		if !strings.Contains(tt.sound, tt.old) {
			t.Fatalf("%q is not in the sound %s", tt.old, tt.kind)
		}
		broken := strings.Replace(tt.sound, tt.old, tt.new, 1)
		if s.Validate(plain(t, "broken", []byte(broken))) == nil {
			t.Errorf("%s with %q instead of %q is accepted", tt.kind, tt.new, tt.old)
		}
	}
}

// TestDescribed holds that every key of the files that installers write says
// what it means.
func TestDescribed(t *testing.T) {
	for _, name := range []string{"profile", "devices", "edge"} {
		data, _ := schema.Of(name)
		var s map[string]any
		if err := json.Unmarshal(data, &s); err != nil {
			t.Fatal(err)
		}
		undescribed(s, name, func(key string) {
			t.Errorf("%s has no description: a comment on its field, or a line in scripts/schemas/words.go", key)
		})
	}
}

// optional keys explain themselves in the group that holds them.
var optional = []string{".simulate.", ".alarm.", ".golden.", "hub", "spool", "poll", "http"}

func undescribed(s map[string]any, path string, say func(key string)) {
	if items, ok := s["items"].(map[string]any); ok {
		undescribed(items, path, say)
	}
	properties, _ := s["properties"].(map[string]any)
	for key, p := range properties {
		p, at := p.(map[string]any), path+"."+key
		excused := false
		for _, o := range optional {
			excused = excused || strings.Contains(at, o)
		}
		if p["description"] == nil && !excused {
			say(at)
		}
		undescribed(p, at, say)
	}
}
