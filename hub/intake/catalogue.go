package intake

import (
	"encoding/binary"
	"encoding/json"
	"strconv"

	"gridhub/devices"
	"gridhub/devices/codec"
	"gridhub/devices/codec/native"
	"gridhub/devices/telemetry"
	"gridhub/devices/wire"
)

// ThingsBoard is the convention of a sender that speaks ThingsBoard's MQTT API.
// Those of the others are told by the topics that the broker gives them.
const ThingsBoard = "thingsboard"

// Registration is what the hub's registry says of devices that no inventory
// names: those that speak for themselves, and those behind a foreign gateway.
// It is journaled like any message, so that a replay knows what was known.
type Registration struct {
	Set    []Registered `json:"set,omitempty"`
	Remove []devices.ID `json:"remove,omitempty"`

	Maintenance []Maintenance `json:"maintenance,omitempty"` // passed on to the consumers
}

// Maintenance says that somebody works on a device, by the hub's clock; Until
// is not included. It is journaled, so that a replay raises what was raised.
type Maintenance struct {
	Device devices.ID       `json:"device"`
	From   telemetry.Millis `json:"from"`
	Until  telemetry.Millis `json:"until"`
}

// Registered is one device of a Registration.
type Registered struct {
	ID         devices.ID `json:"id"`
	Kind       string     `json:"kind,omitempty"`       // the measurement: gas, noise, …; empty: measures nothing
	Gateway    devices.ID `json:"gateway,omitempty"`    // who speaks for it; empty: itself
	Convention string     `json:"convention,omitempty"` // empty (our own), ThingsBoard or another
	Speaks     bool       `json:"speaks,omitempty"`     // for devices behind it, which appear as it names them
}

func appendRegistration(b []byte, at telemetry.Millis, r Registration) ([]byte, error) {
	text, err := json.Marshal(r)
	if err != nil {
		return nil, err
	}
	b = append(b, recordVersion, registered)
	b = binary.AppendUvarint(b, uint64(at))
	return append(b, text...), nil
}

// registered brings the registry's change into the state.
func (d *Decoder) registered(body []byte, out *Decoded) error {
	c := cut{b: body}
	out.At = telemetry.Millis(c.uint())
	if c.err != nil {
		return c.err
	}
	var r Registration
	if err := json.Unmarshal(c.b, &r); err != nil {
		return errRecord
	}
	out.Maintenance = r.Maintenance
	for _, id := range r.Remove {
		delete(d.devices, id)
		if s := d.senders[id]; s != nil {
			s.convention = ""
		}
	}
	for _, e := range r.Set {
		dev := d.device(e.ID)
		dev.kind, dev.gateway, dev.hub = e.Kind, e.Gateway, true
		if s := d.senders[e.ID]; s != nil || e.Convention != "" {
			d.sender(e.ID).convention, d.sender(e.ID).speaks = e.Convention, e.Speaks
		}
	}
	return nil
}

func (d *Decoder) device(id devices.ID) *device {
	dev := d.devices[id]
	if dev == nil {
		dev = &device{}
		d.devices[id] = dev
	}
	return dev
}

// maxStock bounds the devices of one gateway.
const maxStock = 4096

// inventory replaces what the gateway said before. A device that another
// gateway named moves with it, as it does when a cabinet is exchanged, and what
// its former gateway still has of it is taken as long as that names it; what is
// registered at the hub, and whoever publishes for itself, cannot be claimed.
func (m *message) inventory() {
	var s wire.Stock
	err := native.Unmarshal(m.raw.Payload, &s)
	if err == nil {
		err = checkStock(&s)
	}
	if err != nil {
		m.unreadable(err)
		return
	}
	named := make(map[devices.ID]bool, len(s.Devices))
	kept := s.Devices[:0:0]
	for i, e := range s.Devices {
		if dev := m.devices[e.ID]; dev != nil && dev.hub && dev.gateway != m.raw.From && e.ID != m.raw.From {
			m.refuse(i, e.ID, m.raw.At, Foreign, "registered at the hub; an inventory cannot claim it", 0)
			continue
		}
		named[e.ID] = true
		dev := m.device(e.ID)
		if elsewhere := dev.gateway != "" && dev.gateway != m.raw.From; elsewhere && e.Retired {
			dev.former = m.raw.From // it has moved; what is left here may still come
			continue
		} else if elsewhere {
			dev.former = dev.gateway
		}
		dev.kind, dev.gateway = e.Kind, m.raw.From
		kept = append(kept, e)
	}
	for id, dev := range m.devices {
		if dev.former == m.raw.From && (!named[id] || dev.gateway == m.raw.From) {
			dev.former = ""
		}
		if dev.gateway == m.raw.From && !dev.hub && !named[id] {
			delete(m.devices, id)
		}
	}
	s.Devices = kept
	m.out.Inventory = &s
}

func checkStock(s *wire.Stock) error {
	if s.V != wire.Version {
		return codec.Errorf(codec.Version, "v is %d, want 1", s.V)
	}
	if len(s.Devices) > maxStock {
		return codec.Errorf(codec.TooLarge, "%d devices, at most %d", len(s.Devices), maxStock)
	}
	seen := make(map[devices.ID]bool, len(s.Devices))
	for i, e := range s.Devices {
		if _, err := devices.ParseID(string(e.ID)); err != nil {
			return codec.Errorf(codec.Shape, "device %d: %v", i+1, err)
		}
		if !codec.ValidMetric([]byte(e.Kind)) {
			return codec.Errorf(codec.Shape, "device %s: kind %s: want letters, digits, _ - .", e.ID, strconv.QuoteToASCII(clip(e.Kind)))
		}
		if seen[e.ID] {
			return codec.Errorf(codec.Duplicate, "device %s twice", e.ID)
		}
		seen[e.ID] = true
	}
	return nil
}
