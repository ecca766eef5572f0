package profile

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gridhub/configs"
)

// TestVersions holds that every shipped profile is what was released of it.
// With -update new versions are added to the list; what is on it stays.
func TestVersions(t *testing.T) {
	if err := CheckVersions(shipped); err != nil {
		t.Error(err)
	}
	released, err := ReadVersions(shipped)
	if err != nil {
		t.Fatal(err)
	}
	files, _ := filepath.Glob(shipped + "/*.yaml")
	missing := Versions{}
	for _, file := range files {
		p, err := LoadProfile(file)
		if err != nil {
			t.Fatal(err)
		}
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if _, ok := released[p.Ref()]; !ok {
			if missing[p.Ref()], err = Fingerprint(data); err != nil {
				t.Fatal(err)
			}
		}
	}
	if *update {
		if err := extend(shipped, missing); err != nil {
			t.Fatal(err)
		}
		return
	}
	for ref := range missing {
		t.Errorf("%s is not in %s: go test ./devices/profile -run TestVersions -update", ref, VersionsFile)
	}
}

// extend appends versions to the list.
func extend(dir string, more Versions) error {
	f, err := os.OpenFile(filepath.Join(dir, VersionsFile), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	for _, ref := range slices.Sorted(maps.Keys(more)) {
		fmt.Fprintf(f, "%s  %s\n", more[ref], ref)
	}
	return f.Close()
}

const released = `# a gauge
name: gauge
version: 1
kind: water-level
title: {zh: 液位计, en: gauge}
source: made up for this test, unverified
metrics:
  - {name: depth, unit: mm, holding: 4, type: s16, scale: 0.1, range: 0..500}
`

// TestFrozen changes a released profile: what alters a reading needs a new
// version, anything else does not.
func TestFrozen(t *testing.T) {
	dir := t.TempDir()
	sum, err := Fingerprint([]byte(released))
	if err != nil {
		t.Fatal(err)
	}
	if err := extend(dir, Versions{"gauge@1": sum}); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "gauge.yaml")
	for _, tt := range []struct {
		old, new string
		allowed  bool
	}{
		{"", "", true},
		{"# a gauge", "# the gauge of the bridge", true},
		{"en: gauge", "en: level gauge", true},
		{"source: made up for this test, unverified", "source: https://example.org", true},
		{"kind: water-level", "kind: water-level\nperiod: 30s\nmax_gap: 4", true},
		{"scale: 0.1", "scale: 0.10", true},
		{"holding: 4", "holding: 0x4", true},
		{"range: 0..500}", "range: 0..500, alarm: {above: 100}, simulate: {base: 3}}", true},
		{"scale: 0.1", "scale: 1", false},
		{"unit: mm", "unit: cm", false},
		{"name: depth", "name: level", false},
		{"holding: 4", "holding: 5", false},
		{"type: s16", "type: u16", false},
		{"range: 0..500", "range: 0..5000", false},
		{"kind: water-level", "kind: water", false},
		{"kind: water-level", "kind: water-level\nword_order: CDAB", false},
		{"version: 1", "version: 2", true},
	} {
		if err := os.WriteFile(file, []byte(strings.Replace(released, tt.old, tt.new, 1)), 0o600); err != nil {
			t.Fatal(err)
		}
		err := CheckVersions(dir)
		var problems configs.Problems
		if tt.allowed && err != nil {
			t.Errorf("%s: %v", tt.new, err)
		}
		if !tt.allowed && (!errors.As(err, &problems) || problems[0].Line != 3 && problems[0].Line != 4 || !strings.Contains(err.Error(), "make version 2")) {
			t.Errorf("%s: %v, want an error that says make version 2", tt.new, err)
		}
	}
}

func TestVersionsFileIsRead(t *testing.T) {
	dir := t.TempDir()
	for text, sound := range map[string]bool{
		"":                                  true,
		"# nothing\n":                       true,
		strings.Repeat("0", 64) + "  a@1\n": true,
		"abc  a@1\n":                        false,
		strings.Repeat("0", 64) + "\n":      false,
	} {
		if err := os.WriteFile(filepath.Join(dir, VersionsFile), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := ReadVersions(dir); (err == nil) != sound {
			t.Errorf("%q: %v", text, err)
		}
	}
}
