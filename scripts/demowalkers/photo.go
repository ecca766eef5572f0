package main

import (
	"bytes"
	"image"
	"image/color"
	"image/jpeg"
	"math"
	"math/rand/v2"
)

// photo invents a picture of a street: sky, houses, ground. No two are the
// same bytes. It pretends to be nothing but a stand-in.
func photo(seed uint64) []byte {
	r := rand.New(rand.NewPCG(seed, 99))
	img := image.NewRGBA(image.Rect(0, 0, 640, 480))
	horizon := 200 + r.IntN(60)
	hue := r.Float64()
	for y := range 480 {
		for x := range 640 {
			img.SetRGBA(x, y, shade(x, y, horizon, hue, r))
		}
	}
	for x := r.IntN(60); x < 600; x += 70 + r.IntN(60) {
		house(img, r, x, horizon)
	}
	var b bytes.Buffer
	if err := jpeg.Encode(&b, img, &jpeg.Options{Quality: 75}); err != nil {
		panic(err) // into memory
	}
	return b.Bytes()
}

func shade(x, y, horizon int, hue float64, r *rand.Rand) color.RGBA {
	grain := 6 * (r.Float64() - 0.5)
	if y < horizon {
		k := float64(y) / float64(horizon)
		return tone(120+80*k+grain, 150+70*k+grain, 190+40*k+grain)
	}
	k := 20 * math.Sin(float64(x+3*y)/(40+60*hue))
	return tone(110+k+grain, 108+k+grain, 102+k+grain)
}

func tone(r, g, b float64) color.RGBA {
	cut := func(v float64) uint8 { return uint8(math.Max(0, math.Min(255, v))) }
	return color.RGBA{cut(r), cut(g), cut(b), 255}
}

func house(img *image.RGBA, r *rand.Rand, left, horizon int) {
	width, height := 40+r.IntN(50), 60+r.IntN(120)
	wall := tone(140+90*r.Float64(), 130+80*r.Float64(), 120+70*r.Float64())
	for y := horizon + 30 - height; y < horizon+30; y++ {
		for x := left; x < min(640, left+width); x++ {
			c := wall
			if (x-left)%14 > 8 && (horizon-y)%20 > 10 {
				c = tone(60, 70, 85) // a window
			}
			img.SetRGBA(x, y, c)
		}
	}
}
