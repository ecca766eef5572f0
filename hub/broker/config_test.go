package broker

import (
	"crypto/tls"
	"net"
	"path/filepath"
	"strings"
	"testing"
)

func TestDefaultIsValidAndOnLoopback(t *testing.T) {
	cfg := Default()
	if err := cfg.Validate(); err != nil {
		t.Fatal(err)
	}
	for _, l := range cfg.Listeners {
		if l.Network == "tcp" && !strings.HasPrefix(l.Address, "127.") {
			t.Errorf("plaintext listener %s is on %s, want loopback", l.Name, l.Address)
		}
	}
}

func TestValidateNamesEveryMistakeAtOnce(t *testing.T) {
	cfg := Default()
	cfg.Listeners = []Listener{
		{Name: "x", Network: "tcp", Address: "127.0.0.1:0"},
		{Name: "x", Network: "udp", Address: "", Profile: "open"},
	}
	cfg.MaxConnections, cfg.MaxPacket, cfg.WriteQueue = 0, 10, 5
	cfg.ConnectTimeout, cfg.SessionExpiry = 0, 48*3600*1e9
	err := cfg.Validate()
	if err == nil {
		t.Fatal("accepted")
	}
	for _, want := range []string{
		`listeners[1].name: x: want a name of its own`, `listeners[1].network: udp: want tcp, tls or unix`,
		`listeners[1].address: : want host:port`, `listeners[1].profile: open: want identity or conformance`,
		"max_connections: 0: want 1 to", "max_packet: 10: want 1024 to",
		"write_queue: 5", "connect_timeout: 0s: want 100ms to 1m0s", "session_expiry: 48h0m0s: want 1s to 24h0m0s",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is missing from:\n%v", want, err)
		}
	}
	cfg = Default()
	cfg.Listeners[0].Network, cfg.Listeners[0].TLS = "tls", &tls.Config{}
	if err := cfg.Validate(); err != nil {
		t.Errorf("tls with a certificate: %v", err)
	}
	// A file cannot hold a certificate: it is the hub that must not forget it.
	cfg.Listeners[0].TLS = nil
	if _, err := New(cfg, &roster{}, newMemory(), nil, Events{}); err == nil || !strings.Contains(err.Error(), "without a certificate") {
		t.Errorf("tls without a certificate: %v", err)
	}
}

func TestNewNeedsAnAuthorityAndASink(t *testing.T) {
	if _, err := New(Default(), nil, newMemory(), nil, Events{}); err == nil {
		t.Error("made without an authority")
	}
	if _, err := New(Default(), &roster{}, nil, nil, Events{}); err == nil {
		t.Error("made without a sink")
	}
}

func TestListenersOpenAllOrNone(t *testing.T) {
	taken := start(t, nil, Events{})
	cfg := Default()
	cfg.Listeners[0].Address = "127.0.0.1:0"
	cfg.Listeners = append(cfg.Listeners, Listener{Name: "second", Network: "tcp", Address: taken.addr})
	b, err := New(cfg, &roster{}, newMemory(), nil, Events{})
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Run(t.Context()); err == nil || !strings.Contains(err.Error(), "listener second") {
		t.Errorf("Run returns %v, want an error that names the listener", err)
	}
}

// A Unix socket whose owner was killed does not keep the next one out.
func TestUnixSocketAfterAKill(t *testing.T) {
	path := filepath.Join(t.TempDir(), "mqtt.sock")
	killed, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	killed.SetUnlinkOnClose(false)
	_ = killed.Close()
	start(t, func(c *Config) { c.Listeners[0].Network, c.Listeners[0].Address = "unix", path }, Events{})
	nc, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	(&peer{t: t, nc: nc}).join(hello{})
}
