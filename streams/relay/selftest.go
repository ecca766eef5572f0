package relay

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/pion/logging"
	"github.com/pion/turn/v5"
)

// Path is one way in, and what is wrong with it.
type Path struct {
	Name    string // udp, tcp or tls
	Address netip.AddrPort
	Err     error // nil: an allocation was made, and may reach the media port
}

// testWithin is how long the test of one path may take.
const testWithin = 5 * time.Second

// Test goes each way in as a client would: signs in, allocates, and asks for
// the way to the media port. Run must have begun.
func (r *Relay) Test(ctx context.Context) []Path {
	var all []Path
	for name, at := range r.Addresses() {
		all = append(all, Path{Name: name, Address: at, Err: r.try(ctx, name, dialable(at))})
	}
	slices.SortFunc(all, func(a, b Path) int { return strings.Compare(a.Name, b.Name) })
	return all
}

// dialable is where a listener on every address is found from within.
func dialable(at netip.AddrPort) string {
	switch {
	case !at.Addr().IsUnspecified():
	case at.Addr().Is4():
		at = netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), at.Port())
	default:
		at = netip.AddrPortFrom(netip.IPv6Loopback(), at.Port())
	}
	return at.String()
}

func (r *Relay) try(ctx context.Context, name, address string) error {
	ctx, cancel := context.WithTimeout(ctx, testWithin)
	defer cancel()
	conn, err := dial(ctx, name, address)
	if err != nil {
		return err
	}
	defer conn.Close()
	as := r.Credentials("self-test")
	c, err := turn.NewClient(&turn.ClientConfig{
		TURNServerAddr: address, Conn: conn, Username: as.Username, Password: as.Password, Realm: realm,
		LoggerFactory: &logging.DefaultLoggerFactory{DefaultLogLevel: logging.LogLevelDisabled},
	})
	if err != nil {
		return err
	}
	defer c.Close()
	if err := c.Listen(); err != nil {
		return err
	}
	allocation, err := c.AllocateWithContext(ctx)
	if err != nil {
		return fmt.Errorf("allocate: %w", err)
	}
	defer allocation.Close()
	for _, m := range r.media() {
		if m.Addr().Is4() {
			if err := c.CreatePermission(net.UDPAddrFromAddrPort(m)); err != nil {
				return fmt.Errorf("permission for the media port: %w", err)
			}
		}
	}
	return nil
}

func dial(ctx context.Context, name, address string) (net.PacketConn, error) {
	switch name {
	case "udp":
		var l net.ListenConfig
		return l.ListenPacket(ctx, "udp4", ":0")
	case "tcp":
		var d net.Dialer
		conn, err := d.DialContext(ctx, "tcp", address)
		if err != nil {
			return nil, err
		}
		return turn.NewSTUNConn(conn), nil
	default:
		// Whether the certificate convinces is the browser's to say; here the
		// question is whether anybody answers.
		d := tls.Dialer{Config: &tls.Config{InsecureSkipVerify: true}}
		conn, err := d.DialContext(ctx, "tcp", address)
		if err != nil {
			return nil, err
		}
		return turn.NewSTUNConn(conn), nil
	}
}
