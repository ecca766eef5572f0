// Package mqtt writes the few MQTT 3.1.1 frames that a load needs, by hand: a
// client library would cost more than the broker that is measured. It leaves
// out reading, and everything that a publisher does not send.
package mqtt

// Keepalive is what Connect asks for, in seconds.
const Keepalive = 60

// Connect returns a CONNECT with a clean session. An empty user or password is
// left out.
func Connect(id, user, password string) []byte {
	flags := byte(2)
	body := []byte{0, 4, 'M', 'Q', 'T', 'T', 4, 0, 0, Keepalive}
	body = AppendString(body, id)
	if user != "" {
		flags |= 0x80
		body = AppendString(body, user)
	}
	if password != "" {
		flags |= 0x40
		body = AppendString(body, password)
	}
	body[7] = flags
	return AppendFrame(nil, 0x10, body)
}

// Publish is the first byte of a PUBLISH of this QoS. Its body is the topic as
// AppendString writes it, with QoS 1 the packet id in two bytes, then the
// payload.
func Publish(qos int) byte { return 0x30 | byte(qos)<<1 }

// Accepted reports whether b is the CONNACK that lets a client in.
func Accepted(b [4]byte) bool { return b[0] == 0x20 && b[3] == 0 }

// Acknowledged returns the packet id of a PUBACK.
func Acknowledged(b [4]byte) (id int, ok bool) { return int(b[2])<<8 | int(b[3]), b[0] == 0x40 }

// AppendFrame appends a packet: its first byte, the length of its body, and
// that.
func AppendFrame(b []byte, first byte, body []byte) []byte {
	b = append(b, first)
	n := len(body)
	for ; n >= 0x80; n >>= 7 {
		b = append(b, byte(n)|0x80)
	}
	return append(append(b, byte(n)), body...)
}

// AppendString appends a text behind its length.
func AppendString(b []byte, s string) []byte {
	return append(append(b, byte(len(s)>>8), byte(len(s))), s...)
}
