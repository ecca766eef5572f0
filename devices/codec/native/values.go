package native

import (
	"slices"
	"strconv"
	"strings"

	"gridhub/devices/codec"
	"gridhub/devices/telemetry"
)

func (d *Decoder) version(v int) {
	if d.r.Err() == nil && v != 1 {
		d.r.Fail(codec.Version, "v is "+strconv.Itoa(v)+", want 1")
	}
}

func (d *Decoder) millis() telemetry.Millis {
	v := d.r.Int()
	if v < 0 {
		d.r.Fail(codec.Number, "a time before 1970")
		return 0
	}
	return telemetry.Millis(v)
}

func (d *Decoder) quality() telemetry.Quality {
	v := d.r.Uint()
	if v > uint64(telemetry.Bad) {
		d.r.Fail(codec.Shape, "quality is "+strconv.FormatUint(v, 10)+", want 0, 1 or 2")
		return telemetry.Bad
	}
	return telemetry.Quality(v)
}

func (d *Decoder) optional(absent float64) float64 {
	if d.r.Null() {
		return absent
	}
	return d.r.Float()
}

func (d *Decoder) text() string {
	b := d.r.Bytes()
	if len(b) > MaxText {
		d.r.Fail(codec.TooLarge, "text longer than "+strconv.Itoa(MaxText)+" bytes")
		return ""
	}
	return d.intern(b)
}

// values reads an object of numbers. A null is a value that the device did not
// give: it is left out.
func (d *Decoder) values() Values {
	start := len(d.fields)
	for d.r.Begin('{'); d.r.More('}'); {
		k := d.r.Key()
		if !codec.ValidMetric(k) {
			d.r.Fail(codec.Shape, "metric "+strconv.QuoteToASCII(string(k[:min(len(k), 24)]))+": want 1 to 64 of letters, digits, _ - .")
			return nil
		}
		name := d.intern(k)
		if d.r.Null() {
			continue
		}
		d.fields = append(d.fields, telemetry.Field{Metric: name, Value: d.r.Float()})
		if len(d.fields)-start > MaxValues {
			d.r.Fail(codec.TooLarge, "more than "+strconv.Itoa(MaxValues)+" values")
			return nil
		}
	}
	v := d.fields[start:len(d.fields):len(d.fields)]
	if !sortFields(v) {
		d.r.Fail(codec.Duplicate, "a metric twice in one reading")
		return nil
	}
	return v
}

// sortFields sorts by metric and reports whether each is there once. Our own
// senders write them sorted, which costs one pass.
func sortFields(v []telemetry.Field) bool {
	for i := 1; i < len(v); i++ {
		if v[i-1].Metric >= v[i].Metric {
			slices.SortFunc(v, func(a, b telemetry.Field) int { return strings.Compare(a.Metric, b.Metric) })
			break
		}
	}
	for i := 1; i < len(v); i++ {
		if v[i-1].Metric == v[i].Metric {
			return false
		}
	}
	return true
}

// maxNames bounds the interned names; a sender that invents new ones without
// end makes the table start over, which costs time and changes nothing.
const maxNames = 1 << 14

func (d *Decoder) intern(b []byte) string {
	if s, ok := d.names[string(b)]; ok {
		return s
	}
	if len(d.names) >= maxNames || d.names == nil {
		d.names = make(map[string]string)
	}
	s := string(b)
	d.names[s] = s
	return s
}
