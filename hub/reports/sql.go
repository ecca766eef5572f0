package reports

import (
	"context"

	"gridhub/devices/telemetry"
	"gridhub/hub/store"
)

var migrations = []string{`
CREATE TABLE reports (name TEXT NOT NULL, due INTEGER NOT NULL, file TEXT NOT NULL UNIQUE, title TEXT NOT NULL, from_ms INTEGER NOT NULL,
	to_ms INTEGER NOT NULL, version TEXT NOT NULL, made INTEGER NOT NULL, bytes INTEGER NOT NULL, PRIMARY KEY (name, due))`,
}

// mostListed bounds what List and File look at.
const mostListed = 1000

// newest is when the newest report of a name was due; 0: there is none.
func newest(ctx context.Context, db *store.DB, name string) (due telemetry.Millis, err error) {
	err = db.QueryRow(ctx, `SELECT COALESCE(MAX(due), 0) FROM reports WHERE name = ?`, name).Scan(&due)
	return due, err
}

// insert notes a report, unless it is noted, and calls place before that is
// durable.
func insert(ctx context.Context, db *store.DB, r Workbook, due telemetry.Millis, place func() error) (made bool, err error) {
	err = db.Write(ctx, func(tx *store.Tx) error {
		n, err := tx.Exec(ctx, `INSERT INTO reports (name, due, file, title, from_ms, to_ms, version, made, bytes) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
			ON CONFLICT DO NOTHING`, r.Name, int64(due), r.File, r.Title, int64(r.From), int64(r.To), r.Version, int64(r.Made), r.Bytes)
		if err != nil || n == 0 {
			return err
		}
		made = true
		return place()
	})
	return made && err == nil, err
}

func list(ctx context.Context, db *store.DB) ([]Workbook, error) {
	rows, err := db.Query(ctx, `SELECT file, name, title, from_ms, to_ms, version, made, bytes FROM reports ORDER BY due DESC, name LIMIT ?`, mostListed)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	out := []Workbook{}
	for rows.Next() {
		var r Workbook
		if err := rows.Scan(&r.File, &r.Name, &r.Title, &r.From, &r.To, &r.Version, &r.Made, &r.Bytes); err != nil {
			return nil, err
		}
		out = append(out, r)
	}
	return out, rows.Err()
}

// forget drops all but the newest of a name, and says which files those were.
func forget(ctx context.Context, db *store.DB, name string, keep int) (files []string, err error) {
	rows, err := db.Query(ctx, `SELECT file FROM reports WHERE name = ? ORDER BY due DESC LIMIT ? OFFSET ?`, name, mostListed, keep)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var file string
		if err := rows.Scan(&file); err != nil {
			return nil, err
		}
		files = append(files, file)
	}
	if err := rows.Err(); err != nil || len(files) == 0 {
		return nil, err
	}
	return files, db.Write(ctx, func(tx *store.Tx) error {
		for _, file := range files {
			if _, err := tx.Exec(ctx, `DELETE FROM reports WHERE file = ?`, file); err != nil {
				return err
			}
		}
		return nil
	})
}
