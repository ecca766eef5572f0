package patrol

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"gridhub/devices/telemetry"
	"gridhub/hub/identity"
	"gridhub/hub/store"
)

// migrations of the feature "patrol"; see store.Migrate.
var migrations = []string{`
CREATE TABLE visits (
	id       TEXT NOT NULL PRIMARY KEY,
	route    TEXT NOT NULL,
	point    TEXT NOT NULL,
	person   TEXT NOT NULL,
	captured INTEGER NOT NULL,
	received INTEGER NOT NULL,
	lon      REAL NOT NULL,
	lat      REAL NOT NULL,
	accuracy REAL NOT NULL,
	photo    TEXT NOT NULL,
	distance REAL NOT NULL,
	counts   INTEGER NOT NULL,
	grade    INTEGER NOT NULL,
	why      TEXT NOT NULL
);
CREATE INDEX visits_captured ON visits (captured);
CREATE INDEX visits_person ON visits (person, captured);
CREATE INDEX visits_photo ON visits (photo);
CREATE INDEX visits_point ON visits (route, point, captured)`}

const columns = `SELECT id, route, point, person, captured, received, lon, lat, accuracy, photo, distance, counts, grade, why FROM visits `

func (r *Rounds) insert(ctx context.Context, v Visit) error {
	why, err := json.Marshal(v.Why)
	if err != nil {
		return err
	}
	counts := 0
	if v.Counts {
		counts = 1
	}
	return r.db.Write(ctx, func(tx *store.Tx) error {
		_, err := tx.Exec(ctx, `INSERT INTO visits (id, route, point, person, captured, received, lon, lat, accuracy, photo, distance, counts, grade, why)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING`,
			v.ID, v.Route, v.Point, string(v.Person), int64(v.At), int64(v.Server), v.Place.Lon, v.Place.Lat, v.Accuracy,
			v.Evidence, float64(v.Distance), counts, v.Grade, string(why))
		return err
	})
}

// visit returns a visit by its id; nil when there is none.
func (r *Rounds) visit(ctx context.Context, id string) (*Visit, error) {
	return one(r.db.QueryRow(ctx, columns+`WHERE id = ?`, id))
}

// before returns a person's visit before an instant, within the last 12 hours;
// nil when there is none.
func (r *Rounds) before(ctx context.Context, who identity.PersonID, at telemetry.Millis) (*Visit, error) {
	return one(r.db.QueryRow(ctx, columns+`WHERE person = ? AND captured < ? AND captured > ? ORDER BY captured DESC, id LIMIT 1`,
		string(who), int64(at), int64(at.Add(-12*time.Hour))))
}

// used says whether a photo proved a visit already.
func (r *Rounds) used(ctx context.Context, photo string) (bool, error) {
	var n int
	err := r.db.QueryRow(ctx, `SELECT COUNT(*) FROM visits WHERE photo = ?`, photo).Scan(&n)
	return n > 0, err
}

// photosAt returns the photos of the latest visits of a point.
func (r *Rounds) photosAt(ctx context.Context, route, point string, limit int) (out []string, err error) {
	rows, err := r.db.Query(ctx, `SELECT photo FROM visits WHERE route = ? AND point = ? ORDER BY captured DESC LIMIT ?`, route, point, limit)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var hash string
		if err := rows.Scan(&hash); err != nil {
			return nil, err
		}
		out = append(out, hash)
	}
	return out, rows.Err()
}

// between returns the visits of [from, to) by route, in the order of capture.
func (r *Rounds) between(ctx context.Context, from, to telemetry.Millis) (map[string][]Visit, error) {
	rows, err := r.db.Query(ctx, columns+`WHERE captured >= ? AND captured < ? ORDER BY captured, id`, int64(from), int64(to))
	if err != nil {
		return nil, fmt.Errorf("visits: %w", err)
	}
	defer rows.Close()
	out := map[string][]Visit{}
	for rows.Next() {
		v, err := scan(rows)
		if err != nil {
			return nil, fmt.Errorf("visits: %w", err)
		}
		out[v.Route] = append(out[v.Route], v)
	}
	return out, rows.Err()
}

func one(row *sql.Row) (*Visit, error) {
	v, err := scan(row)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("visit: %w", err)
	}
	return &v, nil
}

func scan(row interface{ Scan(...any) error }) (Visit, error) {
	var v Visit
	var counts int
	var why string
	err := row.Scan(&v.ID, &v.Route, &v.Point, &v.Person, &v.At, &v.Server, &v.Place.Lon, &v.Place.Lat, &v.Accuracy,
		&v.Evidence, &v.Distance, &counts, &v.Grade, &why)
	if err != nil {
		return v, err
	}
	v.Counts = counts != 0
	return v, json.Unmarshal([]byte(why), &v.Why)
}
