package record

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"

	"gridhub/streams/journal/fsx"

	"github.com/at-wat/ebml-go"
)

// Fault is one thing that is not as the chain says.
type Fault struct {
	File   string `json:"file"`
	From   int64  `json:"from"` // bytes [From, To) of the file
	To     int64  `json:"to"`
	Detail string `json:"detail"`
}

func (f Fault) String() string {
	return fmt.Sprintf("%s bytes %d–%d: %s", f.File, f.From, f.To, f.Detail)
}

// Verify examines the recording in dir: every entry against the one before,
// every byte of every part against its entry, and whether the pieces are
// media. The book tells what the sound part of the chain says, gaps included.
// An error means that the folder cannot be read at all.
func Verify(fs fsx.FS, dir string) (*Book, []Fault, error) {
	b, err := read(fs, dir)
	if b == nil || b.Entries == 0 && b.torn == nil {
		return b, nil, err
	}
	var faults []Fault
	if err != nil {
		faults = append(faults, Fault{File: filepath.Base(dir), Detail: err.Error()})
	} else if b.torn != nil {
		name := chainName(dir, b.files)
		faults = append(faults, Fault{File: filepath.Base(name), From: b.good, To: length(fs, name), Detail: b.torn.Error()})
	}
	names, err := fs.ReadDir(dir)
	if err != nil {
		return b, faults, err
	}
	for i := range b.Parts {
		if !b.Erased {
			faults = append(faults, b.Parts[i].verify(fs, dir, names)...)
		}
	}
	for _, n := range names {
		if !strings.HasSuffix(n, chainExt) && b.part(n) == nil {
			faults = append(faults, Fault{File: n, To: length(fs, filepath.Join(dir, n)), Detail: "no entry names this file"})
		}
	}
	return b, faults, nil
}

func length(fs fsx.FS, name string) int64 {
	f, err := fs.Open(name)
	if err != nil {
		return 0
	}
	defer f.Close()
	n, err := f.Size()
	if err != nil {
		return 0
	}
	return n
}

// verify compares a part with its entries, piece by piece.
func (p *Part) verify(fs fsx.FS, dir string, names []string) (faults []Fault) {
	if !slices.Contains(names, p.Name) {
		return []Fault{{File: p.Name, To: p.Bytes, Detail: "the file is missing"}}
	}
	f, err := fs.Open(filepath.Join(dir, p.Name))
	if err != nil {
		return []Fault{{File: p.Name, To: p.Bytes, Detail: err.Error()}}
	}
	defer f.Close()
	at := int64(0)
	for i, e := range p.pieces {
		bad := func(detail string) { faults = append(faults, Fault{p.Name, e.From, e.To, detail}) }
		if e.From != at || e.To <= e.From {
			bad("the entries leave bytes out")
		}
		at = e.To
		piece, err := io.ReadAll(io.NewSectionReader(f, e.From, e.To-e.From))
		digest := sha256.Sum256(piece)
		switch {
		case err != nil:
			bad(err.Error())
		case int64(len(piece)) < e.To-e.From:
			bad(fmt.Sprintf("the file ends at byte %d", e.From+int64(len(piece))))
		case hex.EncodeToString(digest[:]) != e.SHA256:
			bad(fmt.Sprintf("entry %d has another hash: these bytes were changed", e.N))
		case i > 0 && !decodes(piece):
			bad("no cluster of media")
		}
	}
	if size, err := f.Size(); err == nil && size > at {
		faults = append(faults, Fault{p.Name, at, size, "no entry names these bytes"})
	}
	return faults
}

// decodes reports whether a piece is one cluster and nothing else.
func decodes(piece []byte) bool {
	var c cluster
	return ebml.Unmarshal(bytes.NewReader(piece), &c) == nil && len(c.Cluster.Blocks) > 0
}

// hashes are those of each line.
func hashes(chain []byte) (out []string) {
	for line := range bytes.Lines(chain) {
		out = append(out, sum(bytes.TrimSuffix(line, []byte("\n"))))
	}
	return out
}
