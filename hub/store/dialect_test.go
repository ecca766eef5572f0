package store

import (
	"strings"
	"testing"
)

func TestPlaceholders(t *testing.T) {
	for in, want := range map[string]string{
		`a = ?`:                    `a = $1`,
		`a = ? AND b = '?' OR c=?`: `a = $1 AND b = '?' OR c=$2`,
		`nothing`:                  `nothing`,
	} {
		if got := postgres.bind(in); got != want {
			t.Errorf("%s became %s, want %s", in, got, want)
		}
		if got := sqlite.bind(in); got != in {
			t.Errorf("SQLite: %s became %s", in, got)
		}
	}
}

func TestAddressesThatCannotBe(t *testing.T) {
	for _, address := range []string{"", "mysql://root:secret@host/db", "postgres://gridhub:secret@127.0.0.1:1/none?connect_timeout=1"} {
		_, err := Open(t.Context(), address)
		if err == nil {
			t.Errorf("%q was opened", address)
		} else if strings.Contains(err.Error(), "secret") {
			t.Errorf("the error tells the password: %v", err)
		}
	}
}
