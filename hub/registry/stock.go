package registry

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"gridhub/devices"
	"gridhub/devices/wire"
	"gridhub/hub/store"
)

// Device is one that an inventory named, with the gateway that reads it. Gone
// is true when the gateway's newest inventory leaves it out or calls it
// retired; its history stays.
type Device struct {
	wire.Entry
	Gateway devices.ID `json:"gateway"`
	Gone    bool       `json:"gone,omitempty"`
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
// as gone. It returns those that differ from before.
func (r *Registry) Stock(ctx context.Context, gateway devices.ID, s wire.Stock) ([]Device, error) {
	changed := r.compare(gateway, s)
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
				string(d.ID), string(gateway), string(body), r.now().UnixMilli()); err != nil {
				return err
			}
		}
		return nil
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

func (r *Registry) compare(gateway devices.ID, s wire.Stock) []Device {
	r.mu.RLock()
	defer r.mu.RUnlock()
	var out []Device
	named := map[devices.ID]bool{}
	for _, e := range s.Devices {
		named[e.ID] = true
		d := Device{Entry: e, Gateway: gateway, Gone: e.Retired}
		if old, ok := r.stock[e.ID]; !ok || !same(old, d) {
			out = append(out, d)
		}
	}
	for id, d := range r.stock {
		if d.Gateway == gateway && !named[id] && !d.Gone {
			d.Gone = true
			out = append(out, d)
		}
	}
	return out
}

func same(a, b Device) bool {
	x, err1 := json.Marshal(a)
	y, err2 := json.Marshal(b)
	return err1 == nil && err2 == nil && string(x) == string(y)
}

// Devices lists what inventories named, by id, without those that are gone.
func (r *Registry) Devices() []Device {
	r.mu.RLock()
	defer r.mu.RUnlock()
	out := make([]Device, 0, len(r.stock))
	for _, d := range r.stock {
		if !d.Gone {
			out = append(out, d)
		}
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
