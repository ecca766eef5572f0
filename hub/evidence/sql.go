package evidence

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"gridhub/hub/geo"
	"gridhub/hub/store"
)

// migrations of the feature "evidence"; see store.Migrate.
var migrations = []string{`
CREATE TABLE evidence (
	hash     TEXT NOT NULL PRIMARY KEY,
	case_id  TEXT NOT NULL,
	kind     TEXT NOT NULL,
	person   TEXT NOT NULL,
	captured INTEGER NOT NULL,
	lon      REAL,
	lat      REAL,
	accuracy REAL NOT NULL,
	caption  TEXT NOT NULL,
	type     TEXT NOT NULL,
	size     INTEGER NOT NULL,
	received INTEGER NOT NULL,
	look     TEXT NOT NULL
);
CREATE INDEX evidence_case ON evidence (case_id)`, `
CREATE TABLE evidence_bands (band INTEGER NOT NULL, bits INTEGER NOT NULL, hash TEXT NOT NULL, PRIMARY KEY (band, bits, hash));
CREATE INDEX evidence_bands_hash ON evidence_bands (hash)`}

// insert writes an item unless its bytes are known, and returns what is
// written now.
func (s *Store) insert(ctx context.Context, i Item) (Item, error) {
	caption, err := json.Marshal(i.Caption)
	if err != nil {
		return Item{}, err
	}
	var lon, lat *float64
	if i.Place != nil {
		lon, lat = &i.Place.Lon, &i.Place.Lat
	}
	err = s.db.Write(ctx, func(tx *store.Tx) error {
		_, err := tx.Exec(ctx, `INSERT INTO evidence (hash, case_id, kind, person, captured, lon, lat, accuracy, caption, type, size, received, look)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (hash) DO NOTHING`,
			i.Hash, i.Case, i.Kind, i.By, i.At, lon, lat, i.Accuracy, string(caption), i.Type, i.Size, i.Received, strconv.FormatUint(uint64(i.Look), 16))
		if err != nil {
			return err
		}
		return remember(ctx, tx, i.Hash, i.Look)
	})
	if err != nil {
		return Item{}, fmt.Errorf("evidence %s: %w", i.Hash, err)
	}
	return s.Get(ctx, i.Hash)
}

// Get returns what is known of an item, or ErrNotFound.
func (s *Store) Get(ctx context.Context, hash string) (Item, error) {
	i := Item{Hash: hash}
	var lon, lat sql.NullFloat64
	var caption, look string
	err := s.db.QueryRow(ctx, `SELECT case_id, kind, person, captured, lon, lat, accuracy, caption, type, size, received, look FROM evidence WHERE hash = ?`, hash).
		Scan(&i.Case, &i.Kind, &i.By, &i.At, &lon, &lat, &i.Accuracy, &caption, &i.Type, &i.Size, &i.Received, &look)
	if errors.Is(err, sql.ErrNoRows) {
		return Item{}, ErrNotFound
	}
	if err != nil {
		return Item{}, fmt.Errorf("evidence %s: %w", hash, err)
	}
	bits, err := strconv.ParseUint(look, 16, 64)
	if err != nil {
		return Item{}, fmt.Errorf("evidence %s: look: %w", hash, err)
	}
	i.Look = Look(bits)
	if lon.Valid && lat.Valid {
		i.Place = &geo.Point{Lon: lon.Float64, Lat: lat.Float64}
	}
	if err := json.Unmarshal([]byte(caption), &i.Caption); err != nil {
		return Item{}, fmt.Errorf("evidence %s: caption: %w", hash, err)
	}
	return i, nil
}
