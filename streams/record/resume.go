package record

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"gridhub/streams/journal/fsx"
)

// Open goes on with the recording in dir, or begins one where there is none.
// What an interruption left half-written is cut off: a part never holds bytes
// that no entry names. It fails with ErrFinished where the recording is
// complete, and changes nothing where the chain is damaged.
func Open(fs fsx.FS, dir string, about About, now time.Time) (*Recording, error) {
	b, err := Read(fs, dir)
	switch {
	case errors.Is(err, ErrNone):
		if err := clear(fs, dir); err != nil {
			return nil, err
		}
		return Create(fs, dir, about, now)
	case err != nil && b == nil:
		return Create(fs, dir, about, now) // no folder
	case err != nil:
		return nil, err
	case b.Finished || b.Erased:
		return nil, ErrFinished
	}
	return resume(fs, dir, b, now)
}

// clear removes what a crash left before the first entry was durable.
func clear(fs fsx.FS, dir string) error {
	names, err := fs.ReadDir(dir)
	for _, n := range names {
		err = errors.Join(err, fs.Remove(filepath.Join(dir, n)))
	}
	return errors.Join(err, fs.SyncDir(dir))
}

func resume(fs fsx.FS, dir string, b *Book, now time.Time) (*Recording, error) {
	r := &Recording{fs: fs, dir: dir, about: b.About, parts: len(b.Parts)}
	if err := tidy(fs, dir, b); err != nil {
		return nil, fmt.Errorf("recording of call %s: %w", b.Call, err)
	}
	var err error
	if r.chain, err = createChain(fs, dir, b.files+1, b.Head, b.Entries); err != nil {
		return nil, err
	}
	r.ready()
	for _, p := range b.Parts {
		l := r.lanes[p.Person]
		if l == nil {
			l = &lane{person: p.Person, rec: r}
			r.lanes[p.Person] = l
		}
		l.ended, l.until, l.cause = true, max(l.until, p.End), Restart
	}
	from, to := b.Length.Milliseconds(), r.since(now).Milliseconds()
	return r, r.chain.write(now, Entry{Kind: Resumed, Cause: Restart, Start: from, End: max(from, to)})
}

// tidy cuts every file to what the chain names of it, and removes those of
// which it names nothing.
func tidy(fs fsx.FS, dir string, b *Book) error {
	names, err := fs.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, n := range names {
		p := b.part(n)
		switch {
		case strings.HasSuffix(n, chainExt):
			if n == filepath.Base(chainName(dir, b.files)) {
				err = errors.Join(err, cut(fs, filepath.Join(dir, n), b.good))
			}
		case p == nil:
			err = errors.Join(err, fs.Remove(filepath.Join(dir, n)))
		default:
			err = errors.Join(err, cut(fs, filepath.Join(dir, n), p.Bytes))
		}
	}
	for _, p := range b.Parts {
		if !slices.Contains(names, p.Name) {
			err = errors.Join(err, fmt.Errorf("part %s is missing", p.Name))
		}
	}
	return errors.Join(err, fs.SyncDir(dir))
}

// cut shortens a file; one that is shorter already is damage, which Verify
// tells.
func cut(fs fsx.FS, name string, to int64) error {
	f, err := fs.Open(name)
	if err != nil {
		return err
	}
	size, err := f.Size()
	if err = errors.Join(err, f.Close()); err != nil || size <= to {
		return err
	}
	return fs.Truncate(name, to)
}

// Erase removes the parts of a finished recording and says so in its chain,
// which stays: that there was a recording, of whom and when, and who removed it.
func Erase(fs fsx.FS, dir, who, reason string, now time.Time) error {
	b, err := Read(fs, dir)
	if err != nil {
		return err
	}
	if !b.Finished {
		return fmt.Errorf("recording of call %s: it is not finished", b.Call)
	}
	if !b.Erased {
		c, err := createChain(fs, dir, b.files+1, b.Head, b.Entries)
		if err != nil {
			return err
		}
		if err := errors.Join(c.write(now, Entry{Kind: Erased, Who: who, Reason: reason}), c.close()); err != nil {
			return err
		}
	}
	names, err := fs.ReadDir(dir)
	for _, n := range names {
		if !strings.HasSuffix(n, chainExt) {
			err = errors.Join(err, fs.Remove(filepath.Join(dir, n)))
		}
	}
	return errors.Join(err, fs.SyncDir(dir))
}
