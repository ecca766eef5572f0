package archive

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/mod/sumdb/note"
)

// The files of the key, in the archive's folder. key is the secret: it stays
// on this machine, and in its backups.
const (
	keyFile    = "key"     // mode 0600
	publicFile = "key.pub" // to be handed out
)

// openKey reads the signing key, or makes one for an archive that has none. A
// folder that has seals and no key is refused: a new key would not be the one
// that people hold.
func openKey(folder string, fresh bool) (note.Signer, string, error) {
	path := filepath.Join(folder, keyFile)
	secret, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		if !fresh {
			return nil, "", fmt.Errorf("archive: the signing key %s is missing although cases were sealed: bring it back from a backup", path)
		}
		return makeKey(folder)
	}
	if err != nil {
		return nil, "", fmt.Errorf("archive: %w", err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm()&0o077 != 0 {
		return nil, "", fmt.Errorf("archive: %s can be read by others: want mode 0600", path)
	}
	signer, err := note.NewSigner(strings.TrimSpace(string(secret)))
	if err != nil {
		return nil, "", fmt.Errorf("archive: %s: %w", path, err)
	}
	public, err := os.ReadFile(filepath.Join(folder, publicFile))
	if err != nil {
		return nil, "", fmt.Errorf("archive: %w", err)
	}
	v, err := note.NewVerifier(strings.TrimSpace(string(public)))
	if err != nil || v.KeyHash() != signer.KeyHash() {
		return nil, "", fmt.Errorf("archive: %s does not belong to %s", filepath.Join(folder, publicFile), path)
	}
	return signer, strings.TrimSpace(string(public)), nil
}

// makeKey writes the public half first: the secret's file says that the pair
// is whole.
func makeKey(folder string) (note.Signer, string, error) {
	secret, public, err := note.GenerateKey(rand.Reader, origin)
	if err != nil {
		return nil, "", fmt.Errorf("archive: %w", err)
	}
	if err := keep(filepath.Join(folder, publicFile), []byte(public+"\n"), 0o644); err != nil {
		return nil, "", err
	}
	if err := keep(filepath.Join(folder, keyFile), []byte(secret+"\n"), 0o600); err != nil {
		return nil, "", err
	}
	signer, err := note.NewSigner(secret)
	return signer, public, err
}

// keep writes a small file whole and durable, or not at all.
func keep(path string, data []byte, mode fs.FileMode) error {
	return replace(path, mode, func(f *os.File) error {
		_, err := f.Write(data)
		return err
	})
}

// replace makes a file under a temporary name and moves it to its place once
// it is durable.
func replace(path string, mode fs.FileMode, write func(*os.File) error) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".incoming-*") // mode 0600
	if err != nil {
		return fmt.Errorf("archive: %w", err)
	}
	defer os.Remove(f.Name()) // not there any more once it was moved
	err = errors.Join(f.Chmod(mode), write(f))
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return fmt.Errorf("archive: %w", err)
	}
	return syncFolder(filepath.Dir(path))
}

// syncFolder makes the names in a folder durable.
func syncFolder(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
