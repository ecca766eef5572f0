package broker

import (
	"encoding/binary"
	"errors"
)

// MQTT control packet types (MQTT 5.0, 2.1.2).
const (
	typeConnect     = 1
	typeConnack     = 2
	typePublish     = 3
	typePuback      = 4
	typePubrec      = 5
	typePubrel      = 6
	typePubcomp     = 7
	typeSubscribe   = 8
	typeSuback      = 9
	typeUnsubscribe = 10
	typeUnsuback    = 11
	typePingreq     = 12
	typeDisconnect  = 14
	typeAuth        = 15
)

var (
	errMalformed = errors.New("malformed packet")
	errTooLarge  = errors.New("packet too large")
	errProtocol  = errors.New("protocol error")
	errAlias     = errors.New("topic alias not offered")
)

// A frame is one control packet. Its body is valid until the next is read.
type frame struct {
	head byte
	body []byte
}

func (f frame) kind() byte { return f.head >> 4 }

// validHead reports whether the flags of a fixed header are the ones its type
// demands (MQTT 5.0, 2.1.3) and a client may send it at all.
func validHead(head byte) bool {
	flags := head & 0x0f
	switch head >> 4 {
	case typePublish:
		qos := flags >> 1 & 3
		return qos < 3 && (qos > 0 || flags&8 == 0) // DUP means nothing at QoS 0
	case typePubrel, typeSubscribe, typeUnsubscribe:
		return flags == 2
	case typeConnect, typePuback, typePubrec, typePubcomp, typePingreq, typeDisconnect, typeAuth:
		return flags == 0
	}
	return false
}

// split looks for one whole frame at the start of b. It returns the frame and
// its length, or the length that must be buffered before trying again (0: not
// even the header is complete). No frame larger than max is ever waited for.
func split(b []byte, max int) (f frame, size int, whole bool, err error) {
	if len(b) == 0 {
		return frame{}, 0, false, nil
	}
	if !validHead(b[0]) {
		return frame{}, 0, false, errMalformed
	}
	n, width, err := varint(b[1:])
	if err != nil || width == 0 {
		return frame{}, 0, false, err
	}
	size = 1 + width + n
	if size > max {
		return frame{}, 0, false, errTooLarge
	}
	if len(b) < size {
		return frame{}, size, false, nil
	}
	return frame{b[0], b[1+width : size]}, size, true, nil
}

// varint decodes a variable byte integer (MQTT 5.0, 1.5.5) and says how many
// bytes it took; 0 when b ends within it.
func varint(b []byte) (n, width int, err error) {
	for i := range min(len(b), 4) {
		n |= int(b[i]&0x7f) << (7 * i)
		if b[i] < 0x80 {
			return n, i + 1, nil
		}
	}
	if len(b) >= 4 {
		return 0, 0, errMalformed
	}
	return 0, 0, nil
}

// appendVarint appends n as a variable byte integer.
func appendVarint(b []byte, n int) []byte {
	for n >= 0x80 {
		b = append(b, byte(n)|0x80)
		n >>= 7
	}
	return append(b, byte(n))
}

// A publish is the content of a PUBLISH frame, pointing into its body.
type publish struct {
	topic   []byte
	payload []byte
	id      uint16 // 0 at QoS 0
	qos     byte
	retain  bool
	dup     bool
}

// parsePublish takes a PUBLISH apart (MQTT 5.0, 3.3). It allocates nothing.
func parsePublish(f frame, v5 bool) (p publish, err error) {
	p.qos, p.retain, p.dup = f.head>>1&3, f.head&1 != 0, f.head&8 != 0
	var b []byte
	if p.topic, b, err = takeBytes(f.body); err != nil {
		return p, err
	}
	if p.qos > 0 {
		if len(b) < 2 {
			return p, errMalformed
		}
		if p.id = binary.BigEndian.Uint16(b); p.id == 0 { // [MQTT-2.2.1-3]
			return p, errProtocol
		}
		b = b[2:]
	}
	if v5 {
		if b, err = skipPublishProperties(b); err != nil {
			return p, err
		}
	}
	p.payload = b
	return p, nil
}

// takeBytes splits length-prefixed bytes off b.
func takeBytes(b []byte) (field, rest []byte, err error) {
	if len(b) < 2 {
		return nil, nil, errMalformed
	}
	n := int(binary.BigEndian.Uint16(b))
	if len(b) < 2+n {
		return nil, nil, errMalformed
	}
	return b[2 : 2+n], b[2+n:], nil
}

// skipPublishProperties checks the property section of a PUBLISH and returns
// what follows. We read none of them; a topic alias was never offered.
func skipPublishProperties(b []byte) ([]byte, error) {
	n, width, err := varint(b)
	if err != nil || width == 0 || len(b) < width+n {
		return nil, errMalformed
	}
	props, rest := b[width:width+n], b[width+n:]
	for len(props) > 0 {
		id := props[0]
		if id == 0x23 {
			return nil, errAlias
		}
		if props, err = skipProperty(id, props[1:]); err != nil {
			return nil, err
		}
	}
	return rest, nil
}

// skipProperty steps over the value of one PUBLISH property (MQTT 5.0, 3.3.2.3).
func skipProperty(id byte, b []byte) (rest []byte, err error) {
	fixed := 0
	switch id {
	case 0x01: // payload format
		fixed = 1
	case 0x02: // message expiry
		fixed = 4
	case 0x03, 0x08, 0x09: // content type, response topic, correlation data
		_, rest, err = takeBytes(b)
		return rest, err
	case 0x26: // user property
		if _, rest, err = takeBytes(b); err == nil {
			_, rest, err = takeBytes(rest)
		}
		return rest, err
	default: // a subscription identifier, too, is the server's alone to send
		return nil, errProtocol
	}
	if len(b) < fixed {
		return nil, errMalformed
	}
	return b[fixed:], nil
}

// packetID reads the identifier that begins the body of an acknowledgement,
// and its reason code if it has one (0 otherwise).
func packetID(body []byte) (id uint16, reason byte, err error) {
	if len(body) < 2 {
		return 0, 0, errMalformed
	}
	if len(body) > 2 {
		reason = body[2]
	}
	return binary.BigEndian.Uint16(body), reason, nil
}

// appendAck appends an acknowledgement of kind for id. Reason 0 has a form of
// its own that both versions understand.
func appendAck(b []byte, kind byte, id uint16, reason byte) []byte {
	head := kind << 4
	if kind == typePubrel {
		head |= 2
	}
	if reason == 0 {
		return append(b, head, 2, byte(id>>8), byte(id))
	}
	return append(b, head, 3, byte(id>>8), byte(id), reason)
}
