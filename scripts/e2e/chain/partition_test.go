package chain_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"gridhub/devices"
	"gridhub/devices/telemetry"
	"gridhub/devices/wire"
	"gridhub/edge/uplink"
	"gridhub/hub/api"
	"gridhub/hub/live"
)

// valve is a way for TCP that can be cut: while it is, what is open breaks and
// nothing new comes through.
type valve struct {
	t      testing.TB
	to     string
	listen net.Listener

	mu   sync.Mutex
	cut  bool
	open map[net.Conn]bool
}

func newValve(t testing.TB, to string) *valve {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	v := &valve{t: t, to: to, listen: l, open: map[net.Conn]bool{}}
	var group sync.WaitGroup
	group.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			group.Go(func() { v.pass(c) })
		}
	})
	t.Cleanup(func() {
		l.Close()
		v.set(true)
		group.Wait()
	})
	return v
}

func (v *valve) pass(c net.Conn) {
	defer c.Close()
	d, err := net.Dial("tcp", v.to)
	if err != nil || !v.keep(c, d) {
		return
	}
	defer d.Close()
	go func() {
		_, _ = io.Copy(d, c)
		d.Close()
	}()
	_, _ = io.Copy(c, d)
}

// keep notes a pair of connections, unless the way is cut.
func (v *valve) keep(pair ...net.Conn) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, c := range pair {
		if v.cut {
			c.Close()
		}
		v.open[c] = true
	}
	return !v.cut
}

func (v *valve) set(cut bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.cut = cut; cut {
		for c := range v.open {
			c.Close()
		}
		clear(v.open)
	}
}

// The street that comes back: a day of readings a minute, in short.
const (
	returning   = 20              // gateways
	waited      = 5000            // readings of each
	drainRate   = 500             // per second, each
	lagBound    = 100 * returning // messages: what all may have unacknowledged
	returnEvery = 24 * time.Hour / waited
)

// returner is the part of a gateway that has to do with the hub.
type returner struct {
	id     devices.ID
	device devices.ID
	spool  *uplink.Spool
	uplink *uplink.Uplink
}

func (h *hub) returner(i int, way string) *returner {
	h.t.Helper()
	return h.returnerOn(uplink.ThisMachine(), i, way)
}

func (h *hub) returnerOn(m uplink.Machine, i int, way string) *returner {
	h.t.Helper()
	c := &returner{id: devices.ID(fmt.Sprintf("gw-%02d", i)), device: devices.ID(fmt.Sprintf("gas-%02d", i))}
	dir := h.t.TempDir()
	write(h.t, filepath.Join(dir, "secret"), h.add(string(c.id), "gateway")+"\n")
	var err error
	if c.spool, err = uplink.OpenSpoolOn(m, dir, uplink.DefaultSpool(), nil); err != nil {
		h.t.Fatal(err)
	}
	cfg := uplink.Default()
	cfg.URL, cfg.PasswordFile, cfg.BacklogRate, cfg.Linger = "tcp://"+way, filepath.Join(dir, "secret"), drainRate, 50*time.Millisecond
	stock := wire.Stock{V: wire.Version, Hash: string(c.id), Devices: []wire.Entry{{ID: c.device, Kind: "gas", Profile: "gas-ch4@1", Metrics: []wire.Metric{{Name: "ch4"}}}}}
	c.uplink, err = uplink.New(cfg, uplink.Options{ID: c.id, Spool: c.spool, Stock: func() wire.Stock { return stock }})
	if err != nil {
		h.t.Fatal(err)
	}
	return c
}

func (c *returner) put(at time.Time, v float64) {
	c.spool.Put(wire.Record{Device: c.device, At: telemetry.At(at), Values: map[string]float64{"ch4": v}}, false)
}

func (c *returner) waiting() uint64 { return c.spool.Status()[1].Waiting() }

// TestManyGatewaysReturn cuts the way between a street of gateways and the hub
// for a day, in short, and opens it again: what is measured then is on the
// screen while the backlogs still drain, none of them faster than it is allowed
// to, the hub does not fall behind, and in the end all is stored once.
func TestManyGatewaysReturn(t *testing.T) {
	h, root := open(t, "")
	v := newValve(t, h.mqtt)
	ctx, stop := context.WithCancel(t.Context())
	var group sync.WaitGroup
	var all []*returner
	for i := range returning {
		c := h.returner(i, v.listen.Addr().String())
		all = append(all, c)
		group.Go(func() { _ = c.uplink.Run(ctx) })
	}
	t.Cleanup(func() {
		stop()
		group.Wait()
		for _, c := range all {
			c.spool.Close()
		}
	})
	each := func(what string, f func(*returner) error) {
		t.Helper()
		for _, c := range all {
			eventually(t, what, func() error { return f(c) })
		}
	}
	each("the first connection", func(c *returner) error {
		if !c.uplink.Status().Online {
			return fmt.Errorf("%s: %s", c.id, c.uplink.Status().Cause)
		}
		return nil
	})
	v.set(true)
	each("the cut", func(c *returner) error {
		if c.uplink.Status().Online {
			return fmt.Errorf("%s is online", c.id)
		}
		return nil
	})
	begin := time.Now().Add(-24 * time.Hour)
	for _, c := range all {
		for n := range waited {
			c.put(begin.Add(time.Duration(n)*returnEvery), float64(n%50))
		}
	}
	v.set(false)
	each("the return", func(c *returner) error {
		if !c.uplink.Status().Online {
			return fmt.Errorf("%s: %s", c.id, c.uplink.Status().Cause)
		}
		return nil
	})
	back := time.Now()
	for _, c := range all {
		c.put(back, 77)
	}
	seen := func() (n int) {
		var now []live.DeviceState
		root.get("/api/v1/devices", &now)
		for _, d := range now {
			if len(d.Values) == 1 && d.Values[0].Value != nil && *d.Values[0].Value == 77 {
				n++
			}
		}
		return n
	}
	most := uint64(0)
	eventually(t, "what is measured now, on the screen", func() error {
		most = max(most, root.lag())
		if n := seen(); n != returning {
			return fmt.Errorf("of %d gateways", n)
		}
		return nil
	})
	draining := 0
	for _, c := range all {
		if c.waiting() > 0 {
			draining++
		}
	}
	if draining == 0 {
		t.Error("no backlog was left when the fresh readings arrived: nothing is shown of their order")
	}
	each("the backlog", func(c *returner) error {
		most = max(most, root.lag())
		if n := c.waiting(); n > 0 {
			return fmt.Errorf("%s: %d readings wait", c.id, n)
		}
		return nil
	})
	if took, least := time.Since(back), time.Second*waited/drainRate/2; took < least {
		t.Errorf("%d readings drained in %v, faster than allowed", waited, took)
	}
	if most > lagBound {
		t.Errorf("the hub was %d messages behind, want at most %d", most, lagBound)
	}
	for _, c := range all {
		eventually(t, "the ledger", func() error {
			if sum := root.ledgerSince(c.device, begin.Add(-time.Hour)); sum.Stored != waited+1 || sum.Unexplained != 0 {
				return fmt.Errorf("%s: %+v", c.device, sum)
			}
			return nil
		})
	}
	t.Logf("%d gateways, %d readings each: the hub was at most %d messages behind", returning, waited, most)
}

// lag is how far the slowest consumer of the hub is behind.
func (s *session) lag() (most uint64) {
	s.t.Helper()
	var parts []api.Part
	s.get("/api/v1/health", &parts)
	for _, p := range parts {
		most = max(most, p.Lag)
	}
	return most
}
