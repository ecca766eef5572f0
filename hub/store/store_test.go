package store

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"
)

func open(t *testing.T, path string) *DB {
	t.Helper()
	db, err := Open(t.Context(), "sqlite:"+path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() }) // some tests close it themselves
	return db
}

func TestMigrationsRunOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "deep", "hub.db")
	db := open(t, path)
	steps := []string{`CREATE TABLE a (n INTEGER); INSERT INTO a VALUES (1)`, `INSERT INTO a VALUES (2)`}
	if err := db.Migrate(t.Context(), "f", steps[:1]...); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := db.Migrate(t.Context(), "f", steps...); err != nil {
			t.Fatal(err)
		}
	}
	var n int
	if err := db.QueryRow(t.Context(), `SELECT COUNT(*) FROM a`).Scan(&n); err != nil || n != 2 {
		t.Errorf("%d rows %v, want each step once", n, err)
	}
	if err := db.Migrate(t.Context(), "f", steps[0]); err == nil || !strings.Contains(err.Error(), "newer version") {
		t.Errorf("an older program on newer data: %v, want a refusal", err)
	}
	if err := db.Migrate(t.Context(), "g", `CREATE TABLE b (n INTEGER); NONSENSE`); err == nil {
		t.Fatal("a broken step passed")
	}
	if err := db.Migrate(t.Context(), "g", `CREATE TABLE b (n INTEGER)`); err != nil {
		t.Errorf("after the step was mended: %v; want the broken one rolled back whole", err)
	}
}

func TestWriteIsAllOrNothing(t *testing.T) {
	db := open(t, filepath.Join(t.TempDir(), "hub.db"))
	if err := db.Migrate(t.Context(), "f", `CREATE TABLE a (n INTEGER)`); err != nil {
		t.Fatal(err)
	}
	boom := errors.New("boom")
	err := db.Write(t.Context(), func(tx *Tx) error {
		if _, err := tx.Exec(t.Context(), `INSERT INTO a VALUES (?)`, 1); err != nil {
			t.Error(err)
		}
		return boom
	})
	if !errors.Is(err, boom) {
		t.Errorf("%v, want the caller's error", err)
	}
	var n int
	if err := db.QueryRow(context.Background(), `SELECT COUNT(*) FROM a`).Scan(&n); err != nil || n != 0 {
		t.Errorf("%d rows %v after a failed write, want none", n, err)
	}
}

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
