package main

import (
	"maps"
	"reflect"
	"time"

	"gridhub/configs"
	"gridhub/devices/codec/fields"
	"gridhub/devices/codec/modbus"
	"gridhub/devices/profile"
)

// one is the schema of a value that is one of several words.
func one(words ...string) object { return object{"enum": words} }

// written is the schema of types that parse their own text.
var written = map[reflect.Type]object{
	reflect.TypeFor[time.Duration](): {"type": []string{"string", "integer"}, "maximum": 0, "minimum": 0,
		"pattern": `^[+-]?(0|([0-9]+(\.[0-9]*)?|\.[0-9]+)(ns|us|µs|μs|ms|s|m|h))+$`, "examples": []string{"500ms", "30s", "5m", "1h30m"}},
	reflect.TypeFor[configs.Size](): {"type": []string{"string", "integer"}, "minimum": 0,
		"pattern": `^[0-9]+ *(GiB|MiB|KiB|B)?$`, "examples": []string{"512KiB", "64MiB", "2GiB"}},
	reflect.TypeFor[profile.Range](): {"type": "string", "pattern": `^.+\.\..+$`, "examples": []string{"-40..80"}},
	reflect.TypeFor[profile.Ref]():   {"type": "string", "pattern": `^[a-z0-9][a-z0-9_.-]*@[0-9]+$`, "examples": []string{"electricity-sdm630@1"}},
	reflect.TypeFor[modbus.Order]():  {"anyOf": []object{one("ABCD", "CDAB", "BADC", "DCBA"), {"type": "string", "pattern": `^[A-Da-d]{4}$`}}},
	reflect.TypeFor[modbus.Type](): {"anyOf": []object{one("u16", "s16", "u32", "s32", "u64", "s64", "f32", "f64", "bool"),
		{"type": "string", "pattern": `^([Uu]?[Ii][Nn][Tt]|[Ff][Ll][Oo][Aa][Tt]|[UuSsFf])(16|32|64)$|^[Bb][Ii][Tt]$|^[Bb][Oo][Oo][Ll]$`}}},
	reflect.TypeFor[profile.Answer]():   one("text", "number", "bool", "choice"),
	reflect.TypeFor[profile.Protocol](): one("modbus", "dlt645-2007", "dlt645-1997", "nmea", "text", "binary", "hj212", "jt808"),
	reflect.TypeFor[profile.LineKind](): one("tcp", "serial", "listen", "simulated"),
	reflect.TypeFor[profile.Framing]():  one("", "tcp", "rtu"),
	reflect.TypeFor[fields.Checksum]():  {"enum": fields.Checksums},
}

// scalarOf is the schema of a type that is written as a single value. A text
// may be written as a number: the loader takes what stands there.
func scalarOf(t reflect.Type) (object, bool) {
	if s, ok := written[t]; ok {
		return maps.Clone(s), true
	}
	switch t.Kind() {
	case reflect.String:
		return object{"type": []string{"string", "number", "boolean"}}, true
	case reflect.Bool:
		return object{"type": "boolean"}, true
	case reflect.Float32, reflect.Float64:
		return object{"type": "number"}, true
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return object{"type": "integer"}, true
	case reflect.Uint8, reflect.Uint16, reflect.Uint32:
		return object{"type": "integer", "minimum": 0, "maximum": uint64(1)<<t.Bits() - 1}, true
	case reflect.Uint, reflect.Uint64:
		return object{"type": "integer", "minimum": 0}, true
	}
	return nil, false
}

// where says that a metric of Modbus names exactly one place.
func where() object {
	var each []object
	for _, key := range []string{"holding", "input", "coil", "discrete", "register"} {
		each = append(each, object{"required": []string{key}})
	}
	return object{"oneOf": each}
}

// given is a condition: the key is one of the words.
func given(key string, words ...string) object {
	return object{"properties": object{key: object{"enum": words}}, "required": []string{key}}
}

func needs(keys ...string) object { return object{"required": keys} }

func each(metric object) object {
	return object{"properties": object{"metrics": object{"items": metric}}}
}

// rules are what the types alone do not say, by type and by type and key.
var rules = map[string]object{
	"profile.Profile": {"required": []string{"name", "version", "kind", "title", "source", "metrics"}, "allOf": []object{
		{"if": object{"anyOf": []object{given("protocol", "modbus"), {"not": needs("protocol")}}}, "then": each(where())},
		{"if": given("protocol", "dlt645-2007", "dlt645-1997"), "then": each(needs("di", "bytes"))},
		{"if": given("protocol", "text"), "then": needs("pattern")},
		{"if": given("protocol", "binary"), "then": needs("frame")},
	}},
	"profile.Profile.name":      {"pattern": `^[a-z0-9][a-z0-9_.-]*$`},
	"profile.Profile.version":   {"minimum": 1},
	"profile.Profile.metrics":   {"minItems": 1, "maxItems": 256},
	"profile.Title":             needs("zh", "en"),
	"profile.Metric":            needs("name"),
	"profile.Metric.name":       {"pattern": `^[^ ./"]+$`},
	"profile.Metric.bit":        {"maximum": 15},
	"profile.Metric.bytes":      {"minimum": 0, "maximum": 8},
	"profile.Threshold":         {"minProperties": 1},
	"profile.Question":          {"required": []string{"name"}, "allOf": []object{{"if": given("type", "choice"), "then": needs("choices")}}},
	"profile.FixedFrame.length": {"minimum": 1},
	"profile.Line": {"required": []string{"name", "kind"}, "allOf": []object{
		{"if": given("kind", "tcp", "listen"), "then": needs("address")},
		{"if": given("kind", "serial"), "then": needs("path")},
	}},
	"profile.Line.baud":       {"minimum": 300, "maximum": 4_000_000, "examples": []int{1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200}},
	"profile.Line.parity":     one("none", "even", "odd"),
	"profile.Line.stop_bits":  {"enum": []int{1, 2}},
	"profile.Device":          needs("id", "profile", "line"),
	"profile.Device.id":       {"pattern": `^[a-z0-9][a-z0-9_.-]{0,63}$`},
	"profile.Place.lon":       {"minimum": -180, "maximum": 180},
	"profile.Place.lat":       {"minimum": -90, "maximum": 90},
	"gateway.Config.id":       {"pattern": `^[a-z0-9][a-z0-9_.-]{0,63}$`},
	"gateway.Poll.retries":    {"minimum": 0, "maximum": 2},
	"broker.Listener":         needs("network", "address"),
	"broker.Listener.network": one("tcp", "tls", "unix"),
	"broker.Listener.profile": one("", "identity", "conformance"),
	"server.History.store":    one("sqlite", "influx"),
}
