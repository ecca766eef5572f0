package health_test

import (
	"reflect"
	"testing"

	"gridhub/devices"
	"gridhub/devices/telemetry"
	"gridhub/hub/health"
	"gridhub/hub/store/storetest"
)

func TestBook(t *testing.T) {
	ctx := t.Context()
	book, err := health.OpenBook(ctx, storetest.Open(t))
	if err != nil {
		t.Fatal(err)
	}
	line := health.Outage{ID: "f-1", Cause: health.Line, Subject: health.Subject{Gateway: "gw", Line: "总线"}, Devices: []devices.ID{"a", "b"},
		Since: 1000, Found: 2000, Why: []health.Words{{ZH: "没有应答", EN: "no answer"}}, Next: []health.Words{{ZH: "查线", EN: "look"}}}
	over := health.Outage{ID: "f-2", Cause: health.Power, Since: 500, Found: 600, Until: 900, Was: health.Uplink}
	for _, f := range []health.Outage{line, over, line} {
		if err := book.Put(ctx, f); err != nil {
			t.Fatal(err)
		}
	}
	list := func(open bool, from telemetry.Millis, want ...health.Outage) {
		t.Helper()
		got, err := book.List(ctx, open, from, 10)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%+v, %v, want %+v", got, err, want)
		}
	}
	list(true, 0, line)
	list(false, 0, line, over)
	list(false, 1000, line)
	line.Until = 3000
	if err := book.Put(ctx, line); err != nil {
		t.Fatal(err)
	}
	list(true, 0)
	list(false, 0, line, over)
	if err := book.Forget(ctx, 1000); err != nil {
		t.Fatal(err)
	}
	list(false, 0, line)
}
