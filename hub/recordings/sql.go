package recordings

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"gridhub/devices/telemetry"
	"gridhub/hub/identity"
	"gridhub/hub/store"
	"gridhub/hub/tasks"
	"gridhub/streams/call"
	"gridhub/streams/record"
)

var migrations = []string{`
CREATE TABLE recordings (call TEXT PRIMARY KEY, case_id TEXT NOT NULL, state TEXT NOT NULL, started INTEGER NOT NULL, ended INTEGER NOT NULL, head TEXT NOT NULL);
CREATE INDEX recordings_case ON recordings (case_id);
CREATE INDEX recordings_state ON recordings (state, ended)`,
}

// The states of a recording.
const (
	stateOpen   = "recording"
	stateDone   = "complete"
	stateErased = "erased"
)

// Recording is one recorded call, as lists show it.
type Recording struct {
	Call    string           `json:"call"`
	Case    string           `json:"case,omitempty"`
	State   string           `json:"state" enum:"recording,complete,erased"`
	Started telemetry.Millis `json:"started"`
	Ended   telemetry.Millis `json:"ended,omitempty"`
	Head    string           `json:"head,omitempty" doc:"SHA-256 of the last entry of its chain"`
}

// rows lists recordings.
func (d *Desk) rows(ctx context.Context, where string, args ...any) ([]Recording, error) {
	rows, err := d.db.Query(ctx, `SELECT call, case_id, state, started, ended, head FROM recordings `+where, args...)
	if err != nil {
		return nil, fmt.Errorf("recordings: %w", err)
	}
	defer rows.Close()
	out := []Recording{}
	for rows.Next() {
		var r Recording
		if err := rows.Scan(&r.Call, &r.Case, &r.State, &r.Started, &r.Ended, &r.Head); err != nil {
			return nil, err
		}
		out = append(out, r)
	}
	return out, rows.Err()
}

// OfCase lists the recordings of a case, oldest first.
func (d *Desk) OfCase(ctx context.Context, id identity.CaseID) ([]Recording, error) {
	return d.rows(ctx, `WHERE case_id = ? ORDER BY started`, string(id))
}

func (d *Desk) get(ctx context.Context, id string) (Recording, error) {
	all, err := d.rows(ctx, `WHERE call = ?`, id)
	if err == nil && len(all) == 0 {
		err = ErrNotFound
	}
	if err != nil {
		return Recording{}, err
	}
	return all[0], nil
}

// Book returns a recording with what its chain says.
func (d *Desk) Book(ctx context.Context, id string) (Recording, *record.Book, error) {
	r, err := d.get(ctx, id)
	if err != nil {
		return r, nil, err
	}
	b, err := record.Read(d.fs, d.dir(call.ID(r.Call)))
	if errors.Is(err, record.ErrNone) || b == nil {
		return r, nil, ErrNotFound // it begins just now
	}
	return r, b, err
}

// Folder is where a recording lies, for who verifies it on this machine.
func (d *Desk) Folder(id string) string { return filepath.Join(d.o.Folder, id) }

// open lists a recording that begins, or goes on.
func (d *Desk) open(ctx context.Context, id call.ID, task string) error {
	return d.db.Write(ctx, func(tx *store.Tx) error {
		_, err := tx.Exec(ctx, `INSERT INTO recordings (call, case_id, state, started, ended, head) VALUES (?, ?, ?, ?, 0, '') ON CONFLICT DO NOTHING`,
			string(id), task, stateOpen, int64(telemetry.At(d.o.Clock())))
		return err
	})
}

// attach writes the head of a finished recording into its case. Doing it twice
// is harmless.
func (d *Desk) attach(ctx context.Context, id call.ID, task string) error {
	b, err := record.Read(d.fs, d.dir(id))
	if err != nil {
		return err
	}
	end := telemetry.At(b.From.Add(b.Length))
	if task != "" {
		_, err := d.o.Pool.Add(ctx, identity.CaseID(task), "recording/"+string(id), tasks.Event{Type: tasks.Called, At: end,
			Server: telemetry.At(d.o.Clock()), By: identity.System.Account, Body: tasks.Body{Kind: Recorded, Call: string(id), Evidence: b.Head}})
		var refused *tasks.RefusedError
		switch {
		case errors.As(err, &refused):
			d.o.Log.Warn("a case no longer takes the head of a recording", "call", id, "task", task, "error", err)
		case err != nil && !errors.Is(err, tasks.ErrNotFound):
			return err
		}
	}
	return d.db.Write(ctx, func(tx *store.Tx) error {
		_, err := tx.Exec(ctx, `UPDATE recordings SET state = ?, started = ?, ended = ?, head = ? WHERE call = ? AND state = ?`,
			stateDone, int64(telemetry.At(b.From)), int64(end), b.Head, string(id), stateOpen)
		return err
	})
}

// Recorded is the kind of the event that names a recording's head in its case.
const Recorded = "recorded"

func (d *Desk) erased(ctx context.Context, id string) error {
	return d.db.Write(ctx, func(tx *store.Tx) error {
		_, err := tx.Exec(ctx, `UPDATE recordings SET state = ? WHERE call = ?`, stateErased, id)
		return err
	})
}
