package registry

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"gridhub/devices"
	"gridhub/devices/telemetry"
	"gridhub/hub/store"
)

// life is what happens to devices between their first and their last day.
type life struct {
	giving   sync.Mutex                 // one hand-over at a time
	holds    map[devices.ID][]Hold      // ascending by Since; the registry's mu
	serviced map[devices.ID]Maintenance // likewise
	units    map[devices.ID]string      // of those that speak for themselves; likewise
}

func newLife() life {
	return life{holds: map[devices.ID][]Hold{}, serviced: map[devices.ID]Maintenance{}, units: map[devices.ID]string{}}
}

// readLife opens the tables and reads what they hold.
func (r *Registry) readLife(ctx context.Context) error {
	if err := r.db.Migrate(ctx, "registry-life", lifeMigrations...); err != nil {
		return err
	}
	return errors.Join(r.readHolders(ctx), r.readMaintenance(ctx), r.readUnits(ctx))
}

func (r *Registry) readUnits(ctx context.Context) error {
	rows, err := r.db.Query(ctx, `SELECT device, unit FROM device_units`)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var id devices.ID
		var unit string
		if err := rows.Scan(&id, &unit); err != nil {
			return err
		}
		r.units[id] = unit
	}
	return rows.Err()
}

// Unit is the serial number of a device that speaks for itself, as far as it
// was told.
func (r *Registry) Unit(id devices.ID) string {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.units[id]
}

// ErrUnit says that a replacement names no new thing.
var ErrUnit = errors.New("want the serial number of the new thing, up to 64 bytes, and not the old one's")

// maxUnit bounds a serial number, in bytes.
const maxUnit = 64

// Replace puts a new thing in the place of a device that speaks for itself: it
// gets a new secret, which is returned and not kept; the old one's ends, and
// whoever is connected with it is cut off. Identity and history stay.
func (r *Registry) Replace(ctx context.Context, id devices.ID, unit, by string) (secret string, err error) {
	p, known := r.Get(id)
	if !known {
		return "", fmt.Errorf("%s: %w", id, ErrUnknown)
	}
	if p.Revoked != 0 {
		return "", fmt.Errorf("%s: %w", id, ErrRevoked)
	}
	old := r.Unit(id)
	if unit == "" || len(unit) > maxUnit || unit == old {
		return "", ErrUnit
	}
	created := p.Created
	if secret, err = r.renew(ctx, p); err != nil {
		return "", err
	}
	err = r.db.Write(ctx, func(tx *store.Tx) error {
		if _, err := tx.Exec(ctx, `INSERT INTO device_units (device, unit) VALUES (?, ?) ON CONFLICT (device) DO UPDATE SET unit = excluded.unit`,
			string(id), unit); err != nil {
			return err
		}
		return writeEvents(ctx, tx, LogEntry{Device: id, At: telemetry.At(r.now()), Kind: Replaced, Old: old, New: unit, By: by})
	})
	if err != nil {
		return "", err
	}
	r.mu.Lock()
	r.units[id], r.byID[id].Created = unit, created
	tell := r.revoked
	r.mu.Unlock()
	if tell != nil {
		tell(id)
	}
	return secret, nil
}
