package broker

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"time"
)

// A peer is a client that speaks raw MQTT, so that tests can say what no
// library would.
type peer struct {
	t  *testing.T
	nc net.Conn
	v5 bool
}

// dial connects to r's first listener.
func (r *running) dial(t *testing.T) *peer {
	t.Helper()
	nc, err := net.Dial("tcp", r.addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = nc.Close() })
	return &peer{t: t, nc: nc}
}

// pipe connects without a network, for tests on a clock of their own.
func (r *running) pipe(t *testing.T) *peer {
	near, far := net.Pipe()
	r.welcome(&listener{Listener: Listener{Name: "pipe"}, realm: r.identities}, far)
	return &peer{t: t, nc: near}
}

// startClocked runs a broker without listeners, for a synctest bubble; stop it
// before the bubble ends.
func startClocked(t *testing.T, change func(*Config), ev Events) *running {
	t.Helper()
	cfg := Default()
	cfg.Listeners = nil
	if change != nil {
		change(&cfg)
	}
	r := &running{sink: newMemory(), roster: &roster{
		passwords: map[string]string{"a": "aa", "b": "bb", "c": "cc"}, known: map[string]Principal{}}}
	var err error
	if r.Broker, err = New(cfg, r.roster, r.sink, nil, ev); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- r.Run(ctx) }()
	<-r.Ready()
	r.stop = func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Run returned %v", err)
		}
	}
	return r
}

func field(s string) []byte {
	return append([]byte{byte(len(s) >> 8), byte(len(s))}, s...)
}

func packet(head byte, parts ...[]byte) []byte {
	body := bytes.Join(parts, nil)
	return append(appendVarint([]byte{head}, len(body)), body...)
}

// A hello is a CONNECT; the zero value is version 3.1.1, clean, as "a".
type hello struct {
	v5        bool
	id, user  string
	password  string
	persist   bool
	keepalive uint16
	props     []byte // version 5
	willTopic string
	will      string
	willQoS   byte
	willProps []byte
	retain    bool
}

func (h hello) packet() []byte {
	if h.id == "" && h.user == "" {
		h.id, h.user, h.password = "a", "a", "aa"
	}
	version, flags := byte(4), byte(0)
	if h.v5 {
		version = 5
	}
	if !h.persist {
		flags |= 2
	}
	tail := field(h.id)
	if h.willTopic != "" {
		flags |= 4 | h.willQoS<<3
		if h.retain {
			flags |= 0x20
		}
		if h.v5 {
			tail = append(appendVarint(tail, len(h.willProps)), h.willProps...)
		}
		tail = append(append(tail, field(h.willTopic)...), field(h.will)...)
	}
	if h.user != "" {
		flags |= 0x80
		tail = append(tail, field(h.user)...)
	}
	if h.password != "" {
		flags |= 0x40
		tail = append(tail, field(h.password)...)
	}
	head := append(field("MQTT"), version, flags)
	head = binary.BigEndian.AppendUint16(head, h.keepalive)
	if h.v5 {
		head = append(appendVarint(head, len(h.props)), h.props...)
	}
	return packet(0x10, head, tail)
}

// connect says hello and returns the CONNACK's body: flags, code, properties.
func (p *peer) connect(h hello) []byte {
	p.t.Helper()
	p.v5 = h.v5
	p.write(h.packet())
	head, body := p.read()
	if head != 0x20 {
		p.t.Fatalf("answer to CONNECT is %x %x", head, body)
	}
	return body
}

// join connects and fails the test unless the broker agrees. It reports
// whether the session was present.
func (p *peer) join(h hello) bool {
	p.t.Helper()
	body := p.connect(h)
	if body[1] != 0 {
		p.t.Fatalf("connect refused with %#x", body[1])
	}
	return body[0] == 1
}

func (p *peer) write(b []byte) {
	p.t.Helper()
	if _, err := p.nc.Write(b); err != nil {
		p.t.Fatalf("write: %v", err)
	}
}

// read returns the next packet; the test fails if none comes.
func (p *peer) read() (head byte, body []byte) {
	p.t.Helper()
	head, body, err := p.tryRead(patience)
	if err != nil {
		p.t.Fatalf("read: %v", err)
	}
	return head, body
}

func (p *peer) tryRead(limit time.Duration) (head byte, body []byte, err error) {
	_ = p.nc.SetReadDeadline(time.Now().Add(limit))
	var b [1]byte
	if _, err := io.ReadFull(p.nc, b[:]); err != nil {
		return 0, nil, err
	}
	head = b[0]
	n := 0
	for shift := 0; ; shift += 7 {
		if _, err := io.ReadFull(p.nc, b[:]); err != nil {
			return 0, nil, err
		}
		n |= int(b[0]&0x7f) << shift
		if b[0] < 0x80 {
			break
		}
	}
	body = make([]byte, n)
	_, err = io.ReadFull(p.nc, body)
	return head, body, err
}

// expect reads one packet and compares all of it.
func (p *peer) expect(want ...byte) {
	p.t.Helper()
	head, body := p.read()
	if got := packet(head, body); !bytes.Equal(got, want) {
		p.t.Fatalf("got packet % x, want % x", got, want)
	}
}

// expectEnd reads until the broker closes, skipping what it still says.
func (p *peer) expectEnd() {
	p.t.Helper()
	for {
		if _, _, err := p.tryRead(patience); errors.Is(err, os.ErrDeadlineExceeded) {
			p.t.Fatal("connection is still open")
		} else if err != nil {
			return
		}
	}
}

// alive fails unless the broker answers a ping.
func (p *peer) alive() {
	p.t.Helper()
	p.write([]byte{0xc0, 0})
	p.expect(0xd0, 0)
}

func (p *peer) publish(topic string, qos byte, id uint16, payload string) {
	p.t.Helper()
	p.write(publishPacket(p.v5, topic, qos, id, payload))
}

func publishPacket(v5 bool, topic string, qos byte, id uint16, payload string) []byte {
	head := field(topic)
	if qos > 0 {
		head = binary.BigEndian.AppendUint16(head, id)
	}
	if v5 {
		head = append(head, 0)
	}
	return packet(0x30|qos<<1, head, []byte(payload))
}

// subscribe asks for one filter and returns the reason code.
func (p *peer) subscribe(filter string, qos byte, id uint16) byte {
	p.t.Helper()
	head := binary.BigEndian.AppendUint16(nil, id)
	if p.v5 {
		head = append(head, 0)
	}
	p.write(packet(0x82, head, field(filter), []byte{qos}))
	kind, body := p.read()
	if kind != 0x90 || binary.BigEndian.Uint16(body) != id {
		p.t.Fatalf("answer to SUBSCRIBE %d is %x %x", id, kind, body)
	}
	return body[len(body)-1]
}

// A delivery is a PUBLISH that came from the broker.
type delivery struct {
	topic, payload string
	qos            byte
	id             uint16
	dup            bool
}

// receive reads one PUBLISH.
func (p *peer) receive() delivery {
	p.t.Helper()
	head, body := p.read()
	if head>>4 != typePublish {
		p.t.Fatalf("got packet %x %x, want a PUBLISH", head, body)
	}
	m, err := parsePublish(frame{head, body}, p.v5)
	if err != nil {
		p.t.Fatal(err)
	}
	return delivery{string(m.topic), string(m.payload), m.qos, m.id, m.dup}
}

func (p *peer) puback(id uint16) { p.write([]byte{0x40, 2, byte(id >> 8), byte(id)}) }
