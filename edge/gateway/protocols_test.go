package gateway

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"gridhub/devices/codec/hj212"
	"gridhub/devices/codec/jt808"
	"gridhub/devices/codec/nmea"
	"gridhub/devices/profile"
	"gridhub/devices/wire"
	"gridhub/edge/driver/slave"
	"gridhub/edge/uplink/hubtest"
)

// TestEveryProtocol runs one gateway with a line of every kind, from the device
// file to the hub: a meter, a receiver, a station that pushes and a terminal
// whose button is pressed.
func TestEveryProtocol(t *testing.T) {
	broker := hubtest.StartBroker(t)
	hub := hubtest.New(t, broker.Address(), "edge-1")
	cfg := street(t, broker.Address(), 1, "")
	ctx, cancel := context.WithCancel(t.Context())
	var group sync.WaitGroup
	defer group.Wait()
	defer cancel()

	meter, receiver := pty(t), pty(t)
	library, err := profile.LoadLibrary(shipped + "/profiles")
	if err != nil {
		t.Fatal(err)
	}
	layout, err := library["electricity-dlt645-2007@1"].Compile(nil)
	if err != nil {
		t.Fatal(err)
	}
	device := slave.Device{Address: "161", Layout: layout, Values: func() map[string]float64 { return map[string]float64{"voltage": 229.5} }}
	group.Go(func() { _ = slave.New([]slave.Device{device}, slave.Faults{}).ServePTY(ctx, meter) })
	site, walkers := freePort(t), freePort(t)
	plant := filepath.Join(t.TempDir(), "plant.yaml")
	write(t, plant, fmt.Sprintf(`
lines:
  - {name: meters, kind: serial, path: %s, baud: 2400, parity: even}
  - {name: gnss, kind: serial, path: %s}
  - {name: sites, kind: listen, address: "%s"}
  - {name: walkers, kind: listen, address: "%s"}
devices:
  - {id: meter-1, profile: electricity-dlt645-2007@1, line: meters, address: 000000000161, period: 200ms}
  - {id: gnss-1, profile: gnss-nmea@1, line: gnss, period: 200ms}
  - {id: site-1, profile: site-hj212@1, line: sites, address: MN1}
  - {id: walker-1, profile: terminal-jt808@1, line: walkers, address: "13912344329"}
`, meter.Path(), receiver.Path(), site, walkers))
	cfg.Devices = []string{plant}
	g, err := New(cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	group.Go(func() { g.Run(ctx) })

	at := time.Date(2026, 6, 1, 8, 0, 0, 0, time.UTC)
	packet := hj212.Packet{QN: "1", ST: "39", CN: hj212.RealTime, MN: "MN1", Flag: 5, Text: "DataTime=20260601160000;a34004-Rtd=26.5,a34004-Flag=N"}
	report := jt808.Message{ID: jt808.Position, Phone: "13912344329", Serial: 1, Body: jt808.Report(1, 2, 104.06, 30.66, 0, 0, at)}
	group.Go(func() { push(ctx, site, packet.Bytes()) })
	group.Go(func() { push(ctx, walkers, report.Bytes()) })
	group.Go(func() {
		line := nmea.Line("GNRMC,080000,A,3039.6000,N,10403.6000,E,0,0,010626,,") + "\r\n"
		for ctx.Err() == nil {
			_, _ = receiver.Master.Write([]byte(line))
			pause(ctx)
		}
	})
	hub.Wait("a record of every protocol", func(s hubtest.State) bool {
		has := func(stream, id, metric string, want float64, own bool) bool {
			for _, r := range s.Records(stream) {
				if string(r.Device) == id && r.Values[metric] == want && (!own || r.Own.Time() == at) {
					return true
				}
			}
			return false
		}
		return has(wire.Data, "meter-1", "voltage", 229.5, false) && has(wire.Data, "gnss-1", "lat", 30.66, true) &&
			has(wire.Data, "site-1", "pm25", 26.5, true) && has(wire.Alarm, "walker-1", "sos", 1, true)
	})
}

func pty(t *testing.T) *slave.PTY {
	t.Helper()
	p, err := slave.OpenPTY()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	return p
}

// freePort is a port of this machine that nobody has.
func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// push sends b again and again, as devices do that get no answer.
func push(ctx context.Context, address string, b []byte) {
	for ctx.Err() == nil {
		if c, err := net.Dial("tcp", address); err == nil {
			_, _ = c.Write(b)
			pause(ctx)
			c.Close()
		}
		pause(ctx)
	}
}

func pause(ctx context.Context) {
	t := time.NewTimer(100 * time.Millisecond)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}
