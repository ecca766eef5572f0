package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"gridhub/devices"
	"gridhub/devices/telemetry"
	"gridhub/hub/api"
	"gridhub/hub/geo"
	"gridhub/hub/history"
	"gridhub/hub/identity"
	"gridhub/hub/intake"
	"gridhub/hub/live"
	"gridhub/hub/registry"
)

// caretaker is what people do to devices, joined from the registry, the intake
// (which journals what decides about hazards) and the board.
type caretaker struct{ h *Hub }

// maxLogbook is how many lines of a logbook are shown.
const maxLogbook = 200

func (c caretaker) Logbook(ctx context.Context, id devices.ID) (api.Logbook, error) {
	events, err := c.h.registry.Logbook(ctx, id, maxLogbook)
	if err != nil {
		return api.Logbook{}, err
	}
	spared, err := c.h.book.SuppressedOf(ctx, id, maxLogbook)
	return api.Logbook{Events: events, Suppressed: spared}, err
}

// Maintain puts a device into maintenance, or ends it.
func (c caretaker) Maintain(ctx context.Context, who identity.Principal, id devices.ID, until telemetry.Millis, why string) error {
	before, was := c.h.registry.Maintenance(id)
	m, err := c.h.registry.Maintain(ctx, id, until, why, who.Account)
	if err != nil {
		return careError(err)
	}
	w := intake.Maintenance{Device: id, From: m.Since, Until: m.Until}
	if until == 0 && was {
		w = intake.Maintenance{Device: id, From: before.Since, Until: telemetry.At(c.h.now())}
	}
	if until != 0 || was {
		if err := c.h.intake.Register(ctx, telemetry.At(c.h.now()), intake.Registration{Maintenance: []intake.Maintenance{w}}); err != nil {
			return fmt.Errorf("rules could not be told of the maintenance of %s: %w", id, err)
		}
	}
	c.h.screen().service(id)
	c.h.log.Info("maintenance", "device", id, "account", who.Account, "until", until.Time(), "on", until != 0, "why", why)
	return nil
}

// Give binds a device that says where it is to a person or a vehicle.
func (c caretaker) Give(ctx context.Context, by string, id devices.ID, to registry.Holder) (registry.Hold, error) {
	if to.Person != "" {
		if _, err := c.h.staff.Person(ctx, to.Person); err != nil {
			return registry.Hold{}, fmt.Errorf("%w: %w", api.ErrWanted, err)
		}
	}
	if d, named := c.h.registry.Device(id); !named || d.Kind != intake.PositionKind {
		return registry.Hold{}, fmt.Errorf("%w: %s says nothing of where it is: want a device of the kind %s", api.ErrWanted, id, intake.PositionKind)
	}
	hold, err := c.h.registry.Give(ctx, id, to, by)
	if err != nil {
		return registry.Hold{}, careError(err)
	}
	c.h.board.Hand(id, hold.Person, hold.Vehicle)
	c.h.log.Info("a device was given away", "device", id, "person", to.Person, "vehicle", to.Vehicle, "account", by)
	return hold, nil
}

// Replace puts another thing in the place of a device that speaks for itself.
func (c caretaker) Replace(ctx context.Context, by string, id devices.ID, unit string) (secret string, err error) {
	if d, named := c.h.registry.Device(id); named && !d.Gone && d.Gateway != id {
		return "", fmt.Errorf("%s is read by %s: write the new unit into its file there", id, d.Gateway)
	}
	if secret, err = c.h.registry.Replace(ctx, id, unit, by); err != nil {
		return "", err
	}
	c.h.board.Unit(id, unit)
	c.h.log.Info("a device was replaced", "device", id, "unit", unit, "account", by)
	return secret, nil
}

// console is who acts over the socket in the data folder.
const console = "console"

func (h *Hub) giveDevice(w http.ResponseWriter, r *http.Request) {
	var to registry.Holder
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 4<<10)).Decode(&to); err != nil {
		answer(w, nil, err)
		return
	}
	hold, err := caretaker{h}.Give(r.Context(), console, devices.ID(r.PathValue("id")), to)
	answer(w, hold, err)
}

func (h *Hub) replaceDevice(w http.ResponseWriter, r *http.Request) {
	var body struct {
		Unit string `json:"unit"`
	}
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 4<<10)).Decode(&body); err != nil {
		answer(w, nil, err)
		return
	}
	id := r.PathValue("id")
	secret, err := caretaker{h}.Replace(r.Context(), console, devices.ID(id), body.Unit)
	answer(w, map[string]string{"id": id, "secret": secret}, err)
}

// careError turns the registry's refusals into the API's.
func careError(err error) error {
	for _, e := range []struct{ is, as error }{
		{registry.ErrUnknown, api.ErrNoDevice}, {registry.ErrFile, api.ErrElsewhere}, {registry.ErrUntil, api.ErrWanted}, {registry.ErrHolder, api.ErrWanted},
	} {
		if errors.Is(err, e.is) {
			return fmt.Errorf("%w: %w", e.as, err)
		}
	}
	return err
}

// checkMaintenance is how often maintenance is looked at for its end.
const checkMaintenance = 5 * time.Second

// endMaintenance shows maintenance that ends by itself. The rules need no
// telling: they know its end.
func (h *Hub) endMaintenance(ctx context.Context) error {
	tick := time.NewTicker(checkMaintenance)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		over, err := h.registry.EndMaintenance(ctx)
		if err != nil {
			h.log.Warn("maintenance could not be ended; trying again", "error", err)
		}
		for _, id := range over {
			h.screen().service(id)
			h.log.Info("maintenance is over", "device", id)
		}
	}
}

// service shows whether a device is in maintenance.
func (s screen) service(id devices.ID) {
	m, on := s.registry.Maintenance(id)
	if !on {
		s.board.Service(id, nil)
		return
	}
	s.board.Service(id, &live.Service{Since: m.Since, Until: m.Until, Why: m.Why, By: m.By, File: m.File})
}

// attend shows what the registry knows of a device beside its inventory.
func (s screen) attend(id devices.ID) {
	s.service(id)
	if unit := s.registry.Unit(id); unit != "" {
		s.board.Unit(id, unit)
	}
	if h := s.registry.Hold(id); h.Holder != (registry.Holder{}) {
		s.board.Hand(id, h.Person, h.Vehicle)
	}
}

// place brings a fix to the person who carries the device, else to the device.
func (s screen) place(f *telemetry.Position) {
	grid := s.gridAt(geo.Point{Lon: f.Lon, Lat: f.Lat})
	if who, ok := s.registry.Carrier(f.Device, f.At); ok {
		s.board.Position(who, f, grid)
		return
	}
	s.board.Move(f, grid)
}

// carriedFixes are what devices told that a person carried at the time.
func (t tracks) carriedFixes(ctx context.Context, who identity.PersonID, from, to telemetry.Millis) (fixes []geo.Fix, err error) {
	for _, h := range t.h.registry.Carried(who, from, to) {
		end := to
		if h.Ended != 0 {
			end = min(end, h.Ended)
		}
		some, err := t.fixes(ctx, h.Device, max(from, h.Since), end)
		if err != nil {
			return nil, err
		}
		fixes = append(fixes, some...)
	}
	return fixes, nil
}

// fixes reads one device's fixes.
func (t tracks) fixes(ctx context.Context, id devices.ID, from, to telemetry.Millis) (fixes []geo.Fix, err error) {
	all, err := t.h.history.Range(ctx, history.Query{Device: id, Kind: history.PositionKind, From: from, To: to})
	if err != nil {
		return nil, err
	}
	for _, p := range points(all) {
		if f := fix(p); f.Lon != 0 || f.Lat != 0 { // a terminal without a fix tells its state alone
			fixes = append(fixes, geo.Fix{Point: geo.Point{Lon: f.Lon, Lat: f.Lat}, At: f.At, Accuracy: f.Accuracy, Speed: f.Speed})
		}
	}
	return fixes, nil
}

// standing is where a device was last, else where it was put up.
func (h *Hub) standing(id devices.ID) geo.Point {
	for _, d := range h.board.Devices() {
		if d.ID == id {
			return geo.Point{Lon: d.Place.Lon, Lat: d.Place.Lat}
		}
	}
	return geo.Point{}
}
