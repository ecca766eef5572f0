// Package limit bounds how often one network may ask, where nobody signs in.
//
// It owns the allowances and who counts as one network. It promises a bounded
// memory whatever addresses come. What an answer costs, and what is said to
// whoever has used up its allowance, is the caller's.
package limit

import (
	"net"
	"net/netip"
	"strings"
	"sync"
	"time"
)

// maxPeers bounds how many addresses a limiter remembers. When there are more,
// those that have their whole allowance again are forgotten; if that frees
// none, newcomers are refused.
const maxPeers = 20_000

// Limiter gives each network a number of tries and one more every so often. It
// may be used concurrently.
type Limiter struct {
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

// New makes a limiter: burst tries at once, and one more after each every.
func New(burst int, every time.Duration, now func() time.Time) *Limiter {
	return &Limiter{burst: burst, every: every, now: now, peers: map[netip.Prefix]allowance{}}
}

// Take uses one try; wait is how long until there is another when it has none.
func (l *Limiter) Take(from netip.Prefix) (wait time.Duration, ok bool) {
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

// Give returns a try that turned out to be a good one.
func (l *Limiter) Give(from netip.Prefix) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if a, known := l.peers[from]; known {
		a.left = min(float64(l.burst), a.left+1)
		l.peers[from] = a
	}
}

func (l *Limiter) grown(a allowance, known bool) allowance {
	now := l.now()
	if !known {
		return allowance{float64(l.burst), now}
	}
	a.left = min(float64(l.burst), a.left+float64(now.Sub(a.at))/float64(l.every))
	a.at = now
	return a
}

func (l *Limiter) forget() bool {
	before := len(l.peers)
	for p, a := range l.peers {
		if l.grown(a, true).left >= float64(l.burst) {
			delete(l.peers, p)
		}
	}
	return len(l.peers) < before
}

// Peer is the network that a request came from: the address, of IPv6 the /64
// that one customer has. Behind a proxy on this machine it is the last address
// that the proxy saw, as its X-Forwarded-For headers say.
func Peer(remote string, forwarded ...string) netip.Prefix {
	host, _, _ := net.SplitHostPort(remote)
	ip, err := netip.ParseAddr(host)
	if err == nil && ip.IsLoopback() {
		all := strings.Split(strings.Join(forwarded, ","), ",")
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
