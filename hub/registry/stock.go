package registry

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"gridhub/devices"
	"gridhub/devices/telemetry"
	"gridhub/devices/wire"
	"gridhub/hub/store"
)

// Device is one that an inventory named, with the gateway that reads it. Gone
// is true when the gateway's newest inventory leaves it out or calls it
// retired; its history stays.
type Device struct {
	wire.Entry
	Gateway devices.ID       `json:"gateway"`
	Gone    bool             `json:"gone,omitempty"`
	Changed telemetry.Millis `json:"changed,omitempty"` // hub time of the inventory that said so
}

func (r *Registry) readDevices(ctx context.Context) error {
	rows, err := r.db.Query(ctx, `SELECT body FROM devices`)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var body []byte
		var d Device
		if err := rows.Scan(&body); err != nil {
			return err
		}
		if err := json.Unmarshal(body, &d); err != nil {
			return fmt.Errorf("device row: %w", err)
		}
		r.stock[d.ID] = d
	}
	return rows.Err()
}

// Stock takes a gateway's inventory: its devices appear, change, or are marked
// as gone, and the logbook says so. It came at this instant of the hub's clock.
// Stock returns the devices that differ from before.
func (r *Registry) Stock(ctx context.Context, gateway devices.ID, at telemetry.Millis, s wire.Stock) ([]Device, error) {
	changed, events := r.compare(gateway, at, s)
	if len(changed) == 0 {
		return nil, nil
	}
	err := r.db.Write(ctx, func(tx *store.Tx) error {
		for _, d := range changed {
			body, err := json.Marshal(d)
			if err != nil {
				return err
			}
			if _, err := tx.Exec(ctx, `INSERT INTO devices (id, gateway, body, seen) VALUES (?, ?, ?, ?)
				ON CONFLICT (id) DO UPDATE SET gateway = excluded.gateway, body = excluded.body, seen = excluded.seen`,
				string(d.ID), string(gateway), string(body), int64(at)); err != nil {
				return err
			}
		}
		return writeEvents(ctx, tx, events...)
	})
	if err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, d := range changed {
		r.stock[d.ID] = d
	}
	return changed, nil
}

func (r *Registry) compare(gateway devices.ID, at telemetry.Millis, s wire.Stock) (out []Device, events []LogEntry) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	named := map[devices.ID]bool{}
	for _, e := range s.Devices {
		named[e.ID] = true
		d := Device{Entry: e, Gateway: gateway, Gone: e.Retired, Changed: at}
		if old, ok := r.stock[e.ID]; !ok || !same(old, d) {
			out = append(out, d)
			events = append(events, differences(old, ok, d, at)...)
		}
	}
	for id, d := range r.stock {
		if d.Gateway == gateway && !named[id] && !d.Gone {
			d.Gone, d.Changed = true, at
			out = append(out, d)
			events = append(events, differences(d, true, d, at)...)
		}
	}
	return out, events
}

// same compares what two inventories say of a device, not when.
func same(a, b Device) bool {
	a.Changed = b.Changed
	x, err1 := json.Marshal(a)
	y, err2 := json.Marshal(b)
	return err1 == nil && err2 == nil && string(x) == string(y)
}

// Devices lists what inventories named, by id, without those that are gone.
func (r *Registry) Devices() []Device {
	return slices.DeleteFunc(r.Stocked(), func(d Device) bool { return d.Gone })
}

// Stocked lists what inventories ever named, by id; those that are gone say
// since when.
func (r *Registry) Stocked() []Device {
	r.mu.RLock()
	defer r.mu.RUnlock()
	out := make([]Device, 0, len(r.stock))
	for _, d := range r.stock {
		out = append(out, d)
	}
	slices.SortFunc(out, func(a, b Device) int { return cmp.Compare(a.ID, b.ID) })
	return out
}

// Device returns one.
func (r *Registry) Device(id devices.ID) (Device, bool) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	d, ok := r.stock[id]
	return d, ok
}
