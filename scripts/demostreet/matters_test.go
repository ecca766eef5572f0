package main

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gridhub/configs"
	"gridhub/hub/people"
	"gridhub/hub/tasks"
)

// The shipped matters are read as the hub reads them, and every department
// that they name exists in the demo street.
func TestMattersFitTheStreet(t *testing.T) {
	var deps struct {
		Departments []people.Department `yaml:"departments"`
	}
	if err := configs.Decode("departments.yaml", read(t, "departments.yaml"), &deps); err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{}
	for _, d := range deps.Departments {
		known[d.Code] = true
	}
	files, err := filepath.Glob("../../configs/matters/*.yaml")
	if err != nil || len(files) < 7 {
		t.Fatalf("%d matters, %v; want at least 7", len(files), err)
	}
	for _, f := range files {
		var m tasks.Matter
		if err := configs.ReadFile(f, &m); err != nil {
			t.Errorf("%v", err)
			continue
		}
		if err := m.Check(tasks.OfficeHours(time.UTC)); err != nil {
			t.Error(err)
		}
		if m.Code != strings.TrimSuffix(filepath.Base(f), ".yaml") {
			t.Errorf("%s is the matter %s", f, m.Code)
		}
		for _, d := range append(m.With, m.Lead) {
			if !known[d] {
				t.Errorf("%s: the street has no department %s", m.Code, d)
			}
		}
		if m.Name.EN == "" || len(m.Keywords) == 0 || m.Source == "" || len(m.Limits) == 0 {
			t.Errorf("%s lacks a name, keywords, limits or the source of its limits", m.Code)
		}
	}
}
