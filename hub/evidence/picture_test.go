package evidence

import (
	"bytes"
	"encoding/binary"
	"image"
	"image/color"
	"strings"
	"testing"

	"gridhub/hub/evidence/font"

	xfont "golang.org/x/image/font"
)

// exif returns a JPEG's first bytes with an orientation in them.
func exif(order binary.AppendByteOrder, turn uint16) []byte {
	name := "II"
	if order.String() == "BigEndian" {
		name = "MM"
	}
	t := order.AppendUint16([]byte(name), 42)
	t = order.AppendUint32(t, 8)
	t = order.AppendUint16(t, 1)
	t = order.AppendUint16(order.AppendUint16(t, 0x0112), 3)
	t = order.AppendUint16(order.AppendUint32(t, 1), turn)
	t = append(t, 0, 0, 0, 0, 0, 0)
	body := append([]byte("Exif\x00\x00"), t...)
	head := []byte{0xff, 0xd8, 0xff, 0xe0, 0, 4, 'J', 'F', 0xff, 0xe1}
	return append(binary.BigEndian.AppendUint16(head, uint16(len(body)+2)), body...)
}

func TestOrientation(t *testing.T) {
	for turn := range uint16(10) {
		want := int(turn)
		if turn < 1 || turn > 8 {
			want = 1
		}
		for _, order := range []binary.AppendByteOrder{binary.LittleEndian, binary.BigEndian} {
			if got := orientation(bytes.NewReader(exif(order, turn))); got != want {
				t.Errorf("%v %d: read as %d", order, turn, got)
			}
		}
	}
}

// A picture with one red pixel in the upper left, stored turned in each of the
// eight ways, is upright again. The corner at which the camera stored the
// scene's upper left, and whether width and height are exchanged, are those of
// the EXIF table.
func TestUpright(t *testing.T) {
	red := color.RGBA{255, 0, 0, 255}
	for turn, stored := range map[int]image.Point{
		1: {0, 0}, 2: {2, 0}, 3: {2, 1}, 4: {0, 1}, // rows stay rows
		5: {0, 0}, 6: {0, 2}, 7: {1, 2}, 8: {1, 0}, // rows become columns
	} {
		src := image.NewRGBA(image.Rect(0, 0, 3, 2))
		if turn >= 5 {
			src = image.NewRGBA(image.Rect(0, 0, 2, 3))
		}
		src.SetRGBA(stored.X, stored.Y, red)
		got := upright(src, turn)
		if got.Rect.Dx() != 3 || got.Rect.Dy() != 2 || got.RGBAAt(0, 0) != red {
			t.Errorf("orientation %d: %v, upper left %v", turn, got.Rect, got.RGBAAt(0, 0))
		}
	}
}

func TestTheMarkIsReadableAndAtTheBottom(t *testing.T) {
	for _, size := range []image.Point{{2048, 1536}, {1536, 2048}, {320, 240}, {60, 40}, {1, 1}} {
		img := image.NewRGBA(image.Rectangle{Max: size})
		for i := range img.Pix {
			img.Pix[i] = 255 // snow
		}
		if err := mark(img, []string{"澄湾街道 澄心网格 燃气安全隐患", "网格员 017", strings.Repeat("长", 300)}); err != nil {
			t.Fatal(err)
		}
		if size.X < 1000 {
			continue // too small to read; it must not fail
		}
		dark, light := 0, 0
		for y := size.Y - size.Y/6; y < size.Y; y++ {
			for x := range size.X {
				if g := img.RGBAAt(x, y).G; g < 150 {
					dark++
				} else if g > 220 {
					light++
				}
			}
		}
		if dark < light || light < dark/50 {
			t.Errorf("%v: %d dark and %d light pixels at the bottom", size, dark, light)
		}
		if img.RGBAAt(size.X/2, size.Y/3) != (color.RGBA{255, 255, 255, 255}) {
			t.Errorf("%v: the picture above the band was touched", size)
		}
	}
}

func TestTheFontHasTheWordsOfTheTrade(t *testing.T) {
	face, err := font.Face(20)
	if err != nil {
		t.Fatal(err)
	}
	defer face.Close()
	for _, r := range "澄湾街道南埠汐里槐荫芦洲网格员处置前后巡查核查立案派遣挂账井盖雨箅燃气泄漏噪声扬尘内涝±0123456789:-,.·×" {
		if _, ok := face.GlyphAdvance(r); !ok {
			t.Errorf("no glyph for %c", r)
		}
	}
	if w := xfont.MeasureString(face, "街").Ceil(); w != 20 {
		t.Errorf("街 is %d wide at 20 pixels", w)
	}
}

func FuzzInspect(f *testing.F) {
	f.Add([]byte("%PDF-1.4"))
	f.Add([]byte("RIFF\x1a\x00\x00\x00WEBPVP8L\x0d\x00\x00\x00\x2f\x00\x00\x00\x10\x07\x10\x11\x11\x88\x88\xfe\x07\x00"))
	f.Add([]byte("\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x02\x00\x00\x00\x90wS\xde"))
	f.Add(exif(binary.LittleEndian, 6))
	f.Add(exif(binary.BigEndian, 3))
	f.Fuzz(func(t *testing.T, data []byte) {
		kind, err := inspect(bytes.NewReader(data))
		if (err == nil) != (kind != "") {
			t.Errorf("type %q with %v", kind, err)
		}
		if o := orientation(bytes.NewReader(data)); o < 1 || o > 8 {
			t.Errorf("orientation %d", o)
		}
	})
}
