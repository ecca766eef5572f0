package archive

import (
	"strings"
	"testing"
)

// TestOnlyWhatWasVouchedForIsRead flips each byte of a text that the archive
// vouched for; and no such text can pass for the archive's own.
func TestOnlyWhatWasVouchedForIsRead(t *testing.T) {
	s := newStreet(t)
	const text = "gridhub-other\n12\n"
	signed, err := s.archive.Vouch(text)
	s.must(err)
	if got, err := s.archive.Vouched(signed); err != nil || got != text {
		t.Fatalf("%q, %v", got, err)
	}
	for i := range len(signed) {
		bad := []byte(signed)
		bad[i] ^= 1
		if got, err := s.archive.Vouched(string(bad)); err == nil {
			t.Errorf("byte %d: read %q", i, got)
		}
	}
	for _, first := range []string{origin, redactedOrigin} {
		if _, err := s.archive.Vouch(first + "\n1\nroot\n"); err == nil || !strings.Contains(err.Error(), "pass for") {
			t.Errorf("%s: %v, want it refused", first, err)
		}
	}
}
