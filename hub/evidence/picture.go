package evidence

import (
	"image"
	"image/color"
	"image/jpeg"
	"io"
	"os"

	"golang.org/x/image/draw"
)

// The longer sides of the forms in pixels. The original keeps its own.
const (
	markedSide = 2048
	thumbSide  = 320
)

// render makes the two forms of a picture, upright, scaled, without the
// original's metadata, and says what it looks like.
func render(f *os.File, kind string, caption []string, marked, thumb io.Writer) (Look, error) {
	big, err := decode(f, kind)
	if err != nil {
		return 0, err
	}
	small := scale(big, thumbSide)
	look := lookOf(small)
	if err := mark(big, caption); err != nil {
		return 0, err
	}
	if err := jpeg.Encode(marked, big, &jpeg.Options{Quality: 85}); err != nil {
		return 0, err
	}
	return look, jpeg.Encode(thumb, small, &jpeg.Options{Quality: 80})
}

// decode reads a picture, upright and no larger than a marked form. The error
// of a broken one is a *tasks.RefusedError.
func decode(f *os.File, kind string) (*image.RGBA, error) {
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	turn := 1
	if kind == JPEG {
		turn = orientation(f)
		if _, err := f.Seek(0, io.SeekStart); err != nil {
			return nil, err
		}
	}
	img, _, err := image.Decode(f)
	if err != nil {
		return nil, refused("the picture cannot be read: " + err.Error())
	}
	return upright(scale(img, markedSide), turn), nil
}

// scale fits a picture into a square, never making it larger; what is
// transparent becomes white.
func scale(src image.Image, side int) *image.RGBA {
	b := src.Bounds()
	w, h := b.Dx(), b.Dy()
	if longest := max(w, h); longest > side {
		w, h = max(1, w*side/longest), max(1, h*side/longest)
	}
	dst := image.NewRGBA(image.Rect(0, 0, w, h))
	draw.Draw(dst, dst.Bounds(), image.NewUniform(color.White), image.Point{}, draw.Src)
	draw.BiLinear.Scale(dst, dst.Bounds(), src, b, draw.Over, nil)
	return dst
}

// upright turns a picture as its EXIF orientation says: 2 mirrored, 3 half a
// turn, 4 mirrored upside down, 5 transposed, 6 needs a quarter turn to the
// right, 7 transposed the other way, 8 a quarter turn to the left.
func upright(src *image.RGBA, turn int) *image.RGBA {
	if turn == 1 {
		return src
	}
	w, h := src.Rect.Dx(), src.Rect.Dy()
	from := func(x, y int) (int, int) {
		switch turn {
		case 2:
			return w - 1 - x, y
		case 3:
			return w - 1 - x, h - 1 - y
		case 4:
			return x, h - 1 - y
		case 5:
			return y, x
		case 6:
			return y, h - 1 - x
		case 7:
			return w - 1 - y, h - 1 - x
		}
		return w - 1 - y, x
	}
	dst := image.NewRGBA(image.Rect(0, 0, w, h))
	if turn >= 5 {
		dst = image.NewRGBA(image.Rect(0, 0, h, w))
	}
	for y := range dst.Rect.Dy() {
		for x := range dst.Rect.Dx() {
			dst.SetRGBA(x, y, src.RGBAAt(from(x, y)))
		}
	}
	return dst
}
