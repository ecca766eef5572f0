package open311

import (
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"time"
)

// maxPeers bounds how many addresses a limiter remembers. When there are more,
// those that have their whole allowance again are forgotten; if that frees
// none, newcomers are refused.
const maxPeers = 20_000

// limiter gives each address a number of tries and one more every so often.
type limiter struct {
	burst int
	every time.Duration
	now   func() time.Time

	mu    sync.Mutex // guards peers
	peers map[netip.Prefix]allowance
}

type allowance struct {
	left float64
	at   time.Time
}

func newLimiter(burst int, every time.Duration, now func() time.Time) *limiter {
	return &limiter{burst: burst, every: every, now: now, peers: map[netip.Prefix]allowance{}}
}

// take uses one try; wait is how long until there is another when it has none.
func (l *limiter) take(from netip.Prefix) (wait time.Duration, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	a, known := l.peers[from]
	if !known && len(l.peers) >= maxPeers && !l.forget() {
		return l.every, false
	}
	if a = l.grown(a, known); a.left < 1 {
		return time.Duration((1 - a.left) * float64(l.every)), false
	}
	a.left--
	l.peers[from] = a
	return 0, true
}

func (l *limiter) grown(a allowance, known bool) allowance {
	now := l.now()
	if !known {
		return allowance{float64(l.burst), now}
	}
	a.left = min(float64(l.burst), a.left+float64(now.Sub(a.at))/float64(l.every))
	a.at = now
	return a
}

func (l *limiter) forget() bool {
	before := len(l.peers)
	for p, a := range l.peers {
		if l.grown(a, true).left >= float64(l.burst) {
			delete(l.peers, p)
		}
	}
	return len(l.peers) < before
}

// peer is the network that a request came from: the address, of IPv6 the /64
// that one customer has. Behind a proxy on this machine it is the last address
// that the proxy saw.
func peer(r *http.Request) netip.Prefix {
	host, _, _ := net.SplitHostPort(r.RemoteAddr)
	ip, err := netip.ParseAddr(host)
	if err == nil && ip.IsLoopback() {
		all := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
		if seen, err := netip.ParseAddr(strings.TrimSpace(all[len(all)-1])); err == nil {
			ip = seen
		}
	}
	ip = ip.Unmap().WithZone("")
	bits := 32
	if ip.Is6() {
		bits = 64
	}
	p, _ := ip.Prefix(bits) // the zero address has no prefix: all such share one
	return p
}
