package record

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"time"

	"gridhub/streams/journal/fsx"
)

// Book is what a recording's chain says, read as far as it is sound.
type Book struct {
	About
	Finished bool
	Erased   bool
	Reason   string // why it ended
	Head     string // hash of the last entry
	Heads    []string
	Parts    []Part
	Gaps     []Entry
	Entries  int
	Length   time.Duration // up to the newest piece

	files int   // chain files
	torn  error // why reading stopped
	good  int64 // bytes of the last chain file that are sound
}

// Part is one file of a recording.
type Part struct {
	Name   string        `json:"name"`
	Person string        `json:"person"`
	Media  []Media       `json:"media"`
	Start  time.Duration `json:"-"` // on the recording's time bar
	End    time.Duration `json:"-"`
	Bytes  int64         `json:"bytes"`
	pieces []Entry
}

// ErrNone says that a folder holds no recording.
var ErrNone = errors.New("no recording")

// Read reads the chain of the recording in dir. A chain that is damaged is an
// error; one whose last entry was torn by a crash is not.
func Read(fs fsx.FS, dir string) (*Book, error) {
	b, err := read(fs, dir)
	if err == nil && b.torn != nil && !errors.Is(b.torn, errTorn) {
		err = fmt.Errorf("recording %s: %w", filepath.Base(dir), b.torn)
	}
	return b, err
}

func read(fs fsx.FS, dir string) (*Book, error) {
	names, err := fs.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("recording: %w", err)
	}
	b := &Book{}
	for i, name := range chainFiles(names) {
		if b.torn != nil && b.good == 0 && i > 0 || name != filepath.Base(chainName(dir, i+1)) {
			return b, fmt.Errorf("recording %s: chain file %d is missing", filepath.Base(dir), i+1)
		}
		raw, err := whole(fs, filepath.Join(dir, name))
		if err != nil {
			return nil, fmt.Errorf("recording: %w", err)
		}
		var entries []Entry
		n := b.Entries
		entries, b.good, b.Head, b.torn = links(raw, n, b.Head)
		b.files = i + 1
		for _, e := range entries {
			b.take(e)
		}
		b.Heads = append(b.Heads, hashes(raw[:b.good])...)
		if b.torn != nil && !errors.Is(b.torn, errTorn) {
			break
		}
	}
	if b.Entries == 0 && b.torn == nil || b.Call == "" && b.Entries == 0 {
		return b, ErrNone
	}
	return b, nil
}

// take follows one entry.
func (b *Book) take(e Entry) {
	b.Entries++
	switch e.Kind {
	case Began:
		b.Call, b.Task, b.Policy = e.Call, e.Task, e.Policy
		if e.Announced != nil {
			b.Announced = *e.Announced
		}
		if b.From = e.At; e.Zero != nil {
			b.From = *e.Zero
		}
	case PartOf:
		b.Parts = append(b.Parts, Part{Name: e.Part, Person: e.Person, Media: e.Media, Start: ms(e.Start), End: ms(e.Start)})
	case PieceOf:
		if p := b.part(e.Part); p != nil {
			p.pieces = append(p.pieces, e)
			p.Bytes, p.End = e.To, max(p.End, ms(e.End))
			b.Length = max(b.Length, p.End)
		}
	case Gap, Resumed:
		b.Gaps = append(b.Gaps, e)
	case Ended:
		b.Finished, b.Reason = true, e.Reason
	case Erased:
		b.Erased = true
	}
}

func ms(n int64) time.Duration { return time.Duration(n) * time.Millisecond }

// part finds a part; the newest are asked for most.
func (b *Book) part(name string) *Part {
	for i := len(b.Parts) - 1; i >= 0; i-- {
		if b.Parts[i].Name == name {
			return &b.Parts[i]
		}
	}
	return nil
}

// whole reads a file into memory.
func whole(fs fsx.FS, name string) ([]byte, error) {
	f, err := fs.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	size, err := f.Size()
	if err != nil {
		return nil, err
	}
	return io.ReadAll(io.NewSectionReader(f, 0, size))
}
