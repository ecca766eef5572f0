package store_test

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"gridhub/hub/store"
	"gridhub/hub/store/storetest"
)

// TestSQLite and TestPostgres run the one suite on both.
func TestSQLite(t *testing.T) {
	suite(t, func(t *testing.T) string { return "sqlite:" + filepath.Join(t.TempDir(), "deep", "hub.db") })
}

func TestPostgres(t *testing.T) {
	server := storetest.Postgres(t)
	suite(t, func(t *testing.T) string { return server.Database(t) })
}

// suite is what every dialect promises; empty returns the address of a database
// in which there is nothing.
func suite(t *testing.T, empty func(*testing.T) string) {
	for name, test := range map[string]func(*testing.T, *store.DB){
		"migrations run once":        migrationsRunOnce,
		"a write is all or nothing":  writeIsAllOrNothing,
		"writes come one at a time":  writesComeOneAtATime,
		"a write may read beside it": aWriteMayRead,
		"writes join":                writesJoin,
		"who left is not written":    whoLeftIsNotWritten,
		"values come back unchanged": valuesComeBack,
		"any bytes are a text":       anyBytesAreAText,
		"rows are replaced by key":   rowsAreReplaced,
	} {
		t.Run(name, func(t *testing.T) { test(t, open(t, empty(t))) })
	}
	t.Run("two programs write one at a time", func(t *testing.T) { twoPrograms(t, empty(t)) })
	t.Run("data outlives the connection", func(t *testing.T) { dataOutlives(t, empty(t)) })
}

func open(t *testing.T, address string) *store.DB {
	t.Helper()
	db, err := store.Open(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() }) // some tests close it themselves
	return db
}

func count(t *testing.T, db *store.DB, q string) (n int) {
	t.Helper()
	if err := db.QueryRow(context.Background(), q).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func write(t *testing.T, db *store.DB, q string, args ...any) {
	t.Helper()
	err := db.Write(t.Context(), func(tx *store.Tx) error {
		_, err := tx.Exec(t.Context(), q, args...)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func migrationsRunOnce(t *testing.T, db *store.DB) {
	steps := []string{`CREATE TABLE a (n INTEGER); INSERT INTO a VALUES (1)`, `INSERT INTO a VALUES (2)`}
	if err := db.Migrate(t.Context(), "f", steps[:1]...); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := db.Migrate(t.Context(), "f", steps...); err != nil {
			t.Fatal(err)
		}
	}
	if n := count(t, db, `SELECT COUNT(*) FROM a`); n != 2 {
		t.Errorf("%d rows, want each step once", n)
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

func writeIsAllOrNothing(t *testing.T, db *store.DB) {
	if err := db.Migrate(t.Context(), "f", `CREATE TABLE a (n INTEGER)`); err != nil {
		t.Fatal(err)
	}
	boom := errors.New("boom")
	err := db.Write(t.Context(), func(tx *store.Tx) error {
		if _, err := tx.Exec(t.Context(), `INSERT INTO a VALUES (?)`, 1); err != nil {
			t.Error(err)
		}
		return boom
	})
	if !errors.Is(err, boom) {
		t.Errorf("%v, want the caller's error", err)
	}
	if n := count(t, db, `SELECT COUNT(*) FROM a`); n != 0 {
		t.Errorf("%d rows after a failed write, want none", n)
	}
}

// writesComeOneAtATime lets many read the highest number and append the next, as
// the pool does with the events of a case.
func writesComeOneAtATime(t *testing.T, db *store.DB) {
	if err := db.Migrate(t.Context(), "f", `CREATE TABLE a (n INTEGER PRIMARY KEY)`); err != nil {
		t.Fatal(err)
	}
	const writers, each = 6, 10
	errs := make([]error, writers)
	var all sync.WaitGroup
	for i := range writers {
		all.Go(func() {
			for range each {
				errs[i] = errors.Join(errs[i], db.Write(t.Context(), next))
			}
		})
	}
	all.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Error(err)
	}
	if n := count(t, db, `SELECT MAX(n) FROM a`); n != writers*each {
		t.Errorf("the highest number is %d, want %d", n, writers*each)
	}
}

// writesJoin has many share transactions: of those that fail, by themselves, in
// the database or with a panic, nothing stays, and of the others everything does.
func writesJoin(t *testing.T, db *store.DB) {
	if err := db.Migrate(t.Context(), "f", `CREATE TABLE a (n INTEGER PRIMARY KEY)`); err != nil {
		t.Fatal(err)
	}
	const each = 12
	boom := errors.New("boom")
	faults := []func(*store.Tx) error{
		next,
		func(tx *store.Tx) error { return errors.Join(next(tx), boom) },
		func(tx *store.Tx) error { return boom },
		func(tx *store.Tx) error {
			if err := next(tx); err != nil {
				return err
			}
			_, err := tx.Exec(context.Background(), `INSERT INTO a VALUES (1)`) // there is one already
			return err
		},
		func(tx *store.Tx) error { panic(errors.Join(next(tx), boom)) },
		next,
	}
	write(t, db, `INSERT INTO a VALUES (1)`)
	var all sync.WaitGroup
	var failed atomic.Int64
	for _, f := range faults {
		all.Go(func() {
			for range each {
				if err := joined(t.Context(), db, f); err != nil {
					failed.Add(1)
				}
			}
		})
	}
	all.Go(func() {
		for range each {
			if err := db.Write(t.Context(), next); err != nil {
				t.Error(err)
			}
		}
	})
	all.Wait()
	if n := failed.Load(); n != 4*each {
		t.Errorf("%d writes failed, want %d", n, 4*each)
	}
	if n, high := count(t, db, `SELECT COUNT(*) FROM a`), count(t, db, `SELECT MAX(n) FROM a`); n != 3*each+1 || high != n {
		t.Errorf("%d rows up to %d, want %d", n, high, 3*each+1)
	}
}

// joined is Join with a panic as an error.
func joined(ctx context.Context, db *store.DB, f func(*store.Tx) error) (err error) {
	defer func() {
		if fell, ok := recover().(error); ok {
			err = fell
		}
	}()
	return db.Join(ctx, f)
}

// whoLeftIsNotWritten ends a caller while it waits for its turn.
func whoLeftIsNotWritten(t *testing.T, db *store.DB) {
	if err := db.Migrate(t.Context(), "f", `CREATE TABLE a (n INTEGER PRIMARY KEY)`); err != nil {
		t.Fatal(err)
	}
	ctx, leave := context.WithCancel(t.Context())
	var all sync.WaitGroup
	err := db.Write(t.Context(), func(*store.Tx) error {
		all.Go(func() {
			if err := db.Join(ctx, next); !errors.Is(err, context.Canceled) {
				t.Errorf("who left: %v", err)
			}
		})
		leave()
		return nil
	})
	all.Wait()
	if n := count(t, db, `SELECT COUNT(*) FROM a`); n != 0 || err != nil {
		t.Errorf("%d rows, want none, %v", n, err)
	}
}

// aWriteMayRead lets many writers read outside of their transactions, as
// features do that look something up: none may wait for another's connection.
func aWriteMayRead(t *testing.T, db *store.DB) {
	if err := db.Migrate(t.Context(), "f", `CREATE TABLE a (n INTEGER)`); err != nil {
		t.Fatal(err)
	}
	const writers = 40
	errs := make([]error, writers)
	var all sync.WaitGroup
	for i := range writers {
		all.Go(func() {
			errs[i] = db.Write(t.Context(), func(tx *store.Tx) error {
				var n int
				if err := db.QueryRow(t.Context(), `SELECT COUNT(*) FROM a`).Scan(&n); err != nil {
					return err
				}
				_, err := tx.Exec(t.Context(), `INSERT INTO a VALUES (?)`, n)
				return err
			})
		})
	}
	all.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Error(err)
	}
	if n := count(t, db, `SELECT COUNT(DISTINCT n) FROM a`); n != writers {
		t.Errorf("%d of %d writers saw all before them", n, writers)
	}
}

// twoPrograms is writesComeOneAtATime from two connections' points of view, as
// two hubs on one database have them.
func twoPrograms(t *testing.T, address string) {
	one, other := open(t, address), open(t, address)
	if err := one.Migrate(t.Context(), "f", `CREATE TABLE a (n INTEGER PRIMARY KEY)`); err != nil {
		t.Fatal(err)
	}
	var errs [2]error
	var all sync.WaitGroup
	for i, db := range []*store.DB{one, other} {
		all.Go(func() {
			for range 25 {
				errs[i] = errors.Join(errs[i], db.Write(t.Context(), next))
			}
		})
	}
	all.Wait()
	if err := errors.Join(errs[:]...); err != nil {
		t.Error(err)
	}
	if n := count(t, one, `SELECT MAX(n) FROM a`); n != 50 {
		t.Errorf("the highest number is %d, want 50", n)
	}
}

func next(tx *store.Tx) error {
	ctx := context.Background()
	var high int
	if err := tx.QueryRow(ctx, `SELECT COALESCE(MAX(n), 0) FROM a`).Scan(&high); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, `INSERT INTO a VALUES (?)`, high+1)
	return err
}

// valuesComeBack holds what features store: numbers of 64 bits, any text, bytes,
// and fractions to the last digit.
func valuesComeBack(t *testing.T, db *store.DB) {
	if err := db.Migrate(t.Context(), "f", `CREATE TABLE a (n INTEGER, x REAL, s TEXT NOT NULL, b BLOB)`); err != nil {
		t.Fatal(err)
	}
	const n, x, s = int64(1)<<62 + 1, 0.1 + 1e-17, "网格员 ' ? \\ 017"
	b := []byte{0, 255, '\'', 0}
	write(t, db, `INSERT INTO a (n, x, s, b) VALUES (?, ?, ?, ?)`, n, x, s, b)
	write(t, db, `INSERT INTO a (n, s) VALUES (NULL, '?')`)
	var gotN int64
	var gotX float64
	var gotS string
	var gotB []byte
	if err := db.QueryRow(t.Context(), `SELECT n, x, s, b FROM a WHERE s = ?`, s).Scan(&gotN, &gotX, &gotS, &gotB); err != nil {
		t.Fatal(err)
	}
	if gotN != n || gotX != x || gotS != s || string(gotB) != string(b) {
		t.Errorf("%d %v %q %x came back", gotN, gotX, gotS, gotB)
	}
	if k := count(t, db, `SELECT COUNT(*) FROM a WHERE n IS NULL AND x IS NULL AND b IS NULL AND s = '?'`); k != 1 {
		t.Errorf("%d rows without values, want 1", k)
	}
}

// label is a text as features have them.
type label string

// anyBytesAreAText holds that a text from elsewhere is stored whatever it holds.
func anyBytesAreAText(t *testing.T, db *store.DB) {
	if err := db.Migrate(t.Context(), "f", `CREATE TABLE a (s TEXT NOT NULL)`); err != nil {
		t.Fatal(err)
	}
	for _, bad := range []any{"桥下\x00积水", "桥下\xff积水", label("桥下\xe6积水")} {
		write(t, db, `INSERT INTO a (s) VALUES (?)`, bad)
	}
	if n := count(t, db, `SELECT COUNT(*) FROM a WHERE s > '桥下' AND s < '桥中'`); n != 3 {
		t.Errorf("%d of 3 texts are there", n)
	}
}

func rowsAreReplaced(t *testing.T, db *store.DB) {
	if err := db.Migrate(t.Context(), "f", `CREATE TABLE a (k TEXT PRIMARY KEY, n INTEGER NOT NULL)`); err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		write(t, db, `INSERT INTO a (k, n) VALUES (?, ?) ON CONFLICT (k) DO UPDATE SET n = excluded.n`, "one", i)
		write(t, db, `INSERT INTO a (k, n) VALUES (?, ?) ON CONFLICT DO NOTHING`, "two", i)
	}
	if n := count(t, db, `SELECT n FROM a WHERE k = 'one'`); n != 2 {
		t.Errorf("the replaced row has %d, want the last", n)
	}
	if n := count(t, db, `SELECT n FROM a WHERE k = 'two'`); n != 0 {
		t.Errorf("the kept row has %d, want the first", n)
	}
}

func dataOutlives(t *testing.T, address string) {
	db := open(t, address)
	if err := db.Migrate(t.Context(), "f", `CREATE TABLE a (n INTEGER)`); err != nil {
		t.Fatal(err)
	}
	write(t, db, `INSERT INTO a VALUES (?)`, 7)
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if n := count(t, open(t, address), `SELECT n FROM a`); n != 7 {
		t.Errorf("%d came back", n)
	}
	if err := db.Write(t.Context(), func(*store.Tx) error { return nil }); err == nil {
		t.Error("a closed database took a write")
	}
}
