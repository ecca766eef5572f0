// Package calls binds calls to the work: it stores every event of a call,
// writes those of a call about a case into the case, and says who may call
// whom. Ringing, media and messages are streams'.
package calls

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"gridhub/devices/telemetry"
	"gridhub/hub/identity"
	"gridhub/hub/store"
	"gridhub/hub/tasks"
	"gridhub/streams/call"
)

// Pool takes the steps of a call into a case.
type Pool interface {
	Add(ctx context.Context, of identity.CaseID, id string, e tasks.Event) (tasks.Case, error)
}

// Log keeps the events of calls. It is safe for concurrent use.
type Log struct {
	db   *store.DB
	pool Pool
}

var migrations = []string{`
CREATE TABLE call_events (call TEXT NOT NULL, number INTEGER NOT NULL, kind TEXT NOT NULL, body TEXT NOT NULL, PRIMARY KEY (call, number));
CREATE INDEX call_events_kind ON call_events (kind)`,
}

// OpenLog prepares the table.
func OpenLog(ctx context.Context, db *store.DB, pool Pool) (*Log, error) {
	return &Log{db: db, pool: pool}, db.Migrate(ctx, "calls", migrations...)
}

// Record stores e, and on its case when it has one. The same event again
// changes nothing.
func (l *Log) Record(ctx context.Context, e call.Event) error {
	body, err := json.Marshal(e)
	if err != nil {
		return err
	}
	err = l.db.Write(ctx, func(tx *store.Tx) error {
		_, err := tx.Exec(ctx, `INSERT INTO call_events (call, number, kind, body) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING`,
			string(e.Call), int64(e.Number), string(e.Kind), string(body))
		return err
	})
	if err != nil || e.Task == "" {
		return err
	}
	_, err = l.pool.Add(ctx, identity.CaseID(e.Task), fmt.Sprintf("call/%s/%d", e.Call, e.Number), onCase(e))
	if errors.Is(err, tasks.ErrNotFound) {
		return nil // a call about a case that is not ours goes on without it
	}
	return err
}

func onCase(e call.Event) tasks.Event {
	at := telemetry.At(e.At)
	by := string(e.By)
	if by == "" {
		by = identity.System.Account
	}
	return tasks.Event{Type: tasks.Called, At: at, Server: at, By: by, Person: identity.PersonID(e.Person), Why: e.Reason,
		Body: tasks.Body{Kind: string(e.Kind), Call: string(e.Call)}}
}

// Unfinished returns the events of every call that has no end, to be resumed
// after a restart.
func (l *Log) Unfinished(ctx context.Context) ([][]call.Event, error) {
	rows, err := l.db.Query(ctx, `SELECT call, body FROM call_events
		WHERE call NOT IN (SELECT call FROM call_events WHERE kind = ?) ORDER BY call, number`, string(call.HasEnded))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out [][]call.Event
	last := ""
	for rows.Next() {
		var id string
		var body []byte
		var e call.Event
		if err := rows.Scan(&id, &body); err != nil {
			return nil, err
		}
		if err := json.Unmarshal(body, &e); err != nil {
			return nil, fmt.Errorf("event of call %s: %w", id, err)
		}
		if id != last {
			out, last = append(out, nil), id
		}
		out[len(out)-1] = append(out[len(out)-1], e)
	}
	return out, rows.Err()
}
