package cli

import (
	"strings"
	"testing"

	"rsc.io/qr"
)

// TestTheDrawnQRIsTheQR reads the half blocks back, margin included.
func TestTheDrawnQRIsTheQR(t *testing.T) {
	const text = "gridhub:https://hub.street:8443?ca=00334558991ca567&code=7K3M-0QPV-XW8T-2RZC&id=gw-cabinet-3"
	code, err := qr.Encode(text, qr.L)
	if err != nil {
		t.Fatal(err)
	}
	drawn, err := terminalQR(text)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSuffix(drawn, "\n"), "\n")
	if want := (code.Size + 2*quiet + 1) / 2; len(lines) != want {
		t.Fatalf("%d lines, want %d", len(lines), want)
	}
	for row, line := range lines {
		line = strings.TrimSuffix(strings.TrimPrefix(line, "\x1b[30;107m"), "\x1b[0m")
		blocks := []rune(line)
		if len(blocks) != code.Size+2*quiet {
			t.Fatalf("line %d has %d columns", row, len(blocks))
		}
		for column, b := range blocks {
			x, y := column-quiet, 2*row-quiet
			upper, lower := b == '█' || b == '▀', b == '█' || b == '▄'
			if upper != code.Black(x, y) || lower != code.Black(x, y+1) {
				t.Fatalf("module %d,%d is drawn as %c", x, y, b)
			}
		}
	}
}
