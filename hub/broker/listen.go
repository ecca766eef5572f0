package broker

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"syscall"
	"time"
)

// A listener is one open address.
type listener struct {
	Listener
	realm *realm
	net   net.Listener
}

func (l *listener) anonymous() bool { return l.realm.anonymous }

// doors knows the open connections and who may still come in.
type doors struct {
	max, perAddress int
	addrs           map[string]net.Addr // by listener name; written before ready

	mu        sync.Mutex // guards what follows
	open      map[*conn]struct{}
	addresses map[string]int
	failing   error // of the last Accept, until one succeeds
	failedAt  time.Time
	stopped   bool
}

func (d *doors) init(cfg Config) {
	d.max, d.perAddress = cfg.MaxConnections, cfg.MaxPerAddress
	d.addrs, d.open, d.addresses = map[string]net.Addr{}, map[*conn]struct{}{}, map[string]int{}
}

// enter lets c in, if the limits allow.
func (d *doors) enter(c *conn, host string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.stopped || len(d.open) >= d.max || d.perAddress > 0 && d.addresses[host] >= d.perAddress {
		return false
	}
	d.open[c] = struct{}{}
	d.addresses[host]++
	c.b.serving.Add(1)
	return true
}

func (d *doors) leave(c *conn, host string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.open, c)
	if d.addresses[host]--; d.addresses[host] == 0 {
		delete(d.addresses, host)
	}
}

// stop keeps everybody out and wakes every reader, which then ends its
// connection in good order.
func (d *doors) stop() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.stopped = true
	for c := range d.open {
		if c.hello.WebSocket { // interrupting its read would close it
			c.b.serving.Go(func() { c.settle(); c.sendAway(codeShuttingDown, "stopping") })
		} else {
			c.interrupt()
		}
		c.b.budget.wake()
	}
}

// Healthy returns nil while every listener accepts connections.
func (b *Broker) Healthy() error {
	if !closed(b.ready) || closed(b.stopping) {
		return errors.New("broker: not running")
	}
	b.doors.mu.Lock()
	defer b.doors.mu.Unlock()
	// Who waits in Accept without an error has nobody waiting outside: the
	// connections that met the error may have gone away.
	if b.doors.failing != nil && time.Since(b.doors.failedAt) < 2*longestPause {
		return fmt.Errorf("broker: accepting fails: %w", b.doors.failing)
	}
	return nil
}

// listen opens every configured address, or none.
func (b *Broker) listen(ctx context.Context) (open []*listener, err error) {
	for _, cfg := range b.cfg.Listeners {
		l := &listener{Listener: cfg, realm: b.identities}
		if cfg.Profile == ProfileConformance {
			l.realm = b.island
		}
		network := cfg.Network
		if network == "tls" {
			network = "tcp"
		}
		if network == "unix" {
			removeStale(cfg.Address)
		}
		// MQTT has a keepalive of its own; TCP's would wake every radio.
		if l.net, err = (&net.ListenConfig{KeepAlive: -1}).Listen(ctx, network, cfg.Address); err != nil {
			for _, o := range open {
				_ = o.net.Close()
			}
			return nil, fmt.Errorf("listener %s: %w", cfg.Name, err)
		}
		b.doors.addrs[cfg.Name] = l.net.Addr()
		open = append(open, l)
	}
	return open, nil
}

// removeStale removes the socket file of a process that was killed: one that
// exists and nobody listens on.
func removeStale(path string) {
	nc, err := net.Dial("unix", path)
	if err == nil {
		_ = nc.Close()
	} else if errors.Is(err, syscall.ECONNREFUSED) {
		_ = os.Remove(path)
	}
}

// longestPause is the longest time between two tries of a listener that cannot
// accept.
const longestPause = time.Second

// accept takes connections until l is closed. An error such as "too many open
// files" passes: it waits and tries again, and Healthy says so meanwhile.
func (b *Broker) accept(l *listener) {
	const shortest = 5 * time.Millisecond
	pause := shortest
	for {
		nc, err := l.net.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		b.doors.note(err)
		if err != nil {
			b.stats.AcceptErrors.Add(1)
			b.log.Warn("accept failed", "listener", l.Name, "error", err)
			if !b.pause(pause) {
				return
			}
			pause = min(2*pause, longestPause)
			continue
		}
		pause = shortest
		b.welcome(l, nc)
	}
}

func (d *doors) note(err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.failing, d.failedAt = err, time.Now()
}

// pause waits for d and reports whether the broker is still running.
func (b *Broker) pause(d time.Duration) bool {
	select {
	case <-time.After(d):
		return true
	case <-b.stopping:
		return false
	}
}

// welcome starts serving an accepted connection, or closes it.
func (b *Broker) welcome(l *listener, nc net.Conn) {
	b.stats.Accepted.Add(1)
	c := b.newConn(l, nc.RemoteAddr().String())
	c.transport(nc, func() { _ = nc.Close() })
	host, ok := b.admit(c)
	if !ok {
		_ = nc.Close()
		return
	}
	go func() {
		defer b.dismiss(c, host)
		if l.Network == "tls" && !c.secure(l.TLS) {
			return
		}
		c.serve()
	}()
}

// admit counts c in; false means that a limit is reached.
func (b *Broker) admit(c *conn) (host string, ok bool) {
	host, _, err := net.SplitHostPort(c.hello.RemoteAddr)
	if err != nil {
		host = c.hello.RemoteAddr
	}
	if !b.doors.enter(c, host) {
		b.stats.Turned.Add(1)
		return host, false
	}
	b.stats.Connections.Add(1)
	return host, true
}

func (b *Broker) dismiss(c *conn, host string) {
	c.cut()
	b.stats.Connections.Add(-1)
	b.doors.leave(c, host)
	b.serving.Done()
}

func (b *Broker) newConn(l *listener, remote string) *conn {
	c := &conn{b: b, realm: l.realm, lis: l, gone: make(chan struct{}), cut: func() {},
		hello: Credentials{RemoteAddr: remote, Listener: l.Name}}
	c.in = newReader(connectLimit, c.awaitInput)
	return c
}

// transport sets what the connection reads from and writes to, and what closes
// it. If the connection was ended meanwhile, that happens now.
func (c *conn) transport(nc net.Conn, cut func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.nc, c.in.nc, c.cut = nc, nc, cut
	if c.dead {
		cut()
	}
}

// interrupt ends a read that waits; awaitInput says why.
func (c *conn) interrupt() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.nc != nil {
		_ = c.nc.SetReadDeadline(time.Unix(1, 0))
	}
}

// secure does the TLS handshake and notes the client's certificate.
func (c *conn) secure(cfg *tls.Config) bool {
	ctx, cancel := context.WithTimeout(context.Background(), c.b.cfg.ConnectTimeout)
	defer cancel()
	t := tls.Server(c.nc, cfg)
	if err := t.HandshakeContext(ctx); err != nil {
		c.b.stats.ended("tls")
		c.b.log.Debug("tls handshake failed", "remote", c.hello.RemoteAddr, "error", err)
		return false
	}
	state := t.ConnectionState()
	if len(state.VerifiedChains) > 0 {
		leaf := state.PeerCertificates[0]
		sum := sha256.Sum256(leaf.Raw)
		c.hello.CertCN, c.hello.CertSerial = leaf.Subject.CommonName, leaf.SerialNumber.Text(16)
		c.hello.CertSHA256 = hex.EncodeToString(sum[:])
	}
	c.transport(t, c.cut)
	return true
}
