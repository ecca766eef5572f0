package broker

import (
	"strings"
	"testing"

	"gridhub/devices"
)

func TestConventions(t *testing.T) {
	for _, tt := range []struct{ convention, name, foreign, native string }{
		{"thingsboard", "", "v1/devices/me/telemetry", "tb/telemetry"},
		{"thingsboard", "", "v1/gateway/telemetry", "tb/gateway/telemetry"},
		{"thingsboard", "", "v2/t", "tb/telemetry"},
		{"thingsboard", "", "v1/devices/men/telemetry", ""},
		{"influx", "", "telegraf/web-7/cpu", "influx/topic/web-7/cpu"},
		{"influx", "", "other/cpu", ""},
		{"tasmota", "plug-3", "tele/plug-3/SENSOR", "tasmota/tele/SENSOR"},
		{"tasmota", "plug-3", "stat/plug-3/POWER", "tasmota/stat/POWER"},
		{"tasmota", "plug-3", "cmnd/plug-3/#", "tasmota/cmnd/#"},
		{"tasmota", "plug-3", "tele/plug-31/SENSOR", ""},
		{"tasmota", "plug-3", "tele/plug-4/SENSOR", ""},
		{"tasmota", "hall/plug", "tele/hall/plug/LWT", "tasmota/tele/LWT"},
		{"homeassistant", "zigbee2mqtt", "homeassistant/sensor/0x1/t/config", "ha/discovery/sensor/0x1/t/config"},
		{"homeassistant", "zigbee2mqtt", "zigbee2mqtt/lamp", "ha/state/zigbee2mqtt/lamp"},
		{"homeassistant", "zigbee2mqtt", "other/lamp", ""},
		{"sparkplug", "street/plant", "spBv1.0/street/NBIRTH/plant", "spb/NBIRTH"},
		{"sparkplug", "street/plant", "spBv1.0/street/DDATA/plant/pump", "spb/DDATA/pump"},
		{"sparkplug", "street/plant", "spBv1.0/street/NCMD/plant/#", "spb/NCMD/#"},
		{"sparkplug", "street/plant", "spBv1.0/street/NDATA/plant2", ""},
		{"sparkplug", "street/plant", "spBv1.0/other/NDATA/plant", ""},
		{"sparkplug", "street/plant", "spBv1.0/STATE/gridhub", "spb/STATE/gridhub"},
		{"senml", "meters/7", "meters/7", "senml/topic"},
		{"senml", "meters/7", "meters/7/power", "senml/topic/power"},
		{"senml", "meters/7", "meters/77", ""},
	} {
		if err := CheckConvention(tt.convention, tt.name); err != nil {
			t.Fatal(err)
		}
		v, err := conventions[tt.convention].bind(tt.name)
		if err != nil {
			t.Fatal(err)
		}
		const base = "gh/1/x/up/"
		got, ok := v.inward(base, tt.foreign)
		if ok != (tt.native != "") || ok && got != base+tt.native {
			t.Errorf("%s %s: %s becomes %q, want %q", tt.convention, tt.name, tt.foreign, got, tt.native)
		}
		if back, ok := v.outward(base, base+tt.native); tt.native != "" && !strings.HasPrefix(tt.foreign, "v2/") && (back != tt.foreign || !ok) {
			t.Errorf("%s %s: %s goes out as %q", tt.convention, tt.name, tt.native, back)
		}
	}
}

func TestForeignNames(t *testing.T) {
	for _, tt := range []struct{ convention, name, wrong string }{
		{"", "", ""}, {"", "x", "need none"}, {"zigbee", "", "want one of homeassistant, influx"},
		{"thingsboard", "", ""}, {"thingsboard", "x", "none is wanted"},
		{"tasmota", "", "1 to 128 bytes"}, {"tasmota", "a+", "no + and #"}, {"tasmota", "a//b", "no empty level"}, {"tasmota", "a/", "no empty level"},
		{"sparkplug", "group", "want 2 levels"}, {"sparkplug", "a/b/c", "want 2 levels"}, {"sparkplug", "a/#", "no + and #"},
		{"senml", strings.Repeat("x", 129), "1 to 128 bytes"}, {"senml", strings.Repeat("x/", 8) + "x", "1 to 128 bytes"},
	} {
		err := CheckConvention(tt.convention, tt.name)
		if (err == nil) != (tt.wrong == "") || err != nil && !strings.Contains(err.Error(), tt.wrong) {
			t.Errorf("%s %q: %v, want %q", tt.convention, tt.name, err, tt.wrong)
		}
	}
}

// Two Tasmota devices keep to their own topics, whatever client id they choose;
// a Sparkplug node hears its commands and leaves its death as its will.
func TestBoundNames(t *testing.T) {
	r := start(t, nil, Events{})
	for token, p := range map[string]Principal{
		"one":  {ID: "plug-1", Kind: devices.Sensor, Convention: "tasmota", Foreign: "hall"},
		"two":  {ID: "plug-2", Kind: devices.Sensor, Convention: "tasmota", Foreign: "yard"},
		"node": {ID: "plant", Kind: devices.Gateway, Convention: "sparkplug", Foreign: "street/plant"},
		"odd":  {ID: "odd", Kind: devices.Sensor, Convention: "sparkplug", Foreign: "one-level"},
	} {
		r.roster.passwords[token] = ""
		r.roster.known[token] = p
	}
	one, two := r.dial(t), r.dial(t)
	one.join(hello{id: "DVES_1", user: "one", v5: true})
	two.join(hello{id: "DVES_1", user: "two", v5: true})
	one.publish("tele/hall/SENSOR", 1, 1, "{}")
	one.expect(0x40, 2, 0, 1)
	if m := r.sink.await(t, 1)[0]; m.Topic != "gh/1/plug-1/up/tasmota/tele/SENSOR" {
		t.Errorf("sink got %q", m.Topic)
	}
	two.publish("tele/hall/SENSOR", 1, 1, "{}")
	two.expect(0x40, 3, 0, 1, 0x87)
	if code := two.subscribe("cmnd/hall/#", 1, 2); code < 0x80 {
		t.Errorf("somebody else's commands may be heard: %#x", code)
	}
	node := r.dial(t)
	node.join(hello{id: "any", user: "node", willTopic: "spBv1.0/street/NDEATH/plant", will: "x"})
	if code := node.subscribe("spBv1.0/street/NCMD/plant/#", 1, 1); code != 1 {
		t.Fatalf("subscribing is answered %#x", code)
	}
	if err := r.Send("plant", "spb/NCMD", []byte("rebirth"), 1); err != nil {
		t.Fatal(err)
	}
	if d := node.receive(); d.topic != "spBv1.0/street/NCMD/plant" {
		t.Errorf("delivered on %q", d.topic)
	}
	_ = node.nc.Close()
	if m := r.sink.await(t, 2)[1]; m.Topic != "gh/1/plant/up/spb/NDEATH" || !m.Will {
		t.Errorf("the will went to %q", m.Topic)
	}
	if code := r.dial(t).connect(hello{id: "odd", user: "odd"})[1]; code == 0 {
		t.Error("an identity with a name that fits no topic is let in")
	}
}
