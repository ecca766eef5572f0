package people

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"time"

	"gridhub/devices/telemetry"
	"gridhub/hub/identity"
	"gridhub/hub/store"
)

// Directory is the staff and their duty. Staff is held in memory (some
// hundreds); duty intervals are too, for the last day, as they are asked for
// every position.
type Directory struct {
	db       *store.DB
	absences absences

	mu    sync.RWMutex
	staff map[identity.PersonID]Staff
	duty  map[identity.PersonID][]Duty // ascending by From
}

// OpenDirectory prepares the tables and reads what they hold.
func OpenDirectory(ctx context.Context, db *store.DB) (*Directory, error) {
	if err := db.Migrate(ctx, "people", migrations...); err != nil {
		return nil, err
	}
	d := &Directory{db: db, staff: map[identity.PersonID]Staff{}, duty: map[identity.PersonID][]Duty{}}
	if err := d.readStaff(ctx); err != nil {
		return nil, err
	}
	if err := d.readAbsences(ctx); err != nil {
		return nil, err
	}
	return d, d.readDuty(ctx)
}

func (d *Directory) readStaff(ctx context.Context) error {
	rows, err := d.db.Query(ctx, `SELECT body FROM staff`)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var body []byte
		var s Staff
		if err := rows.Scan(&body); err != nil {
			return err
		}
		if err := json.Unmarshal(body, &s); err != nil {
			return fmt.Errorf("staff row: %w", err)
		}
		d.staff[s.ID] = s
	}
	return rows.Err()
}

func (d *Directory) readDuty(ctx context.Context) error {
	rows, err := d.db.Query(ctx, `SELECT person, began, ended FROM duty ORDER BY person, began`)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var u Duty
		if err := rows.Scan(&u.Person, &u.From, &u.To); err != nil {
			return err
		}
		d.duty[u.Person] = append(d.duty[u.Person], u)
	}
	return rows.Err()
}

// Import adds or replaces members of staff.
func (d *Directory) Import(ctx context.Context, staff []Staff) error {
	err := d.db.Write(ctx, func(tx *store.Tx) error {
		for _, s := range staff {
			body, err := json.Marshal(s)
			if err != nil {
				return err
			}
			if _, err := tx.Exec(ctx, `INSERT INTO staff (id, body) VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET body = excluded.body`, string(s.ID), string(body)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, s := range staff {
		d.staff[s.ID] = s
	}
	return nil
}

// List returns everybody, by number.
func (d *Directory) List(context.Context) ([]Staff, error) {
	d.mu.RLock()
	defer d.mu.RUnlock()
	out := make([]Staff, 0, len(d.staff))
	for _, s := range d.staff {
		out = append(out, s)
	}
	slices.SortFunc(out, func(a, b Staff) int { return cmp.Compare(a.ID, b.ID) })
	return out, nil
}

// Person returns one member of staff, or ErrNoPerson.
func (d *Directory) Person(_ context.Context, id identity.PersonID) (Staff, error) {
	d.mu.RLock()
	defer d.mu.RUnlock()
	s, ok := d.staff[id]
	if !ok {
		return Staff{}, fmt.Errorf("%s: %w", id, ErrNoPerson)
	}
	return s, nil
}

// SetDuty begins or ends an interval. Beginning twice, or ending when off
// duty, changes nothing: a terminal may repeat itself.
func (d *Directory) SetDuty(ctx context.Context, id identity.PersonID, on bool, at telemetry.Millis) error {
	if _, err := d.Person(ctx, id); err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	list := d.duty[id]
	open := len(list) > 0 && list[len(list)-1].To == 0
	if open == on {
		return nil
	}
	next := Duty{Person: id, From: at}
	if !on {
		next = list[len(list)-1]
		next.To = max(at, next.From+1)
	} else if n := len(list); n > 0 {
		next.From = max(at, list[n-1].To) // intervals never overlap
	}
	err := d.db.Write(ctx, func(tx *store.Tx) error {
		_, err := tx.Exec(ctx, `INSERT INTO duty (person, began, ended) VALUES (?, ?, ?) ON CONFLICT (person, began) DO UPDATE SET ended = excluded.ended`,
			string(id), int64(next.From), int64(next.To))
		return err
	})
	if err != nil {
		return err
	}
	if on {
		d.duty[id] = append(list, next)
	} else {
		list[len(list)-1] = next
	}
	return nil
}

// OnDuty reports whether the person was on duty at an instant. An interval
// includes its beginning and excludes its end.
func (d *Directory) OnDuty(_ context.Context, id identity.PersonID, at telemetry.Millis) (bool, error) {
	d.mu.RLock()
	defer d.mu.RUnlock()
	list := d.duty[id]
	i, found := slices.BinarySearchFunc(list, at, func(u Duty, at telemetry.Millis) int { return cmp.Compare(u.From, at) })
	if found {
		return true, nil
	}
	return i > 0 && (list[i-1].To == 0 || at < list[i-1].To), nil
}

// Now lists who is on duty at t.
func (d *Directory) Now(t time.Time) []identity.PersonID {
	d.mu.RLock()
	defer d.mu.RUnlock()
	var out []identity.PersonID
	for id, list := range d.duty {
		if n := len(list); n > 0 && list[n-1].To == 0 && list[n-1].From <= telemetry.At(t) {
			out = append(out, id)
		}
	}
	slices.Sort(out)
	return out
}
