package cli_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gridhub/hub/server/cli"
)

// TestAudit does something, finds it in the list, carries the log away, and
// examines the file without the hub: whole, changed, and cut.
func TestAudit(t *testing.T) {
	config, _ := start(t)
	must(t, config, "device", "add", "board", "--kind", "sensor")
	must(t, config, "device", "secret", "board")
	must(t, config, "device", "revoke", "board")
	list := must(t, config, "audit", "list", "--act", "identity", "--subject", "board")
	for _, act := range []string{"identity.add", "identity.secret", "identity.revoke"} {
		if !strings.Contains(list, act) {
			t.Errorf("no %s in\n%s", act, list)
		}
	}
	if all := must(t, config, "audit", "list"); !strings.Contains(all, "setup.claim") {
		t.Errorf("the claim is not on record:\n%s", all)
	}
	if said := must(t, config, "audit", "verify", "--lang", "en"); !strings.Contains(said, "OK, audit log entries 1 to") {
		t.Errorf("verify: %s", said)
	}

	file := filepath.Join(t.TempDir(), "audit.jsonl")
	must(t, config, "audit", "export", file)
	key := filepath.Join(filepath.Dir(config), "data", "archive", "key.pub")
	offline := func(lang string) (string, error) {
		var out bytes.Buffer
		err := cli.Run(context.Background(), []string{"verify", file, "--key", key, "--lang", lang}, &out, &out)
		return out.String(), err
	}
	if said, err := offline("zh"); err != nil || !strings.Contains(said, "有效，审计日志第 1–") {
		t.Errorf("offline: %v\n%s", err, said)
	}
	whole, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		file []byte
		want string
	}{
		"changed":          {bytes.Replace(whole, []byte(`"identity.secret"`), []byte(`"identity.secrex"`), 1), "is not the one that was written"},
		"cut":              {whole[:bytes.LastIndexByte(whole[:len(whole)-1], '\n')+1], "entries are missing from"},
		"signed by nobody": {bytes.Replace(whole, []byte("gridhub-audit"), []byte("gridhub-audix"), 1), "not signed by the given key"},
	} {
		if err := os.WriteFile(file, c.file, 0o600); err != nil {
			t.Fatal(err)
		}
		if said, err := offline("en"); err == nil || !strings.Contains(said, c.want) {
			t.Errorf("%s: %v\n%s", name, err, said)
		}
	}
	if _, err := do(t, config, "audit", "erase"); err == nil {
		t.Error("there must be no other command")
	}
}
