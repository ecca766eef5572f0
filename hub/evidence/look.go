package evidence

import (
	"image"
	"math/bits"

	"golang.org/x/image/draw"
)

// Look is what a picture looks like in 64 bits: whether each of 8 × 8 places is
// clearly brighter than its right neighbour. Scaling, another quality or another
// format change few bits, so a photo that was saved again is still known. 0
// means not known.
type Look uint64

// Differs counts the bits in which two looks differ, 0 to 64; it is 64 when
// one is not known. Two photos of one place taken by hand differ by about 10
// and more, the same photo saved again by up to 3.
func (l Look) Differs(o Look) int {
	if l == 0 || o == 0 {
		return 64
	}
	return bits.OnesCount64(uint64(l ^ o))
}

// flat is a difference in brightness that saving again may make by itself.
const flat = 2

// lookOf looks at a picture. One that is all the same (a covered lens) has no
// look.
func lookOf(img image.Image) Look {
	small := image.NewGray(image.Rect(0, 0, 9, 8))
	draw.BiLinear.Scale(small, small.Rect, img, img.Bounds(), draw.Src, nil)
	var l Look
	for y := range 8 {
		for x := range 8 {
			l <<= 1
			if int(small.GrayAt(x, y).Y) > int(small.GrayAt(x+1, y).Y)+flat {
				l |= 1
			}
		}
	}
	return l
}
