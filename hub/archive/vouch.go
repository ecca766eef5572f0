package archive

import (
	"errors"
	"strings"

	"golang.org/x/mod/sumdb/note"
)

// errUnsigned says that a text was not signed by the key that is trusted.
var errUnsigned = errors.New("not signed by the archive's key")

// Vouch signs a text of another part of the hub with the archive's key: who
// holds that key needs no second one. The text says in its first line what it
// is, and ends with a line's end.
func (a *Archive) Vouch(text string) (string, error) {
	if what, _, _ := strings.Cut(text, "\n"); what == origin || what == redactedOrigin {
		return "", errors.New("archive: this would pass for a statement of the archive")
	}
	signed, err := note.Sign(&note.Note{Text: text}, a.signer)
	return string(signed), err
}

// Vouched reads back what Vouch signed.
func (a *Archive) Vouched(signed string) (string, error) {
	t, err := NewTrust(a.public, "")
	if err != nil {
		return "", err
	}
	return t.Vouched(signed)
}

// Vouched reads what the archive vouched for. Without a public key nothing is.
func (t Trust) Vouched(signed string) (string, error) {
	text, ok := t.signed([]byte(signed))
	if !ok {
		return "", errUnsigned
	}
	return text, nil
}
