package broker

import (
	"time"

	mqtt "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/packets"

	"gridhub/devices"
)

// A will is what the broker publishes for a client that vanished. The library
// never hears of it: it would publish without asking anybody.
type will struct {
	id      string
	topic   string // canonical
	below   string
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
	w.topic, w.below, w.kind = c.msg.Topic, c.msg.Below, c.msg.Kind
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

// delayWill publishes the session's will after d, unless the client returns.
func (r *realm) delayWill(s *session, d time.Duration) {
	w := s.will
	r.b.delays.Add(1)
	s.delayed = time.AfterFunc(d, func() {
		defer r.b.delays.Done()
		r.mu.Lock()
		mine := s.will == w && s.conn == nil
		if mine {
			s.will, s.delayed = nil, nil
		}
		r.mu.Unlock()
		if mine {
			w.release(r)
		}
	})
}

// undelay stops the timer of a will that waits.
func (r *realm) undelay(s *session) {
	if s.delayed != nil && s.delayed.Stop() {
		r.b.delays.Done()
	}
	s.delayed = nil
}

// end publishes every will that still waits: the sessions end with the broker
// [MQTT-3.1.3-9].
func (r *realm) end() {
	r.mu.Lock()
	var due []*will
	for _, s := range r.sessions {
		if s.delayed != nil && s.will != nil {
			due = append(due, s.will)
		}
		r.undelay(s)
		s.will = nil
	}
	r.mu.Unlock()
	for _, w := range due {
		w.release(r)
	}
}

// disown drops the will of a client that says goodbye.
func (r *realm) disown(c *conn) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if c.session.conn == c {
		c.session.will = nil
	}
}

// publishInline gives the library a message of nobody's, in the conformance
// realm only.
func (r *realm) publishInline(pk packets.Packet) {
	if cl, ok := r.library.Clients.Get(mqtt.InlineClientId); ok {
		_ = r.library.InjectPacket(cl, pk)
	}
}

// publishWill hands a will to the sink. It was checked when it was left.
func (b *Broker) publishWill(w *will) {
	size := len(w.payload)
	b.budget.used.Add(int64(size)) // never waits: wills are few and small
	b.stats.Wills.Add(1)
	m := Message{From: devices.ID(w.id), Topic: w.topic, Below: w.below, Kind: w.kind, Payload: w.payload,
		QoS: w.qos, Retain: w.retain, Will: true, At: b.now()}
	b.sink.Accept(&m, Ack{c: w.from, size: int32(size)})
}
