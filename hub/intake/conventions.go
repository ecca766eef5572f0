package intake

import (
	"fmt"
	"strings"

	"gridhub/devices"
	"gridhub/devices/codec"
	"gridhub/devices/codec/homeassistant"
	"gridhub/devices/codec/influx"
	"gridhub/devices/codec/senml"
	"gridhub/devices/codec/sparkplug"
	"gridhub/devices/codec/tasmota"
	"gridhub/devices/codec/thingsboard"
	"gridhub/devices/telemetry"
	"gridhub/devices/wire"
)

// conventions read what is behind the first level of a topic that the broker
// has put into the sender's tree.
var conventions = map[string]func(m *message, topic string){
	"tb":      (*message).thingsboard,
	"influx":  (*message).influx,
	"senml":   (*message).senml,
	"tasmota": (*message).tasmota,
	"ha":      (*message).homeassistant,
	"spb":     (*message).sparkplug,
}

// restore brings back what a convention remembered.
func restore(kind string, state []byte) (memory, error) {
	switch kind {
	case "ha":
		return homeassistant.Load(state)
	case "spb":
		return sparkplug.Load(state)
	}
	return nil, fmt.Errorf("no memory of %s", kind)
}

// thingsboard takes the payloads of ThingsBoard's device and gateway API. What
// is no measurement (answers to commands) is handed on as it came; questions
// for attributes are answered with none, for the hub keeps none.
func (m *message) thingsboard(topic string) {
	read := thingsboard.Device
	switch {
	case topic == wire.Telemetry, topic == "attributes", topic == "telemetry/j", topic == "attributes/j":
	case topic == "gateway/telemetry", topic == "gateway/attributes":
		read = thingsboard.Gateway
	case strings.HasPrefix(topic, "attributes/request/"):
		m.answer("tb/attributes/response/"+strings.TrimPrefix(topic, "attributes/request/"), []byte("{}"))
		return
	case topic == "gateway/attributes/request":
		a, err := thingsboard.Question(m.raw.Payload)
		if err != nil {
			m.unreadable(err)
			return
		}
		m.answer("tb/gateway/attributes/response", a)
		return
	case strings.HasPrefix(topic, "rpc/"), topic == "gateway/rpc":
		m.out.Body = append([]byte(nil), m.raw.Payload...)
		return
	case topic == "gateway/connect", topic == "gateway/disconnect":
		m.connected()
		return
	case topic == wire.Status:
		m.presence()
		return
	default:
		m.refuse(-1, m.raw.From, m.raw.At, UnknownTopic, "no topic of ThingsBoard that this hub reads: "+clip(topic), 1)
		return
	}
	all, err := read(m.raw.Payload)
	if err != nil {
		m.unreadable(err)
		return
	}
	m.samples(all)
}

// connected takes a ThingsBoard gateway's word that it has, or no longer has, a
// device: one that it has is known from then on.
func (m *message) connected() {
	name, err := thingsboard.Names(m.raw.Payload)
	if err != nil {
		m.unreadable(err)
		return
	}
	if id, dev := m.speaker(name); dev == nil {
		m.refuse(-1, id, m.raw.At, UnknownDevice, "the sender speaks for itself alone, not for "+clip(name), 1)
		return
	}
	m.describe()
	m.out.Body = append([]byte(nil), m.raw.Payload...)
}

// influx takes line protocol. The level behind influx is the precision of its
// stamps, as HTTP has it; behind "topic" is what a client published on.
func (m *message) influx(topic string) {
	unit, _, _ := strings.Cut(topic, "/")
	if unit == "topic" {
		unit = ""
	}
	precision, err := influx.ParsePrecision(unit)
	if err != nil {
		m.refuse(-1, m.raw.From, m.raw.At, UnknownTopic, err.Error(), 1)
		return
	}
	lines, err := influx.Decode(m.raw.Payload, precision)
	if err != nil {
		m.unreadable(err)
		return
	}
	owner := influx.Owner{ID: m.raw.From, Kind: m.kind(m.raw.From), Speaks: m.sender.speaks}
	for i := range lines {
		if !m.skipped(i) {
			m.line(i, &lines[i], owner)
		}
	}
	m.describe()
}

func (m *message) line(i int, l *influx.Line, o influx.Owner) {
	s, err := codec.Sample{}, l.Err
	if err == nil {
		s, err = l.Sample(o)
	}
	if err != nil {
		m.refuse(i, m.raw.From, m.raw.At, string(codec.CauseOf(err)), fmt.Sprintf("line %d: %v", l.Number, err), 1)
		return
	}
	m.sample(i, &s)
}

// kind is what a device measures, as far as is known.
func (m *message) kind(id devices.ID) string {
	if dev := m.devices[id]; dev != nil {
		return dev.kind
	}
	return ""
}

// senml takes packs of RFC 8428.
func (m *message) senml(string) {
	records, err := senml.Read(m.raw.Payload, m.raw.At)
	var all []codec.Sample
	if err == nil {
		all, err = senml.Samples(records, m.sender.speaks)
	}
	if err != nil {
		m.unreadable(err)
		return
	}
	m.samples(all)
}

// tasmota takes telemetry, states, and whether the device is there. What it
// says of itself for discovery, and what it hears, is handed on as it came.
func (m *message) tasmota(topic string) {
	if side, _, _ := strings.Cut(topic, "/"); side != "tele" && side != "stat" {
		m.out.Body = append([]byte(nil), m.raw.Payload...)
		return
	}
	told, err := tasmota.Read(topic, m.raw.Payload)
	switch {
	case err != nil:
		m.unreadable(err)
	case told.Presence:
		m.out.Presence = &wire.Presence{V: wire.Version, Online: told.Online}
	default:
		m.samples([]codec.Sample{told.Sample})
	}
}

// homeassistant takes announcements and the states that they announced. A
// message that none announced is nobody's reading.
func (m *message) homeassistant(topic string) {
	home, _ := m.sender.memory["ha"].(*homeassistant.Home)
	if home == nil {
		home = homeassistant.New()
		m.sender.remember("ha", home)
	}
	side, name, _ := strings.Cut(topic, "/")
	if side == "discovery" {
		announced, err := home.Announce(name, m.raw.Payload, m.sender.speaks)
		if err != nil {
			m.unreadable(err)
		} else if announced {
			m.out.Body = append([]byte(nil), m.raw.Payload...) // it may say what can be set, too
		}
		if announced {
			return
		}
		name = "homeassistant/" + name // states may stand below the prefix, too
	}
	told, err := home.Read(name, m.raw.Payload)
	if err != nil {
		m.unreadable(err)
		return
	}
	if told.Presence {
		m.out.Presence = &wire.Presence{V: wire.Version, Online: told.Online}
	}
	if !told.Known {
		m.count(m.raw.From, m.raw.At, Expired, undeclared, 1)
	}
	m.samples(told.Samples)
}

// undeclared is the cause under which a message ends that no announcement
// explains.
const undeclared = "undeclared"

// sparkplug takes the messages of an edge node. Its devices have their ids from
// the node's; one that is gone has a point of bad quality.
func (m *message) sparkplug(topic string) {
	node, _ := m.sender.memory["spb"].(*sparkplug.Node)
	if node == nil {
		node = sparkplug.New()
		m.sender.remember("spb", node)
	}
	kind, device, _ := strings.Cut(topic, "/")
	told, err := node.Take(sparkplug.Message{Kind: kind, Device: device, Body: m.raw.Payload, Number: m.number, At: m.raw.At, Replay: m.replay != nil})
	if told.Rebirth {
		m.answer("spb/NCMD", sparkplug.RebirthCommand(m.raw.At))
	}
	if err != nil {
		m.unreadable(err)
		return
	}
	if !m.raw.Will {
		m.heard(told.Now)
	}
	if kind == sparkplug.NBirth || kind == sparkplug.DBirth {
		m.out.Body = append([]byte(nil), m.raw.Payload...) // it may say what can be set, too
	}
	if told.Presence {
		m.out.Presence = &wire.Presence{V: wire.Version, Online: told.Online}
	}
	m.samples(told.Samples)
	for _, gone := range told.Dead {
		m.gone(gone, told.Now)
	}
}

// gone notes that a device of a node has ended.
func (m *message) gone(name string, at telemetry.Millis) {
	id, dev := m.speaker(name)
	if dev == nil {
		return // its birth was refused
	}
	event, basis, ok := m.when(-1, id, 0, at)
	if !ok {
		return
	}
	m.point(-1, dev, telemetry.Point{Device: id, Kind: dev.kind, At: event, Basis: basis, Quality: telemetry.Bad, Key: m.key("", 0, 0)}, m.hour(at), nil)
}
