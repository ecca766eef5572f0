// Package storetest opens empty databases for the tests of features.
package storetest

import (
	"path/filepath"
	"testing"

	"gridhub/hub/store"
)

// SQLite returns an empty database in the test's own folder.
func SQLite(t testing.TB) *store.DB {
	t.Helper()
	db, err := store.Open(t.Context(), "sqlite:"+filepath.Join(t.TempDir(), "test.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}
