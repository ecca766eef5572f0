package evidence

import (
	"bytes"
	"fmt"
	"image"
	_ "image/jpeg" // formats that are accepted
	_ "image/png"
	"io"
	"slices"

	"gridhub/hub/tasks"

	_ "golang.org/x/image/webp"
)

// The accepted types. What a client claims is ignored: the bytes decide.
const (
	JPEG = "image/jpeg"
	PNG  = "image/png"
	WebP = "image/webp"
	PDF  = "application/pdf"
)

// Pixels bound what is decoded: a small file may claim to be a huge picture. A
// 64-megapixel JPEG takes about 100 MB to decode, the other formats up to eight
// bytes a pixel.
const (
	maxJPEGPixels  = 64 << 20
	maxOtherPixels = 16 << 20
)

// headBytes are enough to tell the types apart.
const headBytes = 12

// brands are the kinds of MP4 that phones and recorders write; pictures come in
// the same boxes under other names.
var brands = []string{"isom", "iso2", "iso4", "iso5", "iso6", "mp41", "mp42", "avc1", "M4V ", "3gp4", "3gp5", "3gp6", "qt  "}

// sniff names the type of a file by its first bytes; empty = not accepted.
func sniff(head []byte) string {
	switch {
	case bytes.HasPrefix(head, []byte("\xff\xd8\xff")):
		return JPEG
	case bytes.HasPrefix(head, []byte("\x89PNG\r\n\x1a\n")):
		return PNG
	case len(head) >= 12 && string(head[:4]) == "RIFF" && string(head[8:12]) == "WEBP":
		return WebP
	case bytes.HasPrefix(head, []byte("%PDF-")):
		return PDF
	case len(head) >= 12 && string(head[4:8]) == "ftyp" && slices.Contains(brands, string(head[8:12])):
		return MP4
	case bytes.HasPrefix(head, []byte("\x1a\x45\xdf\xa3")):
		return WebM
	}
	return ""
}

// inspect names a file's type and checks what a picture claims to be, reading
// no more than its header. The error is a *tasks.RefusedError.
func inspect(f io.ReadSeeker) (string, error) {
	head := make([]byte, headBytes)
	n, err := io.ReadFull(f, head)
	if err != nil && err != io.ErrUnexpectedEOF && err != io.EOF {
		return "", err
	}
	kind := sniff(head[:n])
	if kind == "" {
		return "", refused("this is no JPEG, PNG, WebP, PDF, MP4 or WebM")
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil || !picture(kind) {
		return kind, err
	}
	c, format, err := image.DecodeConfig(f)
	if err != nil || "image/"+format != kind {
		return "", refused(fmt.Sprintf("the picture cannot be read: %v", err))
	}
	limit := maxOtherPixels
	if kind == JPEG {
		limit = maxJPEGPixels
	}
	if c.Width <= 0 || c.Height <= 0 || c.Width > limit/c.Height {
		return "", refused(fmt.Sprintf("the picture is %d × %d: want at most %d million pixels", c.Width, c.Height, limit>>20))
	}
	return kind, nil
}

func refused(why string) error { return &tasks.RefusedError{Code: "evidence", Reason: why} }
