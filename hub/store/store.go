// Package store is the hub's relational state: one connection to SQLite (the
// default, embedded) or PostgreSQL, and the running of migrations. Each feature
// registers its own migrations and keeps its SQL in its own sql.go, written
// with ? for placeholders in the dialect that both understand.
//
// SQLite runs in WAL mode with synchronous=FULL: what Write returned from is on
// the disk, as it is with PostgreSQL's own defaults. There is one writer at a
// time and several readers, on both: features count and append without locks.
package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"unicode/utf8"

	_ "github.com/jackc/pgx/v5/stdlib" // driver "pgx"
	_ "modernc.org/sqlite"             // driver "sqlite"
)

// DB is one database. All methods may be called concurrently.
type DB struct {
	write   *sql.DB
	read    *sql.DB
	dialect dialect
	address string        // SQLite: the file; PostgreSQL: the URL
	turn    chan struct{} // capacity 1: held by the one who writes
	queue   queue
}

type dialect int

const (
	sqlite dialect = iota
	postgres
)

// Open opens a database by URL: sqlite:/path/to/file.db or postgres://….
func Open(ctx context.Context, address string) (*DB, error) {
	scheme, rest, _ := strings.Cut(address, ":")
	switch scheme {
	case "sqlite":
		return openSQLite(ctx, rest)
	case "postgres", "postgresql":
		return openPostgres(ctx, address)
	}
	return nil, fmt.Errorf("database %q: want sqlite:/path/to/file.db or postgres://user:password@host/name", redact(address))
}

// readers bounds the connections that read SQLite at one time; PostgreSQL, which
// may be another machine, gets twice as many.
const readers = 4

// writerCache is what the one connection that writes to SQLite may keep in
// memory, 64 MiB in units of -1 KiB, instead of the 2 MiB that are usual: keys are
// hashes, and so each write is somewhere else in a large index.
const writerCache = "&_pragma=cache_size(-65536)"

func openSQLite(ctx context.Context, path string) (*DB, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("database folder: %w", err)
	}
	pragmas := "?_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=foreign_keys(ON)"
	w, err := sql.Open("sqlite", "file:"+path+pragmas+writerCache+"&_txlock=immediate")
	if err != nil {
		return nil, err
	}
	w.SetMaxOpenConns(1)
	r, err := sql.Open("sqlite", "file:"+path+pragmas+"&_pragma=query_only(ON)")
	if err != nil {
		return nil, errors.Join(err, w.Close())
	}
	r.SetMaxOpenConns(readers)
	return ping(ctx, &DB{write: w, read: r, dialect: sqlite, address: path}, path)
}

func openPostgres(ctx context.Context, address string) (*DB, error) {
	w, err := sql.Open("pgx", address)
	if err != nil {
		return nil, fmt.Errorf("database %s: %w", redact(address), err)
	}
	w.SetMaxOpenConns(1) // writers wait here for one another, and hold no connection meanwhile
	r, err := sql.Open("pgx", address)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("database %s: %w", redact(address), err), w.Close())
	}
	r.SetMaxOpenConns(2 * readers)
	r.SetMaxIdleConns(2 * readers)
	return ping(ctx, &DB{write: w, read: r, dialect: postgres, address: address}, redact(address))
}

func ping(ctx context.Context, db *DB, name string) (*DB, error) {
	db.turn = make(chan struct{}, 1)
	if err := db.write.PingContext(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("database %s: %w", name, err), db.Close())
	}
	return db, nil
}

// redact hides the password of a database URL.
func redact(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return "(unreadable URL)"
	}
	return u.Redacted()
}

// Embedded reports whether the database is a file of ours, and not a server's.
func (db *DB) Embedded() bool { return db.dialect == sqlite }

// Close ends all connections.
func (db *DB) Close() error {
	return errors.Join(db.write.Close(), db.read.Close())
}

// Tx is one transaction. It sees its own writes.
type Tx struct {
	tx      *sql.Tx
	dialect dialect
	shared  bool // with other writes: of Join
	begun   bool // and has its savepoint
}

// Write runs f in a transaction; an error or a panic rolls it back. When it
// returns nil, what f wrote is durable. It may run f once only. Two never run at
// the same time, also not from two programs on one PostgreSQL database; f may
// read beside its transaction, too, and sees all that was written before. For
// what comes often see Join.
func (db *DB) Write(ctx context.Context, f func(*Tx) error) error {
	select {
	case db.turn <- struct{}{}:
		defer func() { <-db.turn }()
	case <-ctx.Done():
		return ctx.Err()
	}
	return db.transaction(ctx, f)
}

// transaction runs f for who has the turn.
func (db *DB) transaction(ctx context.Context, f func(*Tx) error) error {
	tx, err := db.write.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // after Commit this does nothing
	if err := db.dialect.alone(ctx, tx); err != nil {
		return err
	}
	if err := f(&Tx{tx: tx, dialect: db.dialect}); err != nil {
		return err
	}
	return tx.Commit()
}

// writers is the lock that PostgreSQL's writing transactions take, one after the
// other: "gridhub" as a number.
const writers = 0x67726964687562

// alone makes a writing transaction wait for those of other programs; in this
// one there is one connection that writes. SQLite locks at BEGIN IMMEDIATE.
func (d dialect) alone(ctx context.Context, tx *sql.Tx) error {
	if d == sqlite {
		return nil
	}
	_, err := tx.ExecContext(ctx, "SELECT pg_advisory_xact_lock($1)", int64(writers))
	return err
}

// Query reads several rows.
func (db *DB) Query(ctx context.Context, q string, args ...any) (*sql.Rows, error) {
	return db.read.QueryContext(ctx, db.dialect.bind(q), db.dialect.args(args)...)
}

// QueryRow reads one row.
func (db *DB) QueryRow(ctx context.Context, q string, args ...any) *sql.Row {
	return db.read.QueryRowContext(ctx, db.dialect.bind(q), db.dialect.args(args)...)
}

// Exec changes rows and says how many.
func (tx *Tx) Exec(ctx context.Context, q string, args ...any) (int64, error) {
	ctx, err := tx.begin(ctx)
	if err != nil {
		return 0, err
	}
	res, err := tx.tx.ExecContext(ctx, tx.dialect.bind(q), tx.dialect.args(args)...)
	if err != nil {
		return 0, err
	}
	return res.RowsAffected()
}

// Query reads several rows inside the transaction.
func (tx *Tx) Query(ctx context.Context, q string, args ...any) (*sql.Rows, error) {
	ctx, err := tx.begin(ctx)
	if err != nil {
		return nil, err
	}
	return tx.tx.QueryContext(ctx, tx.dialect.bind(q), tx.dialect.args(args)...)
}

// QueryRow reads one row inside the transaction.
func (tx *Tx) QueryRow(ctx context.Context, q string, args ...any) *sql.Row {
	ctx, _ = tx.begin(ctx) // a transaction that is lost says so again below
	return tx.tx.QueryRowContext(ctx, tx.dialect.bind(q), tx.dialect.args(args)...)
}

// bind turns ? placeholders into $1, $2, … for PostgreSQL. Question marks
// inside quotes are left alone.
func (d dialect) bind(q string) string {
	if d == sqlite || !strings.Contains(q, "?") {
		return q
	}
	var b strings.Builder
	n, quoted := 0, false
	for _, r := range q {
		switch {
		case r == '\'':
			quoted = !quoted
			b.WriteRune(r)
		case r == '?' && !quoted:
			n++
			fmt.Fprintf(&b, "$%d", n)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// args makes texts storable: PostgreSQL refuses what is no UTF-8 and what holds
// a zero byte, SQLite takes both. Texts of foreign origin must not fail for
// ever, so such bytes become U+FFFD there.
func (d dialect) args(args []any) []any {
	if d == sqlite {
		return args
	}
	out := args
	for i, a := range args {
		v := reflect.ValueOf(a)
		if v.Kind() != reflect.String {
			continue
		}
		s := v.String()
		if utf8.ValidString(s) && !strings.Contains(s, "\x00") {
			continue
		}
		if &out[0] == &args[0] {
			out = slices.Clone(args) // the caller's stays as it is
		}
		out[i] = strings.ReplaceAll(strings.ToValidUTF8(s, "\ufffd"), "\x00", "\ufffd")
	}
	return out
}
