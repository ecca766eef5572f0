package commands

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gridhub/devices/wire"
)

func keys(t *testing.T, folder string) *Keys {
	t.Helper()
	k, err := OpenKeys(folder)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestKeys(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "commands")
	k := keys(t, folder)
	first := k.List()[0]
	if info, err := os.Stat(filepath.Join(folder, keyFile)); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	before, err := k.seal(wire.Order{V: 1, ID: "a", To: "gw"})
	if err != nil {
		t.Fatal(err)
	}
	if k = keys(t, folder); k.List()[0] != first {
		t.Error("a restart makes another key")
	}
	if err := k.Rotate(); err != nil {
		t.Fatal(err)
	}
	after, err := k.seal(wire.Order{V: 1, ID: "b", To: "gw"})
	if err != nil {
		t.Fatal(err)
	}
	k = keys(t, folder)
	all := k.PublicKeys()
	if len(all) != 2 || k.List()[1].ID != first.ID || k.List()[1].Current || strings.Count(string(k.PEM()), "PUBLIC KEY") != 4 {
		t.Errorf("%+v", k.List())
	}
	for _, s := range []wire.Signed{before, after} {
		if _, err := s.Open(all...); err != nil {
			t.Error(err)
		}
	}
	if err := k.Forget(k.List()[0].ID); err == nil {
		t.Error("the key in use is forgotten")
	}
	if err := k.Forget(first.ID); err != nil || len(keys(t, folder).PublicKeys()) != 1 {
		t.Errorf("%v: the old key is still listed", err)
	}
	if err := k.Forget(first.ID); err == nil {
		t.Error("forgotten twice")
	}
}

// TestHalfRotated stops between the two files of a rotation: what signs is
// still listed first.
func TestHalfRotated(t *testing.T) {
	folder, other := t.TempDir(), keys(t, t.TempDir())
	k := keys(t, folder)
	if err := k.list(append(other.PublicKeys(), k.public...)); err != nil {
		t.Fatal(err)
	}
	again := keys(t, folder)
	if len(again.public) != 2 || !again.public[0].Equal(k.current()) {
		t.Errorf("%+v", again.List())
	}
}

func TestUnsoundKeys(t *testing.T) {
	for want, harm := range map[string]func(folder string) error{
		"bring it back from a backup": func(f string) error { return os.Remove(filepath.Join(f, keyFile)) },
		"can be read by others":       func(f string) error { return os.Chmod(filepath.Join(f, keyFile), 0o644) },
		"no PEM file":                 func(f string) error { return os.WriteFile(filepath.Join(f, keyFile), []byte("x"), 0o600) },
	} {
		folder := t.TempDir()
		keys(t, folder)
		if err := harm(folder); err != nil {
			t.Fatal(err)
		}
		if _, err := OpenKeys(folder); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
}
