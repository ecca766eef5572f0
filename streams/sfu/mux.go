package sfu

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"

	"github.com/pion/ice/v4"
	"github.com/pion/logging"
	"github.com/pion/webrtc/v4"
	"golang.org/x/net/netutil"
)

const (
	// tcpWriteBuffer is what one TCP peer may owe, in bytes, before its
	// packets are dropped. Zero would let one stuck peer block everybody.
	tcpWriteBuffer = 4 << 20
	// tcpConns is how many TCP connections are served at once; more wait.
	tcpConns = 4096
	// tcpFirst is how long a new connection may take to say which peer it is.
	tcpFirst = 5 * time.Second
	// tcpUnknown is how long one is kept that belongs to no peer: an answer
	// is given out only after its peer can be found, so hardly at all.
	tcpUnknown = 2 * time.Second
)

// sockets are the process-wide UDP and TCP multiplexers: every peer
// connection of every room shares them.
type sockets struct {
	udp  ice.UDPMux
	tcp  ice.TCPMux
	outs []*batchConn // of udp
	port int
	ips  []net.IP
}

// listen binds one UDP socket per local address (a single wildcard socket
// would answer from whatever address the route prefers) and one TCP listener.
func listen(c Config, logs logging.LoggerFactory) (*sockets, error) {
	at, err := netip.ParseAddrPort(c.Address)
	if err != nil {
		return nil, err
	}
	ips, err := localIPs(at.Addr(), c.Loopback)
	if err != nil {
		return nil, err
	}
	// With port 0 the kernel picks a free UDP port, which may be taken for TCP.
	for try := 0; ; try++ {
		s := &sockets{port: int(at.Port()), ips: ips}
		err := s.bind(c, at, logs)
		if err == nil {
			return s, nil
		}
		if at.Port() != 0 || try == 10 {
			return nil, err
		}
	}
}

func (s *sockets) bind(c Config, at netip.AddrPort, logs logging.LoggerFactory) error {
	if err := s.listenUDP(c.SocketBuffer, logs); err != nil {
		return err
	}
	if !c.TCP {
		return nil
	}
	if err := s.listenTCP(at, logs); err != nil {
		return errors.Join(err, s.Close())
	}
	return nil
}

func (s *sockets) listenUDP(buffer int, logs logging.LoggerFactory) error {
	var muxes []ice.UDPMux
	for _, ip := range s.ips {
		conn, err := net.ListenUDP("udp", &net.UDPAddr{IP: ip, Port: s.port})
		if err != nil {
			for _, m := range muxes {
				err = errors.Join(err, m.Close())
			}
			return fmt.Errorf("media socket: %w", err)
		}
		// The kernel clamps to rmem_max/wmem_max; a smaller buffer still works.
		_ = conn.SetReadBuffer(buffer)
		_ = conn.SetWriteBuffer(buffer)
		s.port = conn.LocalAddr().(*net.UDPAddr).Port
		out := newBatchConn(conn)
		s.outs = append(s.outs, out)
		muxes = append(muxes, ice.NewUDPMuxDefault(ice.UDPMuxParams{
			UDPConn: out, Logger: logs.NewLogger("ice"),
		}))
	}
	s.udp = ice.NewMultiUDPMuxDefault(muxes...)
	return nil
}

func (s *sockets) listenTCP(at netip.AddrPort, logs logging.LoggerFactory) error {
	l, err := net.ListenTCP("tcp", &net.TCPAddr{IP: at.Addr().AsSlice(), Port: s.port})
	if err != nil {
		return fmt.Errorf("media listener: %w", err)
	}
	s.tcp = ice.NewTCPMuxDefault(ice.TCPMuxParams{
		Listener:                     netutil.LimitListener(l, tcpConns),
		Logger:                       logs.NewLogger("ice"),
		ReadBufferSize:               64,
		WriteBufferSize:              tcpWriteBuffer,
		FirstStunBindTimeout:         tcpFirst,
		AliveDurationForConnFromStun: tcpUnknown,
	})
	return nil
}

// cork lets packets gather until uncork, which sends them together. No
// sockets gather nothing.
func (s *sockets) cork() {
	if s != nil {
		for _, c := range s.outs {
			c.cork()
		}
	}
}

func (s *sockets) uncork() {
	if s != nil {
		for _, c := range s.outs {
			c.uncork()
		}
	}
}

// offers reports whether ip is one of the addresses that were bound.
func (s *sockets) offers(ip net.IP) bool {
	for _, own := range s.ips {
		if own.Equal(ip) {
			return true
		}
	}
	return false
}

func (s *sockets) networks() []webrtc.NetworkType {
	types := []webrtc.NetworkType{webrtc.NetworkTypeUDP4, webrtc.NetworkTypeUDP6}
	if s.tcp != nil {
		types = append(types, webrtc.NetworkTypeTCP4, webrtc.NetworkTypeTCP6)
	}
	return types
}

func (s *sockets) Close() error {
	var errs []error
	if s.udp != nil {
		errs = append(errs, s.udp.Close())
	}
	if s.tcp != nil {
		errs = append(errs, s.tcp.Close())
	}
	return errors.Join(errs...)
}

// localIPs is addr itself, or every usable local address where addr is
// unspecified. A machine with nothing but loopback offers loopback.
func localIPs(addr netip.Addr, loopback bool) ([]net.IP, error) {
	if !addr.IsUnspecified() {
		return []net.IP{addr.AsSlice()}, nil
	}
	all, err := net.InterfaceAddrs()
	if err != nil {
		return nil, fmt.Errorf("local addresses: %w", err)
	}
	var usable, own []net.IP
	for _, a := range all {
		n, ok := a.(*net.IPNet)
		if !ok || n.IP.IsLinkLocalUnicast() || addr.Is4() && n.IP.To4() == nil {
			continue
		}
		if n.IP.IsLoopback() {
			own = append(own, n.IP)
		} else {
			usable = append(usable, n.IP)
		}
	}
	if loopback || len(usable) == 0 {
		usable = append(usable, own...)
	}
	return usable, nil
}
