package cli_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/pem"
	"strings"
	"testing"

	"gridhub/hub/server/cli"
)

// do runs one command line against a hub and returns what it printed.
func do(t *testing.T, config string, args ...string) (string, error) {
	t.Helper()
	var out bytes.Buffer
	err := cli.Run(t.Context(), append(args, "--config", config), &out, &out)
	return out.String(), err
}

func must(t *testing.T, config string, args ...string) string {
	t.Helper()
	out, err := do(t, config, args...)
	if err != nil {
		t.Fatalf("hub %s: %v", strings.Join(args, " "), err)
	}
	return out
}

// TestCommandKey prints keys that OpenSSL and others read, rotates, and drops
// the old one when it is told.
func TestCommandKey(t *testing.T) {
	config, _ := start(t)
	block, rest := pem.Decode([]byte(must(t, config, "command-key")))
	if block == nil || len(bytes.TrimSpace(rest)) != 0 {
		t.Fatalf("%v, then %q", block, rest)
	}
	if key, err := x509.ParsePKIXPublicKey(block.Bytes); err != nil || len(key.(ed25519.PublicKey)) != ed25519.PublicKeySize {
		t.Errorf("%v, %v", key, err)
	}
	if next := must(t, config, "command-key", "prepare"); !strings.Contains(next, "give it to the gateways before") || strings.Count(next, "in use\n") != 1 {
		t.Errorf("prepared: %s", next)
	}
	both := must(t, config, "command-key", "rotate")
	_, hint, _ := strings.Cut(both, "command-key forget ")
	old, _, _ := strings.Cut(hint, "\n")
	if strings.Count(both, "BEGIN PUBLIC KEY") != 2 || old == "" {
		t.Errorf("after a rotation: %s", both)
	}
	if _, err := do(t, config, "command-key", "forget", "0123"); err == nil || !strings.Contains(err.Error(), "not listed") {
		t.Errorf("a key that is not there: %v", err)
	}
	if left := must(t, config, "command-key", "forget", old); strings.Contains(left, old) {
		t.Errorf("after forgetting %s: %s", old, left)
	}
}

func TestControls(t *testing.T) {
	config, _ := start(t)
	must(t, config, "device", "add", "board", "--kind", "sensor", "--convention", "thingsboard")
	must(t, config, "control", "add", "board", "setSiren", "--switch")
	must(t, config, "control", "add", "board", "setpoint", "--unit", "Cel", "--min", "5", "--max", "30.5")
	list := must(t, config, "control", "list", "board")
	if want := "NAME      TAKES   UNIT  MIN  MAX\nsetSiren  switch             \nsetpoint  number  Cel   5    30.5\n"; list != want {
		t.Errorf("listed\n%q, want\n%q", list, want)
	}
	must(t, config, "control", "remove", "board", "setSiren")
	for want, args := range map[string][]string{
		"no control setSiren": {"control", "remove", "board", "setSiren"},
		"no such device":      {"control", "add", "nobody", "x"},
		"a switch, a text":    {"control", "add", "board", "x", "--switch", "--text"},
		"want add ID NAME":    {"control", "add", "board"},
	} {
		if out, err := do(t, config, args...); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %s %v, want %s", args, out, err, want)
		}
	}
}
