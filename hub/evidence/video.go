package evidence

import (
	"encoding/binary"
	"errors"
	"io"
	"os"
)

// The accepted kinds of video. They are kept and shown as they came, but for what
// the camera wrote into an MP4 about its owner, itself and the place.
const (
	MP4  = "video/mp4"
	WebM = "video/webm"
)

// MaxVideo is the largest video; MaxBytes bounds everything else.
const MaxVideo = 200 << 20

// picture reports whether forms are rendered of a type.
func picture(kind string) bool { return kind == JPEG || kind == PNG || kind == WebP }

// largest is how many bytes of a type are taken.
func largest(kind string) int64 {
	if kind == MP4 || kind == WebM {
		return MaxVideo
	}
	return MaxBytes
}

// tellTale are the boxes of an MP4 (ISO/IEC 14496-12, 8.10.1 and 8.11.1) in which
// cameras say who, where and with what; uuid boxes hold XMP.
var tellTale = map[string]bool{"udta": true, "meta": true, "uuid": true}

// holders are the boxes in which those are looked for.
var holders = map[string]bool{"moov": true, "trak": true, "mdia": true, "moof": true, "traf": true}

// bare copies an MP4 without what its camera tells: such boxes become free space
// of the same size, so that nothing else moves.
func bare(dst io.Writer, src *os.File) error {
	info, err := src.Stat()
	if err != nil {
		return err
	}
	var gaps []gap
	if err := boxes(src, 0, info.Size(), 0, &gaps); err != nil {
		return err
	}
	return copyBut(dst, src, info.Size(), gaps)
}

// gap is a box that is emptied: from its first byte, head bytes of size and type.
type gap struct{ at, head, size int64 }

// maxDepth bounds boxes within boxes, and maxGaps what is noted of them.
const (
	maxDepth = 8
	maxGaps  = 10_000
)

var errBoxes = errors.New("the video's boxes do not fit into one another")

// boxes walks the boxes between two places of a file.
func boxes(f io.ReaderAt, at, end int64, depth int, gaps *[]gap) error {
	for at < end {
		var h [16]byte
		if n, err := f.ReadAt(h[:], at); n < 8 {
			return errors.Join(errBoxes, err)
		}
		size, head := int64(binary.BigEndian.Uint32(h[:])), int64(8)
		switch size {
		case 0: // to the end
			size = end - at
		case 1:
			size, head = int64(binary.BigEndian.Uint64(h[8:])), 16
		}
		if size < head || size > end-at || depth > maxDepth || len(*gaps) > maxGaps {
			return errBoxes
		}
		switch kind := string(h[4:8]); {
		case tellTale[kind]:
			*gaps = append(*gaps, gap{at, head, size})
		case holders[kind]:
			if err := boxes(f, at+head, at+size, depth+1, gaps); err != nil {
				return err
			}
		}
		at += size
	}
	return nil
}

// zeros gives nothing but zero bytes.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// copyBut copies a file with its gaps emptied.
func copyBut(dst io.Writer, src io.ReaderAt, size int64, gaps []gap) error {
	at := int64(0)
	part := func(r io.Reader, n int64) error {
		_, err := io.CopyN(dst, r, n)
		return err
	}
	for _, g := range gaps {
		var head [16]byte
		if _, err := src.ReadAt(head[:g.head], g.at); err != nil {
			return err
		}
		copy(head[4:8], "free")
		err := part(io.NewSectionReader(src, at, g.at-at), g.at-at)
		if err == nil {
			_, err = dst.Write(head[:g.head])
		}
		if err == nil {
			err = part(zeros{}, g.size-g.head)
		}
		if err != nil {
			return err
		}
		at = g.at + g.size
	}
	return part(io.NewSectionReader(src, at, size-at), size-at)
}
