package calls

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"

	"gridhub/devices/telemetry"
	"gridhub/hub/geo"
	"gridhub/hub/identity"
	"gridhub/hub/store"
	"gridhub/streams/talk"
)

// SOS is one call for help. It stands until the centre ends it; nothing else
// does, neither time nor a restart nor the phone of who called.
type SOS struct {
	Case   identity.CaseID  `json:"case"`
	Person talk.Person      `json:"person,omitempty"` // empty: a device that nobody carries
	Title  string           `json:"title"`
	Place  geo.Point        `json:"place"`
	At     telemetry.Millis `json:"at"`
	Group  talk.Group       `json:"group"`
	Pulled []Pull           `json:"pulled"` // the nearest, who were called to it
	Ended  telemetry.Millis `json:"ended,omitempty"`
	By     string           `json:"by,omitempty"`
	Reason string           `json:"reason,omitempty"`
}

// Pull is somebody who was called to help, and how far away they were.
type Pull struct {
	Person   talk.Person `json:"person"`
	Distance geo.Metres  `json:"distance_m"`
	ETA      int64       `json:"eta_s"`
}

// People are who called for help and who was called to it.
func (s SOS) People() []talk.Person {
	var all []talk.Person
	if s.Person != "" {
		all = append(all, s.Person)
	}
	for _, p := range s.Pulled {
		all = append(all, p.Person)
	}
	return all
}

// The reasons for which a call for help is not ended.
var (
	ErrNoSOS  = errors.New("no call for help stands there")
	ErrReason = errors.New("a call for help ends with a reason, of 2 to 200 characters")
)

// Latch holds the calls for help that stand. It is safe for concurrent use.
type Latch struct {
	db *store.DB

	mu     sync.Mutex
	active map[identity.CaseID]SOS
}

var latchMigrations = []string{`
CREATE TABLE sos (case_id TEXT NOT NULL PRIMARY KEY, ended INTEGER NOT NULL, body TEXT NOT NULL)`,
}

// OpenLatch prepares the table and reads what stands.
func OpenLatch(ctx context.Context, db *store.DB) (*Latch, error) {
	if err := db.Migrate(ctx, "sos", latchMigrations...); err != nil {
		return nil, err
	}
	l := &Latch{db: db, active: map[identity.CaseID]SOS{}}
	rows, err := db.Query(ctx, `SELECT body FROM sos WHERE ended = 0`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var body []byte
		var s SOS
		if err := rows.Scan(&body); err != nil {
			return nil, err
		}
		if err := json.Unmarshal(body, &s); err != nil {
			return nil, fmt.Errorf("call for help: %w", err)
		}
		l.active[s.Case] = s
	}
	return l, rows.Err()
}

// Raise latches s. False: its case has, or had, a call for help already, which
// stays as it is.
func (l *Latch) Raise(ctx context.Context, s SOS) (fresh bool, err error) {
	body, err := json.Marshal(s)
	if err != nil {
		return false, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	err = l.db.Write(ctx, func(tx *store.Tx) error {
		n, err := tx.Exec(ctx, `INSERT INTO sos (case_id, ended, body) VALUES (?, 0, ?) ON CONFLICT DO NOTHING`, string(s.Case), string(body))
		fresh = n == 1
		return err
	})
	if err == nil && fresh {
		l.active[s.Case] = s
	}
	return fresh && err == nil, err
}

// End ends a call for help, with the reason that whoever ends it gives.
func (l *Latch) End(ctx context.Context, id identity.CaseID, by, reason string, at telemetry.Millis) (SOS, error) {
	if n := len([]rune(reason)); n < 2 || n > 200 {
		return SOS{}, ErrReason
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	s, stands := l.active[id]
	if !stands {
		return s, ErrNoSOS
	}
	s.Ended, s.By, s.Reason = at, by, reason
	body, err := json.Marshal(s)
	if err != nil {
		return s, err
	}
	err = l.db.Write(ctx, func(tx *store.Tx) error {
		_, err := tx.Exec(ctx, `UPDATE sos SET ended = ?, body = ? WHERE case_id = ?`, int64(at), string(body), string(id))
		return err
	})
	if err == nil {
		delete(l.active, id)
	}
	return s, err
}

// Active lists what stands, the oldest first.
func (l *Latch) Active() []SOS {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.SortedFunc(maps.Values(l.active), func(a, b SOS) int {
		return cmp.Or(cmp.Compare(a.At, b.At), cmp.Compare(a.Case, b.Case))
	})
}

// Of is the call for help that stands on a case.
func (l *Latch) Of(id identity.CaseID) (SOS, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	s, stands := l.active[id]
	return s, stands
}
