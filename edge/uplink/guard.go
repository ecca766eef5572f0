package uplink

import (
	"fmt"
	"net"
	"time"
)

// maxPacket is the longest packet a hub may send us. paho would believe any
// length and allocate up to 256 MB for it.
const maxPacket = 1 << 20

// guard reads along on a connection and ends it before a packet reaches paho
// that would make it allocate without measure or panic. It also ends one on
// which nothing comes for longer than a hub that is there keeps silent, and one
// that takes nothing: paho writes its pings without a deadline.
type guard struct {
	net.Conn
	silence time.Duration // longest, by then an answer to a ping is late
	kind    byte          // of the packet being read; 0 = its first byte is next
	length  uint32        // as far as read
	shift   uint          // of the next length byte
	body    uint32        // bytes of the packet still to come
}

func (g *guard) Read(p []byte) (int, error) {
	if err := g.SetReadDeadline(time.Now().Add(g.silence)); err != nil {
		return 0, err
	}
	n, err := g.Conn.Read(p)
	if bad := g.inspect(p[:n]); bad != nil {
		g.Conn.Close()
		return 0, bad
	}
	return n, err
}

func (g *guard) Write(p []byte) (int, error) {
	if err := g.SetWriteDeadline(time.Now().Add(writeTimeout)); err != nil {
		return 0, err
	}
	return g.Conn.Write(p)
}

func (g *guard) inspect(p []byte) error {
	for len(p) > 0 {
		switch {
		case g.body > 0:
			skip := min(uint32(len(p)), g.body)
			g.body -= skip
			p = p[skip:]
		case g.kind == 0:
			g.kind, g.length, g.shift = p[0], 0, 0
			p = p[1:]
			if g.kind>>4 == 0 {
				return fmt.Errorf("hub sent a packet of type 0")
			}
		default:
			g.length |= uint32(p[0]&0x7F) << g.shift
			g.shift += 7
			more := p[0]&0x80 != 0
			p = p[1:]
			if more && g.shift < 28 {
				continue
			}
			if err := sound(g.kind>>4, g.length); err != nil || more {
				return fmt.Errorf("hub sent a malformed packet: %w", err)
			}
			g.body, g.kind = g.length, 0
		}
	}
	return nil
}

// sound checks the length of the packets that a server may send (MQTT 3.1.1,
// 3.2, 3.3, 3.4 to 3.7, 3.9, 3.11, 3.13). A SUBACK answers one filter, ours.
func sound(kind byte, length uint32) error {
	fixed := map[byte]uint32{2: 2, 4: 2, 5: 2, 6: 2, 7: 2, 9: 3, 11: 2, 13: 0}
	want, ok := fixed[kind]
	switch {
	case kind == 3 && length >= 2 && length <= maxPacket, ok && length == want:
		return nil
	case kind == 3:
		return fmt.Errorf("message of %d bytes, want 2 to %d", length, maxPacket)
	}
	return fmt.Errorf("type %d with %d bytes", kind, length)
}
