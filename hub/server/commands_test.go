package server

import (
	"testing"
	"time"

	"gridhub/devices"
	"gridhub/devices/wire"
	"gridhub/hub/identity"
	"gridhub/hub/registry"
	"gridhub/hub/store/storetest"
)

// TestRoutes asks the way to devices that are read by a gateway, speak for
// themselves, stand behind a foreign gateway, have moved, are gone, or have a
// gateway that may not connect any more.
func TestRoutes(t *testing.T) {
	ctx := t.Context()
	r, err := registry.Open(ctx, storetest.Open(t), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range []registry.Principal{{ID: "gw-1", Kind: devices.Gateway}, {ID: "gw-2", Kind: devices.Gateway}, {ID: "own", Kind: devices.Sensor},
		{ID: "plug", Kind: devices.Sensor, Convention: "tasmota", Foreign: "plug_3F"}, {ID: "tb", Kind: devices.Gateway, Convention: "thingsboard"}} {
		if _, err := r.Add(ctx, p); err != nil {
			t.Fatal(err)
		}
	}
	phone, _, err := r.Bind(ctx, identity.PersonID("p-001"), "", "")
	if err != nil {
		t.Fatal(err)
	}
	stock := func(gateway devices.ID, all ...wire.Entry) {
		t.Helper()
		if _, err := r.Stock(ctx, gateway, 0, wire.Stock{V: 1, Devices: all}); err != nil {
			t.Fatal(err)
		}
	}
	siren := wire.Entry{ID: "siren-1", Name: "声光警号", Controls: []wire.Control{{Name: "siren", Bool: true}}}
	stock("gw-1", siren, wire.Entry{ID: "gas-1"}, wire.Entry{ID: "old-1"})
	stock("gw-1", siren, wire.Entry{ID: "gas-1"})
	stock("plug", wire.Entry{ID: "plug", Metrics: []wire.Metric{{Name: "POWER"}}})
	stock("tb", wire.Entry{ID: "tb.hall", Name: "hall"})
	ask := func(id, to devices.ID, name string) {
		t.Helper()
		way, ok := routes{r}.Route(id)
		if ok != (to != "") || ok && (way.To != to || way.Name != name && way.Convention != "") {
			t.Errorf("%s is reached by %+v, %v; want %q %q", id, way, ok, to, name)
		}
	}
	ask("siren-1", "gw-1", "")
	ask("old-1", "", "") // its gateway does not name it any more
	ask("own", "own", "")
	ask("plug", "plug", "")
	ask("tb.hall", "tb", "hall")
	ask("gw-1", "gw-1", "")
	ask(phone, "", "")
	ask("nobody", "", "")
	if way, _ := (routes{r}).Route("plug"); way.Convention != "tasmota" || way.Foreign != "plug_3F" || len(way.Metrics) != 1 {
		t.Errorf("%+v", way)
	}
	stock("gw-2", siren) // it has moved
	ask("siren-1", "gw-2", "")
	if err := r.Revoke(ctx, "gw-2"); err != nil {
		t.Fatal(err)
	}
	ask("siren-1", "", "")
}
