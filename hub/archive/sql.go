package archive

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"

	"gridhub/hub/identity"
	"gridhub/hub/store"

	"golang.org/x/mod/sumdb/tlog"
)

// migrations of the feature "archive". archive_seals and archive_hashes are
// the log: rows are added, never changed, except that content is emptied once
// the file is durable. archive_reads had the downloads before they entered the
// audit log; what stands there is kept.
var migrations = []string{`
CREATE TABLE archive_seals (
	idx INTEGER NOT NULL PRIMARY KEY, case_id TEXT NOT NULL, seal INTEGER NOT NULL, events INTEGER NOT NULL,
	statement BLOB NOT NULL, content BLOB, at INTEGER NOT NULL);
CREATE UNIQUE INDEX archive_seals_events ON archive_seals (case_id, events);
CREATE TABLE archive_hashes (idx INTEGER NOT NULL PRIMARY KEY, hash BLOB NOT NULL);
CREATE TABLE archive_checkpoints (size INTEGER NOT NULL PRIMARY KEY, root TEXT NOT NULL, note TEXT NOT NULL);
CREATE TABLE archive_reads (n INTEGER NOT NULL PRIMARY KEY, bytes BLOB NOT NULL, hash TEXT NOT NULL)`}

// row is one seal as the database has it.
type row struct {
	Seal
	statement []byte
	content   []byte // nil once the file is durable
}

func (a *Archive) treeSize(ctx context.Context) (n int64, err error) {
	err = a.db.QueryRow(ctx, `SELECT COALESCE(MAX(idx), -1) + 1 FROM archive_seals`).Scan(&n)
	return n, err
}

const sealColumns = `SELECT idx, case_id, seal, events, statement, content, at FROM archive_seals `

// rows reads seals.
func (a *Archive) rows(ctx context.Context, rest string, args ...any) ([]row, error) {
	r, err := a.db.Query(ctx, sealColumns+rest, args...)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	var out []row
	for r.Next() {
		var s row
		if err := r.Scan(&s.Index, &s.Case, &s.Seal.Seal, &s.Events, &s.statement, &s.content, &s.At); err != nil {
			return nil, err
		}
		s.Ready = s.content == nil
		out = append(out, s)
	}
	return out, r.Err()
}

func (a *Archive) rowsOf(ctx context.Context, id identity.CaseID) ([]row, error) {
	return a.rows(ctx, `WHERE case_id = ? ORDER BY seal`, string(id))
}

// Seals lists the seals of a case, oldest first.
func (a *Archive) Seals(ctx context.Context, id identity.CaseID) ([]Seal, error) {
	rows, err := a.rowsOf(ctx, id)
	out := []Seal{}
	for _, r := range rows {
		out = append(out, r.Seal)
	}
	return out, err
}

// record adds a statement to the log as its next leaf. Either the leaf, its
// hashes and the content are durable, or nothing is.
func (a *Archive) record(ctx context.Context, m Manifest, s Statement, c content) (row, error) {
	body, err := json.Marshal(c)
	if err != nil {
		return row{}, err
	}
	out := row{Seal: Seal{Case: s.Case, Seal: s.Seal, Events: s.Events, At: s.At}, statement: written(s), content: body}
	err = a.db.Write(ctx, func(tx *store.Tx) error {
		if err := tx.QueryRow(ctx, `SELECT COALESCE(MAX(idx), -1) + 1 FROM archive_seals`).Scan(&out.Index); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `INSERT INTO archive_seals (idx, case_id, seal, events, statement, content, at) VALUES (?, ?, ?, ?, ?, ?, ?)`,
			out.Index, string(s.Case), int64(s.Seal), int64(s.Events), out.statement, body, int64(s.At)); err != nil {
			return err
		}
		return leaf(ctx, tx, out.Index, out.statement)
	})
	if err != nil {
		return row{}, fmt.Errorf("seal %d of %s: %w", m.Seal, m.Case, err)
	}
	return out, nil
}

// leaf stores the hashes that leaf n completes.
func leaf(ctx context.Context, tx *store.Tx, n int64, data []byte) error {
	hashes, err := tlog.StoredHashes(n, data, reader(ctx, tx))
	if err != nil {
		return err
	}
	first := tlog.StoredHashIndex(0, n)
	for i, h := range hashes {
		if _, err := tx.Exec(ctx, `INSERT INTO archive_hashes (idx, hash) VALUES (?, ?)`, first+int64(i), h[:]); err != nil {
			return err
		}
	}
	return nil
}

// one is what both a transaction and the readers can do.
type one interface {
	QueryRow(ctx context.Context, q string, args ...any) *sql.Row
}

// reader gives stored hashes to the tree.
func reader(ctx context.Context, db one) tlog.HashReader {
	return tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		out := make([]tlog.Hash, len(indexes))
		for i, at := range indexes {
			var b []byte
			if err := db.QueryRow(ctx, `SELECT hash FROM archive_hashes WHERE idx = ?`, at).Scan(&b); err != nil {
				return nil, fmt.Errorf("hash %d of the log: %w", at, err)
			}
			if len(b) != tlog.HashSize {
				return nil, fmt.Errorf("hash %d of the log has %d bytes", at, len(b))
			}
			copy(out[i][:], b)
		}
		return out, nil
	})
}

// filed says that a seal's file is durable: its texts need not be kept twice.
func (a *Archive) filed(ctx context.Context, index int64, c Checkpoint) error {
	return a.db.Write(ctx, func(tx *store.Tx) error {
		if _, err := tx.Exec(ctx, `INSERT INTO archive_checkpoints (size, root, note) VALUES (?, ?, ?) ON CONFLICT (size) DO NOTHING`, c.Size, c.Root, c.Note); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `UPDATE archive_seals SET content = NULL WHERE idx = ?`, index)
		return err
	})
}

// Checkpoints lists the log's signed heads, newest first.
func (a *Archive) Checkpoints(ctx context.Context, limit int) ([]Checkpoint, error) {
	r, err := a.db.Query(ctx, `SELECT size, root, note FROM archive_checkpoints ORDER BY size DESC LIMIT ?`, limit)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	out := []Checkpoint{}
	for r.Next() {
		var c Checkpoint
		if err := r.Scan(&c.Size, &c.Root, &c.Note); err != nil {
			return nil, err
		}
		out = append(out, c)
	}
	return out, r.Err()
}
