// Package senml reads sensor measurement lists (RFC 8428), as JSON and as CBOR:
// it resolves the base fields and says which device and metric of ours each
// record is. Numbers, booleans (as 0 and 1) and sums are taken; text and data
// are counted as left out. Packs only, no streams.
package senml

import (
	"math"
	"strings"

	"gridhub/devices/codec"
	"gridhub/devices/telemetry"
)

// Limits of one pack.
const (
	MaxBytes   = 256 << 10
	MaxRecords = 4096
)

// version is the newest that this package reads (RFC 8428, 4.4).
const version = 10

// Record is one record, resolved (4.6).
type Record struct {
	Name     string
	Unit     string
	Value    float64
	HasValue bool             // a number or a boolean
	Sum      float64          // the value's integral over time
	HasSum   bool             //
	Why      codec.Why        // of a value that is no number; empty otherwise
	At       telemetry.Millis // 0: now, as far as anybody knows
}

// fields are a record as it stands in the pack; nil is not there.
type fields struct {
	bn, bu, n, u      *string
	bt, bv, bs, t     *float64
	v, s, ut          *float64
	vb                *bool
	vs, vd            bool
	bver              *float64
	others, unhandled int // members beside these, and those that must be understood
}

// Read resolves a pack. now is when it came, which relative times count from.
// A first byte of '[', white space left aside, says that it is JSON.
func Read(p []byte, now telemetry.Millis) ([]Record, error) {
	if len(p) > MaxBytes {
		return nil, codec.Errorf(codec.TooLarge, "%d bytes, at most %d", len(p), MaxBytes)
	}
	read := readCBOR
	if text := strings.TrimLeft(string(p[:min(len(p), 64)]), " \t\r\n"); strings.HasPrefix(text, "[") {
		read = readJSON
	}
	all, err := read(p)
	if err != nil {
		return nil, err
	}
	return resolve(all, now)
}

// base is what the records before have said for those behind.
type base struct {
	name, unit       string
	time, value, sum float64
	hasValue, hasSum bool
	version          float64
}

func resolve(all []fields, now telemetry.Millis) (out []Record, err error) {
	b := base{version: version}
	for i := range all {
		f := &all[i]
		if f.unhandled > 0 {
			return nil, codec.Errorf(codec.Shape, "record %d: a member whose label ends in _ is not understood", i+1)
		}
		b.take(f)
		if b.version > version || b.version < 1 {
			return nil, codec.Errorf(codec.Version, "record %d: bver is %v, at most %d", i+1, b.version, version)
		}
		r, values := b.record(f)
		switch {
		case values > 1:
			return nil, codec.Errorf(codec.Shape, "record %d: more than one value", i+1)
		case values == 0 && !r.HasValue && !r.HasSum && !f.regular():
			continue // base fields alone, as in 5.1.7
		case values == 0 && !r.HasValue && !r.HasSum:
			return nil, codec.Errorf(codec.Shape, "record %d: no value", i+1)
		}
		if r.Name == "" {
			return nil, codec.Errorf(codec.Shape, "record %d: neither name nor base name", i+1)
		}
		if err := b.stamp(&r, f, now); err != nil {
			return nil, err
		}
		if math.IsInf(r.Value, 0) || math.IsInf(r.Sum, 0) {
			return nil, codec.Errorf(codec.Number, "record %d: the value with its base is too large", i+1)
		}
		out = append(out, r)
	}
	return out, nil
}

func (b *base) take(f *fields) {
	set(&b.name, f.bn)
	set(&b.unit, f.bu)
	set(&b.time, f.bt)
	set(&b.version, f.bver)
	b.hasValue = set(&b.value, f.bv) || b.hasValue
	b.hasSum = set(&b.sum, f.bs) || b.hasSum
}

func set[T any](to, from *T) bool {
	if from != nil {
		*to = *from
	}
	return from != nil
}

// regular reports whether f speaks of a measurement, beside its value.
func (f *fields) regular() bool { return f.n != nil || f.u != nil || f.t != nil || f.ut != nil }

// record is f with what its bases add, and how many values f itself has. Of a
// value and its base, or a sum and its, a missing one is zero (4.5.4).
func (b *base) record(f *fields) (r Record, values int) {
	r.Name, r.Unit = b.name, b.unit
	if f.n != nil {
		r.Name += *f.n
	}
	set(&r.Unit, f.u)
	if f.v != nil {
		values++
		r.Value, r.HasValue = b.value+*f.v, true
	}
	if f.vb != nil {
		values++
		r.HasValue = true
		if *f.vb {
			r.Value = 1
		}
	}
	if f.vs {
		values++
		r.Why = codec.Text
	}
	if f.vd {
		values++
		r.Why = codec.Bytes
	}
	if values == 0 && f.s == nil && b.hasValue && f.regular() {
		r.Value, r.HasValue = b.value, true
	}
	if f.s != nil || b.hasSum && (values > 0 || f.regular()) {
		r.Sum, r.HasSum = b.sum, true
		if f.s != nil {
			r.Sum += *f.s
		}
	}
	return r, values
}

// relative is the time below which a stamp counts from now (4.5.3).
const relative = 1 << 28

func (b *base) stamp(r *Record, f *fields, now telemetry.Millis) error {
	t := b.time
	if f.t != nil {
		t += *f.t
	}
	ms := math.Round(t * 1000)
	switch {
	case t == 0:
		return nil
	case math.Abs(ms) > 1<<53:
		return codec.Errorf(codec.Number, "time %v is beyond any clock", t)
	case t < relative:
		ms += float64(now)
	}
	r.At = telemetry.Millis(ms)
	return nil
}

// Samples says what resolved records mean: one sample for each device and
// instant, in the order of their first records.
//
// A sender that speaks for itself alone may speak of one device; for others,
// Sample.Device is the name up to its last '/', or ':' where it has none, and
// what follows is the metric. A URN of a device (RFC 9039) without more is the
// whole device; then, and when nothing follows, the metric is what the unit
// measures: two records of one name differ by their units (5.1.3). A sum's
// metric is the value's and ".sum".
func Samples(records []Record, speaks bool) ([]codec.Sample, error) {
	type instant struct {
		device string
		at     telemetry.Millis
	}
	var out []codec.Sample
	index := map[instant]int{}
	self := ""
	for n, r := range records {
		device, rest := split(r.Name)
		if n == 0 {
			self = device
		}
		if !speaks {
			if device != self {
				return nil, codec.Errorf(codec.Shape, "record %d is of another device; the sender speaks for itself alone", n+1)
			}
			device = ""
		}
		at := instant{device, r.At}
		i, have := index[at]
		if !have {
			i = len(out)
			index[at] = i
			out = append(out, codec.Sample{Device: device, At: r.At})
		}
		put(&out[i], r, rest)
	}
	for i := range out {
		if err := out[i].Sort(); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func put(s *codec.Sample, r Record, name string) {
	if r.Why != "" {
		s.Omit(r.Why, 1)
		return
	}
	if name == "" {
		name = quantity(r.Unit)
	}
	metric := codec.Metric(name)
	if r.HasValue {
		s.Put(metric, r.Value)
		if r.Unit != "" {
			s.Units = append(s.Units, codec.Unit{Metric: metric, Unit: unit(r.Unit)})
		}
	}
	if r.HasSum {
		s.Put(codec.Metric(name, "sum"), r.Sum)
	}
}

// split cuts a name into the device and what it measures.
func split(name string) (device, rest string) {
	if body, ok := strings.CutPrefix(name, "urn:dev:"); ok {
		return splitURN(name, body)
	}
	i := strings.LastIndexByte(name, '/')
	if i < 0 {
		i = strings.LastIndexByte(name, ':')
	}
	if i < 0 {
		return "", name
	}
	return strings.TrimRight(name[:i], "/:"), name[i+1:]
}

// splitURN cuts urn:dev:kind:number at the first ':', '/' or '_' that follows.
func splitURN(name, body string) (device, rest string) {
	_, number, ok := strings.Cut(body, ":")
	i := strings.IndexAny(number, ":/_")
	if !ok || i < 0 {
		return name, ""
	}
	at := len(name) - len(number) + i
	return name[:at], name[at+1:]
}

// quantities are what units of the registry (12.1) measure, where one says it.
var quantities = map[string]string{
	"Cel": "temperature", "K": "temperature", "%RH": "humidity", "lon": "lon", "lat": "lat", "%EL": "battery", "EL": "battery_seconds",
	"V": "voltage", "A": "current", "W": "power", "Pa": "pressure", "hPa": "pressure", "lx": "illuminance", "Hz": "frequency", "J": "energy",
	"Wh": "energy", "kWh": "energy", "m": "length", "m/s": "velocity", "dBW": "level", "beat/min": "heart_rate", "count": "count", "pH": "acidity", "dB": "level",
}

func quantity(unit string) string {
	if q := quantities[unit]; q != "" {
		return q
	}
	if unit == "" {
		return "value"
	}
	return "value." + unit
}

// ours spells units of the registry as our metrics have them.
var ours = map[string]string{"%RH": "%", "%EL": "%", "/": "1", "/100": "%", "lat": "deg", "lon": "deg"}

func unit(u string) string {
	if our, ok := ours[u]; ok {
		return our
	}
	return codec.UnitOf(u)
}
