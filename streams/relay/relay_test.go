package relay

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"log/slog"
	"math/big"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pion/logging"
	"github.com/pion/stun/v4"
	"github.com/pion/turn/v5"
)

// house is a running relay, a media port behind it and what was refused.
type house struct {
	*Relay
	media *net.UDPConn

	mu      sync.Mutex
	refused []Refusal
}

func open(t *testing.T, change func(*Config)) *house {
	t.Helper()
	c := Default()
	c.UDP, c.TCP, c.TLS, c.MinPort = "127.0.0.1:0", "127.0.0.1:0", "127.0.0.1:0", 20000
	if change != nil {
		change(&c)
	}
	media, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	h := &house{media: media}
	h.Relay, err = New(c, certificate(t), func() []netip.AddrPort { return []netip.AddrPort{addrPort(media)} }, h.refuse, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	if err := h.serve(); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { <-ctx.Done(); done <- h.close() }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Errorf("close: %v", err)
		}
		_ = media.Close()
	})
	return h
}

func addrPort(c *net.UDPConn) netip.AddrPort { return c.LocalAddr().(*net.UDPAddr).AddrPort() }

func (h *house) refuse(r Refusal) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.refused = append(h.refused, r)
}

func (h *house) causes() (all []string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, r := range h.refused {
		all = append(all, r.Cause)
	}
	return all
}

func certificate(t *testing.T) *tls.Config {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
}

// client is signed in by as, over the way called name.
func client(t *testing.T, h *house, name string, as Credentials) *turn.Client {
	t.Helper()
	address := h.Addresses()[name].String()
	conn, err := dial(t.Context(), name, address)
	if err != nil {
		t.Fatal(err)
	}
	c, err := turn.NewClient(&turn.ClientConfig{
		TURNServerAddr: address, Conn: conn, Username: as.Username, Password: as.Password, Realm: realm,
		LoggerFactory: &logging.DefaultLoggerFactory{DefaultLogLevel: logging.LogLevelDisabled},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Listen(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close(); _ = conn.Close() })
	return c
}

func allocate(t *testing.T, c *turn.Client) net.PacketConn {
	t.Helper()
	a, err := c.Allocate()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = a.Close() })
	return a
}

// code is the number of a TURN error.
func code(err error) stun.ErrorCode {
	var e *stun.TurnError
	if errors.As(err, &e) {
		return e.ErrorCodeAttr.Code
	}
	return 0
}

func TestEveryWayInLeadsToTheMediaPort(t *testing.T) {
	h := open(t, nil)
	for _, way := range []string{"tcp", "udp", "tls"} {
		a := allocate(t, client(t, h, way, h.Credentials("wang")))
		if _, err := a.WriteTo([]byte("there "+way), h.media.LocalAddr()); err != nil {
			t.Fatalf("%s: %v", way, err)
		}
		b := make([]byte, 100)
		_ = h.media.SetReadDeadline(time.Now().Add(10 * time.Second))
		n, from, err := h.media.ReadFrom(b)
		if err != nil || string(b[:n]) != "there "+way {
			t.Fatalf("%s: %q, %v", way, b[:n], err)
		}
		if _, err := h.media.WriteTo([]byte("and back again"), from); err != nil {
			t.Fatal(err)
		}
		_ = a.SetReadDeadline(time.Now().Add(10 * time.Second))
		if n, _, err = a.ReadFrom(b); err != nil || string(b[:n]) != "and back again" {
			t.Errorf("%s: %q, %v", way, b[:n], err)
		}
	}
}

func TestForbiddenPeersAreRefusedWith403(t *testing.T) {
	for _, anyPeer := range []bool{false, true} {
		h := open(t, func(c *Config) { c.AnyPeer = anyPeer })
		c := client(t, h, "udp", h.Credentials("mallory"))
		allocate(t, c)
		for _, ip := range []string{"127.0.0.2", "10.0.0.1", "10.255.1.2", "172.16.3.4", "192.168.1.1", "169.254.169.254", "100.100.100.200", "168.63.129.16", "0.0.0.0", "224.0.0.1", "255.255.255.255"} {
			err := c.CreatePermission(&net.UDPAddr{IP: net.ParseIP(ip), Port: 8086})
			if code(err) != stun.CodeForbidden {
				t.Errorf("any_peer %v, %s: %v, want 403", anyPeer, ip, err)
			}
		}
		if n := len(h.causes()); n != 11 {
			t.Errorf("%d refusals heard of, want 11", n)
		}
		if err := c.CreatePermission(h.media.LocalAddr()); err != nil {
			t.Errorf("media: %v", err)
		}
		if err := c.CreatePermission(&net.UDPAddr{IP: net.ParseIP("9.9.9.9"), Port: 53}); (err == nil) != anyPeer {
			t.Errorf("any_peer %v, a public address: %v", anyPeer, err)
		}
	}
}

// The permission for the media port's address must not open its other ports:
// a database may listen there.
func TestOtherPortsOfTheMediaAddressAreNotReached(t *testing.T) {
	h := open(t, nil)
	database, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer database.Close()
	a := allocate(t, client(t, h, "udp", h.Credentials("mallory")))
	for range 3 { // the first as an indication, later ones over a channel
		if _, err := a.WriteTo([]byte("drop table"), database.LocalAddr()); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := a.WriteTo([]byte("hello"), h.media.LocalAddr()); err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 100)
	_ = h.media.SetReadDeadline(time.Now().Add(10 * time.Second))
	if _, _, err := h.media.ReadFrom(b); err != nil {
		t.Fatal(err)
	}
	// What was sent before the packet that came has come or never will.
	_ = database.SetReadDeadline(time.Now())
	if n, _, err := database.ReadFrom(b); err == nil {
		t.Errorf("the database got %q", b[:n])
	}
	if !strings.Contains(strings.Join(h.causes(), " "), "peer") {
		t.Error("nobody heard of it")
	}
}

func TestCredentialsAreCheckedWith401(t *testing.T) {
	h := open(t, nil)
	good := h.Credentials("wang")
	other := h.Credentials("li")
	expired := func() Credentials {
		name := "1000000000:wang"
		return Credentials{Username: name, Password: h.password(name)}
	}()
	far := func() Credentials { // a name made up with an end that is never given out
		name := "9999999999:wang"
		return Credentials{Username: name, Password: h.password(name)}
	}()
	for what, as := range map[string]Credentials{
		"expired": expired, "too far": far, "of somebody else": {Username: good.Username, Password: other.Password},
		"another name": {Username: strings.Replace(good.Username, "wang", "boss", 1), Password: good.Password}, "none": {Username: "wang", Password: "x"},
	} {
		if _, err := client(t, h, "udp", as).Allocate(); err == nil || !strings.Contains(err.Error(), "401") {
			t.Errorf("%s: %v, want 401", what, err)
		}
	}
	allocate(t, client(t, h, "udp", good))
}

func TestWhatWasBegunOutlivesItsCredentials(t *testing.T) {
	at := time.Now()
	r := &Relay{config: Default(), secret: []byte("secret"), refused: func(Refusal) {}, now: func() time.Time { return at }, held: map[string]int{"wang": 1}}
	as := r.Credentials("wang")
	for _, tt := range []struct {
		after    time.Duration
		method   stun.Method
		identity string
		want     bool
	}{
		{0, stun.MethodAllocate, "wang", true},
		{9 * time.Minute, stun.MethodAllocate, "wang", true},
		{11 * time.Minute, stun.MethodAllocate, "wang", false},
		{11 * time.Minute, stun.MethodRefresh, "wang", true},
		{11 * time.Minute, stun.MethodCreatePermission, "li", false}, // holds nothing
		{13 * time.Hour, stun.MethodRefresh, "wang", false},
	} {
		at = time.Now().Add(tt.after)
		name := strings.Replace(as.Username, "wang", tt.identity, 1)
		_, _, ok := r.authenticate(&turn.RequestAttributes{Username: name, Realm: realm, Method: tt.method, SrcAddr: &net.UDPAddr{}})
		if ok != tt.want {
			t.Errorf("%s by %s after %v: %v, want %v", tt.method, tt.identity, tt.after, ok, tt.want)
		}
	}
}

func TestQuotaIsRefusedWith486AndGivenBack(t *testing.T) {
	h := open(t, func(c *Config) { c.MaxPerIdentity, c.MaxAllocations = 2, 3 })
	var first *turn.Client
	var held net.PacketConn
	for range 2 {
		first = client(t, h, "udp", h.Credentials("wang"))
		held = allocate(t, first)
	}
	if _, err := client(t, h, "tcp", h.Credentials("wang")).Allocate(); err == nil || !strings.Contains(err.Error(), "486") {
		t.Errorf("third of one identity: %v, want 486", err)
	}
	allocate(t, client(t, h, "udp", h.Credentials("li")))
	if _, err := client(t, h, "udp", h.Credentials("zhao")).Allocate(); err == nil || !strings.Contains(err.Error(), "486") {
		t.Errorf("fourth of all: %v, want 486", err)
	}
	if err := held.Close(); err != nil { // a refresh to nothing
		t.Fatal(err)
	}
	for deadline := time.Now().Add(10 * time.Second); h.Held() != 2; {
		if time.Now().After(deadline) {
			t.Fatalf("%d held after one was given back, want 2", h.Held())
		}
		time.Sleep(time.Millisecond)
	}
	allocate(t, client(t, h, "udp", h.Credentials("zhao")))
}

func TestSelfTestSaysWhichPathFails(t *testing.T) {
	h := open(t, nil)
	for _, p := range h.Test(t.Context()) {
		if p.Err != nil {
			t.Errorf("%s: %v", p.Name, p.Err)
		}
	}
	_ = h.streams[0].Close() // TCP
	for _, p := range h.Test(t.Context()) {
		if (p.Err != nil) != (p.Name == "tcp") {
			t.Errorf("%s: %v", p.Name, p.Err)
		}
	}
}

func TestSilentStreamsAreClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, far := net.Pipe()
		s := newStreams("tcp", once{near}, nil)
		conn, err := s.Accept()
		if err != nil {
			t.Fatal(err)
		}
		go func() { _, _ = far.Write([]byte("x")) }()
		if _, err := conn.Read(make([]byte, 1)); err != nil {
			t.Fatal(err)
		}
		time.Sleep(streamIdle - time.Second)
		if s.count() != 1 {
			t.Fatal("closed too early")
		}
		time.Sleep(2 * time.Second)
		if _, err := far.Write([]byte("x")); err == nil || s.count() != 0 {
			t.Errorf("still open: %v", err)
		}
	})
}

// once is a listener with one connection.
type once struct{ conn net.Conn }

func (o once) Accept() (net.Conn, error) { return o.conn, nil }
func (o once) Close() error              { return nil }
func (o once) Addr() net.Addr            { return o.conn.LocalAddr() }

func TestStreamsEndWithTheRelay(t *testing.T) {
	c := Default()
	c.TCP = "127.0.0.1:0"
	r, err := New(c, nil, func() []netip.AddrPort { return nil }, nil, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	conn, err := net.Dial("tcp", r.Addresses()["tcp"].String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
		if r.streams[0].count() > 0 {
			break
		} else if time.Now().After(deadline) {
			t.Fatal("not accepted")
		}
	}
	stop()
	if err := <-done; err != nil {
		t.Errorf("Run: %v", err)
	}
	_ = conn.SetReadDeadline(time.Now().Add(10 * time.Second))
	if _, err := conn.Read(make([]byte, 1)); err == nil || errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("the connection is still open: %v", err)
	}
}

func TestConfig(t *testing.T) {
	if err := Default().Validate(); err != nil {
		t.Error(err)
	}
	bad := Config{UDP: "somewhere", Advertise: "hub.example", MinPort: 5, MaxPort: 4, Valid: 24 * time.Hour}
	err := bad.Validate()
	for _, key := range []string{"udp", "advertise", "min_port", "valid", "max_allocations"} {
		if err == nil || !strings.Contains(err.Error(), key) {
			t.Errorf("%s is not complained about: %v", key, err)
		}
	}
}

func TestNeverReached(t *testing.T) {
	r := &Relay{config: Config{AnyPeer: true}}
	for _, a := range []string{"::1", "fe80::1", "fc00::1", "ff02::1", "::ffff:10.0.0.1", "64:ff9b::a00:1", "2002:a00:1::", "2001:0:a00:1::", "fd00:ec2::254", "198.18.0.1", "192.0.0.192"} {
		if ip := netip.MustParseAddr(a); r.open(ip) || r.open(ip.Unmap()) {
			t.Errorf("%s is open", a)
		}
	}
	for _, a := range []string{"8.8.8.8", "2606:4700::1111", "2400:3200::1"} {
		if !r.open(netip.MustParseAddr(a)) {
			t.Errorf("%s is closed", a)
		}
	}
}
