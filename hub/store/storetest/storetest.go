// Package storetest opens empty databases for the tests of features: SQLite in
// the test's own folder, or PostgreSQL on a server that it starts itself. The
// suite of a feature asks Open and runs on both: alone on SQLite, and under
// scripts/onpostgres on PostgreSQL.
package storetest

import (
	"net/url"
	"os"
	"path/filepath"
	"testing"

	"gridhub/hub/store"
)

// ServerVariable names, in the environment, the PostgreSQL server on which Open
// makes its databases. Unset: SQLite.
const ServerVariable = "GRIDHUB_TEST_POSTGRES"

// Open returns an empty database.
func Open(t testing.TB) *store.DB {
	t.Helper()
	if server := os.Getenv(ServerVariable); server != "" {
		return on(t, server)
	}
	return SQLite(t)
}

// SQLite returns an empty database in the test's own folder.
func SQLite(t testing.TB) *store.DB {
	t.Helper()
	return open(t, "sqlite:"+filepath.Join(t.TempDir(), "test.db"))
}

// Postgres starts a server for the test and stops it behind it.
func Postgres(t testing.TB) *Server {
	t.Helper()
	s, err := Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Stop(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// Database makes an empty database on the server and returns its URL.
func (s *Server) Database(t testing.TB) string {
	t.Helper()
	return database(t, s.URL())
}

func database(t testing.TB, server string) string {
	t.Helper()
	of, drop, err := create(t.Context(), server)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := drop(); err != nil {
			t.Error(err)
		}
	})
	return of
}

func on(t testing.TB, server string) *store.DB {
	t.Helper()
	return open(t, database(t, server))
}

func open(t testing.TB, address string) *store.DB {
	t.Helper()
	db, err := store.Open(t.Context(), address)
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

// rename returns the URL of another database on the same server.
func rename(address, name string) (string, error) {
	u, err := url.Parse(address)
	if err != nil {
		return "", err
	}
	u.Path = "/" + name
	return u.String(), nil
}
