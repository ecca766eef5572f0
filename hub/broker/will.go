package broker

import (
	"time"

	"github.com/mochi-mqtt/server/v2/packets"
)

// A will is what the broker publishes for a client that vanished. The library
// never hears of it: it would publish without asking anybody.
type will struct {
	id      string
	topic   string // canonical
	kind    string
	payload []byte
	qos     byte
	retain  bool
	delay   time.Duration
	from    *conn
	packet  packets.Packet // conformance realm: what the library is given when it is due
}

// takeWill takes the will out of CONNECT and checks it like a publish.
func (c *conn) takeWill(pk *packets.Packet) error {
	con := &pk.Connect
	if !con.WillFlag {
		if con.WillRetain || con.WillQos > 0 { // [MQTT-3.1.2-11] [MQTT-3.1.2-13]
			return errProtocol
		}
		return nil
	}
	if con.WillQos > 2 { // [MQTT-3.1.2-12]
		return errProtocol
	}
	w := &will{id: pk.Connect.ClientIdentifier, payload: con.WillPayload, qos: con.WillQos, retain: con.WillRetain,
		delay: time.Duration(con.WillProperties.WillDelayInterval) * time.Second, from: c}
	if err := c.aimWill(w, con.WillTopic); err != nil {
		c.b.refused(c, "will", con.WillTopic, causeTopic)
		return err
	}
	if c.anonymous {
		w.packet = packets.Packet{
			FixedHeader: packets.FixedHeader{Type: packets.Publish, Qos: w.qos, Retain: w.retain},
			TopicName:   w.topic, Payload: w.payload, PacketID: uint16(w.qos), Origin: w.id,
			Properties: packets.Properties{User: con.WillProperties.User},
		}
	}
	con.WillFlag, con.WillRetain, con.WillQos, con.WillTopic, con.WillPayload = false, false, 0, "", nil
	c.will = w
	return nil
}

// aimWill finds where the will goes; outside the client's own tree the whole
// CONNECT is refused.
func (c *conn) aimWill(w *will, topic string) error {
	notYours := &refusedConnect{c.v5, codeNotAuthorized, "will", errProtocol}
	if !validTopic([]byte(topic)) || !withinLimits([]byte(topic)) {
		return notYours
	}
	if c.anonymous {
		w.topic = topic
		return nil
	}
	if err := c.aim([]byte(topic)); err != nil || c.msg.Refused != "" {
		return notYours
	}
	w.topic, w.kind = c.msg.Topic, c.msg.Kind
	return nil
}

// release publishes the will now.
func (w *will) release(r *realm) {
	if w.packet.FixedHeader.Type == packets.Publish {
		r.publishInline(w.packet)
		return
	}
	r.b.publishWill(w)
}
