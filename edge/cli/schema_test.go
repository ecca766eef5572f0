package cli

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
)

func TestSchema(t *testing.T) {
	for _, kind := range []string{"profile", "devices", "edge"} {
		var out bytes.Buffer
		var s map[string]any
		if err := Run(t.Context(), []string{"schema", kind}, &out, &out); err != nil || json.Unmarshal(out.Bytes(), &s) != nil || s["properties"] == nil {
			t.Errorf("%s: %v\n%s", kind, err, out.String())
		}
	}
	var out bytes.Buffer
	if err := Run(t.Context(), []string{"schema", "porfile"}, &out, &out); err == nil || !strings.Contains(err.Error(), "did you mean profile") {
		t.Errorf("a kind that is none: %v", err)
	}
}
