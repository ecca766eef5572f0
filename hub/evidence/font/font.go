// Package font holds the one typeface that the hub draws with: Noto Sans SC,
// cut to the common Chinese characters, under the SIL Open Font License (see
// OFL.txt beside it). A rarer character is drawn as an empty box.
package font

import (
	_ "embed"
	"fmt"
	"sync"

	"golang.org/x/image/font"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/font/sfnt"
)

//go:embed NotoSansSC-subset.otf
var bytes []byte

var parsed = sync.OnceValues(func() (*sfnt.Font, error) { return opentype.Parse(bytes) })

// Face returns the typeface at a size in pixels. A face is for one goroutine.
func Face(pixels float64) (font.Face, error) {
	f, err := parsed()
	if err != nil {
		return nil, fmt.Errorf("embedded font: %w", err)
	}
	return opentype.NewFace(f, &opentype.FaceOptions{Size: pixels, DPI: 72})
}
