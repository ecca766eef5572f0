package profile

import (
	"testing"

	"gridhub/devices/telemetry"
)

// TestControlsEntry describes the shipped relays to the hub.
func TestControlsEntry(t *testing.T) {
	lib, err := LoadLibrary(shipped)
	if err != nil {
		t.Fatal(err)
	}
	d := Device{ID: "siren-1"}
	if e := d.Entry(lib["relay-waveshare-8@1"]); len(e.Controls) != 0 {
		t.Errorf("version 1 got controls: %+v", e.Controls)
	}
	e := d.Entry(lib["relay-waveshare-8@2"])
	if len(e.Controls) != 8 || e.Controls[0].Name != "relay_1" || !e.Controls[0].Bool || e.Controls[0].Max != nil {
		t.Errorf("got %+v", e.Controls)
	}
	e = d.Entry(lib["terminal-jt808@2"])
	if len(e.Controls) != 1 || !e.Controls[0].Text || e.Controls[0].Bool {
		t.Errorf("got %+v", e.Controls)
	}
}

// TestTold holds that the outcome is what the metric says, to its resolution.
func TestTold(t *testing.T) {
	ten := uint16(10)
	p := &Profile{
		Metrics: []Metric{{Name: "temp", Holding: &ten, Scale: 0.1}, {Name: "target", Holding: &ten, Scale: 0.5}},
		Controls: []Control{
			{Name: "target", Holding: &ten, Scale: 0.1, Range: &Range{5, 35}},
			{Name: "set", Holding: &ten, Scale: 0.1, Metric: "temp", Range: &Range{5, 35}},
			{Name: "door", Coil: &ten, Metric: "temp", Pulse: true},
			{Name: "horn", Coil: &ten},
		},
	}
	said := []telemetry.Field{{Metric: "temp", Value: 20.5}, {Metric: "target", Value: 21}}
	for _, tt := range []struct {
		control string
		value   float64
		want    bool
	}{
		{"target", 21, true}, {"target", 20.8, true}, {"target", 20.5, false},
		{"set", 20.5, true}, {"set", 20.6, false}, {"door", 1, true}, {"horn", 1, true},
	} {
		if got := p.Told(p.Control(tt.control), tt.value, said); got != tt.want {
			t.Errorf("%s at %v: told %v", tt.control, tt.value, got)
		}
	}
	if p.Told(p.Control("set"), 20.5, said[1:]) {
		t.Error("a reading without the metric told the outcome")
	}
}
