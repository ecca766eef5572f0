package live

import (
	"slices"

	"gridhub/devices"
	"gridhub/devices/telemetry"
	"gridhub/devices/wire"
	"gridhub/hub/identity"
)

// Life is what a device's state says of the thing itself: which one it is, who
// has it, who works on it, whether it is still there.
type Life struct {
	Line        string            `json:"line,omitempty"` // what it hangs on
	Unit        string            `json:"unit,omitempty"` // serial number of the thing
	Maintenance *Service          `json:"maintenance,omitempty"`
	Removed     telemetry.Millis  `json:"removed,omitempty"` // when its gateway's inventory left it out; 0: it is there
	Person      identity.PersonID `json:"person,omitempty"`  // who carries it; the person's place is shown, not the device's
	Vehicle     string            `json:"vehicle,omitempty"` // the plate of what it is built into
	Fix         *Movement         `json:"fix,omitempty"`     // of what moves by itself: place is where it was last

	home wire.Place // as the inventory has it
}

// Service is a maintenance that is in force.
type Service struct {
	Since telemetry.Millis `json:"since"`
	Until telemetry.Millis `json:"until" doc:"0: as long as the gateway's file says so"`
	Why   string           `json:"why,omitempty"`
	By    string           `json:"by,omitempty"`
	File  bool             `json:"file" doc:"set at the gateway, and ended only there"`
}

// Movement says how well the place of something that moves is known.
type Movement struct {
	At       telemetry.Millis `json:"at"`
	Accuracy float64          `json:"accuracy_m" doc:"0: not told"`
	Speed    float64          `json:"speed" doc:"m/s, negative: not told"`
	Heading  float64          `json:"heading" doc:"degrees from north, negative: not told"`
}

// PositionKind is the kind of devices that say where they are.
const PositionKind = "position"

// told lists the metrics that a screen shows of a device. Where a device is,
// its place says, and only to those who may see it.
func told(e *wire.Entry) []wire.Metric {
	if e.Kind != PositionKind {
		return e.Metrics
	}
	return slices.DeleteFunc(slices.Clone(e.Metrics), func(m wire.Metric) bool {
		return slices.Contains([]string{"lon", "lat", "speed", "heading", "accuracy", "altitude"}, m.Name)
	})
}

// settle gives a device the place that its inventory tells, unless it moves by
// itself.
func (d *DeviceState) settle(place wire.Place) {
	d.home = place
	if d.Fix == nil {
		d.Place = place
		return
	}
	place.Lon, place.Lat, place.Grid = d.Place.Lon, d.Place.Lat, d.Place.Grid
	d.Place = place
}

// Move takes a fix of a device that nobody carries: a vehicle's, or one that
// nobody was given yet. grid is where it lies. An older fix changes nothing.
func (b *Board) Move(f *telemetry.Position, grid string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if d := b.devices[f.Device]; d == nil || d.Fix != nil && f.At <= d.Fix.At {
		return
	}
	d := b.device(f.Device)
	d.Fix = &Movement{At: f.At, Accuracy: f.Accuracy, Speed: f.Speed, Heading: f.Heading}
	d.Place.Lon, d.Place.Lat, d.Place.Grid = f.Lon, f.Lat, grid
}

// Hand says who has a device. Who carries it is shown instead of it, so its own
// place is forgotten.
func (b *Board) Hand(id devices.ID, person identity.PersonID, vehicle string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.devices[id] == nil {
		return
	}
	d := b.device(id)
	d.Person, d.Vehicle = person, vehicle
	if person != "" {
		d.Fix, d.Place = nil, d.home
	}
}

// Service says that a device is in maintenance, or with nil that it is not.
func (b *Board) Service(id devices.ID, s *Service) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.devices[id] != nil {
		b.device(id).Maintenance = s
	}
}

// Unit says which thing a device is that speaks for itself.
func (b *Board) Unit(id devices.ID, unit string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.devices[id] != nil {
		b.device(id).Unit = unit
	}
}

// Remove says since when no inventory names a device. It stays, with what it
// told last; what it raised is nobody's work any more.
func (b *Board) Remove(id devices.ID, at telemetry.Millis) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.devices[id] == nil {
		return
	}
	d := b.device(id)
	d.Removed, d.Health = at, "removed"
}
