package broker

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"

	mqtt "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/packets"

	"gridhub/devices"
)

// defaultPeerMaximum is how many QoS 1 and 2 messages may be on their way to a
// client that names no limit: enough for speed, few enough that a client that
// reads slowly is not cut off.
const defaultPeerMaximum = 64

// outbound is the way to one client. Messages wait in the library's in-flight
// map; what is not written yet stands in unsent, in order. It honours the
// client's receive maximum itself: the library forgets messages it held back
// and stops for ever once they are acknowledged.
type outbound struct {
	mu     sync.Mutex
	conn   *conn // nil while offline or not yet welcomed
	client *mqtt.Client
	unsent []uint16
	open   int           // written, not yet acknowledged
	bytes  int           // payloads in the in-flight map
	seq    int64         // numbers messages, for redelivery in order
	total  *atomic.Int64 // bytes of all sessions
}

// hold counts n more bytes (fewer if negative).
func (o *outbound) hold(n int) {
	o.bytes += n
	o.total.Add(int64(n))
}

// Send publishes payload on gh/1/<to>/down/<kind>. It never waits for the
// receiver. ErrNoSession, ErrNotSubscribed and ErrQueueFull mean that nothing
// was or will be delivered; nil at QoS 1 and 2 that it will be while the
// session lives, at QoS 0 that it was written to the connection's queue.
func (b *Broker) Send(to devices.ID, kind string, payload []byte, qos byte) error {
	topic := downPrefix(to) + kind
	if qos > 2 || !validTopic([]byte(topic)) || !withinLimits([]byte(topic)) {
		return fmt.Errorf("broker: cannot send %q at QoS %d", topic, qos)
	}
	if len(payload)+len(topic)+16 > b.cfg.MaxPacket {
		return fmt.Errorf("broker: payload for %s is %d bytes: want at most %d", to, len(payload), b.cfg.MaxPacket)
	}
	r := b.identities
	r.mu.Lock()
	s := r.sessions[to]
	r.mu.Unlock()
	if s == nil {
		return ErrNoSession
	}
	sub, ok := r.library.Topics.Subscribers(topic).Subscriptions[string(to)]
	if !ok {
		return ErrNotSubscribed
	}
	err := s.outbound.send(packets.Packet{
		FixedHeader: packets.FixedHeader{Type: packets.Publish, Qos: min(qos, sub.Qos)},
		TopicName:   topic,
		Payload:     slices.Clone(payload),
		Properties:  packets.Properties{SubscriptionIdentifier: slices.Sorted(maps.Values(sub.Identifiers))}, // [MQTT-3.3.4-3]
	}, b.cfg)
	if err != nil {
		b.stats.Unsent.Add(1)
		return err
	}
	b.stats.Sent.Add(1)
	return nil
}

func (o *outbound) send(pk packets.Packet, cfg Config) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if pk.FixedHeader.Qos == 0 {
		if o.conn == nil {
			return ErrNoSession
		}
		return o.client.WritePacket(pk)
	}
	if o.client == nil {
		return ErrNoSession
	}
	if o.client.State.Inflight.Len() >= cfg.SessionQueue || o.bytes+len(pk.Payload) > cfg.SessionBytes ||
		o.total.Load() > int64(cfg.AllSessionBytes) {
		return ErrQueueFull
	}
	id, err := o.client.NextPacketID()
	if err != nil {
		return ErrQueueFull
	}
	o.seq++
	pk.PacketID, pk.Created = uint16(id), o.seq
	o.client.State.Inflight.Set(pk)
	o.hold(len(pk.Payload))
	o.unsent = append(o.unsent, pk.PacketID)
	return o.pump()
}

// pump writes what the client's receive maximum allows.
func (o *outbound) pump() error {
	for o.conn != nil && o.open < o.conn.peerMaximum && len(o.unsent) > 0 {
		id := o.unsent[0]
		pk, ok := o.client.State.Inflight.Get(id)
		if !ok {
			o.unsent = o.unsent[1:]
			continue
		}
		err := o.client.WritePacket(pk)
		if errors.Is(err, packets.ErrPacketTooLarge) { // for this client [MQTT-3.1.2-24]
			o.unsent = o.unsent[1:]
			o.drop(id)
			return fmt.Errorf("broker: %w for %s", err, o.client.ID)
		}
		if err != nil {
			return nil // the connection is ending; the next one gets it
		}
		o.unsent = o.unsent[1:]
		o.open++
		pk.FixedHeader.Dup = true // from now on [MQTT-3.3.1-1]
		o.client.State.Inflight.Set(pk)
	}
	return nil
}

// drop forgets message id and reports whether it was there.
func (o *outbound) drop(id uint16) bool {
	pk, ok := o.client.State.Inflight.Get(id)
	if ok {
		o.hold(-len(pk.Payload))
		o.client.State.Inflight.Delete(id)
	}
	return ok
}

// acknowledged handles PUBACK, PUBREC and PUBCOMP for what we sent.
func (c *conn) acknowledged(f frame) error {
	if c.anonymous {
		return c.pass(f)
	}
	id, reason, err := packetID(f.body)
	if err != nil {
		return err
	}
	o := &c.session.outbound
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.conn != c {
		return nil
	}
	if f.kind() == typePubrec && reason < 0x80 {
		return o.releaseTo(c, f, id)
	}
	if o.drop(id) {
		o.open--
	}
	return o.pump()
}

// releaseTo answers PUBREC with PUBREL; the message itself is no longer needed.
func (o *outbound) releaseTo(c *conn, f frame, id uint16) error {
	pk, err := decode(f, c.version())
	if err != nil {
		return err
	}
	if was, ok := c.client.State.Inflight.Get(id); ok {
		o.hold(-len(was.Payload))
	}
	return c.inject(pk)
}

// resume connects the client: CONNACK first, then what waited, in order.
func (o *outbound) resume(c *conn, connack []byte) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.conn, o.client, o.open = c, c.client, 0
	c.send(connack...)
	waiting := o.client.State.Inflight.GetAll(false)
	slices.SortFunc(waiting, func(a, b packets.Packet) int { return cmp.Compare(a.Created, b.Created) })
	o.unsent = o.unsent[:0]
	o.hold(-o.bytes)
	for _, pk := range waiting {
		if pk.FixedHeader.Type == packets.Pubrel {
			_ = o.client.WritePacket(pk)
			o.open++
			continue
		}
		o.hold(len(pk.Payload))
		o.unsent = append(o.unsent, pk.PacketID)
	}
	_ = o.pump()
}

func (o *outbound) pause() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.conn = nil
}

func (o *outbound) clear() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.conn, o.client, o.unsent, o.open = nil, nil, nil, 0
	o.hold(-o.bytes)
}
