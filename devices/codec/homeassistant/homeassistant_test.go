package homeassistant

import (
	"bytes"
	"fmt"
	"math"
	"strings"
	"testing"

	"gridhub/devices/codec"
)

func say(t Told) string {
	var b strings.Builder
	if t.Presence {
		fmt.Fprintf(&b, "online %v ", t.Online)
	}
	for _, s := range t.Samples {
		units := map[string]string{}
		for _, u := range s.Units {
			units[u.Metric] = u.Unit
		}
		fmt.Fprintf(&b, "%s:", s.Device)
		for _, v := range s.Values {
			fmt.Fprintf(&b, " %s=%v%s", v.Metric, v.Value, units[v.Metric])
		}
		for _, o := range s.LeftOut {
			fmt.Fprintf(&b, " -%s:%d", o.Why, o.N)
		}
	}
	return strings.TrimSpace(b.String())
}

// The announcements are the examples of the documentation of the MQTT
// integration, by their headings; states follow them.
func TestExamplesOfTheDocumentation(t *testing.T) {
	type message struct{ topic, payload, want string }
	for _, tt := range []struct {
		heading string
		config  [][2]string
		states  []message
	}{
		{"Motion detection (binary sensor)", [][2]string{
			{"binary_sensor/garden/config", `{"name":null,"device_class":"motion","state_topic":"homeassistant/binary_sensor/garden/state","unique_id":"motion01ad","device":{"identifiers":["01ad"],"name":"Garden"}}`},
		}, []message{
			{"homeassistant/binary_sensor/garden/state", "ON", "01ad: binary_sensor.garden=1"},
			{"homeassistant/binary_sensor/garden/state", "OFF", "01ad: binary_sensor.garden=0"},
		}},
		{"Sensors with multiple values", [][2]string{
			{"sensor/sensorBedroomT/config", `{"device_class":"temperature","state_topic":"homeassistant/sensor/sensorBedroom/state","unit_of_measurement":"°C","value_template":"{{ value_json.temperature}}","unique_id":"temp01ae","device":{"identifiers":["bedroom01ae"],"name":"Bedroom"}}`},
			{"sensor/sensorBedroomH/config", `{"device_class":"humidity","state_topic":"homeassistant/sensor/sensorBedroom/state","unit_of_measurement":"%","value_template":"{{ value_json.humidity}}","unique_id":"hum01ae","device":{"identifiers":["bedroom01ae"],"name":"Bedroom"}}`},
		}, []message{
			{"homeassistant/sensor/sensorBedroom/state", `{"temperature":23.20,"humidity":43.70}`, "bedroom01ae: sensorBedroomH=43.7% sensorBedroomT=23.2Cel"},
			{"homeassistant/sensor/sensorBedroom/state", `{"temperature":null}`, "bedroom01ae: -null:1"},
		}},
		{"Using abbreviations and base topic", [][2]string{
			{"sensor/garden/garage/config", `{"~":"garage","stat_t":"~/state","avty":{"t":"~/lwt","pl_avail":"Online","pl_not_avail":"Offline"},"val_tpl":"{{ value_json['DS18B20']['Temperature'] | round(1) }}","unit_of_meas":"°F"}`},
		}, []message{
			{"garage/state", `{"DS18B20":{"Temperature":70.26}}`, "garden: garage=70.3[degF]"},
			{"garage/lwt", "Offline", "online false"},
			{"garage/lwt", "Online", "online true"},
			{"garage/other", "1", ""},
		}},
		{"Device discovery payload", [][2]string{
			{"device/0AFFD2/config", `{"dev":{"ids":"ea334450945afc","name":"Kitchen","mf":"Bla electronics","mdl":"xya","sw":"1.0","sn":"ea334450945afc","hw":"1.0rev2"},"o":{"name":"bla2mqtt","sw":"2.1","url":"https://bla2mqtt.example.com/support"},"cmps":{"some_unique_component_id1":{"p":"sensor","device_class":"temperature","unit_of_measurement":"°C","value_template":"{{ value_json.temperature }}","unique_id":"temp01ae_t"},"some_unique_id2":{"p":"sensor","device_class":"humidity","unit_of_measurement":"%","value_template":"{{ value_json.humidity }}","unique_id":"temp01ae_h"}},"state_topic":"sensorBedroom/state","qos":2}`},
		}, []message{
			{"sensorBedroom/state", `{"temperature":21.5,"humidity":"61"}`, "ea334450945afc: some_unique_component_id1=21.5Cel some_unique_id2=61%"},
		}},
		{"Switch, and what is no state", [][2]string{
			{"switch/pump/relay/config", `{"stat_t":"pump/relay","cmd_t":"pump/relay/set","pl_on":"open","pl_off":"shut","avty_t":"pump/status"}`},
			{"button/pump/restart/config", `{"cmd_t":"pump/restart/set"}`},
		}, []message{
			{"pump/relay", "open", "pump: switch.relay=1"},
			{"pump/relay", "shut", "pump: switch.relay=0"},
			{"pump/relay", "ajar", "pump: -text:1"},
			{"pump/relay", "unavailable", "pump: -null:1"},
			{"pump/status", "online", "online true"},
			{"pump/restart", "1", ""},
		}},
		{"A contact that is off when it is true, as Zigbee2MQTT announces it", [][2]string{
			{"binary_sensor/0x02/contact/config", `{"state_topic":"z/gate","value_template":"{{ value_json.contact }}","payload_on":false,"payload_off":true}`},
			{"binary_sensor/0x02/tamper/config", `{"state_topic":"z/gate","value_template":"{{ value_json.tamper }}","payload_on":true,"payload_off":false}`},
			{"binary_sensor/0x02/other/config", `{"state_topic":"z/gate","value_template":"{{ value_json.tamper }}"}`},
		}, []message{
			{"z/gate", `{"contact":true,"tamper":true}`, "0x02: binary_sensor.contact=0 binary_sensor.other=1 binary_sensor.tamper=1"},
			{"z/gate", `{"contact":false,"tamper":false}`, "0x02: binary_sensor.contact=1 binary_sensor.other=0 binary_sensor.tamper=0"},
		}},
	} {
		h := New()
		for _, c := range tt.config {
			if ok, err := h.Announce(c[0], []byte(c[1]), true); err != nil || !ok {
				t.Fatalf("%s: %s: %v, %v", tt.heading, c[0], ok, err)
			}
		}
		again, err := Load(h.State())
		if err != nil || !bytes.Equal(again.State(), h.State()) {
			t.Fatalf("%s: the state became %s, %v", tt.heading, again.State(), err)
		}
		for _, home := range []*Home{h, again} {
			for _, s := range tt.states {
				told, err := home.Read(s.topic, []byte(s.payload))
				if got := say(told); err != nil || got != s.want || told.Known != (s.want != "") {
					t.Errorf("%s: %s %s\nis   %s, %v\nwant %s", tt.heading, s.topic, s.payload, got, err, s.want)
				}
			}
		}
	}
}

func TestTemplates(t *testing.T) {
	tree := `{"a":{"b":[1.26,{"c d":2.5}]},"n":-7.9}`
	for text, want := range map[string]string{
		"":                                  ": x=5",
		"{{ value }}":                       ": x=5",
		"{{value_json.n}}":                  ": x=-7.9",
		"{{ value_json.n | int }}":          ": x=-7",
		"{{ value_json.n|float|round }}":    ": x=-8",
		"{{ value_json.a.b[0] | round(1)}}": ": x=1.3",
		`{{ value_json["a"].b[1]['c d'] }}`: ": x=2.5",
		"{{ value_json.n | float(0) | default(1) | is_defined }}": ": x=-7.9",
		"{{ value_json.missing }}":                                "",
		"{{ value_json.a }}":                                      ": -structure:1",
		"{{ value_json.n * 2 }}":                                  "refused",
		"{{ value_json.n if value_json.n else 0 }}":               "refused",
		"{% if value %}1{% endif %}":                              "refused",
		"{{ states('x') }}":                                       "refused",
		"{{ value_json.n | multiply(2) }}":                        "refused",
		"{{ value_json.n | round(99) }}":                          "refused",
		"{{ value_json['a }}":                                     "refused",
		"{{ value }}{{ value }}":                                  "refused",
		"{{ value_jsonx }}":                                       "refused",
	} {
		h := New()
		_, err := h.Announce("sensor/x/config", fmt.Appendf(nil, `{"stat_t":"t","val_tpl":%q}`, text), true)
		payload := tree
		if !strings.Contains(text, "json") {
			payload = "5"
		}
		told, err2 := h.Read("t", []byte(payload))
		got := say(told)
		if err != nil {
			got = "refused"
		}
		if got != want || err2 != nil {
			t.Errorf("%s: %s, %v %v; want %s", text, got, err, err2, want)
		}
	}
}

func TestRefusals(t *testing.T) {
	for in, want := range map[string]codec.Cause{
		`[]`:                                 codec.Shape,
		`{"stat_t":"a"`:                      codec.Malformed,
		`{"stat_t":"a","state_topic":"b"}`:   codec.Duplicate,
		`{"stat_t":"a","stat_t":"b"}`:        codec.Duplicate,
		strings.Repeat(" ", MaxBytes+1):      codec.TooLarge,
		`{"stat_t":"a","val_tpl":"{{ x }}"}`: codec.Shape,
	} {
		h := New()
		if _, err := h.Announce("sensor/a/config", []byte(in), true); codec.CauseOf(err) != want || err == nil {
			t.Errorf("%.40s: %v, want %s", in, err, want)
		}
		if string(h.State()) != "{}" {
			t.Errorf("%.40s is remembered: %s", in, h.State())
		}
	}
	h := New()
	for _, topic := range []string{"status", "a/b", "a/b/c/d/config", "sensor/a/state"} {
		if ok, err := h.Announce(topic, []byte("online"), true); ok || err != nil {
			t.Errorf("%s announces: %v", topic, err)
		}
	}
	must := func(topic, p string) error { _, err := h.Announce(topic, []byte(p), true); return err }
	if err := must("sensor/a/config", `{"stat_t":"t","val_tpl":"{{ value_json.a }}"}`); err != nil {
		t.Fatal(err)
	}
	if err := must("sensor/a/config", `{"stat_t":"u"}`); err != nil {
		t.Errorf("a new announcement on the same topic: %v", err)
	}
	if err := must("sensor//a/config", `{"stat_t":"u"}`); codec.CauseOf(err) != codec.Duplicate {
		t.Errorf("the same metric of another topic: %v", err)
	}
	if _, err := h.Read("u", make([]byte, MaxBytes+1)); codec.CauseOf(err) != codec.TooLarge {
		t.Error(err)
	}
	if err := must("sensor/b/config", `{"stat_t":"v","val_tpl":"{{ value_json.a }}"}`); err != nil {
		t.Fatal(err)
	}
	for in, want := range map[string]codec.Cause{"x": codec.Shape, `{"a":1,"a":2}`: codec.Duplicate, `{"a":1e999}`: codec.Number} {
		if _, err := h.Read("v", []byte(in)); codec.CauseOf(err) != want || err == nil {
			t.Errorf("%s: %v, want %s", in, err, want)
		}
	}
	if err := must("sensor/a/config", ""); err != nil {
		t.Fatal(err)
	}
	alone := func(device string) error {
		_, err := h.Announce("sensor/"+device+"/same/config", []byte(`{"stat_t":"s","dev":{"ids":"`+device+`"}}`), false)
		return err
	}
	if err := alone("one"); err != nil {
		t.Error(err)
	}
	if err := alone("two"); codec.CauseOf(err) != codec.Duplicate {
		t.Errorf("a second device of who speaks for itself alone: %v", err)
	}
	if told, _ := h.Read("u", []byte("1")); told.Known {
		t.Error("what was taken back is still read")
	}
}

func FuzzHome(f *testing.F) {
	f.Add("sensor/x/y/config", []byte(`{"~":"b","stat_t":"~/s","val_tpl":"{{ value_json.a[0] | round(2) }}","unit_of_meas":"°C","dev":{"ids":["i"]},"avty_t":"~/l"}`), "b/s", []byte(`{"a":[1.25]}`))
	f.Add("device/x/config", []byte(`{"dev":{"cns":[["mac","02:5b"]]},"cmps":{"k":{"p":"binary_sensor"}},"stat_t":"t"}`), "t", []byte("ON"))
	f.Fuzz(func(t *testing.T, topic string, config []byte, state string, p []byte) {
		h := New()
		_, _ = h.Announce(topic, config, len(p)%2 == 0)
		told, err := h.Read(state, p)
		again, err2 := Load(h.State())
		if err2 != nil || !bytes.Equal(again.State(), h.State()) {
			t.Fatalf("%s became %s, %v", h.State(), again.State(), err2)
		}
		for _, s := range told.Samples {
			for _, v := range s.Values {
				if err == nil && (math.IsInf(v.Value, 0) || math.IsNaN(v.Value) || !codec.ValidMetric([]byte(v.Metric))) {
					t.Fatalf("accepted %+v", v)
				}
			}
		}
	})
}
