package homeassistant

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"

	"gridhub/devices/codec"
	"gridhub/devices/codec/jsonread"
)

// Settable is something that a component lets others set by a message on its
// command_topic, and whose state it tells. What tells no state is left out:
// nobody could say whether it was done.
type Settable struct {
	Device   string   `json:"device,omitempty"` // as Entity has it
	Metric   string   `json:"metric"`           // that tells its state
	Topic    string   `json:"topic"`
	On       string   `json:"on,omitempty"` // of a switch
	Off      string   `json:"off,omitempty"`
	Template string   `json:"template,omitempty"` // with {{ value }} in it; empty: the value alone
	Bool     bool     `json:"bool,omitempty"`
	Unit     string   `json:"unit,omitempty"`
	Min      *float64 `json:"min,omitempty"`
	Max      *float64 `json:"max,omitempty"`
}

// switchable components are on or off.
var switchable = []string{"switch", "light", "siren", "fan"}

// Settables lists what an announcement that Announce has taken lets others set.
func Settables(topic string, p []byte, speaks bool) ([]Settable, error) {
	levels := strings.Split(topic, "/")
	n := len(levels)
	if n < 3 || n > 4 || levels[n-1] != "config" || len(p) == 0 {
		return nil, nil
	}
	if len(p) > MaxBytes {
		return nil, codec.Errorf(codec.TooLarge, "%d bytes, at most %d", len(p), MaxBytes)
	}
	if err := jsonread.Check(p); err != nil {
		return nil, err
	}
	root, err := readObject(p)
	if err != nil {
		return nil, err
	}
	w := where{component: levels[0], object: levels[n-2]}
	if n == 4 {
		w.node = levels[1]
	}
	all, err := w.settables(root)
	for i := range all {
		if !speaks {
			all[i].Device = ""
		}
	}
	return all, err
}

func (w where) settables(root object) (all []Settable, err error) {
	base, device := root.text("~"), w.device(root)
	if w.component != "device" {
		return w.settable(root, base, device, nil), nil
	}
	var components object
	if err := json.Unmarshal(root["components"], &components); err != nil {
		return nil, codec.Errorf(codec.Shape, "components: want an object")
	}
	for _, key := range slices.Sorted(maps.Keys(components)) {
		c, err := readObject(components[key])
		if err != nil {
			return nil, err
		}
		for _, shared := range []string{"state_topic", "command_topic"} {
			if _, own := c[shared]; !own {
				c[shared] = root[shared]
			}
		}
		one := where{component: c.text("platform"), node: w.node, object: key}
		all = one.settable(c, base, device, all)
	}
	return all, nil
}

// settable appends what one component lets others set.
func (w where) settable(c object, base, device string, all []Settable) []Settable {
	s := Settable{Device: device, Topic: c.topic("command_topic", base), Template: c.text("command_template"),
		Metric: codec.Metric(w.component, w.object)}
	if s.Topic == "" || c.topic("state_topic", base) == "" || len(all) == MaxEntities || !plain(s.Template) {
		return all
	}
	schema := c.text("schema")
	switch {
	case slices.Contains(switchable, w.component) && (schema == "" || schema == "basic" || schema == "default"):
		s.Bool, s.On, s.Off = true, c.either("payload_on", "", "ON"), c.either("payload_off", "", "OFF")
	case w.component == "number":
		s.Unit = codec.UnitOf(c.text("unit_of_measurement"))
		s.Min, s.Max = c.number("min", 1), c.number("max", 100) // what Home Assistant takes when nothing is said
	default:
		return all
	}
	return append(all, s)
}

// plain reports whether a template does no more than to name the value.
func plain(template string) bool {
	rest := strings.ReplaceAll(strings.ReplaceAll(template, "{{ value }}", ""), "{{value}}", "")
	return !strings.Contains(rest, "{{") && !strings.Contains(rest, "{%") && (template == "" || rest != template)
}

func (o object) number(key string, otherwise float64) *float64 {
	var v float64
	if json.Unmarshal(o[key], &v) != nil || len(o[key]) == 0 {
		v = otherwise
	}
	return &v
}

// Payload returns what sets it to v.
func (s Settable) Payload(v float64) []byte {
	said := strconv.FormatFloat(v, 'f', -1, 64)
	if s.Bool {
		said = s.Off
		if v != 0 {
			said = s.On
		}
	}
	if s.Template == "" {
		return []byte(said)
	}
	return []byte(strings.NewReplacer("{{ value }}", said, "{{value}}", said).Replace(s.Template))
}
