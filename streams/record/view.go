package record

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"path/filepath"

	"gridhub/streams/journal/fsx"

	"github.com/at-wat/ebml-go/webm"
)

// View is a part as a player wants it: with its length and an index in front,
// which the part on disk, written while its end was unknown, does not have. The
// clusters are those on disk. It is an io.ReadSeeker; the caller closes it.
type View struct {
	io.ReadSeeker
	file fsx.File
	Type string // media type
}

// Close releases the part's file.
func (v *View) Close() error { return v.file.Close() }

// ErrNoPart says that a recording has no such part.
var ErrNoPart = errors.New("no such part")

// View opens a part, as far as it is chained.
func (b *Book) View(fs fsx.FS, dir, name string) (*View, error) {
	p := b.part(name)
	if p == nil || b.Erased || len(p.pieces) == 0 {
		return nil, fmt.Errorf("%w: %q", ErrNoPart, name)
	}
	front, err := p.front()
	if err != nil {
		return nil, err
	}
	f, err := fs.Open(filepath.Join(dir, name))
	if err != nil {
		return nil, err
	}
	skip := p.pieces[0].To
	body := io.NewSectionReader(f, skip, p.Bytes-skip)
	return &View{&both{front: bytes.NewReader(front), body: body, at: 0}, f, p.contentType()}, nil
}

func (p *Part) contentType() string {
	kind := "audio"
	for _, m := range p.Media {
		if m.Kind == "video" {
			kind = "video"
		}
	}
	if docType(p.Media) == "matroska" {
		return kind + "/x-matroska"
	}
	return kind + "/webm"
}

// front is the head of the view. The index holds the positions behind it, so
// it is written until its own length fits what it says.
func (p *Part) front() ([]byte, error) {
	clusters := p.pieces[1:]
	body := uint64(p.Bytes - p.pieces[0].To)
	track := uint64(1)
	for i, m := range p.Media {
		if m.Kind == "video" {
			track = uint64(i) + 1
		}
	}
	shift := uint64(0)
	for {
		var cues []webm.CuePoint
		for _, e := range clusters {
			if e.Key {
				cues = append(cues, webm.CuePoint{CueTime: uint64(max(0, ms(e.Start)-p.Start).Milliseconds()),
					CueTrackPositions: []webm.CueTrackPosition{{CueTrack: track, CueClusterPosition: shift + uint64(e.From-p.pieces[0].To)}}})
			}
		}
		b, err := head(p.Media, body, p.End-p.Start, cues)
		if err != nil {
			return nil, err
		}
		at := bytes.Index(b, segmentID) + len(segmentID) + 8
		if inside := uint64(len(b) - at); inside != shift {
			shift = inside
			continue
		}
		return b, nil
	}
}

// both reads front and then body.
type both struct {
	front *bytes.Reader
	body  *io.SectionReader
	at    int64
}

func (r *both) Read(b []byte) (n int, err error) {
	if r.at < r.front.Size() {
		n, err = r.front.ReadAt(b, r.at)
	} else {
		n, err = r.body.ReadAt(b, r.at-r.front.Size())
	}
	r.at += int64(n)
	if n > 0 && errors.Is(err, io.EOF) {
		err = nil
	}
	return n, err
}

func (r *both) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		offset += r.at
	case io.SeekEnd:
		offset += r.front.Size() + r.body.Size()
	}
	if offset < 0 {
		return r.at, errors.New("seek before the beginning")
	}
	r.at = offset
	return offset, nil
}
