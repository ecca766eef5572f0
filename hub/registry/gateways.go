package registry

import (
	"context"
	"encoding/json"
	"fmt"

	"gridhub/devices"
	"gridhub/devices/telemetry"
	"gridhub/devices/wire"
	"gridhub/hub/store"
)

// Gateway is what a gateway last told of itself.
type Gateway struct {
	ID       devices.ID       `json:"id"`
	Config   string           `json:"config,omitempty"`   // hash over all files that it runs
	Owner    string           `json:"owner,omitempty"`    // whose its device files are
	Software string           `json:"software,omitempty"` // name and version
	Devices  int              `json:"devices"`            // that it reads
	Retired  int              `json:"retired,omitempty"`  // that it reads no more, but has records of
	Since    telemetry.Millis `json:"since"`              // when it said so, by the hub's clock
	Remark   string           `json:"remark,omitempty"`   // what is wrong with its files, as it says

	Changed telemetry.Millis `json:"changed,omitempty"` // when Config was told first, by the hub's clock
	Program telemetry.Millis `json:"program,omitempty"` // when its program began, by the hub's clock
	Machine telemetry.Millis `json:"machine,omitempty"` // likewise of its machine
}

func (r *Registry) readGateways(ctx context.Context) error {
	rows, err := r.db.Query(ctx, `SELECT body FROM gateways`)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var body []byte
		var g Gateway
		if err := rows.Scan(&body); err != nil {
			return err
		}
		if err := json.Unmarshal(body, &g); err != nil {
			return fmt.Errorf("gateway row: %w", err)
		}
		r.told[g.ID] = g
	}
	return rows.Err()
}

// Introduced takes what an inventory says of its gateway itself.
func (r *Registry) Introduced(ctx context.Context, id devices.ID, s wire.Stock, at telemetry.Millis) error {
	return r.tell(ctx, id, at, func(g *Gateway) {
		if g.Config != s.Config {
			g.Changed = at
		}
		g.Config, g.Owner, g.Software, g.Devices, g.Retired = s.Config, s.Owner, s.Software, 0, 0
		for _, e := range s.Devices {
			if e.Retired {
				g.Retired++
			} else {
				g.Devices++
			}
		}
	})
}

// Remarked takes the cause of a gateway's status while it is online, and since
// when it runs. Of
// identities that sent no inventory nothing is kept.
func (r *Registry) Remarked(ctx context.Context, id devices.ID, p wire.Presence, at telemetry.Millis) error {
	if _, known := r.Gateway(id); !known || !p.Online {
		return nil
	}
	return r.tell(ctx, id, at, func(g *Gateway) {
		g.Remark = p.Cause
		g.Program, g.Machine = began(g.Program, at, p.Program), began(g.Machine, at, p.Machine)
	})
}

// sameStart is how far two tellings of one start may lie apart: the message was
// on its way, and its sender's clock drifts.
const sameStart = telemetry.Millis(60_000)

// began is when something began that has been up for a time in ms; 0 if that was
// not told. It stays what it was when the same start is told again.
func began(was, at telemetry.Millis, up int64) telemetry.Millis {
	if up == 0 {
		return 0
	}
	now := at - telemetry.Millis(up)
	if was-sameStart < now && now < was+sameStart {
		return was
	}
	return now
}

// tell changes what is kept of a gateway, if change does change it.
func (r *Registry) tell(ctx context.Context, id devices.ID, at telemetry.Millis, change func(*Gateway)) error {
	old, known := r.Gateway(id)
	g := old
	g.ID = id
	change(&g)
	if known && g == old {
		return nil
	}
	g.Since = at
	body, err := json.Marshal(g)
	if err != nil {
		return err
	}
	err = r.db.Write(ctx, func(tx *store.Tx) error {
		_, err := tx.Exec(ctx, `INSERT INTO gateways (id, body) VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET body = excluded.body`, string(id), string(body))
		return err
	})
	if err != nil {
		return fmt.Errorf("gateway %s: %w", id, err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.told[id] = g
	return nil
}

// Gateway returns what a gateway told of itself.
func (r *Registry) Gateway(id devices.ID) (Gateway, bool) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	g, ok := r.told[id]
	return g, ok
}
