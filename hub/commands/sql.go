package commands

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"gridhub/devices"
	"gridhub/devices/telemetry"
	"gridhub/hub/store"
)

// migrations of the feature "commands"; see store.Migrate. A record's body is
// all of it; the columns beside it are what is asked by.
var migrations = []string{`
CREATE TABLE commands (
	id       TEXT NOT NULL PRIMARY KEY,
	number   INTEGER NOT NULL,
	device   TEXT NOT NULL,
	receiver TEXT NOT NULL,
	ended    INTEGER NOT NULL,
	created  INTEGER NOT NULL,
	body     TEXT NOT NULL
);
CREATE INDEX commands_device ON commands (device, number);
CREATE INDEX commands_number ON commands (receiver, number);
CREATE INDEX commands_ended ON commands (ended, created);
CREATE TABLE command_ways (
	device  TEXT NOT NULL,
	control TEXT NOT NULL,
	sender  TEXT NOT NULL,
	source  TEXT NOT NULL,
	body    TEXT NOT NULL,
	PRIMARY KEY (device, control)
);
CREATE INDEX command_ways_source ON command_ways (sender, source)`}

// record is an instruction as it is kept: with what a foreign receiver is sent.
type record struct {
	Instruction
	Foreign *message `json:"foreign,omitempty"`
}

const bodies = `SELECT body FROM commands `

// insert keeps a new record and gives it its number.
func (d *Desk) insert(ctx context.Context, r *record) error {
	return d.db.Write(ctx, func(tx *store.Tx) error {
		if err := tx.QueryRow(ctx, `SELECT COALESCE(MAX(number), 0) + 1 FROM commands`).Scan(&r.Number); err != nil {
			return err
		}
		if err := r.render(); err != nil {
			return err
		}
		body, err := json.Marshal(r)
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `INSERT INTO commands (id, number, device, receiver, ended, created, body) VALUES (?, ?, ?, ?, 0, ?, ?)`,
			r.ID, r.Number, string(r.Device), string(r.To), int64(r.Stages[0].At), string(body))
		return err
	})
}

func (d *Desk) update(ctx context.Context, r *record) error {
	body, err := json.Marshal(r)
	if err != nil {
		return err
	}
	ended := 0
	if r.State.Ended() {
		ended = 1
	}
	return d.db.Write(ctx, func(tx *store.Tx) error {
		_, err := tx.Exec(ctx, `UPDATE commands SET ended = ?, body = ? WHERE id = ?`, ended, string(body), r.ID)
		return err
	})
}

// find returns one record; ErrNotFound when there is none.
func (d *Desk) find(ctx context.Context, where string, args ...any) (*record, error) {
	all, err := d.records(ctx, where, args...)
	if err == nil && len(all) == 0 {
		err = ErrNotFound
	}
	if err != nil {
		return nil, err
	}
	return all[0], nil
}

func (d *Desk) records(ctx context.Context, where string, args ...any) ([]*record, error) {
	rows, err := d.db.Query(ctx, bodies+where, args...)
	if err != nil {
		return nil, fmt.Errorf("commands: %w", err)
	}
	defer rows.Close()
	out := []*record{}
	for rows.Next() {
		var body []byte
		if err := rows.Scan(&body); err != nil {
			return nil, fmt.Errorf("commands: %w", err)
		}
		r := &record{}
		if err := json.Unmarshal(body, r); err != nil {
			return nil, fmt.Errorf("commands: a row: %w", err)
		}
		out = append(out, r)
	}
	return out, rows.Err()
}

// remove forgets ended commands that are too old, or too many.
func (d *Desk) remove(ctx context.Context, before telemetry.Millis, most int) (n int64, err error) {
	err = d.db.Write(ctx, func(tx *store.Tx) error {
		last := int64(0) // the newest number that is one too many
		err := tx.QueryRow(ctx, `SELECT number FROM commands WHERE ended = 1 ORDER BY number DESC LIMIT 1 OFFSET ?`, most).Scan(&last)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		// The newest stays: from it the next number is counted.
		n, err = tx.Exec(ctx, `DELETE FROM commands WHERE ended = 1 AND (created < ? OR number <= ?)
			AND number < (SELECT MAX(number) FROM commands)`, int64(before), last)
		return err
	})
	return n, err
}

// ways returns what may be set on a device that no inventory of ours describes.
func (d *Desk) ways(ctx context.Context, device devices.ID) ([]way, error) {
	return d.readWays(ctx, `WHERE device = ? ORDER BY control`, string(device))
}

func (d *Desk) readWays(ctx context.Context, where string, args ...any) (out []way, err error) {
	rows, err := d.db.Query(ctx, `SELECT body FROM command_ways `+where, args...)
	if err != nil {
		return nil, fmt.Errorf("controls: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var body []byte
		var w way
		if err := rows.Scan(&body); err != nil {
			return nil, fmt.Errorf("controls: %w", err)
		}
		if err := json.Unmarshal(body, &w); err != nil {
			return nil, fmt.Errorf("controls: a row: %w", err)
		}
		out = append(out, w)
	}
	return out, rows.Err()
}

// maxWays bounds what one sender may announce to be set; what is beyond it is
// left out and said.
const maxWays = 4096

// replaceWays keeps what one announcement of a sender lets others set, instead
// of what it said before.
func (d *Desk) replaceWays(ctx context.Context, sender devices.ID, source string, all []way) error {
	slices.SortFunc(all, byDevice)
	known, err := d.readWays(ctx, `WHERE sender = ? AND source = ? ORDER BY device, control`, string(sender), source)
	if err != nil {
		return err
	}
	slices.SortFunc(known, byDevice)
	if same(known, all) {
		return nil
	}
	return d.db.Write(ctx, func(tx *store.Tx) error {
		if _, err := tx.Exec(ctx, `DELETE FROM command_ways WHERE sender = ? AND source = ?`, string(sender), source); err != nil {
			return err
		}
		var have int
		if err := tx.QueryRow(ctx, `SELECT COUNT(*) FROM command_ways WHERE sender = ?`, string(sender)).Scan(&have); err != nil {
			return err
		}
		if room := max(0, maxWays-have); len(all) > room {
			d.log.Warn("a sender announces more controls than are kept", "device", sender, "kept", maxWays)
			all = all[:room]
		}
		for i := range all {
			if err := putWay(ctx, tx, sender, source, &all[i]); err != nil {
				return err
			}
		}
		return nil
	})
}

func putWay(ctx context.Context, tx *store.Tx, sender devices.ID, source string, w *way) error {
	body, err := json.Marshal(w)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `INSERT INTO command_ways (device, control, sender, source, body) VALUES (?, ?, ?, ?, ?)
		ON CONFLICT (device, control) DO UPDATE SET sender = excluded.sender, source = excluded.source, body = excluded.body`,
		string(w.Device), w.Control.Name, string(sender), source, string(body))
	return err
}

func same(a, b []way) bool {
	x, err1 := json.Marshal(a)
	y, err2 := json.Marshal(b)
	return len(a) == len(b) && (len(a) == 0 || err1 == nil && err2 == nil && string(x) == string(y))
}
