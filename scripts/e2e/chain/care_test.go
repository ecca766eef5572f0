package chain_test

import (
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	"gridhub/devices/telemetry"
	"gridhub/devices/wire"
	"gridhub/hub/api"
	"gridhub/hub/live"
	"gridhub/hub/registry"
	"gridhub/hub/rules"
)

// TestMaintenanceRaisesNothing floods a gauge that somebody works on: its
// readings are kept, no hazard stands, the logbook says what it would have
// been, and what is still there when the work is over is raised then. A crash
// of the hub in between changes nothing.
func TestMaintenanceRaisesNothing(t *testing.T) {
	s := openStreet(t, "")
	s.showsDepth(dry)
	path := "/api/v1/devices/" + gauge
	if err := s.desk.call("POST", path+"/maintenance", map[string]any{"until": telemetry.At(time.Now().Add(time.Hour))}, nil); !isStatus(err, 422) {
		t.Errorf("without a reason: %v", err)
	}
	s.desk.post(path+"/maintenance", map[string]any{"until": telemetry.At(time.Now().Add(time.Hour)), "reason": "标定"}, nil)
	s.device(gauge, "the gauge in maintenance", func(d live.DeviceState) bool { return d.Maintenance != nil && d.Maintenance.Why == "标定" })
	s.slave.set(gaugeUnit, gaugeRegister, wet)
	s.showsDepth(wet)
	var book api.Logbook
	spared := func() error {
		s.desk.get(path+"/logbook", &book)
		if len(book.Suppressed) != 1 || book.Suppressed[0].Reason != rules.InMaintenance || book.Suppressed[0].Value != wet {
			return fmt.Errorf("the logbook says %+v", book.Suppressed)
		}
		return nil
	}
	eventually(t, "what it would have raised", spared)

	s.hub.end(t, syscall.SIGKILL)
	s.hub.serve()
	s.device(gauge, "the gauge in maintenance still", func(d live.DeviceState) bool { return d.Maintenance != nil })
	s.showsDepth(wet)
	var hazards []rules.Hazard
	s.desk.get("/api/v1/hazards", &hazards)
	if err := spared(); err != nil || len(hazards) != 0 {
		t.Errorf("after a crash: %v, hazards %+v", err, hazards)
	}

	s.desk.post(path+"/maintenance", map[string]any{"until": 0}, nil)
	s.oneHazard()
	s.desk.get(path+"/logbook", &book)
	var kinds []string
	for _, e := range book.Events {
		kinds = append(kinds, e.Kind)
	}
	if got := strings.Join(kinds, " "); got != "maintenance-end maintenance added" {
		t.Errorf("the logbook says %s", got)
	}
}

// TestReplacement puts another thing in the place of a sensor that speaks for
// itself: the old one is cut off and turned away, the new one goes on under the
// same id and history.
func TestReplacement(t *testing.T) {
	h, root := open(t, "")
	secret := h.add("gas-9", "sensor", "--profile", "gas", "--label", "后厨")
	say := func(c *client, v float64) error {
		return c.say(wire.Telemetry, wire.Reading{Stamp: wire.Stamp{V: wire.Version, Now: telemetry.At(time.Now())},
			At: telemetry.At(time.Now()), Values: map[string]float64{"ch4": v}})
	}
	old, err := dial("tcp://"+h.mqtt, "gas-9", secret)
	if err != nil {
		t.Fatal(err)
	}
	defer old.Disconnect(0)
	if err := say(old, 1); err != nil {
		t.Fatal(err)
	}
	fresh := strings.TrimSpace(h.cli("device", "replace", "gas-9", "SN-2"))
	eventually(t, "the old thing to be cut off", func() error {
		if old.IsConnected() {
			return fmt.Errorf("it is connected")
		}
		return nil
	})
	if c, err := dial("tcp://"+h.mqtt, "gas-9", secret); err == nil {
		c.Disconnect(0)
		t.Error("the old secret still opens the door")
	}
	c, err := dial("tcp://"+h.mqtt, "gas-9", fresh)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Disconnect(0)
	if err := say(c, 2); err != nil {
		t.Fatal(err)
	}
	eventually(t, "both things in one history", func() error {
		if got := root.series("gas-9", "ch4"); len(got) != 2 || got[0].Value != 1 || got[1].Value != 2 {
			return fmt.Errorf("have %+v", got)
		}
		return nil
	})
	var book api.Logbook
	root.get("/api/v1/devices/gas-9/logbook", &book)
	if len(book.Events) != 1 || book.Events[0].Kind != registry.Replaced || book.Events[0].New != "SN-2" {
		t.Errorf("the logbook says %+v", book.Events)
	}
}
