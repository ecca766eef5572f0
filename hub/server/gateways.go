package server

import (
	"cmp"
	"context"
	"slices"
	"sync"

	"gridhub/devices"
	"gridhub/devices/telemetry"
	"gridhub/hub/api"
	"gridhub/hub/health"
	"gridhub/hub/intake"
	"gridhub/hub/registry"
)

// heard remembers when each identity was heard last. It is bounded by the
// number of identities.
type heard struct {
	mu   sync.Mutex
	last map[devices.ID]telemetry.Millis
}

func newHeard() *heard { return &heard{last: map[devices.ID]telemetry.Millis{}} }

func (h *heard) note(batch []intake.Decoded) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for i := range batch {
		if d := &batch[i]; d.From != "" {
			h.last[d.From] = max(h.last[d.From], d.At)
		}
	}
}

func (h *heard) at(id devices.ID) telemetry.Millis {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.last[id]
}

// introduce keeps what gateways tell of themselves.
func (s screen) introduce(ctx context.Context, d *intake.Decoded) error {
	if d.Inventory != nil {
		if err := s.registry.Introduced(ctx, d.From, *d.Inventory, d.At); err != nil {
			return err
		}
	}
	if d.Presence != nil {
		return s.registry.Remarked(ctx, d.From, *d.Presence, d.At)
	}
	return nil
}

// cabinets shows the gateways.
type cabinets struct{ h *Hub }

func (c cabinets) Gateways(ctx context.Context) ([]api.GatewayState, error) {
	pending, err := c.h.ledger.Pending(ctx)
	if err != nil {
		return nil, err
	}
	open, err := c.h.faults.List(ctx, true, 0, maxFaults)
	if err != nil {
		return nil, err
	}
	clocks := map[devices.ID]*api.GatewayClock{}
	for _, k := range c.h.conditions.Clocks() {
		clocks[k.ID] = &api.GatewayClock{Offset: k.Offset, Bad: k.Bad}
	}
	all := []api.GatewayState{}
	for _, p := range c.h.registry.List() {
		if p.Kind != devices.Gateway || p.Revoked != 0 {
			continue
		}
		g := c.state(p, pending[p.ID])
		g.Clock = clocks[p.ID]
		g.Faults, g.Silent = broken(open, p.ID)
		all = append(all, g)
	}
	slices.SortFunc(all, func(a, b api.GatewayState) int { return cmp.Compare(a.ID, b.ID) })
	return all, nil
}

// broken lists the causes of the faults at or behind a gateway, that with the
// most devices first, and counts the devices that are silent because of them.
func broken(open []health.Outage, gateway devices.ID) (causes []health.Cause, silent int) {
	causes = []health.Cause{}
	slices.SortStableFunc(open, func(a, b health.Outage) int { return cmp.Compare(len(b.Devices), len(a.Devices)) })
	for _, f := range open {
		if f.Subject.Gateway != gateway {
			continue
		}
		silent += len(f.Devices)
		if !slices.Contains(causes, f.Cause) {
			causes = append(causes, f.Cause)
		}
	}
	return causes, silent
}

func (c cabinets) state(p registry.Principal, pending int64) api.GatewayState {
	g, _ := c.h.registry.Gateway(p.ID)
	return api.GatewayState{ID: p.ID, Label: p.Label, Online: c.h.broker.Connected(p.ID), Seen: max(g.Since, c.h.heard.at(p.ID)),
		Config: g.Config, Owner: g.Owner, Software: g.Software, Devices: g.Devices, Retired: g.Retired, Pending: pending, Remark: g.Remark,
		Changed: g.Changed, Program: g.Program, Machine: g.Machine}
}
