package rules

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"gridhub/devices"
	"gridhub/hub/geo"
	"gridhub/hub/identity"
	"gridhub/hub/store"
	"gridhub/hub/tasks"
)

// Pool is where hazards become cases.
type Pool interface {
	Report(ctx context.Context, who identity.Principal, r tasks.Report) (tasks.Case, error)
	Add(ctx context.Context, of identity.CaseID, id string, e tasks.Event) (tasks.Case, error)
}

// Book keeps hazards and brings each into the pool exactly once: the case's id
// is derived from the hazard's, so that a repeat finds it. It is safe for
// concurrent use.
type Book struct {
	db       *store.DB
	pool     Pool
	fallback geo.Point // of devices whose place nobody told
	changed  func(Hazard)
}

var migrations = []string{`
CREATE TABLE hazards (
	id TEXT PRIMARY KEY, raised INTEGER NOT NULL, cleared INTEGER NOT NULL, suppressed INTEGER NOT NULL, body TEXT NOT NULL);
CREATE INDEX hazards_raised ON hazards (raised)`,
}

// OpenBook prepares the tables. changed is told of each change that is
// durable and must not block; fallback places a device without a place.
func OpenBook(ctx context.Context, db *store.DB, pool Pool, fallback geo.Point, changed func(Hazard)) (*Book, error) {
	return &Book{db: db, pool: pool, fallback: fallback, changed: changed}, db.Migrate(ctx, "rules", migrations...)
}

// Apply keeps one transition and tells the pool. Applying it again changes
// nothing.
func (b *Book) Apply(ctx context.Context, t Transition) error {
	h := t.Hazard
	if !h.Place.Valid() {
		h.Place = b.fallback
	}
	h.Case = tasks.CaseFor(string(h.ID))
	var err error
	switch t.What {
	case RaisedNow:
		_, err = b.pool.Report(ctx, identity.System, report(h))
	case ClearedNow:
		_, err = b.pool.Add(ctx, h.Case, "cleared/"+string(h.ID), sensed(h))
	case SuppressNow:
		h.Case = ""
	}
	if err != nil {
		return fmt.Errorf("hazard %s of %s: %w", h.ID, h.Device, err)
	}
	if err := b.save(ctx, h, t.What == SuppressNow); err != nil {
		return err
	}
	if b.changed != nil && t.What != SuppressNow {
		b.changed(h)
	}
	return nil
}

func report(h Hazard) tasks.Report {
	return tasks.Report{ID: string(h.ID), Matter: h.Matter, Source: "sensor", Severity: h.Severity, Title: h.Title.ZH,
		Place: h.Place, Grid: h.Grid, At: h.Raised, Hazard: h.ID, Device: string(h.Device), Metric: h.Metric, Value: &h.Value}
}

func sensed(h Hazard) tasks.Event {
	peak := h.Peak
	return tasks.Event{Type: tasks.Sensed, At: h.Cleared, Server: h.Cleared,
		Body: tasks.Body{Kind: "cleared", Hazard: h.ID, Device: string(h.Device), Metric: h.Metric, Value: &peak}}
}

func (b *Book) save(ctx context.Context, h Hazard, suppressed bool) error {
	body, err := json.Marshal(h)
	if err != nil {
		return err
	}
	flag := 0
	if suppressed {
		flag = 1
	}
	return b.db.Write(ctx, func(tx *store.Tx) error {
		_, err := tx.Exec(ctx, `INSERT INTO hazards (id, raised, cleared, suppressed, body) VALUES (?, ?, ?, ?, ?)
			ON CONFLICT (id) DO UPDATE SET cleared = excluded.cleared, body = excluded.body
			WHERE hazards.cleared = 0 AND hazards.suppressed = excluded.suppressed`,
			string(h.ID), int64(h.Raised), int64(h.Cleared), flag, string(body))
		return err
	})
}

// List returns hazards, newest first, without the suppressed ones; open leaves
// out those that are cleared.
func (b *Book) List(ctx context.Context, open bool, limit int) ([]Hazard, error) {
	return b.query(ctx, `suppressed = 0 AND (cleared = 0 OR ? = 0)`, flagOf(open), limit)
}

// Suppressed returns what late data would have raised, newest first.
func (b *Book) Suppressed(ctx context.Context, limit int) ([]Hazard, error) {
	return b.query(ctx, `suppressed = ?`, 1, limit)
}

// SuppressedOf returns what one device would have raised, newest first, with
// the reason.
func (b *Book) SuppressedOf(ctx context.Context, id devices.ID, limit int) ([]Hazard, error) {
	all, err := b.query(ctx, `suppressed = 1 AND body LIKE ?`, `%"device":"`+string(id)+`"%`, limit)
	return slices.DeleteFunc(all, func(h Hazard) bool { return h.Device != id }), err // _ is a wildcard
}

func flagOf(b bool) int {
	if b {
		return 1
	}
	return 0
}

func (b *Book) query(ctx context.Context, where string, arg any, limit int) ([]Hazard, error) {
	rows, err := b.db.Query(ctx, `SELECT body FROM hazards WHERE `+where+` ORDER BY raised DESC, id LIMIT ?`, arg, limit)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	out := []Hazard{}
	for rows.Next() {
		var body []byte
		var h Hazard
		if err := rows.Scan(&body); err != nil {
			return nil, err
		}
		if err := json.Unmarshal(body, &h); err != nil {
			return nil, fmt.Errorf("hazard row: %w", err)
		}
		out = append(out, h)
	}
	return out, rows.Err()
}
