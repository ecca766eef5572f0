package commands

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
)

func block(t *testing.T, kind string, key any) []byte {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}

// TestPinned reads keys as they come and go, and refuses what is none.
func TestPinned(t *testing.T) {
	other, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	mine, enrolled := filepath.Join(dir, "mine.pem"), filepath.Join(dir, "identity", "command-keys.pem")
	pinned := Pinned(slog.New(slog.DiscardHandler), "", mine, enrolled)
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
