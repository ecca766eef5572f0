package evidence

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"path/filepath"
)

// blobs are files named by the SHA-256 of an original: <2 digits>/<hash>.<form>.
// A file appears whole and durable, or not at all.
type blobs struct{ folder string }

func openBlobs(folder string) (blobs, error) {
	return blobs{folder}, os.MkdirAll(folder, 0o700)
}

func (b blobs) path(hash, form string) string {
	return filepath.Join(b.folder, hash[:2], hash+"."+form)
}

// temporary starts a file that keep moves to its place. The caller closes and,
// if it was not kept, removes it.
func (b blobs) temporary() (*os.File, error) {
	return os.CreateTemp(b.folder, ".incoming-*") // mode 0600
}

// errTooLarge says that a body was longer than the limit.
var errTooLarge = errors.New("too large")

// receive copies at most limit bytes and returns their hash.
func receive(dst io.Writer, src io.Reader, limit int64) (hash string, size int64, err error) {
	sum := sha256.New()
	size, err = io.Copy(io.MultiWriter(dst, sum), io.LimitReader(src, limit+1))
	if err == nil && size > limit {
		err = errTooLarge
	}
	return hex.EncodeToString(sum.Sum(nil)), size, err
}

// keep makes a temporary file durable under its name. Keeping the same bytes
// twice is harmless.
func (b blobs) keep(f *os.File, hash, form string) error {
	if err := f.Sync(); err != nil {
		return err
	}
	to := b.path(hash, form)
	if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), to); err != nil {
		return err
	}
	return errors.Join(syncFolder(filepath.Dir(to)), syncFolder(b.folder))
}

// syncFolder makes the names in a folder durable.
func syncFolder(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// discard closes and removes a temporary file; one that was kept has another
// name by now and is only closed.
func discard(f *os.File) {
	_ = f.Close()           // it was synced, or is of no use
	_ = os.Remove(f.Name()) // not there any more once it was kept
}
