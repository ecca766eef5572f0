package main

import (
	"bytes"
	"encoding/json"
	"os"
	"testing"
)

// TestBill lists what this very test was linked from, twice.
func TestBill(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	var first, again bytes.Buffer
	for _, out := range []*bytes.Buffer{&first, &again} {
		if err := run(out, "v1.2.3", "../../hub/web/package-lock.json", []string{self}); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(first.Bytes(), again.Bytes()) {
		t.Error("two bills of one program differ")
	}
	var b bill
	if err := json.Unmarshal(first.Bytes(), &b); err != nil {
		t.Fatal(err)
	}
	have := map[string]string{}
	for _, c := range b.Components {
		if c.Version == "" {
			t.Errorf("%s has no version", c.Name)
		}
		have[c.Name] = c.PURL
	}
	if b.Metadata.Component.Version != "v1.2.3" || have["stdlib"] == "" || have["vue"] == "" || have["vite"] != "" {
		t.Errorf("got %+v", b)
	}
	if err := run(new(bytes.Buffer), "v1", "", []string{"main.go"}); err == nil {
		t.Error("a text is taken for a program")
	}
}
