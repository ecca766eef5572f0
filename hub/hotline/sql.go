package hotline

import (
	"context"
	"database/sql"
	"errors"

	"gridhub/hub/identity"
	"gridhub/hub/sheets"
	"gridhub/hub/store"
)

var migrations = []string{`
CREATE TABLE hotline_imports (
	id TEXT PRIMARY KEY, name TEXT NOT NULL, hash TEXT NOT NULL, account TEXT NOT NULL, started INTEGER NOT NULL,
	finished INTEGER NOT NULL, total INTEGER NOT NULL, done INTEGER NOT NULL, made INTEGER NOT NULL, known INTEGER NOT NULL,
	rejected INTEGER NOT NULL, error TEXT NOT NULL);
CREATE INDEX hotline_imports_finished ON hotline_imports (finished, started);
CREATE TABLE hotline_faults (
	import TEXT NOT NULL, place INTEGER NOT NULL, n INTEGER NOT NULL, heading TEXT NOT NULL, value TEXT NOT NULL, want TEXT NOT NULL,
	PRIMARY KEY (import, place, n));
CREATE TABLE hotline_orders (number TEXT PRIMARY KEY, case_id TEXT NOT NULL)`,
}

const columns = `id, name, hash, account, started, finished, total, done, made, known, rejected, error`

func scan(row interface{ Scan(...any) error }) (Import, error) {
	var i Import
	err := row.Scan(&i.ID, &i.Name, &i.hash, &i.By, &i.Started, &i.Finished, &i.Rows, &i.Done, &i.Made, &i.Known, &i.Rejected, &i.Error)
	return i, err
}

func (im *Importer) save(ctx context.Context, i Import) error {
	return im.db.Write(ctx, func(tx *store.Tx) error { return put(ctx, tx, i) })
}

func put(ctx context.Context, tx *store.Tx, i Import) error {
	_, err := tx.Exec(ctx, `INSERT INTO hotline_imports (`+columns+`) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (id) DO UPDATE SET finished = excluded.finished, total = excluded.total, done = excluded.done, made = excluded.made,
			known = excluded.known, rejected = excluded.rejected, error = excluded.error`,
		i.ID, i.Name, i.hash, i.By, int64(i.Started), int64(i.Finished), i.Rows, i.Done, i.Made, i.Known, i.Rejected, i.Error)
	return err
}

// note keeps why an import stands still; how far it is was noted before.
func (im *Importer) note(ctx context.Context, i Import) error {
	return im.db.Write(ctx, func(tx *store.Tx) error {
		_, err := tx.Exec(ctx, `UPDATE hotline_imports SET error = ? WHERE id = ?`, i.Error, i.ID)
		return err
	})
}

// progress writes down what a chunk of rows did, all of it or nothing.
func (im *Importer) progress(ctx context.Context, i Import, made map[string]identity.CaseID, faults []Fault) error {
	return im.db.Write(ctx, func(tx *store.Tx) error {
		for n, f := range faults {
			if _, err := tx.Exec(ctx, `INSERT INTO hotline_faults (import, place, n, heading, value, want) VALUES (?, ?, ?, ?, ?, ?)`,
				i.ID, f.Row, n, f.Column, f.Value, f.Want); err != nil {
				return err
			}
		}
		if err := addOrders(ctx, tx, made); err != nil {
			return err
		}
		return put(ctx, tx, i)
	})
}

func (im *Importer) remember(ctx context.Context, made map[string]identity.CaseID) error {
	if len(made) == 0 {
		return nil
	}
	return im.db.Write(ctx, func(tx *store.Tx) error { return addOrders(ctx, tx, made) })
}

func addOrders(ctx context.Context, tx *store.Tx, made map[string]identity.CaseID) error {
	for number, id := range made {
		if _, err := tx.Exec(ctx, `INSERT INTO hotline_orders (number, case_id) VALUES (?, ?) ON CONFLICT (number) DO NOTHING`, number, string(id)); err != nil {
			return err
		}
	}
	return nil
}

// known is the case of an order, empty for a new one.
func (im *Importer) known(ctx context.Context, number string) (id identity.CaseID, err error) {
	err = im.db.QueryRow(ctx, `SELECT case_id FROM hotline_orders WHERE number = ?`, number).Scan(&id)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	return id, err
}

// unfinished is the oldest import under way, of the file with a hash when one
// is given; without an id there is none.
func (im *Importer) unfinished(ctx context.Context, hash string) (Import, error) {
	i, err := scan(im.db.QueryRow(ctx, `SELECT `+columns+` FROM hotline_imports WHERE finished = 0 AND (? = '' OR hash = ?) ORDER BY started, id LIMIT 1`, hash, hash))
	if errors.Is(err, sql.ErrNoRows) {
		return Import{}, nil
	}
	return i, err
}

// Get returns one import as far as it is.
func (im *Importer) Get(ctx context.Context, id string) (Import, error) {
	i, err := scan(im.db.QueryRow(ctx, `SELECT `+columns+` FROM hotline_imports WHERE id = ?`, id))
	if errors.Is(err, sql.ErrNoRows) {
		return Import{}, ErrNotFound
	}
	return i, err
}

// List returns the newest imports.
func (im *Importer) List(ctx context.Context, limit int) ([]Import, error) {
	r, err := im.db.Query(ctx, `SELECT `+columns+` FROM hotline_imports ORDER BY started DESC, id LIMIT ?`, limit)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	out := []Import{}
	for r.Next() {
		i, err := scan(r)
		if err != nil {
			return nil, err
		}
		out = append(out, i)
	}
	return out, r.Err()
}

// Faults lists what was wrong with the rejected rows of an import, in the order
// of the file.
func (im *Importer) Faults(ctx context.Context, id string) ([]Fault, error) {
	if _, err := im.Get(ctx, id); err != nil {
		return nil, err
	}
	r, err := im.db.Query(ctx, `SELECT place, heading, value, want FROM hotline_faults WHERE import = ? ORDER BY place, n`, id)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	out := []Fault{}
	for r.Next() {
		var f Fault
		if err := r.Scan(&f.Row, &f.Column, &f.Value, &f.Want); err != nil {
			return nil, err
		}
		out = append(out, f)
	}
	return out, r.Err()
}

// Sheet is the list of faults as a table, for whoever mends the file.
func Sheet(faults []Fault) sheets.Sheet {
	s := sheets.Sheet{Name: "退回行", Head: []string{"行 row", "列 column", "值 value", "应为 want"}}
	for _, f := range faults {
		s.Rows = append(s.Rows, []any{f.Row, f.Column, f.Value, f.Want})
	}
	return s
}
