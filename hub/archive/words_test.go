package archive

import (
	"os"
	"regexp"
	"testing"

	"gridhub/hub/tasks"
)

// TestEveryEventHasAWord reads which events there are where they are declared.
func TestEveryEventHasAWord(t *testing.T) {
	source, err := os.ReadFile("../tasks/event.go")
	if err != nil {
		t.Fatal(err)
	}
	all := regexp.MustCompile(`(?m)^\t\w+\s+EventType = "([a-z]+)"`).FindAllSubmatch(source, -1)
	if len(all) < 35 {
		t.Fatalf("%d events found", len(all))
	}
	for _, m := range all {
		if eventWords[tasks.EventType(m[1])] == "" {
			t.Errorf("%s has no Chinese word", m[1])
		}
	}
}
