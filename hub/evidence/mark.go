package evidence

import (
	"image"
	"image/color"
	"image/draw"

	"gridhub/hub/evidence/font"

	xfont "golang.org/x/image/font"
	"golang.org/x/image/math/fixed"
)

// maxCaption bounds the lines of a watermark.
const maxCaption = 8

// mark writes a caption into the lower left of a picture: white on a dark
// band, so that it reads on snow and at night. Lines that are too long are cut
// with an ellipsis.
func mark(img *image.RGBA, caption []string) error {
	if len(caption) == 0 {
		return nil
	}
	caption = caption[:min(len(caption), maxCaption)]
	w, h := img.Rect.Dx(), img.Rect.Dy()
	size := max(10, min(float64(min(w, h))/28, float64(h)/float64(2*len(caption)+1)))
	face, err := font.Face(size)
	if err != nil {
		return err
	}
	defer face.Close()
	pad, line := int(size*0.6), int(size*1.4)
	band := image.Rect(0, h-line*len(caption)-pad, w, h)
	draw.Draw(img, band, image.NewUniform(color.RGBA{A: 150}), image.Point{}, draw.Over)
	d := xfont.Drawer{Dst: img, Src: image.White, Face: face}
	for i, text := range caption {
		d.Dot = fixed.P(pad, band.Min.Y+pad/2+line*i+int(size))
		d.DrawString(fit(&d, text, fixed.I(w-2*pad)))
	}
	return nil
}

// fit cuts a text that is wider than wide.
func fit(d *xfont.Drawer, text string, wide fixed.Int26_6) string {
	if d.MeasureString(text) <= wide {
		return text
	}
	runes := []rune(text)
	for len(runes) > 0 && d.MeasureString(string(runes)+"…") > wide {
		runes = runes[:len(runes)-1]
	}
	return string(runes) + "…"
}
