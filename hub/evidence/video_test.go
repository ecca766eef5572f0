package evidence

import (
	"bytes"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gridhub/hub/tasks"
)

// box is one box of an MP4.
func box(kind string, parts ...string) string {
	body := strings.Join(parts, "")
	return string(binary.BigEndian.AppendUint32(nil, uint32(8+len(body)))) + kind + body
}

// film is an MP4 whose camera has written where it was, twice, and who owns it.
var film = box("ftyp", "isom\x00\x00\x02\x00isommp41") +
	box("moov", box("mvhd", strings.Repeat("m", 100)), box("trak", box("tkhd", "t"), box("meta", "owner Wang")), box("udta", box("\xa9xyz", "+30.2753+120.1600/"))) +
	box("uuid", "0123456789abcdef<x:xmpmeta GPSLatitude=30.2753/>") + box("mdat", strings.Repeat("picture", 50))

func TestAVideoIsSeenWithoutWhatItsCameraTells(t *testing.T) {
	s, folder := open(t)
	item, err := s.Put(t.Context(), meta(), strings.NewReader(film))
	if err != nil || item.Type != MP4 {
		t.Fatalf("%+v, %v", item, err)
	}
	original, _ := readAll(t, s, item.Hash, Original)
	if string(original) != film {
		t.Error("the original was changed")
	}
	for _, form := range []string{Marked, Thumb} {
		seen, kind := readAll(t, s, item.Hash, form)
		if kind != MP4 || len(seen) != len(film) || !bytes.Contains(seen, []byte("picturepicture")) || !bytes.Contains(seen, []byte("mvhd")) {
			t.Errorf("%s: %s of %d bytes, want the film in %d", form, kind, len(seen), len(film))
		}
		for _, secret := range []string{"30.2753", "120.16", "Wang", "xmp", "udta", "uuid", "meta"} {
			if bytes.Contains(seen, []byte(secret)) {
				t.Errorf("%s still says %q", form, secret)
			}
		}
	}
	if err := os.Remove(filepath.Join(folder, item.Hash[:2], item.Hash+".marked")); err != nil {
		t.Fatal(err)
	}
	if seen, _ := readAll(t, s, item.Hash, Marked); len(seen) != len(film) {
		t.Error("a form that was lost is not made again")
	}
	var refused *tasks.RefusedError
	for name, data := range map[string]string{"cut": film[:len(film)-9], "nested": box("ftyp", "isom") + box("moov", "\x00\x00\xff\xfftrak")} {
		if _, err := s.Put(t.Context(), meta(), strings.NewReader(data)); !errors.As(err, &refused) {
			t.Errorf("%s: %v, want a refusal", name, err)
		}
	}
}

// FuzzBoxes holds that whatever claims to be a film is copied in its length, or
// refused, and never names a place in a box that tells.
func FuzzBoxes(f *testing.F) {
	f.Add([]byte(film))
	f.Add([]byte(box("moov", box("trak", box("mdia", box("meta", "x"))))))
	f.Add([]byte("\x00\x00\x00\x01mdat\x00\x00\x00\x00\x00\x00\x00\x10"))
	f.Add([]byte("\x00\x00\x00\x00udta"))
	f.Fuzz(func(t *testing.T, data []byte) {
		name := filepath.Join(t.TempDir(), "film")
		if err := os.WriteFile(name, data, 0o600); err != nil {
			t.Fatal(err)
		}
		src, err := os.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		defer src.Close()
		var out bytes.Buffer
		if bare(&out, src) == nil && out.Len() != len(data) {
			t.Errorf("%d bytes became %d", len(data), out.Len())
		}
	})
}
