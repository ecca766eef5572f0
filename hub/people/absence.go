package people

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"gridhub/configs"
	"gridhub/devices/telemetry"
	"gridhub/hub/identity"
	"gridhub/hub/store"
)

// Absence is a time in which somebody is not there, whatever the terminal says.
type Absence struct {
	ID     string            `json:"id"`
	Person identity.PersonID `json:"person"`
	From   telemetry.Millis  `json:"from"`
	To     telemetry.Millis  `json:"to" doc:"not included"`
	Reason string            `json:"reason" enum:"leave,sick,training,errand,other"`
	Note   string            `json:"note,omitempty" maxLength:"200"`
	Deputy identity.PersonID `json:"deputy,omitempty" doc:"who takes over; empty: nobody"`
	By     string            `json:"by,omitempty" doc:"the account that wrote it down"`
}

// reasons of an absence. Which illness, nobody asks.
var reasons = []string{"leave", "sick", "training", "errand", "other"}

// maxAbsence bounds one absence: longer ones are a departure.
const maxAbsence = 366 * 24 * time.Hour

// Validate reports what is wrong with an absence.
func (a Absence) Validate() error {
	var errs []error
	want := func(ok bool, key string, value any, what string) {
		if !ok {
			errs = append(errs, configs.Fault(key, value, "%s", what))
		}
	}
	want(a.To > a.From && a.From > 0, "to", a.To, "a time after from")
	want(a.To.Sub(a.From) <= maxAbsence, "to", a.To, "at most a year after from")
	want(slices.Contains(reasons, a.Reason), "reason", a.Reason, "one of "+strings.Join(reasons, ", "))
	want(a.Deputy != a.Person, "deputy", a.Deputy, "somebody else")
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	return nil
}

// at reports whether the absence lasts at an instant.
func (a Absence) at(t telemetry.Millis) bool { return a.From <= t && t < a.To }

// absences are all that were written down and not withdrawn, in memory: some
// hundreds a year.
type absences struct {
	mu  sync.RWMutex
	all map[identity.PersonID][]Absence // ascending by From
}

func (d *Directory) readAbsences(ctx context.Context) error {
	d.absences.all = map[identity.PersonID][]Absence{}
	rows, err := d.db.Query(ctx, `SELECT body FROM absences ORDER BY began, id`)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var body []byte
		var a Absence
		if err := rows.Scan(&body); err != nil {
			return err
		}
		if err := json.Unmarshal(body, &a); err != nil {
			return fmt.Errorf("absence row: %w", err)
		}
		d.absences.put(a)
	}
	return rows.Err()
}

func (l *absences) put(a Absence) {
	l.mu.Lock()
	defer l.mu.Unlock()
	list := append(l.all[a.Person], a)
	slices.SortFunc(list, func(x, y Absence) int { return cmp.Compare(x.From, y.From) })
	l.all[a.Person] = list
}

// SetAbsence writes an absence down. Two of one person may not overlap. Errors:
// ErrInvalid, ErrNoPerson.
func (d *Directory) SetAbsence(ctx context.Context, a Absence) (Absence, error) {
	_, err := d.Person(ctx, a.Person)
	if err == nil && a.Deputy != "" {
		_, err = d.Person(ctx, a.Deputy)
	}
	if err := errors.Join(err, a.Validate()); err != nil {
		return Absence{}, err
	}
	a.ID = random()[:idBytes]
	body, err := json.Marshal(a)
	if err != nil {
		return Absence{}, err
	}
	err = d.db.Write(ctx, func(tx *store.Tx) error {
		var n int
		if err := tx.QueryRow(ctx, `SELECT COUNT(*) FROM absences WHERE person = ? AND began < ? AND ended > ?`,
			string(a.Person), int64(a.To), int64(a.From)).Scan(&n); err != nil {
			return err
		}
		if n > 0 {
			return fmt.Errorf("%w: %s is absent at that time already", ErrInvalid, a.Person)
		}
		_, err := tx.Exec(ctx, `INSERT INTO absences (id, person, began, ended, body) VALUES (?, ?, ?, ?, ?)`,
			a.ID, string(a.Person), int64(a.From), int64(a.To), string(body))
		return err
	})
	if err != nil {
		return Absence{}, err
	}
	d.absences.put(a)
	return a, nil
}

// EndAbsence withdraws an absence that has not begun, and ends one that lasts.
// It returns what is left of it.
func (d *Directory) EndAbsence(ctx context.Context, person identity.PersonID, id string, now telemetry.Millis) (Absence, error) {
	d.absences.mu.Lock()
	defer d.absences.mu.Unlock()
	list := d.absences.all[person]
	i := slices.IndexFunc(list, func(a Absence) bool { return a.ID == id })
	if i < 0 {
		return Absence{}, ErrNoAbsence
	}
	a := list[i]
	a.To = max(a.From, min(a.To, now))
	body, err := json.Marshal(a)
	if err != nil {
		return Absence{}, err
	}
	err = d.db.Write(ctx, func(tx *store.Tx) error {
		if a.To == a.From {
			_, err := tx.Exec(ctx, `DELETE FROM absences WHERE id = ?`, id)
			return err
		}
		_, err := tx.Exec(ctx, `UPDATE absences SET ended = ?, body = ? WHERE id = ?`, int64(a.To), string(body), id)
		return err
	})
	if err != nil {
		return Absence{}, err
	}
	list = slices.Clone(list)
	if list[i] = a; a.To == a.From {
		list = slices.Delete(list, i, i+1)
	}
	d.absences.all[person] = list
	return a, nil
}

// Absences lists those that end after an instant, by person and time.
func (d *Directory) Absences(after telemetry.Millis) []Absence {
	d.absences.mu.RLock()
	defer d.absences.mu.RUnlock()
	out := []Absence{}
	for _, list := range d.absences.all {
		for _, a := range list {
			if a.To > after {
				out = append(out, a)
			}
		}
	}
	slices.SortFunc(out, func(x, y Absence) int {
		return cmp.Or(cmp.Compare(x.Person, y.Person), cmp.Compare(x.From, y.From))
	})
	return out
}

// Absent returns the absence of a person at an instant, if there is one.
func (d *Directory) Absent(person identity.PersonID, at telemetry.Millis) (Absence, bool) {
	d.absences.mu.RLock()
	defer d.absences.mu.RUnlock()
	return d.absences.find(person, at)
}

// find needs the lock.
func (l *absences) find(person identity.PersonID, at telemetry.Millis) (Absence, bool) {
	for _, a := range l.all[person] {
		if a.at(at) {
			return a, true
		}
	}
	return Absence{}, false
}

// Stand says who does the work of a person at an instant: the person, or the
// deputy, or the deputy's deputy. Empty: nobody, as no deputy was named or they
// stand in for one another.
func (d *Directory) Stand(person identity.PersonID, at telemetry.Millis) identity.PersonID {
	d.absences.mu.RLock()
	defer d.absences.mu.RUnlock()
	return d.absences.stand(person, at)
}

// stand needs the lock.
func (l *absences) stand(person identity.PersonID, at telemetry.Millis) identity.PersonID {
	for range len(l.all) + 1 { // longer would be a circle
		a, absent := l.find(person, at)
		if !absent {
			return person
		}
		person = a.Deputy
	}
	return ""
}

// StandsFor lists the absent whose work falls to a person at an instant.
func (d *Directory) StandsFor(person identity.PersonID, at telemetry.Millis) []identity.PersonID {
	d.absences.mu.RLock()
	defer d.absences.mu.RUnlock()
	var out []identity.PersonID
	for absent := range d.absences.all {
		if absent != person && person != "" && d.absences.stand(absent, at) == person {
			out = append(out, absent)
		}
	}
	slices.Sort(out)
	return out
}
