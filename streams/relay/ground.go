package relay

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"sync"

	"github.com/pion/turn/v5"
)

var (
	errFull = errors.New("as many allocations as may be held")
	errTCP  = errors.New("TCP allocations are not served")
)

// portTries is how often a free port is looked for before an allocation fails.
const portTries = 64

// ground is where allocations get their sockets. It implements
// turn.RelayAddressGenerator.
type ground struct{ relay *Relay }

func (g ground) Validate() error { return nil }

func (g ground) AllocatePacketConn(c turn.AllocateListenerConfig) (net.PacketConn, net.Addr, error) {
	r := g.relay
	if !r.take(c.UserID) {
		return nil, nil, errFull
	}
	conn, err := r.anyPort(c.Network)
	if err != nil {
		r.give(c.UserID)
		return nil, nil, err
	}
	at := *conn.LocalAddr().(*net.UDPAddr)
	at.IP = r.told(c.Network)
	return &relayed{UDPConn: conn, relay: r, gone: sync.OnceFunc(func() { r.give(c.UserID) })}, &at, nil
}

func (g ground) AllocateListener(turn.AllocateListenerConfig) (net.Listener, net.Addr, error) {
	return nil, nil, errTCP
}

func (g ground) AllocateConn(turn.AllocateConnConfig) (net.Conn, error) { return nil, errTCP }

// anyPort tries ports at random: the next one must not be guessed.
func (r *Relay) anyPort(network string) (conn *net.UDPConn, err error) {
	for range portTries {
		port := r.config.MinPort + rand.IntN(r.config.MaxPort-r.config.MinPort+1)
		if conn, err = net.ListenUDP(network, &net.UDPAddr{Port: port}); err == nil {
			return conn, nil
		}
	}
	return nil, fmt.Errorf("no free port of %d to %d: %w", r.config.MinPort, r.config.MaxPort, err)
}

// told is the address that clients are told to be relayed from. Peers see the
// one that routes to them, and answer to what they see.
func (r *Relay) told(network string) net.IP {
	if ip := net.ParseIP(r.config.Advertise); ip != nil {
		return ip
	}
	for _, a := range r.own {
		if !a.IsLoopback() && !a.IsLinkLocalUnicast() && a.Is4() == (network == "udp4") {
			return a.AsSlice()
		}
	}
	if network == "udp4" {
		return net.IPv4(127, 0, 0, 1)
	}
	return net.IPv6loopback
}

// relayed is the socket of one allocation. It sends to nobody who is not
// allowed, whatever permission the library has stored, and tells when it ends.
type relayed struct {
	*net.UDPConn
	relay *Relay
	gone  func()
}

// WriteTo drops, as the network would, what may not go there.
func (c *relayed) WriteTo(b []byte, to net.Addr) (int, error) {
	u, ok := to.(*net.UDPAddr)
	if !ok || !c.relay.reaches(u.AddrPort()) {
		var peer netip.Addr
		if ok {
			peer = u.AddrPort().Addr()
		}
		c.relay.refused(Refusal{Cause: "peer", Client: c.LocalAddr().String(), Peer: peer})
		return len(b), nil
	}
	return c.WriteToUDPAddrPort(b, u.AddrPort())
}

func (c *relayed) Close() error {
	c.gone()
	return c.UDPConn.Close()
}
