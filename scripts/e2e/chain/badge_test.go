package chain_test

import (
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"testing"
	"time"

	"gridhub/devices/codec/jt808"
	"gridhub/devices/telemetry"
)

// phone is the number of the terminal, as JT/T 808 has it.
const phone = "13912344329"

// badge is a terminal that speaks JT/T 808 on a connection of its own.
type badge struct {
	t      testing.TB
	conn   net.Conn
	serial uint16
	buf    []byte
	second telemetry.Millis // of its clock: each position is one later
	sent   int
}

// dialBadge connects a terminal whose clock stands at begin, and signs it on.
func dialBadge(t testing.TB, address string, begin telemetry.Millis) *badge {
	t.Helper()
	b := &badge{t: t, second: (begin + 999) / 1000 * 1000} // stamps have seconds
	eventually(t, "the gateway's port for terminals", func() (err error) {
		b.conn, err = net.Dial("tcp", address)
		return err
	})
	t.Cleanup(func() { b.conn.Close() })
	b.must(b.conn.SetDeadline(time.Now().Add(4 * patience)))
	b.send(jt808.Register, make([]byte, 37))
	m := b.receive()
	if m.ID != jt808.Registered || len(m.Body) < 4 || m.Body[2] != 0 {
		t.Fatalf("registration is answered with %+v", m)
	}
	b.say(jt808.Authenticate, m.Body[3:])
	return b
}

func (b *badge) must(err error) {
	if err != nil {
		b.t.Helper()
		b.t.Fatal(err)
	}
}

func (b *badge) send(id jt808.ID, body []byte) uint16 {
	b.t.Helper()
	b.serial++
	m := jt808.Message{ID: id, Phone: phone, Serial: b.serial, Body: body}
	_, err := b.conn.Write(m.Bytes())
	b.must(err)
	return b.serial
}

func (b *badge) receive() *jt808.Message {
	b.t.Helper()
	for {
		m, rest, err := jt808.Next(b.buf)
		b.must(err)
		if b.buf = rest; m != nil {
			return m
		}
		chunk := make([]byte, 512)
		n, err := io.ReadAtLeast(b.conn, chunk, 1)
		b.must(err)
		b.buf = append(b.buf, chunk[:n]...)
	}
}

// say sends a message and holds that it is confirmed.
func (b *badge) say(id jt808.ID, body []byte) {
	b.t.Helper()
	serial := b.send(id, body)
	m := b.receive()
	if m.ID != jt808.Answer || len(m.Body) != 5 || binary.BigEndian.Uint16(m.Body) != serial || m.Body[4] != 0 {
		b.t.Fatalf("%04x is answered with %+v", uint16(id), m)
	}
}

// tick is the next second of the terminal's clock.
func (b *badge) tick() time.Time {
	b.second += 1000
	b.sent++
	return b.second.Time()
}

// at reports where it is; alarm are the bits of its alarm field.
func (b *badge) at(lon, lat float64, alarm uint32) {
	b.t.Helper()
	b.say(jt808.Position, jt808.Report(alarm, 2, lon, lat, 36, 90, b.tick()))
}

// walk goes from one place to another in steps.
func (b *badge) walk(steps int, fromLon, toLon float64) {
	b.t.Helper()
	for i := range steps {
		b.at(fromLon+(toLon-fromLon)*float64(i+1)/float64(steps), gaugeLat, 0)
	}
}

// catchUp sends positions that waited while it was out of reach, as one message
// in which each has its own time.
func (b *badge) catchUp(n int, lon float64) {
	b.t.Helper()
	body := []byte{byte(n >> 8), byte(n), 1}
	for i := range n {
		report := jt808.Report(0, 2, lon+float64(i)*1e-5, gaugeLat, 36, 90, b.tick())
		body = append(binary.BigEndian.AppendUint16(body, uint16(len(report))), report...)
	}
	b.say(jt808.Batch, body)
}

// terminals is a gateway's file of one terminal.
func terminals(address string) string {
	return fmt.Sprintf(`
lines: [{name: badges, kind: listen, address: %q}]
devices:
  - {id: badge-7, name: 终端 7 号, profile: terminal-jt808@1, line: badges, address: %q, unit: BADGE-0007, place: {grid: G02, note: 值班室, seal: S-7}}
`, address, phone)
}
