package registry

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"gridhub/devices"
	"gridhub/devices/telemetry"
	"gridhub/hub/store"
)

// Maintenance is a time in which a device is being worked on: its readings are
// kept and raise nothing.
type Maintenance struct {
	Device devices.ID       `json:"device"`
	Since  telemetry.Millis `json:"since"`
	Until  telemetry.Millis `json:"until"` // not included; 0: as long as the gateway's file says so
	Why    string           `json:"why,omitempty"`
	By     string           `json:"by,omitempty"` // the account; of a gateway's file: the gateway
	File   bool             `json:"file"`         // set at the gateway: only there can it be ended
}

// LongestMaintenance is how far ahead its end may lie: forgotten, it must end
// by itself.
const LongestMaintenance = 30 * 24 * time.Hour

// Errors of Maintain.
var (
	ErrFile  = errors.New("maintenance is set at the gateway, in the device's file: end it there")
	ErrUntil = fmt.Errorf("want an end in the future, at most %d days ahead", int(LongestMaintenance.Hours()/24))
)

// Maintain puts a device into maintenance until an instant, or ends it when
// until is 0. It returns what is then in force; a device that is not in
// maintenance has the zero Maintenance.
func (r *Registry) Maintain(ctx context.Context, id devices.ID, until telemetry.Millis, why, by string) (Maintenance, error) {
	d, named := r.Device(id)
	if !named || d.Gone {
		if _, speaks := r.Get(id); !speaks {
			return Maintenance{}, fmt.Errorf("%s: %w", id, ErrUnknown)
		}
	}
	if named && d.Maintenance {
		return Maintenance{}, fmt.Errorf("%s: %w", id, ErrFile)
	}
	now := telemetry.At(r.now())
	if until == 0 {
		return Maintenance{}, r.endMaintenance(ctx, id, now, by)
	}
	if until <= now || until.Sub(now) > LongestMaintenance {
		return Maintenance{}, ErrUntil
	}
	m := Maintenance{Device: id, Since: now, Until: until, Why: why, By: by}
	err := r.db.Write(ctx, func(tx *store.Tx) error {
		if _, err := tx.Exec(ctx, `INSERT INTO device_maintenance (device, since, until, why, account) VALUES (?, ?, ?, ?, ?)
			ON CONFLICT (device) DO UPDATE SET since = excluded.since, until = excluded.until, why = excluded.why, account = excluded.account`,
			string(id), int64(now), int64(until), why, by); err != nil {
			return err
		}
		return writeEvents(ctx, tx, LogEntry{Device: id, At: now, Kind: MaintenanceBegun, Until: until, Why: why, By: by})
	})
	if err != nil {
		return Maintenance{}, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.serviced[id] = m
	return m, nil
}

func (r *Registry) endMaintenance(ctx context.Context, id devices.ID, at telemetry.Millis, by string) error {
	r.mu.RLock()
	m, on := r.serviced[id]
	r.mu.RUnlock()
	if !on {
		return nil
	}
	err := r.db.Write(ctx, func(tx *store.Tx) error {
		if _, err := tx.Exec(ctx, `DELETE FROM device_maintenance WHERE device = ?`, string(id)); err != nil {
			return err
		}
		return writeEvents(ctx, tx, LogEntry{Device: id, At: at, Kind: MaintenanceEnded, Why: m.Why, By: by})
	})
	if err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.serviced, id)
	return nil
}

// EndMaintenance ends what has reached its end and returns these devices.
func (r *Registry) EndMaintenance(ctx context.Context) ([]devices.ID, error) {
	now := telemetry.At(r.now())
	r.mu.RLock()
	var over []Maintenance
	for _, m := range r.serviced {
		if m.Until <= now {
			over = append(over, m)
		}
	}
	r.mu.RUnlock()
	slices.SortFunc(over, func(a, b Maintenance) int { return cmp.Compare(a.Device, b.Device) })
	var out []devices.ID
	for _, m := range over {
		if err := r.endMaintenance(ctx, m.Device, m.Until, ""); err != nil {
			return out, err
		}
		out = append(out, m.Device)
	}
	return out, nil
}

// Maintenance says whether a device is in maintenance now, and why.
func (r *Registry) Maintenance(id devices.ID) (Maintenance, bool) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if d, ok := r.stock[id]; ok && d.Maintenance && !d.Gone {
		return Maintenance{Device: id, Since: d.Changed, By: string(d.Gateway), File: true}, true
	}
	m, on := r.serviced[id]
	return m, on && m.Until > telemetry.At(r.now())
}

// Maintained reports whether a device is in maintenance now.
func (r *Registry) Maintained(id devices.ID) bool {
	_, on := r.Maintenance(id)
	return on
}

// Serviced lists what the hub's own maintenance is in force for.
func (r *Registry) Serviced() []Maintenance {
	r.mu.RLock()
	defer r.mu.RUnlock()
	out := make([]Maintenance, 0, len(r.serviced))
	for _, m := range r.serviced {
		out = append(out, m)
	}
	slices.SortFunc(out, func(a, b Maintenance) int { return cmp.Compare(a.Device, b.Device) })
	return out
}

func (r *Registry) readMaintenance(ctx context.Context) error {
	rows, err := r.db.Query(ctx, `SELECT device, since, until, why, account FROM device_maintenance`)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var m Maintenance
		if err := rows.Scan(&m.Device, &m.Since, &m.Until, &m.Why, &m.By); err != nil {
			return err
		}
		r.serviced[m.Device] = m
	}
	return rows.Err()
}
