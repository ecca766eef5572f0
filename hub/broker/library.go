package broker

import (
	"fmt"
	"io"
	"log/slog"
	"net"
	"time"

	mqtt "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/packets"
)

// This file is where the library is made, spoken to and kept in its place. It
// has no listener, reads no socket and runs no loop: it keeps subscriptions
// and outbound messages, and encodes what leaves.

// newLibrary returns a server for one realm.
func newLibrary(cfg Config, anonymous bool) *mqtt.Server {
	caps := mqtt.NewDefaultServerCapabilities()
	caps.MaximumMessageExpiryInterval = 0 // nothing is deleted by wall clock; state lives in the store
	caps.MaximumPacketSize = uint32(cfg.MaxPacket)
	caps.ReceiveMaximum = uint16(cfg.ReceiveMaximum)
	caps.MaximumInflight = uint16(cfg.SessionQueue)
	caps.MaximumSessionExpiryInterval = uint32(cfg.SessionExpiry / time.Second)
	caps.TopicAliasMaximum = 0
	caps.MaximumClientWritesPending = 1 // unused: Send writes by itself
	if anonymous {
		caps.TopicAliasMaximum = 10
		caps.MaximumClientWritesPending = 1024
		caps.Compatibilities.ObscureNotAuthorized = true
		caps.Compatibilities.PassiveClientDisconnect = true
		caps.Compatibilities.NoInheritedPropertiesOnAck = true
	}
	return mqtt.New(&mqtt.Options{
		Capabilities:            caps,
		ClientNetReadBufferSize: 16, // never read from
		Logger:                  slog.New(slog.DiscardHandler),
		InlineClient:            anonymous,
	})
}

// decode takes f apart with the library's decoders, on a copy (they keep
// pointers into it). They may panic on a packet that ends early: SUBSCRIBE cut
// before its options byte does.
func decode(f frame, version byte) (pk packets.Packet, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%w: %v", errMalformed, p)
		}
	}()
	pk.ProtocolVersion = version
	pk.FixedHeader.Remaining = len(f.body)
	if err := pk.FixedHeader.Decode(f.head); err != nil {
		return pk, errMalformed
	}
	body := append([]byte(nil), f.body...)
	switch f.kind() {
	case typeConnect:
		err = pk.ConnectDecode(body)
	case typePublish:
		err = pk.PublishDecode(body)
	case typePuback:
		err = pk.PubackDecode(body)
	case typePubrec:
		err = pk.PubrecDecode(body)
	case typePubrel:
		err = pk.PubrelDecode(body)
	case typePubcomp:
		err = pk.PubcompDecode(body)
	case typeSubscribe:
		err = pk.SubscribeDecode(body)
	case typeUnsubscribe:
		err = pk.UnsubscribeDecode(body)
	case typeDisconnect:
		err = pk.DisconnectDecode(body)
	case typeAuth:
		err = pk.AuthDecode(body)
	}
	if err != nil {
		err = fmt.Errorf("%w: %v", errMalformed, err)
	}
	return pk, err
}

// version returns what the library calls the client's protocol.
func (c *conn) version() byte { return c.client.Properties.ProtocolVersion }

// inject hands a checked packet to the library.
func (c *conn) inject(pk packets.Packet) error {
	err := c.realm.library.InjectPacket(c.client, pk)
	if err != nil {
		return fmt.Errorf("%w: %v", errProtocol, err)
	}
	return nil
}

// wire is the connection as the library sees it: something to write to.
type wire struct{ *conn }

// Write queues p; it never blocks.
func (w wire) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.dead || w.closing {
		return 0, net.ErrClosed
	}
	w.enqueueLocked(func(b []byte) []byte { return append(b, p...) })
	w.flushLocked()
	return len(p), nil
}

// Close lets what was written go out first.
func (w wire) Close() error {
	w.closeAfterWrite("library")
	return nil
}

func (w wire) Read([]byte) (int, error)         { return 0, io.EOF }
func (w wire) LocalAddr() net.Addr              { return w.nc.LocalAddr() }
func (w wire) RemoteAddr() net.Addr             { return w.nc.RemoteAddr() }
func (w wire) SetDeadline(time.Time) error      { return nil } // deadlines are the guard's
func (w wire) SetReadDeadline(time.Time) error  { return nil }
func (w wire) SetWriteDeadline(time.Time) error { return nil }

// connOf finds the connection behind a library client.
func connOf(cl *mqtt.Client) *conn {
	if w, ok := cl.Net.Conn.(wire); ok {
		return w.conn
	}
	return nil
}

// rights is the only hook: what may be read, and the last touch on what leaves.
type rights struct {
	mqtt.HookBase
	b         *Broker
	anonymous bool
}

func (*rights) ID() string { return "rights" }

func (*rights) Provides(b byte) bool {
	return b == mqtt.OnACLCheck || b == mqtt.OnPacketEncode || b == mqtt.OnPublishDropped
}

// OnACLCheck denies by default. It is asked for every filter of a SUBSCRIBE
// and, in the conformance realm alone, for publishes and deliveries.
func (r *rights) OnACLCheck(cl *mqtt.Client, topic string, write bool) bool {
	if r.anonymous {
		return topic != "test/nosubscribe" && withinLimits([]byte(topic))
	}
	c := connOf(cl)
	if c == nil || write {
		return false
	}
	if !mayRead(c.id, topic) {
		r.b.refused(c, "subscribe", topic, "filter")
		return false
	}
	_, had := cl.State.Subscriptions.Get(topic)
	if !had && cl.State.Subscriptions.Len() >= r.b.cfg.MaxSubscriptions {
		r.b.refused(c, "subscribe", topic, "too-many")
		return false
	}
	return true
}

// OnPacketEncode puts back the packet id that subscribe hid from the library,
// and gives a foreign client its own topics.
func (r *rights) OnPacketEncode(cl *mqtt.Client, pk packets.Packet) packets.Packet {
	c := connOf(cl)
	if c == nil {
		return pk
	}
	switch pk.FixedHeader.Type {
	case packets.Suback, packets.Unsuback:
		pk.PacketID = c.requestID
	case packets.Publish:
		if c.conv != nil {
			if topic, ok := c.conv.outward(c.down, pk.TopicName); ok {
				pk.TopicName = topic
			}
		}
	}
	return pk
}

// OnPublishDropped counts what the library gave up on.
func (r *rights) OnPublishDropped(*mqtt.Client, packets.Packet) { r.b.stats.Dropped.Add(1) }
