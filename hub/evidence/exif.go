package evidence

import (
	"encoding/binary"
	"io"
)

// orientation reads the EXIF orientation of a JPEG, 1 to 8 (Exif 2.32, 4.6.4
// tag 0x0112); 1, upright, when it says nothing that can be read. It never
// fails: a photo with broken metadata is still a photo.
func orientation(r io.Reader) int {
	head := make([]byte, 128<<10) // EXIF is the first or second segment, each at most 64 KiB
	n, _ := io.ReadFull(r, head)
	if tiff := exifOf(head[:n]); tiff != nil {
		return orientationOf(tiff)
	}
	return 1
}

// exifOf walks the segments before the picture's data and returns the TIFF
// structure of the EXIF one.
func exifOf(b []byte) []byte {
	if len(b) < 4 || b[0] != 0xff || b[1] != 0xd8 {
		return nil
	}
	for b = b[2:]; len(b) >= 4 && b[0] == 0xff && b[1] != 0xda; {
		size := int(binary.BigEndian.Uint16(b[2:4])) // counts itself, not the marker
		if size < 2 || 2+size > len(b) {
			return nil
		}
		if body := b[4 : 2+size]; b[1] == 0xe1 && len(body) > 6 && string(body[:6]) == "Exif\x00\x00" {
			return body[6:]
		}
		b = b[2+size:]
	}
	return nil
}

func orientationOf(tiff []byte) int {
	var order binary.ByteOrder = binary.LittleEndian
	if len(tiff) < 8 {
		return 1
	}
	if string(tiff[:2]) == "MM" {
		order = binary.BigEndian
	}
	at := uint64(order.Uint32(tiff[4:8]))
	if at+2 > uint64(len(tiff)) {
		return 1
	}
	entries := int(order.Uint16(tiff[at:]))
	for i := range entries {
		e := at + 2 + 12*uint64(i)
		if e+12 > uint64(len(tiff)) {
			return 1
		}
		if order.Uint16(tiff[e:]) == 0x0112 {
			if v := int(order.Uint16(tiff[e+8:])); v >= 1 && v <= 8 {
				return v
			}
			return 1
		}
	}
	return 1
}
