package broker

import (
	"errors"
	"fmt"

	"github.com/mochi-mqtt/server/v2/packets"
)

// subscribe handles SUBSCRIBE and UNSUBSCRIBE: filters are bounded and put into
// our topics before the library sees them; rights decides on each.
func (c *conn) subscribe(f frame) error {
	pk, err := decode(f, c.version())
	if err != nil {
		return err
	}
	if pk.PacketID == 0 || len(pk.Filters) == 0 { // [MQTT-2.2.1-3] [MQTT-3.8.3-2]
		return errProtocol
	}
	if len(pk.Filters) > c.b.cfg.MaxSubscriptions {
		return fmt.Errorf("%w: %d filters in one packet", errProtocol, len(pk.Filters))
	}
	for i := range pk.Filters {
		if err := c.bound(f.kind(), &pk.Filters[i]); err != nil {
			return err
		}
	}
	// The library refuses a packet id that one of its own messages to this
	// client has; the two number spaces have nothing to do with each other. So
	// it gets id 0, which no message has, and rights puts ours into the answer.
	c.requestID, pk.PacketID, pk.FixedHeader.Qos = pk.PacketID, 0, 0
	return c.process(pk)
}

// bound keeps large filters away from the library, and translates foreign ones.
// A SUBSCRIBE for one is refused by rights; an UNSUBSCRIBE, which asks nobody,
// is turned to nothing.
func (c *conn) bound(kind byte, s *packets.Subscription) error {
	if !withinLimits([]byte(s.Filter)) {
		c.b.refused(c, "subscribe", s.Filter, causeTopic)
		if kind == typeUnsubscribe {
			return errProtocol
		}
		s.Filter = "\x00" // valid nowhere
		return nil
	}
	if c.conv != nil {
		filter, ok := c.conv.inward(c.down, s.Filter)
		if !ok {
			filter = "\x00"
		}
		s.Filter = filter
	}
	return nil
}

// pass gives a frame of the conformance realm to the library.
func (c *conn) pass(f frame) error {
	pk, err := decode(f, c.version())
	if err != nil {
		return err
	}
	if f.kind() == typePublish && !withinLimits([]byte(pk.TopicName)) {
		return errProtocol
	}
	if pk.FixedHeader.Retain && c.realm.library.Topics.Retained.Len() >= maxRetained {
		pk.FixedHeader.Retain = false
	}
	return c.process(pk)
}

// maxRetained bounds the retained messages of the conformance realm; further
// ones are delivered but not kept. The realm of identities keeps none.
const maxRetained = 1000

// process has the library handle pk; a version 5 client hears why it fails.
func (c *conn) process(pk packets.Packet) error {
	err := c.realm.library.InjectPacket(c.client, pk)
	var code packets.Code
	if errors.As(err, &code) && c.v5 && code.Code >= 0x80 {
		return &libraryError{code}
	}
	if err != nil {
		return fmt.Errorf("%w: %v", errProtocol, err)
	}
	return nil
}

// libraryError is a version 5 reason for which the library ends a connection.
type libraryError struct{ code packets.Code }

func (e *libraryError) Error() string { return e.code.Reason }

// disconnected handles DISCONNECT: the will is dropped unless the client wants
// it, and version 5 may change how long the session lives.
func (c *conn) disconnected(f frame) error {
	pk, err := decode(f, c.version())
	if err != nil {
		return err
	}
	if pk.Properties.SessionExpiryIntervalFlag {
		wish := pk.Properties.SessionExpiryInterval
		if wish > 0 && c.expiry == 0 { // [MQTT-3.14.2-2]
			return errProtocol
		}
		asked := packets.Packet{Properties: packets.Properties{SessionExpiryInterval: wish}}
		c.expiry = c.realm.expiryOf(c, &asked)
	}
	withWill := c.v5 && len(f.body) > 0 && f.body[0] == 0x04 // the library skips a reason without properties
	if !withWill {
		c.realm.disown(c)
	}
	return errPolite
}
