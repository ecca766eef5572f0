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

// TestPrepared gives receivers the next key before it is used.
func TestPrepared(t *testing.T) {
	folder := t.TempDir()
	k := keys(t, folder)
	first := k.List()[0].ID
	for range 2 { // a second time changes nothing, nor does a restart
		if err := k.Prepare(); err != nil {
			t.Fatal(err)
		}
		k = keys(t, folder)
	}
	list := k.List()
	if len(list) != 2 || list[0].ID != first || !list[1].Next || list[1].Current || k.Forget(list[1].ID) == nil {
		t.Fatalf("%+v", list)
	}
	if err := k.Rotate(); err != nil {
		t.Fatal(err)
	}
	for _, k := range []*Keys{k, keys(t, folder)} {
		if now := k.List(); len(now) != 2 || now[0].ID != list[1].ID || !now[0].Current || now[0].Next || now[1].ID != first || now[1].Next {
			t.Errorf("%+v", now)
		}
	}
}

// TestHalfRotated stops at each step of a rotation: what signs is listed first,
// and nothing is listed that is not a key of ours.
func TestHalfRotated(t *testing.T) {
	for stop := range 3 {
		folder := t.TempDir()
		k := keys(t, folder)
		if err := k.Prepare(); err != nil {
			t.Fatal(err)
		}
		signs := k.secret
		if stop > 0 { // the new key is in its place
			signs = k.next
			if err := k.write(keyFile, k.next); err != nil {
				t.Fatal(err)
			}
		}
		if stop > 1 { // and put away
			if err := os.Remove(k.path(nextFile)); err != nil {
				t.Fatal(err)
			}
		}
		again := keys(t, folder)
		if len(again.public) != 2 || !again.public[0].Equal(public(signs)) || (again.next == nil) != (stop > 0) {
			t.Errorf("stopped at %d: %+v", stop, again.List())
		}
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

// TestKeysAreAnnounced holds that a receiver that holds the first key alone can
// follow from list to list, over a restart, and that it is told before anything
// is signed with a key that it does not hold.
func TestKeysAreAnnounced(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "commands")
	k := keys(t, folder)
	if len(k.Lists()) != 0 {
		t.Error("a hub with its first key announces it")
	}
	first, told := k.List()[0].ID, 0
	held, serial := k.Pinnable()
	follow := func(lists []wire.Signed) {
		for _, s := range lists {
			l, err := s.OpenKeys(held...)
			if err != nil {
				t.Fatal(err)
			}
			if l.Serial <= serial {
				continue
			}
			file, err := wire.ParseKeys([]byte(l.Keys))
			if err != nil {
				t.Fatal(err)
			}
			held, serial, told = file.Keys, l.Serial, told+1
		}
	}
	believed := func(k *Keys) {
		t.Helper()
		s, err := k.seal(wire.Order{V: 1, ID: "a", To: "gw"})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Open(held...); err != nil {
			t.Error(err)
		}
	}
	k.Tell(follow)
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(k.Rotate())
	believed(k)
	away, since := held, serial
	must(k.Prepare())
	must(k.Prepare())
	must(k.Rotate())
	must(k.Forget(first))
	believed(k)
	if told != 3 || len(held) != 2 {
		t.Errorf("%d lists were told, %d keys are held", told, len(held))
	}
	if list, _ := k.Pinnable(); wire.KeyID(list[0]) != k.List()[0].ID {
		t.Error("the key in use is not the first")
	}
	again := keys(t, folder)
	held, serial = away, since // one that was away since the first rotation
	lists := again.Lists()
	if len(lists) != 3 {
		t.Fatalf("%d lists after a restart", len(lists))
	}
	follow(lists[1:])
	believed(again)
}

// TestTooManyKeys holds that a list never grows beyond what receivers take.
func TestTooManyKeys(t *testing.T) {
	k := keys(t, filepath.Join(t.TempDir(), "commands"))
	for range wire.MaxKeys - 1 {
		if err := k.Rotate(); err != nil {
			t.Fatal(err)
		}
	}
	if err := k.Rotate(); err == nil || len(k.PublicKeys()) != wire.MaxKeys {
		t.Errorf("%v, %d keys", err, len(k.PublicKeys()))
	}
	if err := k.Forget(k.List()[wire.MaxKeys-1].ID); err != nil {
		t.Fatal(err)
	}
	if err := k.Rotate(); err != nil {
		t.Errorf("there is room again: %v", err)
	}
	held, err := wire.ParseKeys(k.PEM())
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range k.Lists() {
		if _, err := s.OpenKeys(held.Keys...); err != nil {
			t.Error(err)
		}
	}
}
