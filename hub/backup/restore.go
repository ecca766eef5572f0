package backup

import (
	"archive/tar"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
)

// Errors of Verify and Restore.
var (
	ErrDamaged = errors.New("the backup is damaged")
	ErrTaken   = errors.New("the folder is not empty")
)

// maxManifest bounds what is read of a manifest.
const maxManifest = 256 << 20

// Verify reads a whole backup and compares it with its manifest.
func Verify(r io.Reader) (Manifest, error) {
	return read(r, func(string, io.Reader) error { return nil })
}

// Restore writes a backup into folder, which must be empty or not be there.
// Only when all of it was read and found sound does folder come into being.
func Restore(r io.Reader, folder string) (Manifest, error) {
	if list, err := os.ReadDir(folder); err == nil && len(list) > 0 {
		return Manifest{}, fmt.Errorf("%s: %w; a backup is put back beside what is there, never over it", folder, ErrTaken)
	}
	unfinished := filepath.Clean(folder) + ".restoring"
	if err := os.RemoveAll(unfinished); err != nil {
		return Manifest{}, err
	}
	if err := os.MkdirAll(unfinished, 0o700); err != nil {
		return Manifest{}, err
	}
	defer os.RemoveAll(unfinished)
	m, err := read(r, func(name string, body io.Reader) error {
		return store(filepath.Join(unfinished, filepath.FromSlash(name)), body)
	})
	if err != nil {
		return m, err
	}
	if err := os.Remove(folder); err != nil && !errors.Is(err, os.ErrNotExist) {
		return m, err
	}
	return m, os.Rename(unfinished, folder)
}

// store writes one file durably.
func store(path string, body io.Reader) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, body)
	return errors.Join(err, f.Sync(), f.Close())
}

// read hands each file to take, and compares all with the manifest at the end.
func read(r io.Reader, take func(name string, body io.Reader) error) (Manifest, error) {
	zip, err := gzip.NewReader(r)
	if err != nil {
		return Manifest{}, fmt.Errorf("%w: not a gridhub backup: %w", ErrDamaged, err)
	}
	var found []File
	for all := tar.NewReader(zip); ; {
		h, err := all.Next()
		if errors.Is(err, io.EOF) {
			return Manifest{}, fmt.Errorf("%w: it ends without its manifest, behind %d files", ErrDamaged, len(found))
		}
		if err != nil {
			return Manifest{}, fmt.Errorf("%w: behind %d files: %w", ErrDamaged, len(found), err)
		}
		if h.Name == manifestName {
			m, err := check(all, found)
			if _, rest := io.Copy(io.Discard, zip); rest != nil && err == nil { // the sum over everything comes last
				err = fmt.Errorf("%w: at its end: %w", ErrDamaged, rest)
			}
			return m, err
		}
		if !filepath.IsLocal(h.Name) || h.Typeflag != tar.TypeReg {
			return Manifest{}, fmt.Errorf("%w: %q is no file of a data folder", ErrDamaged, h.Name)
		}
		sum := sha256.New()
		body := &countingReader{Reader: io.TeeReader(all, sum)}
		err = take(h.Name, body)
		_, _ = io.Copy(io.Discard, body) // what take left; body keeps the error
		if body.err != nil {
			return Manifest{}, fmt.Errorf("%w: %s: %w", ErrDamaged, h.Name, body.err)
		}
		if err != nil {
			return Manifest{}, fmt.Errorf("%s: %w", h.Name, err)
		}
		found = append(found, File{h.Name, body.n, hex.EncodeToString(sum.Sum(nil))})
	}
}

// check compares what was found with what the manifest wants.
func check(r io.Reader, found []File) (m Manifest, err error) {
	if err := json.NewDecoder(io.LimitReader(r, maxManifest)).Decode(&m); err != nil {
		return m, fmt.Errorf("%w: manifest: %w", ErrDamaged, err)
	}
	if m.Format != format {
		return m, fmt.Errorf("the backup has format %d, this program knows %d: restore it with hub %s", m.Format, format, m.Version)
	}
	if len(m.Files) != len(found) {
		return m, fmt.Errorf("%w: %d files, its manifest names %d", ErrDamaged, len(found), len(m.Files))
	}
	if i := slices.IndexFunc(m.Files, func(f File) bool { return !slices.Contains(found, f) }); i >= 0 {
		return m, fmt.Errorf("%w: %s is not as it was written", ErrDamaged, m.Files[i].Name)
	}
	return m, nil
}

type countingReader struct {
	io.Reader
	n   int64
	err error // why the reading ended too early
}

func (c *countingReader) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	c.n += int64(n)
	if err != nil && !errors.Is(err, io.EOF) {
		c.err = err
	}
	return n, err
}
