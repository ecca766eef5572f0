package broker

import (
	"crypto/tls"
	"errors"
	"fmt"
	"time"

	"gridhub/configs"
)

// The profiles a listener may have.
const (
	ProfileIdentity    = "identity"    // every client is a known principal, two trees each
	ProfileConformance = "conformance" // anonymous, for interoperability suites only, an island of its own
)

// Config says where the broker listens and how much of everything it grants.
// Every limit has a stated end: what happens when it is reached.
type Config struct {
	Listeners []Listener `yaml:"listeners"`

	// Origins are the web origins (host patterns such as "hub.street.local" or
	// "*.street.local") that may open MQTT over WebSocket besides the hub's own.
	Origins []string `yaml:"origins"`

	MaxConnections int `yaml:"max_connections"` // in all; further sockets are closed at once
	MaxPerAddress  int `yaml:"max_per_address"` // per remote address, 0 = no limit; further ones are closed at once

	ConnectTimeout time.Duration `yaml:"connect_timeout"` // for the TLS handshake and again for CONNECT
	FrameTimeout   time.Duration `yaml:"frame_timeout"`   // from a packet's first byte to its last
	WriteTimeout   time.Duration `yaml:"write_timeout"`   // for one write to a peer that does not read
	StopTimeout    time.Duration `yaml:"stop_timeout"`    // for acknowledging what was accepted when stopping
	MaxKeepalive   time.Duration `yaml:"max_keepalive"`   // 0 and longer wishes become this

	MaxPacket        int `yaml:"max_packet"`         // bytes of one packet; a larger one ends the connection unread
	MaxSubscriptions int `yaml:"max_subscriptions"`  // per client; further filters are refused
	ReceiveMaximum   int `yaml:"receive_maximum"`    // publishes of one client not yet answered; then reading waits
	MaxInflightBytes int `yaml:"max_inflight_bytes"` // publishes of all clients not yet answered; then reading waits
	WriteQueue       int `yaml:"write_queue"`        // bytes waiting for one client; more ends its connection
	SessionQueue     int `yaml:"session_queue"`      // QoS 1 and 2 messages kept for one client; then Send fails
	SessionBytes     int `yaml:"session_bytes"`      // bytes of those
	AllSessionBytes  int `yaml:"all_session_bytes"`  // bytes of those of all clients together
	PublishRate      int `yaml:"publish_rate"`       // publishes per second of one client, 0 = no limit; then reading waits

	SessionExpiry    time.Duration `yaml:"session_expiry"`    // longest life of a session without a connection
	TakeoverBurst    int           `yaml:"takeover_burst"`    // takeovers of one identity granted at once …
	TakeoverInterval time.Duration `yaml:"takeover_interval"` // … and one more after each of these; others are refused
	AckGather        time.Duration `yaml:"ack_gather"`        // how long acknowledgements may wait to leave together
}

// Listener is one address that takes connections.
type Listener struct {
	Name    string `yaml:"name"`    // in logs, credentials and counters; unique
	Network string `yaml:"network"` // tcp, tls or unix
	Address string `yaml:"address"` // host:port, or a path for unix
	Profile string `yaml:"profile"` // identity (default) or conformance

	TLS *tls.Config `yaml:"-"` // for network tls: certificates and client CAs
}

// Default returns the shipped configuration: plaintext on loopback only.
func Default() Config {
	return Config{
		Listeners: []Listener{{
			Name: "plain", Network: "tcp", Address: "127.0.0.1:1883", Profile: ProfileIdentity,
		}},
		MaxConnections:   20000,
		MaxPerAddress:    2000,
		ConnectTimeout:   5 * time.Second,
		FrameTimeout:     20 * time.Second,
		WriteTimeout:     10 * time.Second,
		StopTimeout:      5 * time.Second,
		MaxKeepalive:     time.Hour,
		MaxPacket:        256 << 10,
		MaxSubscriptions: 32,
		ReceiveMaximum:   512,
		MaxInflightBytes: 64 << 20,
		WriteQueue:       1 << 20,
		SessionQueue:     512,
		SessionBytes:     4 << 20,
		AllSessionBytes:  256 << 20,
		PublishRate:      0,
		SessionExpiry:    12 * time.Hour,
		TakeoverBurst:    6,
		TakeoverInterval: 10 * time.Second,
		AckGather:        200 * time.Microsecond,
	}
}

// Validate reports every mistake in c at once, each with its key, the value
// and what was wanted.
func (c Config) Validate() error {
	errs := c.checkListeners()
	between := func(key string, v, low, high int) {
		if v < low || v > high {
			errs = append(errs, configs.Fault(key, v, "%d to %d", low, high))
		}
	}
	lasting := func(key string, v, low, high time.Duration) {
		if v < low || v > high {
			errs = append(errs, configs.Fault(key, v, "%s to %s", low, high))
		}
	}
	between("max_connections", c.MaxConnections, 1, 1<<20)
	between("max_per_address", c.MaxPerAddress, 0, 1<<20)
	between("max_packet", c.MaxPacket, 1<<10, 16<<20)
	between("max_subscriptions", c.MaxSubscriptions, 1, 1024)
	between("receive_maximum", c.ReceiveMaximum, 1, 65535)
	between("max_inflight_bytes", c.MaxInflightBytes, c.MaxPacket, 1<<34)
	between("write_queue", c.WriteQueue, c.MaxPacket, 1<<30)
	between("session_queue", c.SessionQueue, 1, 8192)
	between("session_bytes", c.SessionBytes, c.MaxPacket, 1<<30)
	between("all_session_bytes", c.AllSessionBytes, c.SessionBytes, 1<<36)
	between("publish_rate", c.PublishRate, 0, 1<<20)
	between("takeover_burst", c.TakeoverBurst, 1, 1000)
	lasting("connect_timeout", c.ConnectTimeout, 100*time.Millisecond, time.Minute)
	lasting("frame_timeout", c.FrameTimeout, 100*time.Millisecond, 10*time.Minute)
	lasting("write_timeout", c.WriteTimeout, 100*time.Millisecond, 5*time.Minute)
	lasting("stop_timeout", c.StopTimeout, 0, 5*time.Minute)
	lasting("max_keepalive", c.MaxKeepalive, 10*time.Second, 18*time.Hour)
	lasting("session_expiry", c.SessionExpiry, time.Second, 24*time.Hour)
	lasting("takeover_interval", c.TakeoverInterval, time.Millisecond, time.Hour)
	lasting("ack_gather", c.AckGather, 0, 100*time.Millisecond)
	return errors.Join(errs...)
}

func (c Config) checkListeners() (errs []error) {
	names := map[string]bool{}
	for i, l := range c.Listeners {
		fail := func(key, value, wanted string) {
			errs = append(errs, configs.Fault(fmt.Sprintf("listeners[%d].%s", i, key), value, "%s", wanted))
		}
		if l.Name == "" || names[l.Name] {
			fail("name", l.Name, "a name of its own")
		}
		names[l.Name] = true
		if l.Network != "tcp" && l.Network != "tls" && l.Network != "unix" {
			fail("network", l.Network, "tcp, tls or unix")
		}
		if l.Address == "" {
			fail("address", l.Address, "host:port or a path")
		}
		if l.Profile != "" && l.Profile != ProfileIdentity && l.Profile != ProfileConformance {
			fail("profile", l.Profile, "identity or conformance")
		}
	}
	return errs
}
