package commands

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"gridhub/devices"
	"gridhub/devices/codec"
	"gridhub/devices/wire"
	"gridhub/hub/store"
)

// Controls lists what may be set on a device, by name, and whether orders to it
// are signed.
func (d *Desk) Controls(ctx context.Context, id devices.ID) (controls []wire.Control, signed bool, err error) {
	route, known := d.Devices.Route(id)
	if !known {
		return nil, false, fmt.Errorf("%s: %w", id, ErrUnknownDevice)
	}
	all, err := d.settable(ctx, id, route)
	controls = make([]wire.Control, len(all))
	for i, w := range all {
		controls[i] = w.Control
	}
	return controls, route.Convention == "", err
}

// settable lists the ways of a device, each control once: what an installer has
// written down before what the device says.
func (d *Desk) settable(ctx context.Context, id devices.ID, r Route) ([]way, error) {
	stored, err := d.ways(ctx, id)
	if err != nil {
		return nil, err
	}
	byName := map[string]way{}
	for _, c := range r.Controls {
		byName[c.Name] = way{Device: id, Control: c}
	}
	if r.Convention == tasmotaName {
		for _, w := range tasmotaWays(id, r.Metrics) {
			byName[w.Control.Name] = w
		}
	}
	for _, w := range stored {
		byName[w.Control.Name] = w
	}
	return slices.SortedFunc(maps.Values(byName), byDevice), nil
}

// Declare writes down by hand what may be set on a device whose protocol does
// not say it: ThingsBoard's methods, or one of our own that speaks for itself.
func (d *Desk) Declare(ctx context.Context, id devices.ID, c wire.Control) error {
	route, known := d.Devices.Route(id)
	if !known {
		return fmt.Errorf("%s: %w", id, ErrUnknownDevice)
	}
	switch {
	case !codec.ValidMetric([]byte(c.Name)):
		return &Invalid{"control", c.Name, fmt.Sprintf("1 to %d letters, digits, - _ and .", codec.MaxMetric)}
	case c.Bool && c.Text, (c.Bool || c.Text) && (c.Min != nil || c.Max != nil), c.Min != nil && c.Max != nil && *c.Min > *c.Max:
		return &Invalid{"control", c.Name, "a switch, a text, or a number with its limits in order"}
	case route.Convention != "" && route.Convention != thingsBoard:
		return &Invalid{"control", c.Name, "nothing by hand: " + route.Convention + " says itself what may be set"}
	}
	return d.db.Write(ctx, func(tx *store.Tx) error {
		return putWay(ctx, tx, id, byHand, &way{Device: id, Control: c})
	})
}

// byHand is the source of what an installer has written down.
const byHand = "by hand"

// Withdraw takes back what Declare said.
func (d *Desk) Withdraw(ctx context.Context, id devices.ID, control string) error {
	return d.db.Write(ctx, func(tx *store.Tx) error {
		n, err := tx.Exec(ctx, `DELETE FROM command_ways WHERE device = ? AND control = ? AND source = ?`, string(id), control, byHand)
		if err == nil && n == 0 {
			err = fmt.Errorf("%s has no control %s that was written down by hand", id, control)
		}
		return err
	})
}
