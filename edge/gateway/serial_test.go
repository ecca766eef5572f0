package gateway

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"gridhub/devices/codec/modbus"
	"gridhub/devices/telemetry"
	"gridhub/devices/wire"
	"gridhub/edge/driver"
	"gridhub/edge/driver/modbus/modbustest"
	"gridhub/edge/uplink/hubtest"
)

// TestUnpluggedBus follows a serial line from the frame to the hub: values
// while it answers, bad records without values while the adapter is out and
// while one device is dead, values again afterwards.
func TestUnpluggedBus(t *testing.T) {
	bus := modbustest.NewBus(t, func(_ int, request []byte) []modbustest.Chunk {
		if request[0] != 1 { // unit 2 is dead
			return nil
		}
		return []modbustest.Chunk{{Bytes: modbus.RTU(1, []byte{3, 4, 0, 31, 0, 0})}}
	})
	broker := hubtest.StartBroker(t)
	hub := hubtest.New(t, broker.Address(), "edge-1")
	cfg := street(t, broker.Address(), 1, "")
	plant := filepath.Join(t.TempDir(), "bus.yaml")
	write(t, plant, fmt.Sprintf(`
lines: [{name: bus, kind: serial, path: %s, timeout: 100ms}]
devices:
  - {id: real-1, profile: gas-ch4@1, line: bus, address: 1, period: 100ms}
  - {id: dead-2, profile: gas-ch4@1, line: bus, address: 2, period: 1s}
`, bus.Path()))
	cfg.Devices = []string{plant}
	g, err := New(cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var group sync.WaitGroup
	defer group.Wait()
	defer cancel()
	group.Go(func() { g.Run(ctx) })

	newest := uint64(0) // of what came before the present step
	wait := func(what string, id string, f func(r wire.Record) bool) {
		t.Helper()
		hub.Wait(what, func(s hubtest.State) bool {
			for n, r := range s.Records(wire.Data) {
				if n > newest && string(r.Device) == id && f(r) {
					return true
				}
			}
			return false
		})
		hub.Wait("now", func(s hubtest.State) bool { newest = s.Upto(wire.Data); return true })
	}
	sound := func(r wire.Record) bool { return r.Quality == telemetry.Good && r.Values["ch4"] == 3.1 }
	failed := func(cause string) func(r wire.Record) bool {
		return func(r wire.Record) bool {
			return r.Quality == telemetry.Bad && r.Cause == cause && len(r.Values) == 0
		}
	}
	wait("a reading", "real-1", sound)
	wait("the dead device", "dead-2", failed(driver.Timeout))
	hub.Wait("what to look at", func(hubtest.State) bool {
		for _, f := range g.findings() {
			if f.Line == "bus" && f.Device == "dead-2" && strings.Contains(f.EN, "silent while others answer") {
				return true
			}
		}
		return false
	})
	bus.Unplug()
	wait("the missing line", "real-1", failed(driver.LineDown))
	bus.Plug()
	wait("a reading again", "real-1", sound)
}
