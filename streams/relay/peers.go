package relay

import (
	"fmt"
	"net"
	"net/netip"
	"slices"
)

// never are the networks that no relay leads to, whatever is configured: what
// answers there trusts its neighbours, or is no single host.
var never = prefixes(
	"0.0.0.0/8",            // this network (RFC 1122)
	"10.0.0.0/8",           // private (RFC 1918)
	"100.64.0.0/10",        // carrier-grade NAT (RFC 6598), and a cloud's metadata at 100.100.100.200
	"127.0.0.0/8",          // loopback
	"169.254.0.0/16",       // link-local, and most clouds' metadata
	"172.16.0.0/12",        // private
	"192.0.0.0/24",         // protocol assignments (RFC 6890), and a cloud's metadata at 192.0.0.192
	"192.0.2.0/24",         // documentation
	"192.88.99.0/24",       // former 6to4 relays
	"192.168.0.0/16",       // private
	"198.18.0.0/15",        // benchmarks
	"198.51.100.0/24",      // documentation
	"203.0.113.0/24",       // documentation
	"224.0.0.0/3",          // multicast, reserved, broadcast
	"168.63.129.16/32",     // a cloud's metadata
	"::/3",                 // unspecified, loopback, mapped and translated IPv4
	"2001::/23",            // Teredo and other assignments
	"2001:db8::/32",        // documentation
	"2002::/16",            // 6to4, which wraps IPv4
	"3fff::/20",            // documentation
	"4000::/2", "8000::/1", // not assigned, unique local (fc00::/7), link-local, multicast
)

func prefixes(all ...string) []netip.Prefix {
	out := make([]netip.Prefix, len(all))
	for i, p := range all {
		out[i] = netip.MustParsePrefix(p)
	}
	return out
}

// reaches reports whether a packet may go to an address.
func (r *Relay) reaches(to netip.AddrPort) bool {
	to = netip.AddrPortFrom(to.Addr().Unmap(), to.Port())
	return slices.Contains(r.media(), to) || r.open(to.Addr())
}

// open reports whether every port of the address may be reached.
func (r *Relay) open(a netip.Addr) bool {
	forbidden := func(p netip.Prefix) bool { return p.Contains(a) }
	return r.config.AnyPeer && a.IsValid() && a.Zone() == "" && !slices.ContainsFunc(never, forbidden) && !slices.Contains(r.own, a)
}

// permit implements turn.PermissionHandler, which is not told the port:
// relayed.WriteTo looks at that.
func (r *Relay) permit(client net.Addr, ip net.IP) bool {
	a, _ := netip.AddrFromSlice(ip)
	a = a.Unmap()
	isMedia := func(m netip.AddrPort) bool { return m.Addr() == a }
	if slices.ContainsFunc(r.media(), isMedia) || r.open(a) {
		return true
	}
	r.refused(Refusal{Cause: "peer", Client: client.String(), Peer: a})
	return false
}

// ownAddresses are this machine's: services that listen beyond loopback would
// otherwise take a relayed packet for one of the hub's own.
func ownAddresses() ([]netip.Addr, error) {
	all, err := net.InterfaceAddrs()
	if err != nil {
		return nil, fmt.Errorf("own addresses: %w", err)
	}
	var own []netip.Addr
	for _, a := range all {
		if n, ok := a.(*net.IPNet); ok {
			ip, _ := netip.AddrFromSlice(n.IP)
			own = append(own, ip.Unmap())
		}
	}
	return own, nil
}
