package evidence

import (
	"bytes"
	"encoding/binary"
	"image"
	"image/color"
	"image/draw"
	"image/jpeg"
	"math/rand/v2"
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

// A photo that was saved again, smaller and worse, keeps its look; another one
// of the same kind does not.
func TestLookSurvivesSavingAgain(t *testing.T) {
	scene := func(seed uint64) *image.RGBA {
		r := rand.New(rand.NewPCG(seed, 5))
		img := image.NewRGBA(image.Rect(0, 0, 640, 480))
		draw.Draw(img, img.Rect, image.NewUniform(color.RGBA{120, 130, 140, 255}), image.Point{}, draw.Src)
		for range 60 {
			x, y := r.IntN(600), r.IntN(440)
			c := image.NewUniform(color.RGBA{uint8(r.IntN(256)), uint8(r.IntN(256)), uint8(r.IntN(256)), 255})
			draw.Draw(img, image.Rect(x, y, x+40+r.IntN(160), y+40+r.IntN(120)), c, image.Point{}, draw.Src)
		}
		return img
	}
	for seed := range uint64(20) {
		img := scene(seed)
		var b bytes.Buffer
		if err := jpeg.Encode(&b, scale(img, 300), &jpeg.Options{Quality: 30}); err != nil {
			t.Fatal(err)
		}
		again, err := jpeg.Decode(&b)
		if err != nil {
			t.Fatal(err)
		}
		if d := lookOf(img).Differs(lookOf(again)); d > 3 {
			t.Errorf("saved again it differs by %d", d)
		}
		if d := lookOf(img).Differs(lookOf(scene(seed + 100))); d < 10 {
			t.Errorf("another scene differs by %d only", d)
		}
	}
	if blank := lookOf(image.NewGray(image.Rect(0, 0, 50, 50))); blank != 0 || blank.Differs(blank) != 64 {
		t.Errorf("a covered lens looks like %x", blank)
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
