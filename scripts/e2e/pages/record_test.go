package pages_test

import (
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// The hub is killed in the middle of a call on a case: the call resumes, its
// recording has both halves and the gap, is played on the case, and verifies,
// until a byte of it is changed.
func TestARecordedCallOutlivesTheHub(t *testing.T) {
	s := open(t, place{})
	s.staff("p-017")
	killer := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { s.restart() }))
	defer killer.Close()
	s.browse("record", task{Person: "p-017", Restart: killer.URL})

	folder := filepath.Join(s.dir, "hub", "recordings")
	out, err := exec.Command(filepath.Join(s.bin, "hub"), "verify", folder, "--lang", "en").CombinedOutput()
	t.Logf("hub verify:\n%s", out)
	if err != nil || !strings.Contains(string(out), "complete") || !strings.Contains(string(out), "restart") {
		t.Errorf("hub verify: %v", err)
	}
	parts, _ := filepath.Glob(filepath.Join(folder, "*", "0001.webm"))
	if len(parts) != 1 {
		t.Fatalf("parts %v", parts)
	}
	b, err := os.ReadFile(parts[0])
	if err != nil {
		t.Fatal(err)
	}
	b[len(b)/2] ^= 1
	if err := os.WriteFile(parts[0], b, 0o600); err != nil {
		t.Fatal(err)
	}
	out, err = exec.Command(filepath.Join(s.bin, "hub"), "verify", folder, "--lang", "en").CombinedOutput()
	t.Logf("after a byte was changed:\n%s", out)
	if err == nil || !strings.Contains(string(out), "fault in 0001.webm, bytes ") {
		t.Errorf("a changed byte was not found: %v", err)
	}
}
