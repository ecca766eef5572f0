package registry

import (
	"context"
	"encoding/json"
	"fmt"

	"gridhub/devices"
	"gridhub/devices/telemetry"
	"gridhub/hub/store"
)

// What a device's logbook tells. Each comes once for a device and instant, so
// that an inventory which is handled again writes nothing twice.
const (
	Added            = "added"           // an inventory named it for the first time
	Removed          = "removed"         // its gateway's inventory left it out
	Returned         = "returned"        // and named it again
	Replaced         = "replaced"        // another thing stands in its place: Old and New are units
	Identified       = "identified"      // its unit became known
	Reprofiled       = "profile"         // the same thing is read otherwise
	Moved            = "moved"           // it stands elsewhere
	Rewired          = "gateway"         // another gateway reads it
	MaintenanceBegun = "maintenance"     // Until is 0 when a gateway's file says so
	MaintenanceEnded = "maintenance-end" //
	Bound            = "bound"           // somebody carries it, or it is a vehicle's
	Unbound          = "unbound"
)

// LogEntry is one line of a device's logbook.
type LogEntry struct {
	Device     devices.ID       `json:"device"`
	At         telemetry.Millis `json:"at"` // the hub's clock
	Kind       string           `json:"kind"`
	Old        string           `json:"old,omitempty"`
	New        string           `json:"new,omitempty"`
	OldProfile string           `json:"old_profile,omitempty"` // of a replacement by another model
	NewProfile string           `json:"new_profile,omitempty"`
	Until      telemetry.Millis `json:"until,omitempty"`
	Why        string           `json:"why,omitempty"`
	By         string           `json:"by,omitempty"` // an account; a gateway; empty: the hub itself
}

// lifeMigrations are of what happens to a device between its first and its
// last day.
var lifeMigrations = []string{`
CREATE TABLE device_events (
	device TEXT NOT NULL, at INTEGER NOT NULL, kind TEXT NOT NULL, nth INTEGER NOT NULL, body TEXT NOT NULL, PRIMARY KEY (device, at, kind));
CREATE TABLE device_holders (
	device TEXT NOT NULL, since INTEGER NOT NULL, ended INTEGER NOT NULL, person TEXT NOT NULL, vehicle TEXT NOT NULL,
	PRIMARY KEY (device, since));
CREATE TABLE device_maintenance (
	device TEXT PRIMARY KEY, since INTEGER NOT NULL, until INTEGER NOT NULL, why TEXT NOT NULL, account TEXT NOT NULL);
CREATE TABLE device_units (device TEXT PRIMARY KEY, unit TEXT NOT NULL)`,
}

func writeEvents(ctx context.Context, tx *store.Tx, all ...LogEntry) error {
	for i, e := range all { // those of one instant keep their order
		body, err := json.Marshal(e)
		if err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `INSERT INTO device_events (device, at, kind, nth, body) VALUES (?, ?, ?, ?, ?) ON CONFLICT (device, at, kind) DO NOTHING`,
			string(e.Device), int64(e.At), e.Kind, i, string(body)); err != nil {
			return err
		}
	}
	return nil
}

// Logbook returns what happened to a device, newest first, at most limit lines.
func (r *Registry) Logbook(ctx context.Context, id devices.ID, limit int) ([]LogEntry, error) {
	rows, err := r.db.Query(ctx, `SELECT body FROM device_events WHERE device = ? ORDER BY at DESC, nth DESC LIMIT ?`, string(id), limit)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	out := []LogEntry{}
	for rows.Next() {
		var body []byte
		var e LogEntry
		if err := rows.Scan(&body); err != nil {
			return nil, err
		}
		if err := json.Unmarshal(body, &e); err != nil {
			return nil, fmt.Errorf("logbook of %s: %w", id, err)
		}
		out = append(out, e)
	}
	return out, rows.Err()
}

// differences says what an inventory that came at this instant changed of a
// device; known is false for one that no inventory named before.
func differences(old Device, known bool, d Device, at telemetry.Millis) (out []LogEntry) {
	note := func(kind, from, to string) {
		out = append(out, LogEntry{Device: d.ID, At: at, Kind: kind, Old: from, New: to, By: string(d.Gateway)})
	}
	switch {
	case d.Gone:
		note(Removed, d.Unit, "")
		return out
	case !known:
		note(Added, "", d.Unit)
		old = d
		old.Maintenance = false
	case old.Gone:
		note(Returned, "", d.Unit)
	}
	switch {
	case old.Unit != d.Unit && old.Unit != "" && d.Unit != "":
		note(Replaced, old.Unit, d.Unit)
		if e := &out[len(out)-1]; old.Profile != d.Profile {
			e.OldProfile, e.NewProfile = old.Profile, d.Profile
		}
	case old.Profile != d.Profile:
		note(Reprofiled, old.Profile, d.Profile)
	}
	if old.Unit == "" && d.Unit != "" {
		note(Identified, "", d.Unit)
	}
	if old.Gateway != d.Gateway {
		note(Rewired, string(old.Gateway), string(d.Gateway))
	}
	if old.Place.Lon != d.Place.Lon || old.Place.Lat != d.Place.Lat || old.Place.Grid != d.Place.Grid {
		note(Moved, spot(old), spot(d))
	}
	if old.Maintenance != d.Maintenance {
		note(map[bool]string{true: MaintenanceBegun, false: MaintenanceEnded}[d.Maintenance], "", "")
	}
	return out
}

func spot(d Device) string {
	if d.Place.Lon == 0 && d.Place.Lat == 0 {
		return d.Place.Grid
	}
	return fmt.Sprintf("%s %.6f, %.6f", d.Place.Grid, d.Place.Lon, d.Place.Lat)
}
