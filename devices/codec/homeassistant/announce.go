package homeassistant

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"gridhub/devices/codec"
)

// where an announcement came: the levels of its topic.
type where struct{ component, node, object string }

// abbreviations of discovery ("Supported abbreviations in MQTT discovery
// messages"), as far as they are read here.
var abbreviations = map[string]string{
	"stat_t": "state_topic", "val_tpl": "value_template", "unit_of_meas": "unit_of_measurement", "dev_cla": "device_class",
	"pl_on": "payload_on", "pl_off": "payload_off", "stat_on": "state_on", "stat_off": "state_off", "stat_val_tpl": "state_value_template",
	"avty_t": "availability_topic", "avty": "availability", "pl_avail": "payload_available", "pl_not_avail": "payload_not_available",
	"dev": "device", "ids": "identifiers", "cns": "connections", "cmps": "components", "p": "platform", "t": "topic",
	"uniq_id": "unique_id", "obj_id": "object_id", "cmd_t": "command_topic", "cmd_tpl": "command_template",
}

// object is a JSON object with its keys in full.
type object map[string]json.RawMessage

func readObject(p json.RawMessage) (object, error) {
	var raw object
	if err := json.Unmarshal(p, &raw); err != nil {
		return nil, codec.Errorf(codec.Shape, "want an object")
	}
	full := object{}
	for key, v := range raw {
		if long := abbreviations[key]; long != "" {
			key = long
		}
		if _, twice := full[key]; twice {
			return nil, codec.Errorf(codec.Duplicate, "%s, and its abbreviation", key)
		}
		full[key] = v
	}
	return full, nil
}

// text returns a member that is a string; empty when it is not there. Numbers
// and the like are as they are written.
func (o object) text(key string) string {
	var s string
	if json.Unmarshal(o[key], &s) != nil {
		s = string(o[key])
	}
	return strings.ToValidUTF8(s[:min(len(s), MaxText)], "")
}

// topic returns a topic with its '~' at either end replaced by the base.
func (o object) topic(key, base string) string {
	t := o.text(key)
	if rest, ok := strings.CutPrefix(t, "~"); ok {
		t = base + rest
	}
	if rest, ok := strings.CutSuffix(t, "~"); ok {
		t = rest + base
	}
	return t
}

// read reads an announcement of one component or, on device/…, of several.
func (w where) read(p []byte) (a announcement, err error) {
	root, err := readObject(p)
	if err != nil {
		return a, err
	}
	base, device := root.text("~"), w.device(root)
	a.Availability = root.availability(base)
	if w.component != "device" {
		a.Entities, err = w.entity(root, base, device, nil)
		return a, err
	}
	var components object
	if err := json.Unmarshal(root["components"], &components); err != nil {
		return a, codec.Errorf(codec.Shape, "components: want an object")
	}
	for _, key := range slices.Sorted(maps.Keys(components)) {
		c, err := readObject(components[key])
		if err != nil {
			return a, err
		}
		for _, shared := range []string{"state_topic"} {
			if _, own := c[shared]; !own {
				c[shared] = root[shared]
			}
		}
		one := where{component: c.text("platform"), node: w.node, object: key}
		if a.Entities, err = one.entity(c, base, device, a.Entities); err != nil {
			return a, err
		}
	}
	return a, nil
}

// device is the identifier of the device, or what comes nearest to one.
func (w where) device(root object) string {
	if d, err := readObject(root["device"]); err == nil {
		if ids := d.list("identifiers"); len(ids) > 0 {
			return ids[0]
		}
		var connections [][]string
		if json.Unmarshal(d["connections"], &connections) == nil && len(connections) > 0 && len(connections[0]) == 2 {
			return connections[0][1]
		}
	}
	if w.component == "device" && w.node == "" {
		return w.object
	}
	return w.node
}

// list returns a member that is a string or an array of them.
func (o object) list(key string) []string {
	var all []string
	if json.Unmarshal(o[key], &all) == nil {
		return all
	}
	if s := o.text(key); s != "" {
		return []string{s}
	}
	return nil
}

// entity appends what a component announces, if it has a state.
func (w where) entity(c object, base, device string, all []Entity) ([]Entity, error) {
	e := Entity{Device: device, Topic: c.topic("state_topic", base), Unit: codec.UnitOf(c.text("unit_of_measurement"))}
	if e.Topic == "" {
		return all, nil
	}
	template := c.text("value_template")
	if template == "" {
		template = c.text("state_value_template")
	}
	var err error
	if e.Template, err = parseTemplate(template); err != nil {
		return all, err
	}
	e.Metric = codec.Metric(w.object)
	if w.component != "sensor" {
		e.Metric = codec.Metric(w.component, w.object)
	}
	e.On, e.Off = c.either("state_on", "payload_on", "ON"), c.either("state_off", "payload_off", "OFF")
	return append(all, e), nil
}

func (o object) either(first, second, otherwise string) string {
	if s := o.text(first); s != "" {
		return s
	}
	if s := o.text(second); s != "" {
		return s
	}
	return otherwise
}

func (o object) availability(base string) (all []Availability) {
	add := func(o object, key string) {
		if t := o.topic(key, base); t != "" {
			all = append(all, Availability{Topic: t, Online: o.either("payload_available", "", "online"), Offline: o.either("payload_not_available", "", "offline")})
		}
	}
	add(o, "availability_topic")
	var list []json.RawMessage
	if json.Unmarshal(o["availability"], &list) != nil && len(o["availability"]) > 0 {
		list = []json.RawMessage{o["availability"]}
	}
	for _, p := range list {
		if one, err := readObject(p); err == nil {
			add(one, "topic")
		}
	}
	return all
}
