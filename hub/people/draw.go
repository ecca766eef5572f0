package people

import (
	"fmt"
	"strings"

	"rsc.io/qr"
)

// quiet is the white border of a QR code, in modules (ISO/IEC 18004, 6.3.8).
const quiet = 4

// Draw turns a text into a QR code: the path of its black modules in a square
// of the given size.
func Draw(text string) (size int, path string, err error) {
	code, err := qr.Encode(text, qr.M)
	if err != nil {
		return 0, "", err
	}
	var b strings.Builder
	for y := range code.Size {
		for x := range code.Size {
			if code.Black(x, y) {
				fmt.Fprintf(&b, "M%d %dh1v1h-1z", x+quiet, y+quiet)
			}
		}
	}
	return code.Size + 2*quiet, b.String(), nil
}
