// Package thingsboard reads the telemetry and attributes of ThingsBoard's
// device and gateway MQTT API (thingsboard.io/docs/reference/mqtt-api), so that
// devices made for it need no change. It reads numbers, and booleans as 0 and
// 1; text, objects and null are counted as left out, for a history of numbers
// cannot hold them. Topics and identities are the broker's business.
package thingsboard

import (
	"encoding/json"
	"strconv"
	"strings"

	"gridhub/devices/codec"
	"gridhub/devices/codec/jsonread"
	"gridhub/devices/telemetry"
)

// Limits of one payload.
const (
	MaxBytes   = 256 << 10
	MaxSamples = 4096
	MaxValues  = 256
)

// Sample is what one device told for one instant. Device is the gateway API's
// device name, empty in the device API.
type Sample = codec.Sample

// decoder holds one payload's samples while they are read.
type decoder struct {
	r   jsonread.Reader
	out []Sample
}

// Device reads v1/devices/me/telemetry: {"k":v}, {"ts":…,"values":{…}}, or an
// array of these. Attributes (v1/devices/me/attributes) have the first shape.
func Device(p []byte) ([]Sample, error) {
	d := &decoder{}
	if err := d.reset(p); err != nil {
		return nil, err
	}
	d.samples("")
	return d.out, d.r.End()
}

// Names reads the device of v1/gateway/connect and disconnect:
// {"device":"Device A","type":…}.
func Names(p []byte) (device string, err error) {
	d := &decoder{}
	if err := d.reset(p); err != nil {
		return "", err
	}
	for d.r.Begin('{'); d.r.More('}'); {
		if string(d.r.Key()) == "device" {
			device = string(d.r.Bytes())
		} else {
			d.r.Skip()
		}
	}
	if d.r.Err() == nil && device == "" {
		d.r.Fail(codec.Shape, "no device")
	}
	return device, d.r.End()
}

// Question reads v1/gateway/attributes/request, {"id":1,"device":"Device A",…},
// and returns the answer of a hub that keeps no attributes.
func Question(p []byte) (answer []byte, err error) {
	d := &decoder{}
	if err := d.reset(p); err != nil {
		return nil, err
	}
	id, device := int64(-1), ""
	for d.r.Begin('{'); d.r.More('}'); {
		switch string(d.r.Key()) {
		case "id":
			id = d.r.Int()
		case "device":
			device = string(d.r.Bytes())
		default:
			d.r.Skip()
		}
	}
	if d.r.Err() == nil && (id < 0 || device == "") {
		d.r.Fail(codec.Shape, "want an id and a device")
	}
	if err := d.r.End(); err != nil {
		return nil, err
	}
	return json.Marshal(map[string]any{"id": id, "device": device})
}

// Gateway reads v1/gateway/telemetry: {"Device A":[sample,…],…}, and
// v1/gateway/attributes: {"Device A":{"k":v},…}.
func Gateway(p []byte) ([]Sample, error) {
	d := &decoder{}
	if err := d.reset(p); err != nil {
		return nil, err
	}
	seen := map[string]bool{}
	for d.r.Begin('{'); d.r.More('}'); {
		name := string(d.r.Key())
		if seen[name] {
			d.r.Fail(codec.Duplicate, "device "+strconv.QuoteToASCII(name)+" twice")
		}
		seen[name] = true
		d.samples(name)
	}
	return d.out, d.r.End()
}

func (d *decoder) reset(p []byte) error {
	if len(p) > MaxBytes {
		return codec.Errorf(codec.TooLarge, "%d bytes, at most %d", len(p), MaxBytes)
	}
	d.r.Reset(p)
	return nil
}

func (d *decoder) samples(device string) {
	if d.r.Peek() != '[' {
		d.sample(device)
		return
	}
	for d.r.Begin('['); d.r.More(']'); {
		d.sample(device)
	}
}

func (d *decoder) sample(device string) {
	if len(d.out) == MaxSamples {
		d.r.Fail(codec.TooLarge, "more than "+strconv.Itoa(MaxSamples)+" samples")
		return
	}
	s := Sample{Device: device}
	nested, stamped := false, false
	for d.r.Begin('{'); d.r.More('}'); {
		k := d.r.Key()
		switch {
		case string(k) == "ts" && !stamped:
			stamped = true
			s.At = telemetry.Millis(d.r.Uint())
		case string(k) == "values" && d.r.Peek() == '{' && !nested:
			nested = true
			for d.r.Begin('{'); d.r.More('}'); {
				d.value(string(d.r.Key()), &s)
			}
		default:
			d.value(string(k), &s)
		}
	}
	if !nested && stamped { // a bare sample whose own key happens to be ts
		s.Values = append(s.Values, telemetry.Field{Metric: "ts", Value: float64(s.At)})
		s.At = 0
	}
	d.finish(&s)
	d.out = append(d.out, s)
}

// value reads one value; a name that no metric may have is made one by putting
// '_' in place of what is not allowed, as ThingsBoard allows any.
func (d *decoder) value(name string, s *Sample) {
	if len(s.Values) == MaxValues {
		d.r.Fail(codec.TooLarge, "more than "+strconv.Itoa(MaxValues)+" values in a sample")
		return
	}
	var v float64
	switch d.r.Peek() {
	case 't', 'f':
		if d.r.Bool() {
			v = 1
		}
	case '"', 'n', '{', '[', 0:
		s.Omit(why(d.r.Peek()), 1)
		d.r.Skip()
		return
	default:
		v = d.r.Float()
	}
	s.Values = append(s.Values, telemetry.Field{Metric: metric(name), Value: v})
}

// why says why a JSON value is left out, by its first byte.
func why(first byte) codec.Why {
	switch first {
	case '"':
		return codec.Text
	case 'n':
		return codec.Null
	}
	return codec.Structure
}

func metric(name string) string {
	if codec.ValidMetric([]byte(name)) {
		return name
	}
	clean := strings.Map(func(c rune) rune {
		if c < 0x80 && codec.ValidMetric([]byte{'m', byte(c)}) {
			return c
		}
		return '_'
	}, name)
	if clean == "" || clean[0] == '_' || clean == codec.QualityField {
		clean = "m" + clean
	}
	return clean[:min(len(clean), codec.MaxMetric)]
}

func (d *decoder) finish(s *Sample) { d.r.Check(s.Sort()) }
