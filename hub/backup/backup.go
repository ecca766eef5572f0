// Package backup writes everything that a hub must not lose into one file while
// the hub runs, and puts it back into an empty folder.
//
// The file is a gzipped tar that ends with a manifest of sizes and SHA-256
// sums: one without it was cut short, and is refused as a changed one is. The
// parts are taken in an order that makes the whole equal to what a power cut
// could have left: the journal's cursors first, then the databases, then the
// journal up to its last durable record, then all other files, which are only
// ever added. So a hub that starts on it does what it does after any crash.
//
// It holds keys and personal data as the folder does: keep it as safe. What a
// separate InfluxDB holds is not in it.
package backup

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"gridhub/streams/journal"
)

// format is the version of the file.
const format = 1

// manifestName is the last entry of a backup.
const manifestName = "gridhub-backup.json"

// Manifest says what a backup holds.
type Manifest struct {
	Format  int       `json:"format"`
	Made    time.Time `json:"made"`
	Version string    `json:"version"` // of the hub that wrote it
	Notes   []string  `json:"notes"`   // what is kept elsewhere
	Files   []File    `json:"files"`   // in the order in which they follow
}

// File is one file of a backup.
type File struct {
	Name   string `json:"name"` // below the data folder, with slashes
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
}

// Bytes is the size of all files together.
func (m Manifest) Bytes() (n int64) {
	for _, f := range m.Files {
		n += f.Size
	}
	return n
}

// Database is one database and how a consistent copy of it is made.
type Database struct {
	Name     string // of the copy, below the data folder
	Beside   []string
	Snapshot func(ctx context.Context, path string) error
}

// Source is a running hub's data.
type Source struct {
	Folder    string
	Version   string
	Notes     []string
	Journal   string // folder of the intake journal, below Folder
	Extents   func() []journal.Extent
	Databases []Database
	Leave     []string // names in Folder that are of no use elsewhere: sockets, tokens
	Now       time.Time
}

// writer is a backup being written.
type writer struct {
	ctx context.Context
	tar *tar.Writer
	src Source
	all Manifest
}

// Write writes a backup of src to w.
func Write(ctx context.Context, w io.Writer, src Source) (Manifest, error) {
	zip, err := gzip.NewWriterLevel(w, gzip.BestSpeed) // photos do not get smaller, the rest does at any level
	if err != nil {
		return Manifest{}, err
	}
	b := &writer{ctx: ctx, tar: tar.NewWriter(zip), src: src,
		all: Manifest{Format: format, Made: src.Now.UTC(), Version: src.Version, Notes: src.Notes, Files: []File{}}}
	for _, step := range []func() error{b.cursors, b.databases, b.segments, b.others, b.manifest, b.tar.Close, zip.Close} {
		if err := step(); err != nil {
			return Manifest{}, fmt.Errorf("backup: %w", err)
		}
	}
	return b.all, nil
}

// cursors come first: one that is older than the databases repeats work, one
// that is younger would skip it.
func (b *writer) cursors() error {
	return b.walk(b.src.Journal, func(name string) bool { return !strings.HasSuffix(name, ".seg") && path.Base(name) != "LOCK" })
}

// databases are copied by themselves, one after the other.
func (b *writer) databases() error {
	for _, db := range b.src.Databases {
		if err := b.database(db); err != nil {
			return fmt.Errorf("%s: %w", db.Name, err)
		}
	}
	return nil
}

func (b *writer) database(db Database) error {
	dir, err := os.MkdirTemp(b.src.Folder, "backup-*.tmp") // on the disk that has room for it
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	copied := filepath.Join(dir, "copy")
	if err := db.Snapshot(b.ctx, copied); err != nil {
		return err
	}
	return b.add(db.Name, copied, -1)
}

// segments are read as far as they are durable. One that retention has removed
// meanwhile was not needed any more.
func (b *writer) segments() error {
	for _, e := range b.src.Extents() {
		name := path.Join(b.src.Journal, e.Name)
		err := b.add(name, filepath.Join(b.src.Folder, filepath.FromSlash(name)), e.Size)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// others are all files that nothing above has taken.
func (b *writer) others() error {
	taken := slices.Clone(b.src.Leave)
	for _, db := range b.src.Databases {
		taken = append(append(taken, db.Name), db.Beside...)
	}
	return b.walk(".", func(name string) bool {
		return !slices.Contains(taken, name) && !strings.HasPrefix(name, b.src.Journal+"/") && !strings.Contains(name, ".tmp")
	})
}

// walk adds the files below a folder that want names, in the order of their
// names. One that goes away meanwhile was a temporary one.
func (b *writer) walk(below string, want func(name string) bool) error {
	root := os.DirFS(b.src.Folder)
	return fs.WalkDir(root, below, func(name string, d fs.DirEntry, err error) error {
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil
		case err != nil:
			return err
		case !d.Type().IsRegular() || !want(name):
			return nil
		}
		err = b.add(name, filepath.Join(b.src.Folder, filepath.FromSlash(name)), -1)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return err
	})
}

// add writes the first size bytes of a file, all of it if size is negative.
func (b *writer) add(name, from string, size int64) error {
	if err := b.ctx.Err(); err != nil {
		return err
	}
	f, err := os.Open(from)
	if err != nil {
		return err
	}
	defer f.Close()
	if size < 0 {
		st, err := f.Stat()
		if err != nil {
			return err
		}
		size = st.Size()
	}
	if err := b.tar.WriteHeader(&tar.Header{Name: name, Size: size, Mode: 0o600, ModTime: b.src.Now, Typeflag: tar.TypeReg}); err != nil {
		return err
	}
	sum := sha256.New()
	if _, err := io.CopyN(io.MultiWriter(b.tar, sum), f, size); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	b.all.Files = append(b.all.Files, File{Name: name, Size: size, SHA256: hex.EncodeToString(sum.Sum(nil))})
	return nil
}

func (b *writer) manifest() error {
	text, err := json.MarshalIndent(b.all, "", "  ")
	if err != nil {
		return err
	}
	if err := b.tar.WriteHeader(&tar.Header{Name: manifestName, Size: int64(len(text)), Mode: 0o600, ModTime: b.src.Now, Typeflag: tar.TypeReg}); err != nil {
		return err
	}
	_, err = b.tar.Write(text)
	return err
}
