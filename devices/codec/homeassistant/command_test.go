package homeassistant

import (
	"reflect"
	"testing"
)

func TestSettables(t *testing.T) {
	low, high, one, hundred := 5.0, 30.0, 1.0, 100.0
	for _, tt := range []struct {
		topic, said string
		want        []Settable
	}{
		{"switch/0x1/relay/config", `{"~":"z/hall","stat_t":"~","cmd_t":"~/set","val_tpl":"{{ value_json.state }}","dev":{"ids":["0x1"]}}`,
			[]Settable{{Device: "0x1", Metric: "switch.relay", Topic: "z/hall/set", Bool: true, On: "ON", Off: "OFF"}}},
		{"number/0x1/setpoint/config", `{"state_topic":"z/a","command_topic":"z/a/set","command_template":"{\"sp\":{{ value }}}","min":5,"max":30,"unit_of_measurement":"°C"}`,
			[]Settable{{Device: "0x1", Metric: "number.setpoint", Topic: "z/a/set", Template: `{"sp":{{ value }}}`, Unit: "Cel", Min: &low, Max: &high}}},
		{"number/x/config", `{"state_topic":"z/a","command_topic":"z/a/set"}`, []Settable{{Metric: "number.x", Topic: "z/a/set", Min: &one, Max: &hundred}}},
		{"device/hall/config", `{"dev":{"ids":"h"},"stat_t":"z/s","cmps":{"r":{"p":"switch","cmd_t":"z/r","pl_on":"1","pl_off":"0"},"t":{"p":"sensor"}}}`,
			[]Settable{{Device: "h", Metric: "switch.r", Topic: "z/r", Bool: true, On: "1", Off: "0"}}},
		{"switch/x/config", `{"command_topic":"z/x"}`, nil}, // nobody could say whether it was done
		{"number/x/config", `{"state_topic":"z/a","command_topic":"z/b","command_template":"{{ value | int }}"}`, nil},
		{"number/x/config", `{"state_topic":"z/a","command_topic":"z/b","command_template":"fixed"}`, nil},
		{"light/x/config", `{"state_topic":"z/a","command_topic":"z/b","schema":"json"}`, nil},
		{"lock/x/config", `{"state_topic":"z/a","command_topic":"z/b"}`, nil},
		{"switch/x/config", ``, nil}, {"switch/x/state", `{}`, nil},
	} {
		got, err := Settables(tt.topic, []byte(tt.said), true)
		if err != nil || !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%s %s: %+v, %v; want %+v", tt.topic, tt.said, got, err, tt.want)
		}
	}
}

func TestPayloads(t *testing.T) {
	for want, got := range map[string][]byte{
		"OPEN":      Settable{Bool: true, On: "OPEN", Off: "SHUT"}.Payload(1),
		"SHUT":      Settable{Bool: true, On: "OPEN", Off: "SHUT"}.Payload(0),
		"21.5":      Settable{}.Payload(21.5),
		`{"sp":-5}`: Settable{Template: `{"sp":{{ value }}}`}.Payload(-5),
	} {
		if string(got) != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

func FuzzSettables(f *testing.F) {
	f.Add("switch/x/config", []byte(`{"stat_t":"a","cmd_t":"b"}`), 1.0)
	f.Add("device/x/config", []byte(`{"cmps":{"a":{"p":"number","cmd_t":"~","min":"x"}},"stat_t":"~","~":"q"}`), -0.5)
	f.Fuzz(func(t *testing.T, topic string, p []byte, v float64) {
		all, err := Settables(topic, p, true)
		if err != nil && len(all) > 0 {
			t.Errorf("%d and %v", len(all), err)
		}
		for _, s := range all {
			if s.Topic == "" || s.Metric == "" || len(s.Payload(v)) > 64*MaxText {
				t.Errorf("%+v", s)
			}
		}
	})
}
