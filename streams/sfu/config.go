package sfu

import (
	"errors"
	"fmt"
	"net"
	"net/netip"

	"gridhub/configs"
)

// Config says where media arrives and how much of it the process accepts.
type Config struct {
	// Address is the one host:port, for UDP and TCP alike, that carries the
	// media of every call. An unspecified host means every local address.
	Address string `yaml:"address"`
	// Advertise are the addresses told to clients in place of the local ones,
	// for a hub behind a one-to-one NAT. Empty: the local addresses.
	Advertise []string `yaml:"advertise"`
	// TCP also offers ICE over TCP on the same port, for networks without UDP.
	TCP bool `yaml:"tcp"`
	// Lite answers checks and starts none (RFC 8445, 2.5): right for a hub
	// with a public or one-to-one mapped address.
	Lite bool `yaml:"lite"`
	// Loopback offers loopback addresses too, for browsers on the same machine.
	Loopback bool `yaml:"loopback"`
	// SocketBuffer is the size in bytes asked of the kernel for each UDP
	// socket, in each direction.
	SocketBuffer int `yaml:"socket_buffer"`
	// MaxRooms, MaxPeers (per room) and MaxTracks (published per peer) refuse
	// what would exceed them.
	MaxRooms  int `yaml:"max_rooms"`
	MaxPeers  int `yaml:"max_peers"`
	MaxTracks int `yaml:"max_tracks"`
}

// Default is what the shipped configuration says.
func Default() Config {
	return Config{
		Address:      "0.0.0.0:8189",
		TCP:          true,
		SocketBuffer: 4 << 20,
		MaxRooms:     500,
		MaxPeers:     64,
		MaxTracks:    4,
	}
}

// Validate reports every mistake at once.
func (c Config) Validate() error {
	var errs []error
	if _, err := netip.ParseAddrPort(c.Address); err != nil {
		errs = append(errs, configs.Fault("address", c.Address, "IP:port, e.g. 0.0.0.0:8189"))
	}
	for i, a := range c.Advertise {
		if net.ParseIP(a) == nil {
			errs = append(errs, configs.Fault(fmt.Sprintf("advertise[%d]", i), a, "an IP address"))
		}
	}
	errs = append(errs,
		within("socket_buffer", c.SocketBuffer, 64<<10, 64<<20),
		within("max_rooms", c.MaxRooms, 1, 100_000),
		within("max_peers", c.MaxPeers, 2, 10_000),
		within("max_tracks", c.MaxTracks, 1, 16))
	return errors.Join(errs...)
}

func within(key string, v, low, high int) error {
	if v < low || v > high {
		return configs.Fault(key, v, "%d to %d", low, high)
	}
	return nil
}
