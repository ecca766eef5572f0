// Package sqlite keeps history in one SQLite file: one row for each instant of
// each device, all its values packed in the row (see ../LAYOUT.md). It is the
// store of a single machine: one writer, several readers, no server. A Write
// is one transaction and durable when it returns.
package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"runtime"
	"sync"

	_ "modernc.org/sqlite" // the driver

	"gridhub/devices"
	"gridhub/devices/telemetry"
	"gridhub/hub/history"
)

// schemaVersion is kept in PRAGMA user_version.
const schemaVersion = 1

const schema = `
CREATE TABLE subjects (id INTEGER PRIMARY KEY, device TEXT NOT NULL, kind TEXT NOT NULL, UNIQUE (device, kind));
CREATE TABLE metrics (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE sources (id INTEGER PRIMARY KEY, sender TEXT NOT NULL, stream TEXT NOT NULL, epoch INTEGER NOT NULL,
	UNIQUE (sender, stream, epoch));
CREATE TABLE points (subject INTEGER NOT NULL, at INTEGER NOT NULL, source INTEGER NOT NULL, seq INTEGER NOT NULL,
	number INTEGER NOT NULL, fields BLOB NOT NULL, PRIMARY KEY (subject, at)) WITHOUT ROWID;
PRAGMA user_version = 1`

// Store is a history in one file. It implements history.Store.
type Store struct {
	write *sql.DB // one connection
	read  *sql.DB

	mu    sync.RWMutex // guards what follows, which mirrors the tables
	names names
}

// Open opens the history in path, or makes one.
func Open(path string) (*Store, error) {
	s := &Store{names: newNames()}
	var err error
	if s.write, err = connect(path, 1); err != nil {
		return nil, err
	}
	if err = s.prepare(); err == nil {
		s.read, err = connect(path, max(2, runtime.NumCPU()))
	}
	if err != nil {
		s.write.Close()
		return nil, fmt.Errorf("history %s: %w", path, err)
	}
	return s, nil
}

func connect(path string, most int) (*sql.DB, error) {
	v := url.Values{"_pragma": {"busy_timeout(10000)", "journal_mode(WAL)", "synchronous(FULL)", "cache_size(-16000)",
		"temp_store(MEMORY)", "journal_size_limit(67108864)"}}
	db, err := sql.Open("sqlite", "file:"+(&url.URL{Path: path}).EscapedPath()+"?"+v.Encode())
	if err == nil {
		db.SetMaxOpenConns(most)
		db.SetMaxIdleConns(most)
	}
	return db, err
}

// prepare makes the tables, and reads the names.
func (s *Store) prepare() error {
	ctx := context.Background()
	var version int
	if err := s.write.QueryRowContext(ctx, "PRAGMA user_version").Scan(&version); err != nil {
		return err
	}
	switch version {
	case schemaVersion:
	case 0:
		if _, err := s.write.ExecContext(ctx, "BEGIN;"+schema+";COMMIT"); err != nil {
			return err
		}
	default:
		return fmt.Errorf("schema version %d: this program knows %d", version, schemaVersion)
	}
	return s.names.load(ctx, s.write)
}

// Snapshot writes a consistent copy of the history to path, which must not be
// there, beside readers and the writer.
func (s *Store) Snapshot(ctx context.Context, path string) error {
	if _, err := s.read.ExecContext(ctx, "VACUUM INTO ?", path); err != nil {
		return fmt.Errorf("copy of the history: %w", err)
	}
	return nil
}

// Close closes the file.
func (s *Store) Close() error { return errors.Join(s.read.Close(), s.write.Close()) }

// rowsAtOnce is how many rows one statement inserts.
const rowsAtOnce = 50

// Write keeps points in one transaction.
func (s *Store) Write(ctx context.Context, pts []telemetry.Point) (w history.Written, err error) {
	tx, err := s.write.BeginTx(ctx, nil)
	if err != nil {
		return w, err
	}
	defer tx.Rollback() // does nothing after Commit
	b := batch{ctx: ctx, tx: tx, names: s.names.begin(&s.mu)}
	for i := range pts {
		if reason := history.Fault(&pts[i]); reason != "" {
			w.Rejected = append(w.Rejected, history.Rejected{Index: i, Reason: reason})
			continue
		}
		if err := b.add(&pts[i]); err != nil {
			return history.Written{}, err
		}
	}
	if err := b.flush(); err != nil {
		return history.Written{}, err
	}
	if err := tx.Commit(); err != nil {
		return history.Written{}, err
	}
	b.names.commit(&s.mu)
	w.Stored, w.Repeated, w.Superseded = b.count[telemetry.Stored], b.count[telemetry.Repeated], b.count[telemetry.Superseded]
	return w, nil
}

// row is a row of points.
type row struct {
	subject, at, source, seq, number int64
	fields                           []byte
	point                            *telemetry.Point
}

// batch is one Write on its way.
type batch struct {
	ctx   context.Context
	tx    *sql.Tx
	names *newcomers
	rows  []row
	args  []any
	count [3]int // by telemetry.Verdict

	many *sql.Stmt // inserts rowsAtOnce rows, or fails and inserts none
}

func (b *batch) add(p *telemetry.Point) error {
	r := row{at: int64(p.At), seq: int64(p.Key.Seq), number: int64(p.Key.Offset), point: p}
	var err error
	if r.subject, err = b.names.subject(b.ctx, b.tx, p.Device, p.Kind); err != nil {
		return err
	}
	if r.source, err = b.names.source(b.ctx, b.tx, p.Key); err != nil {
		return err
	}
	if r.fields, err = b.names.pack(b.ctx, b.tx, withQuality(p)); err != nil {
		return err
	}
	b.rows = append(b.rows, r)
	if len(b.rows) == rowsAtOnce {
		return b.insert()
	}
	return nil
}

// withQuality returns the fields of a point as they are kept.
func withQuality(p *telemetry.Point) []telemetry.Field {
	if p.Quality == telemetry.Good {
		return p.Fields
	}
	return sorted(append(p.Fields[:len(p.Fields):len(p.Fields)], telemetry.Field{Metric: history.QualityField, Value: float64(p.Quality)}))
}

// insert takes the rows as new, all at once; if only one is not, it takes them
// one by one.
func (b *batch) insert() (err error) {
	if b.many == nil {
		if b.many, err = b.tx.PrepareContext(b.ctx, insertRows(rowsAtOnce)); err != nil {
			return err
		}
	}
	b.args = b.args[:0]
	for i := range b.rows {
		r := &b.rows[i]
		b.args = append(b.args, r.subject, r.at, r.source, r.seq, r.number, r.fields)
	}
	_, err = b.many.ExecContext(b.ctx, b.args...)
	if err == nil {
		b.count[telemetry.Stored] += len(b.rows)
		b.rows = b.rows[:0]
		return nil
	}
	if !isConstraint(err) {
		return err
	}
	return b.flush()
}

// flush takes what waits one by one.
func (b *batch) flush() error {
	for i := range b.rows {
		if err := b.one(&b.rows[i]); err != nil {
			return err
		}
	}
	b.rows = b.rows[:0]
	return nil
}

func (b *batch) one(r *row) error {
	_, err := b.tx.ExecContext(b.ctx, insertRows(1), r.subject, r.at, r.source, r.seq, r.number, r.fields)
	if err == nil {
		b.count[telemetry.Stored]++
		return nil
	}
	if !isConstraint(err) {
		return err
	}
	return b.merge(r)
}

// merge brings a row into the one that is there.
func (b *batch) merge(r *row) error {
	var old row
	err := b.tx.QueryRowContext(b.ctx, "SELECT source, seq, number, fields FROM points WHERE subject = ? AND at = ?", r.subject, r.at).
		Scan(&old.source, &old.seq, &old.number, &old.fields)
	if err != nil {
		return err
	}
	in := telemetry.Instant{Key: b.names.key(old.source)}
	in.Key.Seq, in.Key.Offset = uint64(old.seq), uint64(old.number)
	if in.Fields, err = b.names.unpack(old.fields); err != nil {
		return err
	}
	before := in.Key
	news, verdict := in.Merge(r.point.Key, withQuality(r.point), nil)
	b.count[verdict]++
	if len(news) == 0 && in.Key == before {
		return nil
	}
	if r.fields, err = b.names.pack(b.ctx, b.tx, in.Fields); err != nil {
		return err
	}
	if in.Key == before {
		r.source, r.seq, r.number = old.source, old.seq, old.number
	}
	_, err = b.tx.ExecContext(b.ctx, "UPDATE points SET source = ?, seq = ?, number = ?, fields = ? WHERE subject = ? AND at = ?",
		r.source, r.seq, r.number, r.fields, r.subject, r.at)
	return err
}

// Retain deletes what is older; it goes device by device, so that readers and
// the writer get their turn in between.
func (s *Store) Retain(ctx context.Context, kind string, before telemetry.Millis) error {
	for _, sub := range s.subjects(func(x subject) bool { return kind == "" || x.kind == kind }) {
		if _, err := s.write.ExecContext(ctx, "DELETE FROM points WHERE subject = ? AND at < ?", sub.id, int64(before)); err != nil {
			return err
		}
	}
	return nil
}

// Erase deletes a device's points.
func (s *Store) Erase(ctx context.Context, id devices.ID, from, to telemetry.Millis) error {
	if from == 0 && to == 0 {
		to = 1 << 62
	}
	for _, sub := range s.subjects(func(x subject) bool { return x.device == id }) {
		if _, err := s.write.ExecContext(ctx, "DELETE FROM points WHERE subject = ? AND at >= ? AND at < ?", sub.id, int64(from), int64(to)); err != nil {
			return err
		}
	}
	return nil
}
