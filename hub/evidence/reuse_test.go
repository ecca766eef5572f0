package evidence

import (
	"bytes"
	"image"
	"image/color"
	"image/jpeg"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"golang.org/x/image/draw"
)

// scene is a picture of walls, windows and ground; the seed says where it is,
// shift how far the hand moved, grain the sensor's noise.
func scene(seed uint64, w, h, shift int) *image.RGBA {
	r := rand.New(rand.NewPCG(seed, 7))
	img := image.NewRGBA(image.Rect(0, 0, w, h))
	var walls [7][2]float64
	for i := range walls {
		walls[i] = [2]float64{60 + 160*r.Float64(), 0.2 + 0.6*r.Float64()}
	}
	for y := range h {
		for x := range w {
			u, v := float64(x+shift)/float64(w), float64(y+shift/2)/float64(h)
			wall := walls[int(u*7)%7]
			k := 120 + 60*v
			if v > wall[1] {
				k = wall[0] + 20*math.Sin(40*u)*math.Cos(30*v)
			}
			c := uint8(max(0, min(255, k)))
			img.SetRGBA(x, y, color.RGBA{c, c, uint8(min(255, k+10)), 255})
		}
	}
	return img
}

func saved(t *testing.T, img image.Image, quality int) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := jpeg.Encode(&b, img, &jpeg.Options{Quality: quality}); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func resized(img image.Image, w, h int) image.Image {
	out := image.NewRGBA(image.Rect(0, 0, w, h))
	draw.CatmullRom.Scale(out, out.Rect, img, img.Bounds(), draw.Src, nil)
	return out
}

// places is how many of them are photographed.
const places = 12

// TestAPhotoUsedBeforeIsKnown puts photos of many places into the store, then
// some of them again in other clothes, and new ones of the same places.
func TestAPhotoUsedBeforeIsKnown(t *testing.T) {
	s, _ := open(t)
	clock := noon
	s.config.Clock = func() time.Time { clock = clock.Add(time.Second); return clock }
	put := func(data []byte, of string) Item {
		m := meta()
		m.Case = "c-first"
		if of != "" {
			m.Case = "c-second"
		}
		item, err := s.Put(t.Context(), m, bytes.NewReader(data))
		if err != nil {
			t.Fatal(err)
		}
		return item
	}
	first := map[uint64]string{}
	for seed := range uint64(places) {
		first[seed] = put(saved(t, scene(seed, 320, 240, 0), 90), "").Hash
	}
	wrong := 0
	for seed := range uint64(places) {
		img := scene(seed, 320, 240, 0)
		for name, data := range map[string][]byte{
			"saved again": saved(t, img, 60), "smaller": saved(t, resized(img, 200, 150), 80),
			"larger": saved(t, resized(img, 450, 338), 70), "as PNG": pngOf(t, img),
		} {
			again := put(data, "second")
			e, err := s.Reused(t.Context(), again.Hash, "c-second")
			if err != nil {
				t.Fatal(err)
			}
			if e == nil {
				t.Errorf("%d %s: not known", seed, name)
			}
		}
		other := put(saved(t, scene(seed+1000, 320, 240, 0), 90), "second")
		moved := put(saved(t, scene(seed+2000, 320, 240, 0), 90), "second")
		closer := put(saved(t, scene(seed+2000, 320, 240, 22), 90), "second")
		for _, i := range []Item{other, moved, closer} {
			e, err := s.Reused(t.Context(), i.Hash, "c-second")
			if err != nil {
				t.Fatal(err)
			}
			if e != nil {
				wrong++
			}
		}
	}
	if wrong > 0 {
		t.Errorf("%d of %d new photos are said to be used before", wrong, 3*places)
	}
	if e, err := s.Reused(t.Context(), first[0], "c-third"); err != nil || e == nil || e.Hash != first[0] {
		t.Errorf("the same bytes on another case: %v, %v", e, err)
	}
	if e, err := s.Reused(t.Context(), first[0], "c-first"); err != nil || e != nil {
		t.Errorf("the first use: %v, %v; want nothing", e, err)
	}
}
