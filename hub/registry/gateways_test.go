package registry_test

import (
	"testing"

	"gridhub/devices/telemetry"
	"gridhub/devices/wire"
)

// TestAGatewaysStartIsOneInstant: what a status tells of uptimes is kept as when
// it began; the same start told again, a little later on its way, is the same.
func TestAGatewaysStartIsOneInstant(t *testing.T) {
	s, ctx := openShop(t), t.Context()
	introduce := func(config string, at telemetry.Millis) {
		t.Helper()
		if err := s.Introduced(ctx, "gw", wire.Stock{Config: config, Devices: []wire.Entry{{ID: "a"}, {ID: "b", Retired: true}}}, at); err != nil {
			t.Fatal(err)
		}
	}
	status := func(at telemetry.Millis, program, machine int64) {
		t.Helper()
		if err := s.Remarked(ctx, "gw", wire.Presence{Online: true, Program: program, Machine: machine}, at); err != nil {
			t.Fatal(err)
		}
	}
	introduce("c1", noon)
	status(noon+1000, 5000, 90_000)
	status(noon+61_000, 64_200, 149_300)
	s.reopen()
	g, ok := s.Gateway("gw")
	if !ok || g.Program != noon-4000 || g.Machine != noon-89_000 || g.Changed != noon || g.Devices != 1 || g.Retired != 1 {
		t.Errorf("%+v", g)
	}
	introduce("c1", noon+70_000)
	if g, _ := s.Gateway("gw"); g.Changed != noon {
		t.Errorf("the same configuration told again is since %d", g.Changed-noon)
	}
	introduce("c2", noon+200_000)
	status(noon+300_000, 2000, 389_000)
	if g, _ := s.Gateway("gw"); g.Changed != noon+200_000 || g.Program != noon+298_000 || g.Machine != noon-89_000 {
		t.Errorf("after a new configuration and a restart of the program: %+v", g)
	}
}
