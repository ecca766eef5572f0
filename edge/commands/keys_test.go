package commands

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"gridhub/devices/wire"
)

func block(t *testing.T, kind string, key any) []byte {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}

// TestKeysAreRead reads keys as they come and go, and refuses what is none.
func TestKeysAreRead(t *testing.T) {
	other, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	mine, enrolled := filepath.Join(dir, "mine.pem"), filepath.Join(dir, "identity", "command-keys.pem")
	pinned := Ring{Log: slog.New(slog.DiscardHandler), Own: mine, Told: func() string { return enrolled }}.Keys
	put := func(path string, text ...byte) {
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if keys := pinned(); len(keys) != 0 {
		t.Errorf("no file, %d keys", len(keys))
	}
	put(mine, append([]byte("# of the hub\n"), append(block(t, "PUBLIC KEY", public(hubKey)), block(t, "PUBLIC KEY", public(nextKey))...)...)...)
	put(enrolled, block(t, "PUBLIC KEY", public(strange))...)
	if keys := pinned(); len(keys) != 3 || !keys[1].Equal(public(nextKey)) || !keys[2].Equal(public(strange)) {
		t.Errorf("got %d keys", len(keys))
	}
	for name, text := range map[string][]byte{
		"empty": nil, "no PEM": []byte("x"), "another algorithm": block(t, "PUBLIC KEY", &other.PublicKey),
		"a private key": pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: []byte(hubKey)}),
		"damaged":       pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: []byte{1, 2}}),
	} {
		put(mine, text...)
		if err := CheckKeys(mine); err == nil {
			t.Errorf("%s: taken for a key", name)
		}
		if keys := pinned(); len(keys) != 1 {
			t.Errorf("%s: %d keys", name, len(keys))
		}
	}
	if _, err := ReadKeys(filepath.Join(dir, "none")); err == nil {
		t.Error("a file that is not there has keys")
	}
}

// TestRingFollowsTheHub holds that lists are taken in their order if a key that
// counts has signed them, and never else.
func TestRingFollowsTheHub(t *testing.T) {
	told := filepath.Join(t.TempDir(), "keys.pem")
	ring := Ring{Log: slog.New(slog.DiscardHandler), Told: func() string { return told },
		Keep: func(text string, replaces func(string) bool) error {
			if !replaces(told) {
				return nil
			}
			return os.WriteFile(told, []byte(text), 0o600)
		}}
	list := func(serial uint64, by ed25519.PrivateKey, keys ...ed25519.PrivateKey) wire.Signed {
		text := ""
		for _, k := range keys {
			text += string(block(t, "PUBLIC KEY", public(k)))
		}
		s, err := wire.SealKeys(wire.KeyList{V: wire.Version, Serial: serial, Keys: text}, by)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	if err := os.WriteFile(told, block(t, "PUBLIC KEY", public(hubKey)), 0o600); err != nil {
		t.Fatal(err)
	}
	forged := list(3, hubKey, strange)
	forged.Order = append([]byte(nil), list(3, strange, strange).Order...)
	forged.Order[len(forged.Order)-2]++
	order, err := wire.Seal(wire.Order{V: 1, ID: "a", To: "gw-1"}, hubKey)
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		what string
		s    wire.Signed
		want []ed25519.PrivateKey
	}{
		{"signed by a stranger", list(2, strange, strange), []ed25519.PrivateKey{hubKey}},
		{"other bytes than were signed", forged, []ed25519.PrivateKey{hubKey}},
		{"an order is no list", order, []ed25519.PrivateKey{hubKey}},
		{"without keys", list(3, hubKey), []ed25519.PrivateKey{hubKey}},
		{"without a serial", list(0, hubKey, strange), []ed25519.PrivateKey{hubKey}},
		{"the next key is prepared", list(4, hubKey, hubKey, nextKey), []ed25519.PrivateKey{hubKey, nextKey}},
		{"the old one is dropped", list(5, nextKey, nextKey), []ed25519.PrivateKey{nextKey}},
		{"the former list again", list(4, hubKey, hubKey, nextKey), []ed25519.PrivateKey{nextKey}},
		{"by the dropped key", list(9, hubKey, hubKey), []ed25519.PrivateKey{nextKey}},
		{"an older one by a key that counts", list(4, nextKey, hubKey, nextKey), []ed25519.PrivateKey{nextKey}},
	} {
		ring.Take(step.s)
		got := ring.Keys()
		if len(got) != len(step.want) {
			t.Fatalf("%s: %d keys", step.what, len(got))
		}
		for i, k := range step.want {
			if !got[i].Equal(public(k)) {
				t.Errorf("%s: key %d is another one", step.what, i+1)
			}
		}
	}
	if _, err := list(1, hubKey, hubKey).Open(public(hubKey)); err == nil {
		t.Error("a list is an order")
	}
}
