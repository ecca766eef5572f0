package calls

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	"gridhub/devices/telemetry"
	"gridhub/hub/store"
	"gridhub/streams/radio"
	"gridhub/streams/talk"
)

// Tapes keeps what happens in talk groups and what was said there. It is safe
// for concurrent use.
type Tapes struct{ db *store.DB }

var tapeMigrations = []string{`
CREATE TABLE talk_floors (grp TEXT NOT NULL PRIMARY KEY, number INTEGER NOT NULL, body TEXT NOT NULL);
CREATE TABLE talk_events (grp TEXT NOT NULL, number INTEGER NOT NULL, body TEXT NOT NULL, PRIMARY KEY (grp, number));
CREATE TABLE talk_tapes (grp TEXT NOT NULL, burst INTEGER NOT NULL, person TEXT NOT NULL, began INTEGER NOT NULL, sound BLOB NOT NULL, PRIMARY KEY (grp, burst))`,
}

// OpenTapes prepares the tables.
func OpenTapes(ctx context.Context, db *store.DB) (*Tapes, error) {
	return &Tapes{db}, db.Migrate(ctx, "talk", tapeMigrations...)
}

// Load implements radio.Log.
func (t *Tapes) Load(ctx context.Context, g talk.Group) (snapshot []byte, events []talk.Event, tapes []radio.Tape, err error) {
	var number int64
	err = t.db.QueryRow(ctx, `SELECT number, body FROM talk_floors WHERE grp = ?`, string(g)).Scan(&number, &snapshot)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return nil, nil, nil, fmt.Errorf("floor of %s: %w", g, err)
	}
	if events, err = t.events(ctx, g, number); err != nil {
		return nil, nil, nil, fmt.Errorf("events of %s: %w", g, err)
	}
	if tapes, err = t.tapes(ctx, g); err != nil {
		return nil, nil, nil, fmt.Errorf("tapes of %s: %w", g, err)
	}
	return snapshot, events, tapes, nil
}

func (t *Tapes) events(ctx context.Context, g talk.Group, after int64) (out []talk.Event, err error) {
	rows, err := t.db.Query(ctx, `SELECT body FROM talk_events WHERE grp = ? AND number > ? ORDER BY number`, string(g), after)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var body []byte
		var e talk.Event
		if err := rows.Scan(&body); err != nil {
			return nil, err
		}
		if err := json.Unmarshal(body, &e); err != nil {
			return nil, err
		}
		out = append(out, e)
	}
	return out, rows.Err()
}

func (t *Tapes) tapes(ctx context.Context, g talk.Group) (out []radio.Tape, err error) {
	rows, err := t.db.Query(ctx, `SELECT burst, person, began, sound FROM talk_tapes WHERE grp = ? ORDER BY burst`, string(g))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var burst, began int64
		var person string
		k := radio.Tape{Group: g}
		if err := rows.Scan(&burst, &person, &began, &k.Sound); err != nil {
			return nil, err
		}
		k.Burst, k.Person, k.From = uint64(burst), talk.Person(person), telemetry.Millis(began).Time()
		out = append(out, k)
	}
	return out, rows.Err()
}

// Record implements radio.Log.
func (t *Tapes) Record(ctx context.Context, e talk.Event) error {
	body, err := json.Marshal(e)
	if err != nil {
		return err
	}
	return t.db.Write(ctx, func(tx *store.Tx) error {
		_, err := tx.Exec(ctx, `INSERT INTO talk_events (grp, number, body) VALUES (?, ?, ?) ON CONFLICT DO NOTHING`,
			string(e.Group), int64(e.Number), string(body))
		return err
	})
}

// Snapshot implements radio.Log.
func (t *Tapes) Snapshot(ctx context.Context, g talk.Group, number uint64, snapshot []byte) error {
	return t.db.Write(ctx, func(tx *store.Tx) error {
		_, err := tx.Exec(ctx, `INSERT INTO talk_floors (grp, number, body) VALUES (?, ?, ?)
			ON CONFLICT (grp) DO UPDATE SET number = excluded.number, body = excluded.body`, string(g), int64(number), string(snapshot))
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `DELETE FROM talk_events WHERE grp = ? AND number <= ?`, string(g), int64(number))
		return err
	})
}

// Keep implements radio.Log.
func (t *Tapes) Keep(ctx context.Context, k radio.Tape) error {
	return t.db.Write(ctx, func(tx *store.Tx) error {
		_, err := tx.Exec(ctx, `INSERT INTO talk_tapes (grp, burst, person, began, sound) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
			string(k.Group), int64(k.Burst), string(k.Person), int64(telemetry.At(k.From)), k.Sound)
		return err
	})
}

// Drop implements radio.Log.
func (t *Tapes) Drop(ctx context.Context, g talk.Group, oldest uint64) error {
	return t.db.Write(ctx, func(tx *store.Tx) error {
		_, err := tx.Exec(ctx, `DELETE FROM talk_tapes WHERE grp = ? AND burst < ?`, string(g), int64(oldest))
		return err
	})
}

var _ radio.Log = (*Tapes)(nil)
