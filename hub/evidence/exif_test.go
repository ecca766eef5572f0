package evidence

import (
	"bytes"
	"encoding/binary"
	"image/jpeg"
	"strings"
	"testing"
)

// segment is one segment before a JPEG's picture.
func segment(marker byte, body []byte) []byte {
	return append(binary.BigEndian.AppendUint16([]byte{0xff, marker}, uint16(2+len(body))), body...)
}

// entry is one entry of a TIFF directory (little-endian).
func entry(tag, kind uint16, count, value uint32) []byte {
	b := binary.LittleEndian.AppendUint16(nil, tag)
	b = binary.LittleEndian.AppendUint16(b, kind)
	b = binary.LittleEndian.AppendUint32(b, count)
	return binary.LittleEndian.AppendUint32(b, value)
}

func directory(next uint32, entries ...[]byte) []byte {
	b := binary.LittleEndian.AppendUint16(nil, uint16(len(entries)))
	for _, e := range entries {
		b = append(b, e...)
	}
	return binary.LittleEndian.AppendUint32(b, next)
}

// What the camera wrote: each of these must be in the original and in no other form.
var written = []string{"Exif\x00\x00", "PHONE-SERIAL-8841", "Wang Xiaoming", "http://ns.adobe.com/xap/1.0/", "exif:GPSLatitude=\"30,16.5N\"", "MPF\x00", "Photoshop 3.0", "ICC-OF-THIS-PHONE", "a comment by hand"}

// fromPhone is a JPEG as phones write them (Exif 2.32; CIPA DC-007): EXIF with the
// owner, the device, the place and a thumbnail, XMP, Photoshop's block, a colour
// profile, a comment, and a second picture after the first (MPF).
func fromPhone(t *testing.T) []byte {
	plain := photo(t, 400, 300)
	thumb, second := photo(t, 64, 48), photo(t, 200, 150)
	const ifd0 = 8
	const gps, strs = ifd0 + 2 + 5*12 + 4, ifd0 + 2 + 5*12 + 4 + 2 + 3*12 + 4
	make, owner := "PHONE-SERIAL-8841\x00", "Wang Xiaoming\x00"
	rationals := strs + len(make) + len(owner)
	ifd1 := rationals + 48
	thumbAt := ifd1 + 2 + 2*12 + 4
	tiff := append([]byte("II*\x00"), 8, 0, 0, 0)
	tiff = append(tiff, directory(uint32(ifd1),
		entry(0x010f, 2, uint32(len(make)), strs), entry(0x0112, 3, 1, 6), entry(0x013b, 2, uint32(len(owner)), uint32(strs+len(make))),
		entry(0x8825, 4, 1, gps), entry(0xa430, 2, uint32(len(owner)), uint32(strs+len(make))))...)
	tiff = append(tiff, directory(0, entry(0, 1, 4, 0x0302), entry(2, 5, 3, uint32(rationals)), entry(4, 5, 3, uint32(rationals+24)))...)
	tiff = append(tiff, make+owner...)
	for _, v := range []uint32{30, 1, 16, 1, 3012, 100, 120, 1, 9, 1, 3600, 100} {
		tiff = binary.LittleEndian.AppendUint32(tiff, v)
	}
	tiff = append(tiff, directory(0, entry(0x0201, 4, 1, uint32(thumbAt)), entry(0x0202, 4, 1, uint32(len(thumb))))...)
	tiff = append(tiff, thumb...)
	out := bytes.Clone(plain[:2])
	for _, s := range [][]byte{
		segment(0xe1, append([]byte("Exif\x00\x00"), tiff...)),
		segment(0xe1, []byte("http://ns.adobe.com/xap/1.0/\x00<x:xmpmeta><rdf:Description exif:GPSLatitude=\"30,16.5N\" dc:creator=\"Wang Xiaoming\"/></x:xmpmeta>")),
		segment(0xed, []byte("Photoshop 3.0\x008BIM\x04\x04\x00\x00\x00\x00\x00\x10city and by-line")),
		segment(0xe2, []byte("ICC_PROFILE\x00\x01\x01ICC-OF-THIS-PHONE")),
		segment(0xe2, []byte("MPF\x00II*\x00\x08\x00\x00\x00\x01\x00\x00\xb0\x07\x00\x04\x00\x00\x000100\x00\x00\x00\x00")),
		segment(0xfe, []byte("a comment by hand")),
	} {
		out = append(out, s...)
	}
	return append(append(out, plain[2:]...), second...)
}

// segments lists the markers of a JPEG, and what comes after its end.
func segments(t *testing.T, b []byte) (markers []byte, rest int) {
	t.Helper()
	for at := 2; at+4 <= len(b); {
		if b[at] != 0xff {
			t.Fatalf("no marker at byte %d", at)
		}
		markers = append(markers, b[at+1])
		if b[at+1] == 0xda {
			break
		}
		at += 2 + int(binary.BigEndian.Uint16(b[at+2:]))
	}
	return markers, len(b) - bytes.Index(b, []byte("\xff\xd9")) - 2
}

// TestWhatACameraWritesStaysInTheVault: the original is kept to the byte; what
// people see has the picture, upright, and nothing that the camera told.
func TestWhatACameraWritesStaysInTheVault(t *testing.T) {
	s, _ := open(t)
	data := fromPhone(t)
	for _, secret := range written {
		if !bytes.Contains(data, []byte(secret)) {
			t.Fatalf("the photo of this test does not say %q", secret)
		}
	}
	if orientation(bytes.NewReader(data)) != 6 {
		t.Fatal("the photo of this test lies on its side, and is not read so")
	}
	item, err := s.Put(t.Context(), meta(), bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	original, _ := readAll(t, s, item.Hash, Original)
	if !bytes.Equal(original, data) {
		t.Error("the original was changed")
	}
	for _, form := range []string{Marked, Thumb} {
		seen, _ := readAll(t, s, item.Hash, form)
		for _, secret := range append(written, "30.2753", "8BIM", "xmp") {
			if bytes.Contains(seen, []byte(secret)) {
				t.Errorf("%s says %q", form, secret)
			}
		}
		markers, rest := segments(t, seen)
		for _, m := range markers {
			if m >= 0xe1 && m <= 0xef || m == 0xfe {
				t.Errorf("%s has a segment %x: no application's and no comment belongs there", form, m)
			}
		}
		c, err := jpeg.DecodeConfig(bytes.NewReader(seen))
		if err != nil || c.Width >= c.Height || rest != 0 {
			t.Errorf("%s: %d × %d with %d bytes behind it, %v; want it upright and alone", form, c.Width, c.Height, rest, err)
		}
	}
	if got := strings.Join(item.Caption, " "); strings.Contains(got, "Wang") {
		t.Errorf("the watermark says %q", got)
	}
}
