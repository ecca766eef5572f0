package registry

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"gridhub/devices"
	"gridhub/devices/telemetry"
	"gridhub/hub/identity"
	"gridhub/hub/store"
)

// Holder is who has a device that says where it is: a person who carries it, or
// a vehicle that it is built into, by its plate. One of the two is empty.
type Holder struct {
	Person  identity.PersonID `json:"person,omitempty"`
	Vehicle string            `json:"vehicle,omitempty"`
}

// Hold is a holder's time with a device.
type Hold struct {
	Holder
	Device devices.ID       `json:"device"`
	Since  telemetry.Millis `json:"since"`
	Ended  telemetry.Millis `json:"ended,omitempty"` // not included; 0: it lasts
}

// holds reports whether the hold was in force at an instant.
func (h Hold) at(t telemetry.Millis) bool { return t >= h.Since && (h.Ended == 0 || t < h.Ended) }

// ErrHolder says that a device cannot be given to this holder.
var ErrHolder = errors.New("want a person or a vehicle, not both")

// maxPlate bounds a vehicle's name, in bytes.
const maxPlate = 32

// Give binds a device to a person or a vehicle from now on, or to nobody when
// h is empty. What it told before stays with whom it was bound to then.
func (r *Registry) Give(ctx context.Context, id devices.ID, h Holder, by string) (Hold, error) {
	if h.Person != "" && h.Vehicle != "" || len(h.Vehicle) > maxPlate {
		return Hold{}, ErrHolder
	}
	if d, named := r.Device(id); !named || d.Gone {
		if _, speaks := r.Get(id); !speaks {
			return Hold{}, fmt.Errorf("%s: %w", id, ErrUnknown)
		}
	}
	r.giving.Lock()
	defer r.giving.Unlock()
	old, now := r.hold(id), telemetry.At(r.now())
	if old.Holder == h {
		return old, nil
	}
	now = max(now, old.Since+1) // two changes within a millisecond
	err := r.db.Write(ctx, func(tx *store.Tx) error { return give(ctx, tx, id, h, old.Holder, now, by) })
	if err != nil {
		return Hold{}, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.held(id, h, now)
	return r.holdLocked(id), nil
}

func give(ctx context.Context, tx *store.Tx, id devices.ID, h, old Holder, now telemetry.Millis, by string) error {
	if _, err := tx.Exec(ctx, `UPDATE device_holders SET ended = ? WHERE device = ? AND ended = 0`, int64(now), string(id)); err != nil {
		return err
	}
	e := LogEntry{Device: id, At: now, Kind: Unbound, Old: old.String(), New: h.String(), By: by}
	if h != (Holder{}) {
		e.Kind = Bound
		if _, err := tx.Exec(ctx, `INSERT INTO device_holders (device, since, ended, person, vehicle) VALUES (?, ?, 0, ?, ?)`,
			string(id), int64(now), string(h.Person), h.Vehicle); err != nil {
			return err
		}
	}
	return writeEvents(ctx, tx, e)
}

func (h Holder) String() string { return string(h.Person) + h.Vehicle }

// held notes a change; mu is held.
func (r *Registry) held(id devices.ID, h Holder, now telemetry.Millis) {
	all := slices.Clone(r.holds[id]) // readers may have the old one
	if n := len(all); n > 0 && all[n-1].Ended == 0 {
		all[n-1].Ended = now
	}
	if h != (Holder{}) {
		all = append(all, Hold{Holder: h, Device: id, Since: now})
	}
	r.holds[id] = all
}

func (r *Registry) readHolders(ctx context.Context) error {
	rows, err := r.db.Query(ctx, `SELECT device, since, ended, person, vehicle FROM device_holders ORDER BY device, since`)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var h Hold
		if err := rows.Scan(&h.Device, &h.Since, &h.Ended, &h.Person, &h.Vehicle); err != nil {
			return err
		}
		r.holds[h.Device] = append(r.holds[h.Device], h)
	}
	return rows.Err()
}

// Hold says who has a device now; the zero Hold is nobody.
func (r *Registry) Hold(id devices.ID) Hold { return r.hold(id) }

func (r *Registry) hold(id devices.ID) Hold {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.holdLocked(id)
}

func (r *Registry) holdLocked(id devices.ID) Hold {
	if all := r.holds[id]; len(all) > 0 && all[len(all)-1].Ended == 0 {
		return all[len(all)-1]
	}
	return Hold{}
}

// Carrier says which person had a device at an instant: the one whose terminal
// it is, or to whom it was given then.
func (r *Registry) Carrier(id devices.ID, at telemetry.Millis) (identity.PersonID, bool) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if e := r.byID[id]; e != nil && e.Person != "" {
		return e.Person, true
	}
	all := r.holds[id]
	for i := len(all) - 1; i >= 0; i-- {
		if all[i].at(at) {
			return all[i].Person, all[i].Person != ""
		}
	}
	return "", false
}

// Carried lists what a person carried at some time in an interval, beside
// terminals of the person's own.
func (r *Registry) Carried(who identity.PersonID, from, to telemetry.Millis) []Hold {
	r.mu.RLock()
	defer r.mu.RUnlock()
	var out []Hold
	for _, all := range r.holds {
		for _, h := range all {
			if h.Person == who && h.Since < to && (h.Ended == 0 || h.Ended > from) {
				out = append(out, h)
			}
		}
	}
	slices.SortFunc(out, func(a, b Hold) int { return int(a.Since - b.Since) })
	return out
}
