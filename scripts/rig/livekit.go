package rig

import (
	"context"
	"crypto/rand"
	"fmt"
	"net"
	"os"
	"path/filepath"
)

// LiveKit is a running media server of that name.
type LiveKit struct {
	*Program
	HTTP   string // host:port of its signalling
	Secret string // of the key "bench"
}

// liveKit keeps all media on one port, as we do, and offers the loopback. It
// forwards everything: on a busy machine it would take late packets for a
// narrow line and pause the picture, and what it costs could not be told.
const liveKit = `
port: %s
bind_addresses: [127.0.0.1]
rtc:
  udp_port: %s
  tcp_port: %s
  node_ip: 127.0.0.1
  use_external_ip: false
  enable_loopback_candidate: true
  congestion_control:
    enabled: false
keys:
  bench: %s
logging:
  level: error
`

// StartLiveKit starts livekit-server, which scripts/bench has built.
func StartLiveKit(ctx context.Context, dir string) (*LiveKit, error) {
	l := &LiveKit{Secret: rand.Text() + rand.Text()}
	var udp, tcp string
	if err := FreeAddresses(&l.HTTP, &udp, &tcp); err != nil {
		return nil, err
	}
	port := func(address string) string {
		_, p, _ := net.SplitHostPort(address)
		return p
	}
	file := filepath.Join(dir, "livekit.yaml")
	text := fmt.Sprintf(liveKit, port(l.HTTP), port(udp), port(tcp), l.Secret)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		return nil, err
	}
	var err error
	if l.Program, err = start(dir, "livekit", os.Getenv("GRIDHUB_LIVEKIT"), nil, "--config", file); err != nil {
		return nil, fmt.Errorf("GRIDHUB_LIVEKIT: %w", err)
	}
	if err := l.Await(ctx, func() error { return answers("http://" + l.HTTP) }); err != nil {
		l.Stop()
		return nil, err
	}
	return l, nil
}

// StartListening starts a program that is told an address of the loopback and
// returns when it listens there.
func StartListening(ctx context.Context, dir, name, path string, args func(address string) []string) (*Program, string, error) {
	var address string
	if err := FreeAddresses(&address); err != nil {
		return nil, "", err
	}
	p, err := start(dir, name, path, nil, args(address)...)
	if err != nil {
		return nil, "", err
	}
	if err := p.Await(ctx, func() error { return Dials(address) }); err != nil {
		p.Stop()
		return nil, "", err
	}
	return p, address, nil
}
