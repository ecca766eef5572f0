// Package relay is the TURN server (RFC 8656) for clients whose network lets
// media through to nowhere else: over UDP, over TCP, and over TLS, which looks
// like any web page.
//
// It owns its listeners, the credentials it gives out (bound to an identity,
// valid for minutes) and what each identity may hold at once. It promises that
// nothing is relayed but to the media port of this hub, unless the
// configuration opens it to the world; and that even then no address of a
// private, local or special network is ever reached through it, so that it is
// no way around a firewall.
// It leaves out who may ask for credentials, and TCP allocations (RFC 6062):
// media are UDP.
package relay

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/pion/logging"
	"github.com/pion/turn/v5"
	"golang.org/x/net/netutil"

	"gridhub/configs"
)

// Config says where the relay listens and what it gives away. An empty address
// leaves that listener out; with all three empty there is no relay.
type Config struct {
	UDP string `yaml:"udp"` // IP:port
	TCP string `yaml:"tcp"` // IP:port
	TLS string `yaml:"tls"` // IP:port
	// Advertise is the address told to clients as the relay's, for a hub
	// behind a one-to-one NAT. Empty: the address that routes to the peer.
	Advertise string `yaml:"advertise"`
	// MinPort and MaxPort are the UDP ports from which is relayed.
	MinPort int `yaml:"min_port"`
	MaxPort int `yaml:"max_port"`
	// Valid is how long credentials admit to a new allocation.
	Valid time.Duration `yaml:"valid"`
	// MaxPerIdentity and MaxAllocations are how many one identity and all
	// together may hold at once; more are refused with 486.
	MaxPerIdentity int `yaml:"max_per_identity"`
	MaxAllocations int `yaml:"max_allocations"`
	// AnyPeer relays to every public address, not only to the hub's media.
	AnyPeer bool `yaml:"any_peer"`
}

// Default is a relay that is switched off, with the standard's ports to be
// switched on: udp and tcp 3478, tls 5349.
func Default() Config {
	return Config{MinPort: 49160, MaxPort: 49660, Valid: 10 * time.Minute, MaxPerIdentity: 16, MaxAllocations: 400}
}

// Enabled reports whether anything listens.
func (c Config) Enabled() bool { return c.UDP != "" || c.TCP != "" || c.TLS != "" }

// Validate reports every mistake at once.
func (c Config) Validate() error {
	var errs []error
	for key, v := range map[string]string{"udp": c.UDP, "tcp": c.TCP, "tls": c.TLS} {
		if _, err := netip.ParseAddrPort(v); v != "" && err != nil {
			errs = append(errs, configs.Fault(key, v, "IP:port, e.g. 0.0.0.0:3478"))
		}
	}
	if _, err := netip.ParseAddr(c.Advertise); c.Advertise != "" && err != nil {
		errs = append(errs, configs.Fault("advertise", c.Advertise, "an IP address"))
	}
	if c.MinPort < 1024 || c.MaxPort > 65535 || c.MinPort > c.MaxPort {
		errs = append(errs, configs.Fault("min_port", c.MinPort, "1024 to max_port (%d), at most 65535", c.MaxPort))
	}
	if c.Valid < time.Minute || c.Valid > time.Hour {
		errs = append(errs, configs.Fault("valid", c.Valid, "1m to 1h"))
	}
	if c.MaxPerIdentity < 1 || c.MaxAllocations < c.MaxPerIdentity {
		errs = append(errs, configs.Fault("max_allocations", c.MaxAllocations, "max_per_identity (%d) or more, which is 1 or more", c.MaxPerIdentity))
	}
	return errors.Join(errs...)
}

// realm is what long-term credentials are for (RFC 8489, 9.2).
const realm = "gridhub"

// maxStreams is how many TCP and TLS connections each listener serves at once;
// more wait.
const maxStreams = 1024

// Refusal is one thing that somebody was not given.
type Refusal struct {
	Cause    string     // "credentials", "quota" or "peer"
	Identity string     // as claimed, where it is known
	Client   string     // its address
	Peer     netip.Addr // that it wanted to reach, where that is the cause
}

// Relay is a TURN server. Safe for concurrent use.
type Relay struct {
	config  Config
	log     *slog.Logger
	media   func() []netip.AddrPort
	refused func(Refusal)
	own     []netip.Addr // of this machine
	secret  []byte
	now     func() time.Time

	udp     net.PacketConn
	streams []*streams // TCP, TLS
	server  *turn.Server

	mu   sync.Mutex
	held map[string]int // allocations by identity
	all  int
}

// New binds the listeners, so that a port in use is an error here; Run must
// follow: it is what closes them. media are the addresses of the hub's own
// media port, asked whenever somebody wants to reach one. certificate is
// needed for c.TLS only. refused hears of refusals, on the way of a packet: it
// must return at once; nil: nobody.
func New(c Config, certificate *tls.Config, media func() []netip.AddrPort, refused func(Refusal), log *slog.Logger) (*Relay, error) {
	if err := c.Validate(); err != nil {
		return nil, fmt.Errorf("relay: %w", err)
	}
	if c.TLS != "" && certificate == nil {
		return nil, errors.New("relay: tls needs a certificate")
	}
	if refused == nil {
		refused = func(Refusal) {}
	}
	r := &Relay{config: c, log: log, media: media, refused: refused, secret: make([]byte, 32), now: time.Now, held: map[string]int{}}
	_, _ = rand.Read(r.secret) // never fails
	var err error
	if r.own, err = ownAddresses(); err != nil {
		return nil, fmt.Errorf("relay: %w", err)
	}
	if err := r.listen(certificate); err != nil {
		return nil, errors.Join(fmt.Errorf("relay: %w", err), r.close())
	}
	return r, nil
}

func (r *Relay) listen(certificate *tls.Config) (err error) {
	if r.config.UDP != "" {
		if r.udp, err = net.ListenPacket("udp", r.config.UDP); err != nil {
			return fmt.Errorf("udp: %w", err)
		}
	}
	for _, l := range []struct {
		name, address string
		tls           *tls.Config
	}{{"tcp", r.config.TCP, nil}, {"tls", r.config.TLS, certificate}} {
		if l.address == "" {
			continue
		}
		tcp, err := net.Listen("tcp", l.address)
		if err != nil {
			return fmt.Errorf("%s: %w", l.name, err)
		}
		r.streams = append(r.streams, newStreams(l.name, netutil.LimitListener(tcp, maxStreams), l.tls))
	}
	return nil
}

// Run serves until ctx ends, and says first which of its listeners does not
// answer. It returns when every relayed socket is closed.
func (r *Relay) Run(ctx context.Context) error {
	if err := r.serve(); err != nil {
		return errors.Join(fmt.Errorf("relay: %w", err), r.close())
	}
	if ctx.Err() == nil {
		r.report(ctx)
	}
	<-ctx.Done()
	return r.close()
}

func (r *Relay) report(ctx context.Context) {
	for _, p := range r.Test(ctx) {
		if p.Err != nil && ctx.Err() == nil {
			r.log.Error("the relay does not answer", "path", p.Name, "address", p.Address, "err", p.Err)
		}
	}
}

func (r *Relay) serve() (err error) {
	c := turn.ServerConfig{
		Realm: realm, AuthHandler: r.authenticate, QuotaHandler: r.hasRoom,
		LoggerFactory: &logging.DefaultLoggerFactory{DefaultLogLevel: logging.LogLevelDisabled},
	}
	if r.udp != nil {
		c.PacketConnConfigs = []turn.PacketConnConfig{{PacketConn: r.udp, RelayAddressGenerator: ground{r}, PermissionHandler: r.permit}}
	}
	for _, s := range r.streams {
		c.ListenerConfigs = append(c.ListenerConfigs, turn.ListenerConfig{Listener: s.door(), RelayAddressGenerator: ground{r}, PermissionHandler: r.permit})
	}
	if len(c.PacketConnConfigs)+len(c.ListenerConfigs) == 0 {
		return nil // switched off
	}
	r.server, err = turn.NewServer(c)
	return err
}

// close ends the listeners and, other than the library's own Close, what came
// in through them.
func (r *Relay) close() error {
	var errs []error
	if r.server != nil {
		if err := r.server.Close(); !errors.Is(err, net.ErrClosed) {
			errs = append(errs, err)
		}
	} else if r.udp != nil {
		errs = append(errs, r.udp.Close())
	}
	for _, s := range r.streams {
		if err := s.Close(); !errors.Is(err, net.ErrClosed) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// Addresses are where the relay listens, by "udp", "tcp" and "tls", for a
// configuration that asked for any port.
func (r *Relay) Addresses() map[string]netip.AddrPort {
	all := map[string]netip.AddrPort{}
	if r.udp != nil {
		all["udp"] = r.udp.LocalAddr().(*net.UDPAddr).AddrPort()
	}
	for _, s := range r.streams {
		all[s.name] = s.Addr().(*net.TCPAddr).AddrPort()
	}
	return all
}
