package broker

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// A convention is another product's way to name topics. Its clients keep their
// own topics on the wire; behind the guard each lives in the tree of its
// identity, so that two devices on the same foreign topic never see each other.
type convention struct {
	anyClientID bool // the client id says nothing; the Authority decides who it is
	levels      int  // levels of the name that an identity is bound to; 0: none is needed, -1: any number
	rules       []rule
}

// A rule maps topics that are foreign, or lie below it, to those at or below
// native, relative to gh/1/<id>/up/ or gh/1/<id>/down/, and back. Of two that
// fit, the first wins. {} is the name that the identity is bound to, {1} and
// {2} are its levels.
type rule struct{ foreign, native string }

// conventions that an Authority may name in Principal.Convention.
var conventions = map[string]*convention{
	// https://thingsboard.io/docs/reference/mqtt-api/ and …/gateway-mqtt-api/
	"thingsboard": {anyClientID: true, rules: []rule{
		{"v1/gateway", "tb/gateway"},
		{"v1/devices/me", "tb"},
		{"v2/t", "tb/telemetry"}, // short names of what goes up; what comes down has its long ones
		{"v2/a", "tb/attributes"},
	}},
	// Telegraf's default topic, and line protocol anywhere below a topic of that name.
	"influx": {anyClientID: true, rules: []rule{{"telegraf", "influx/topic"}, {"influx", "influx/topic"}}},
	// https://tasmota.github.io/docs/MQTT/: %prefix%/%topic%/
	"tasmota": {anyClientID: true, levels: -1, rules: []rule{
		{"tele/{}", "tasmota/tele"}, {"stat/{}", "tasmota/stat"}, {"cmnd/{}", "tasmota/cmnd"},
		{"tasmota/discovery", "tasmota/discovery"},
	}},
	// https://www.home-assistant.io/integrations/mqtt/#mqtt-discovery; below the
	// name are the state topics, which keep theirs, for discovery speaks of them.
	"homeassistant": {anyClientID: true, levels: -1, rules: []rule{
		{"homeassistant", "ha/discovery"}, {"{}", "ha/state/{}"},
	}},
	// Sparkplug 3.0.0, chapter 4: namespace/group/type/node[/device]
	"sparkplug": {anyClientID: true, levels: 2, rules: []rule{
		{"spBv1.0/{1}/NBIRTH/{2}", "spb/NBIRTH"}, {"spBv1.0/{1}/NDEATH/{2}", "spb/NDEATH"},
		{"spBv1.0/{1}/DBIRTH/{2}", "spb/DBIRTH"}, {"spBv1.0/{1}/DDEATH/{2}", "spb/DDEATH"},
		{"spBv1.0/{1}/NDATA/{2}", "spb/NDATA"}, {"spBv1.0/{1}/DDATA/{2}", "spb/DDATA"},
		{"spBv1.0/{1}/NCMD/{2}", "spb/NCMD"}, {"spBv1.0/{1}/DCMD/{2}", "spb/DCMD"},
		{"spBv1.0/STATE", "spb/STATE"},
	}},
	// RFC 8428 says nothing of topics: packs come on, or below, the name.
	"senml": {anyClientID: true, levels: -1, rules: []rule{{"{}", "senml/topic"}}},
}

// CheckConvention says whether an identity can be bound to name in a
// convention: Tasmota's topic, Sparkplug's group/node, and so on. An empty
// convention is our own, which binds nothing.
func CheckConvention(name, to string) error {
	v, known := conventions[name]
	switch {
	case name == "" && to == "":
		return nil
	case name == "":
		return fmt.Errorf("foreign name %q: our own topics need none", to)
	case !known:
		return fmt.Errorf("convention %q: want one of %s", name, strings.Join(slices.Sorted(maps.Keys(conventions)), ", "))
	}
	_, err := v.bind(to)
	if err != nil {
		return fmt.Errorf("convention %s: %w", name, err)
	}
	return nil
}

// maxForeign is the longest foreign name: what is left of a topic must do for
// the rest.
const maxForeign = 128

// bind puts the name of an identity into the rules.
func (v *convention) bind(name string) (*convention, error) {
	levels := strings.Split(name, "/")
	switch {
	case v.levels == 0 && name == "":
		return v, nil
	case v.levels == 0:
		return nil, fmt.Errorf("foreign name %q: none is wanted", name)
	case v.levels > 0 && len(levels) != v.levels:
		return nil, fmt.Errorf("foreign name %q: want %d levels with / between", name, v.levels)
	case slices.Contains(levels, "") || !validTopic([]byte(name)) || len(name) > maxForeign || len(levels) > maxTopicLevels/2:
		return nil, fmt.Errorf("foreign name %q: want 1 to %d bytes of a topic, no empty level, no + and #", name, maxForeign)
	}
	pairs := []string{"{}", name, "{1}", levels[0]}
	if len(levels) > 1 {
		pairs = append(pairs, "{2}", levels[1])
	}
	fill := strings.NewReplacer(pairs...)
	bound := &convention{anyClientID: v.anyClientID, rules: make([]rule, len(v.rules))}
	for i, r := range v.rules {
		bound.rules[i] = rule{fill.Replace(r.foreign), fill.Replace(r.native)}
	}
	return bound, nil
}

// inward turns a foreign topic or filter into one below base.
func (v *convention) inward(base, topic string) (string, bool) {
	for _, r := range v.rules {
		if rest, ok := cutLevels(topic, r.foreign); ok {
			return base + r.native + rest, true
		}
	}
	return "", false
}

// outward turns a topic below base into the foreign one.
func (v *convention) outward(base, topic string) (string, bool) {
	below, ok := strings.CutPrefix(topic, base)
	if !ok {
		return "", false
	}
	for _, r := range v.rules {
		if rest, ok := cutLevels(below, r.native); ok {
			return r.foreign + rest, true
		}
	}
	return "", false
}

// cutLevels returns what follows whole levels at the begin of topic: nothing,
// or a '/' and more.
func cutLevels(topic, levels string) (rest string, ok bool) {
	rest, ok = strings.CutPrefix(topic, levels)
	return rest, ok && (rest == "" || rest[0] == '/')
}
