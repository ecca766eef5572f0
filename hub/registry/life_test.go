package registry_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"gridhub/devices"
	"gridhub/devices/telemetry"
	"gridhub/devices/wire"
	"gridhub/hub/registry"
	"gridhub/hub/store"
	"gridhub/hub/store/storetest"
)

const noon = telemetry.Millis(1_763_870_000_000)

// shop is a registry with a clock, which can be opened again.
type shop struct {
	t  *testing.T
	db *store.DB
	at telemetry.Millis
	*registry.Registry
}

func openShop(t *testing.T) *shop {
	s := &shop{t: t, db: storetest.Open(t), at: noon}
	s.reopen()
	return s
}

func (s *shop) reopen() {
	s.t.Helper()
	r, err := registry.Open(s.t.Context(), s.db, func() time.Time { return s.at.Time() })
	if err != nil {
		s.t.Fatal(err)
	}
	s.Registry = r
}

// stock takes an inventory of gateway gw a minute later.
func (s *shop) stock(gw devices.ID, all ...wire.Entry) {
	s.t.Helper()
	s.at = s.at.Add(time.Minute)
	if _, err := s.Stock(s.t.Context(), gw, s.at, wire.Stock{V: 1, Devices: all}); err != nil {
		s.t.Fatal(err)
	}
}

// book is what the logbook says, oldest first.
func (s *shop) book(id devices.ID) (kinds []string, all []registry.LogEntry) {
	s.t.Helper()
	all, err := s.Logbook(s.t.Context(), id, 100)
	if err != nil {
		s.t.Fatal(err)
	}
	slices.Reverse(all)
	for _, e := range all {
		kinds = append(kinds, e.Kind)
	}
	return kinds, all
}

func meter(unit, profile string) wire.Entry {
	return wire.Entry{ID: "meter-1", Kind: "electricity", Profile: profile, Unit: unit}
}

// TestLogbook follows a meter's place through its units.
func TestLogbook(t *testing.T) {
	s := openShop(t)
	s.stock("gw-1", meter("", "meter@1"))
	s.stock("gw-1", meter("", "meter@1"))
	s.stock("gw-1", meter("SN-1", "meter@1"))
	s.stock("gw-1", meter("SN-2", "meter@2"))
	again := meter("SN-2", "meter@2")
	if _, err := s.Stock(t.Context(), "gw-1", s.at, wire.Stock{V: 1, Devices: []wire.Entry{again}}); err != nil { // delivered twice
		t.Fatal(err)
	}
	moved := again
	moved.Place.Grid, moved.Maintenance = "G02", true
	s.stock("gw-1", moved)
	s.stock("gw-1")
	s.reopen()
	if d, ok := s.Device("meter-1"); !ok || !d.Gone || d.Changed != s.at || len(s.Devices()) != 0 || len(s.Stocked()) != 1 {
		t.Errorf("after its removal: %+v", d)
	}
	s.stock("gw-2", again)
	kinds, all := s.book("meter-1")
	want := []string{registry.Added, registry.Identified, registry.Replaced, registry.Moved, registry.MaintenanceBegun, registry.Removed,
		registry.Returned, registry.Rewired, registry.Moved, registry.MaintenanceEnded}
	if !slices.Equal(kinds, want) {
		t.Fatalf("the logbook says %v, want %v", kinds, want)
	}
	if r := all[2]; r.Old != "SN-1" || r.New != "SN-2" || r.OldProfile != "meter@1" || r.NewProfile != "meter@2" || r.At != noon.Add(4*time.Minute) {
		t.Errorf("the replacement: %+v", r)
	}
}

func TestMaintenance(t *testing.T) {
	s := openShop(t)
	s.stock("gw-1", meter("SN-1", "meter@1"), wire.Entry{ID: "gas-1", Kind: "gas", Profile: "gas@1", Maintenance: true})
	s.at++
	until := s.at.Add(time.Hour)
	for name, tt := range map[string]struct {
		id    devices.ID
		until telemetry.Millis
		want  error
	}{
		"nobody knows it":    {"meter-9", until, registry.ErrUnknown},
		"over already":       {"meter-1", s.at, registry.ErrUntil},
		"for ever":           {"meter-1", s.at.Add(400 * 24 * time.Hour), registry.ErrUntil},
		"set at its gateway": {"gas-1", until, registry.ErrFile},
		"ended elsewhere":    {"gas-1", 0, registry.ErrFile},
	} {
		if _, err := s.Maintain(t.Context(), tt.id, tt.until, "why", "lin"); !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, want %v", name, err, tt.want)
		}
	}
	if m, on := s.Maintenance("gas-1"); !on || !m.File || m.By != "gw-1" {
		t.Errorf("the gateway's file says so: %+v %v", m, on)
	}
	if _, err := s.Maintain(t.Context(), "meter-1", until, "校准 calibration", "lin"); err != nil {
		t.Fatal(err)
	}
	s.reopen()
	if m, on := s.Maintenance("meter-1"); !on || m.File || m.Until != until || m.By != "lin" || !s.Maintained("meter-1") {
		t.Errorf("after a restart: %+v %v", m, on)
	}
	s.at = until
	if s.Maintained("meter-1") {
		t.Error("it does not end by itself")
	}
	if over, err := s.EndMaintenance(t.Context()); err != nil || !slices.Equal(over, []devices.ID{"meter-1"}) {
		t.Errorf("over: %v, %v", over, err)
	}
	if over, err := s.EndMaintenance(t.Context()); err != nil || len(over) != 0 {
		t.Errorf("over again: %v, %v", over, err)
	}
	kinds, all := s.book("meter-1")
	if want := []string{registry.Added, registry.MaintenanceBegun, registry.MaintenanceEnded}; !slices.Equal(kinds, want) || all[2].At != until || all[2].By != "" {
		t.Errorf("the logbook says %v, %+v", kinds, all)
	}
}

// TestCarriers holds that a pool terminal's positions belong to whoever had it
// at the time.
func TestCarriers(t *testing.T) {
	s := openShop(t)
	s.stock("gw-1", wire.Entry{ID: "badge-7", Kind: "position", Profile: "terminal-jt808@1"})
	give := func(h registry.Holder) telemetry.Millis {
		t.Helper()
		s.at = s.at.Add(time.Hour)
		hold, err := s.Give(t.Context(), "badge-7", h, "lin")
		if err != nil || hold.Holder != h {
			t.Fatalf("%+v: %v", hold, err)
		}
		return s.at
	}
	first := give(registry.Holder{Person: "p-001"})
	second := give(registry.Holder{Person: "p-002"})
	car := give(registry.Holder{Vehicle: "川A12345"})
	back := give(registry.Holder{})
	s.reopen()
	for at, want := range map[telemetry.Millis]string{first - 1: "", first: "p-001", second - 1: "p-001", second: "p-002", car: "", back: ""} {
		if who, ok := s.Carrier("badge-7", at); string(who) != want || ok != (want != "") {
			t.Errorf("%v after the first: %q, want %q", at.Sub(first), who, want)
		}
	}
	if got := s.Carried("p-002", first, second+1); len(got) != 1 || got[0].Since != second || got[0].Ended != car {
		t.Errorf("p-002 carried %+v", got)
	}
	if got := s.Carried("p-002", car, back); len(got) != 0 {
		t.Errorf("p-002 carried it later: %+v", got)
	}
	if _, err := s.Give(t.Context(), "badge-7", registry.Holder{Person: "p-001", Vehicle: "x"}, "lin"); !errors.Is(err, registry.ErrHolder) {
		t.Errorf("two holders: %v", err)
	}
	if _, err := s.Give(t.Context(), "badge-9", registry.Holder{Person: "p-001"}, "lin"); !errors.Is(err, registry.ErrUnknown) {
		t.Errorf("a stranger: %v", err)
	}
}

func TestReplace(t *testing.T) {
	s := openShop(t)
	old, err := s.Add(t.Context(), registry.Principal{ID: "gas-1", Kind: devices.Sensor, Profile: "gas", Label: "后厨"})
	if err != nil {
		t.Fatal(err)
	}
	created, _ := s.Get("gas-1")
	s.at = s.at.Add(time.Hour)
	var cut devices.ID
	s.OnRevoke(func(id devices.ID) { cut = id })
	secret, err := s.Replace(t.Context(), "gas-1", "SN-2", "console")
	if err != nil || cut != "gas-1" {
		t.Fatalf("%v; cut off: %q", err, cut)
	}
	for _, again := range []bool{false, true} {
		if _, err := s.Authenticate("gas-1", []byte(old)); !errors.Is(err, registry.ErrSecret) {
			t.Errorf("again %v: the old thing's secret: %v", again, err)
		}
		if p, err := s.Authenticate("gas-1", []byte(secret)); err != nil || p != created {
			t.Errorf("again %v: the new thing is %+v, %v; was %+v", again, p, err, created)
		}
		if s.Unit("gas-1") != "SN-2" {
			t.Errorf("again %v: its unit is %q", again, s.Unit("gas-1"))
		}
		s.reopen()
	}
	if kinds, all := s.book("gas-1"); !slices.Equal(kinds, []string{registry.Replaced}) || all[0].New != "SN-2" || all[0].By != "console" {
		t.Errorf("the logbook says %+v", all)
	}
	for unit, id := range map[string]devices.ID{"": "gas-1", "SN-2": "gas-1", "SN-3": "gas-9"} {
		if _, err := s.Replace(context.Background(), id, unit, ""); err == nil {
			t.Errorf("%q in place of %s was taken", unit, id)
		}
	}
}
