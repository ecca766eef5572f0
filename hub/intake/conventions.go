package intake

import (
	"fmt"
	"strings"

	"gridhub/devices"
	"gridhub/devices/codec"
	"gridhub/devices/codec/influx"
	"gridhub/devices/codec/thingsboard"
	"gridhub/devices/wire"
)

// conventions read what is behind the first level of a topic that the broker
// has put into the sender's tree.
var conventions = map[string]func(m *message, topic string){
	"tb":     (*message).thingsboard,
	"influx": (*message).influx,
}

// restore brings back what a convention remembered.
func restore(kind string, _ []byte) (memory, error) {
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
