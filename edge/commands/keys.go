package commands

import (
	"crypto/ed25519"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
)

// maxKeys bounds how many keys are pinned at a time: one in use, some that it
// is changed for.
const maxKeys = 16

// ReadKeys reads the public keys of path: PEM blocks PUBLIC KEY, each of an
// Ed25519 key (RFC 8410). What else stands between them is passed over.
func ReadKeys(path string) (keys []ed25519.PublicKey, err error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("command keys: %w", err)
	}
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		if block.Type != "PUBLIC KEY" {
			return nil, fmt.Errorf("command keys: %s holds a %s, want blocks PUBLIC KEY alone", path, block.Type)
		}
		parsed, err := x509.ParsePKIXPublicKey(block.Bytes)
		key, ok := parsed.(ed25519.PublicKey)
		if err != nil || !ok {
			return nil, fmt.Errorf("command keys: %s holds a key that is not Ed25519", path)
		}
		keys = append(keys, key)
	}
	if len(keys) == 0 || len(keys) > maxKeys {
		return nil, fmt.Errorf("command keys: %s holds %d keys, want 1 to %d", path, len(keys), maxKeys)
	}
	return keys, nil
}

// CheckKeys says what is wrong with a file of keys, in the words of a
// configuration's problem.
func CheckKeys(path string) error {
	if _, err := ReadKeys(path); err != nil {
		return errors.New("a file with PEM blocks PUBLIC KEY, of Ed25519 keys")
	}
	return nil
}

// Pinned returns a function that reads the keys of all files anew each time it
// is asked: orders are few, and a key that is changed counts at once. A file
// that is not there has none.
func Pinned(log *slog.Logger, paths ...string) func() []ed25519.PublicKey {
	return func() (all []ed25519.PublicKey) {
		for _, path := range paths {
			if path == "" {
				continue
			}
			keys, err := ReadKeys(path)
			if err != nil && !errors.Is(err, fs.ErrNotExist) {
				log.Error("command keys cannot be read, orders signed with them will be refused", "error", err)
			}
			all = append(all, keys...)
		}
		return all
	}
}
