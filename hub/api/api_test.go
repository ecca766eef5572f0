package api

import (
	"strings"
	"testing"
)

// TestSpec holds that every operation of the access table is registered, and
// the other way round (register panics).
func TestSpec(t *testing.T) {
	spec, err := Spec()
	if err != nil {
		t.Fatal(err)
	}
	for op := range access {
		if !strings.Contains(string(spec), "operationId: "+op+"\n") {
			t.Errorf("the access table names %q, but no operation has this id", op)
		}
	}
}
