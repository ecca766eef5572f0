// Package native reads the payloads of our own senders: telemetry, position
// and batch of devices/wire, as JSON or as CBOR. JSON is read by hand into
// buffers that are used again, because every reading of the street passes
// here; CBOR goes through a library with limits set.
//
// It is strict about what it knows (types, ranges, names, a key twice) and
// tolerant of keys that it does not know, so that newer senders are understood.
// What the numbers and times mean is the reader's business.
package native

import (
	"bytes"
	"slices"
	"strconv"
	"strings"

	"gridhub/devices"
	"gridhub/devices/codec"
	"gridhub/devices/codec/jsonread"
	"gridhub/devices/telemetry"
)

// Limits of one payload.
const (
	MaxBytes   = 256 << 10 // the broker's largest packet
	MaxRecords = 4096      // records of a batch, readings or fixes of an array
	MaxValues  = 256       // metrics of one record
	MaxText    = 256       // bytes of a cause or a source
)

// Stamp is the numbering of one message: wire.Stamp.
type Stamp struct {
	V     int              `cbor:"v"`
	Epoch uint64           `cbor:"epoch"`
	Seq   uint64           `cbor:"seq"`
	Now   telemetry.Millis `cbor:"now"`
}

// Reading is wire.Reading with its values sorted by metric.
type Reading struct {
	Stamp
	At      telemetry.Millis  `cbor:"at"`
	Quality telemetry.Quality `cbor:"quality"`
	Values  Values            `cbor:"values"`
}

// Fix is wire.Fix; Speed, Heading and Battery are negative when not told.
type Fix struct {
	Stamp
	At       telemetry.Millis `cbor:"at"`
	Lon      float64          `cbor:"lon"`
	Lat      float64          `cbor:"lat"`
	Accuracy float64          `cbor:"accuracy"`
	Speed    float64          `cbor:"speed"`
	Heading  float64          `cbor:"heading"`
	Battery  float64          `cbor:"battery"`
	Source   string           `cbor:"source"`
	Mock     bool             `cbor:"mock"`
	SOS      bool             `cbor:"sos"`
}

// Record is wire.Record with its values sorted by metric.
type Record struct {
	Seq     uint64            `cbor:"seq"`
	Device  devices.ID        `cbor:"device"`
	At      telemetry.Millis  `cbor:"at"`
	Own     telemetry.Millis  `cbor:"own"`
	Quality telemetry.Quality `cbor:"quality"`
	Cause   string            `cbor:"cause"`
	Values  Values            `cbor:"values"`
	Lost    uint64            `cbor:"lost"`
}

// Batch is wire.Batch.
type Batch struct {
	V       int              `cbor:"v"`
	Stream  string           `cbor:"stream"`
	Epoch   uint64           `cbor:"epoch"`
	First   uint64           `cbor:"first"`
	Last    uint64           `cbor:"last"`
	Floor   uint64           `cbor:"floor"`
	Now     telemetry.Millis `cbor:"now"`
	Records []Record         `cbor:"records"`
}

// Values are the fields of one record, sorted by metric.
type Values []telemetry.Field

// Decoder decodes one payload after another. What it returns is valid until
// its next call, strings excepted. It is not safe for concurrent use; the zero
// value is ready.
type Decoder struct {
	r        jsonread.Reader
	names    map[string]string
	readings []Reading
	fixes    []Fix
	records  []Record
	fields   []telemetry.Field
}

// isJSON tells the two encodings apart: no CBOR map or array of ours begins
// with the bytes of [ or {, which would be a text of 27 bytes and a byte string.
func isJSON(p []byte) bool {
	p = bytes.TrimLeft(p, " \t\r\n")
	return len(p) > 0 && (p[0] == '{' || p[0] == '[') || bytes.HasPrefix(p, []byte("\xEF\xBB\xBF"))
}

func checkSize(p []byte) error {
	if len(p) > MaxBytes {
		return codec.Errorf(codec.TooLarge, "%d bytes, at most %d", len(p), MaxBytes)
	}
	if len(p) == 0 {
		return codec.Errorf(codec.Malformed, "empty payload")
	}
	return nil
}

// Telemetry reads one Reading, or an array of readings that waited.
func (d *Decoder) Telemetry(p []byte) ([]Reading, error) {
	if err := checkSize(p); err != nil {
		return nil, err
	}
	d.readings, d.fields = d.readings[:0], d.fields[:0]
	if !isJSON(p) {
		return d.readingsCBOR(p)
	}
	d.r.Reset(p)
	err := d.oneOrMany(func() { d.readings = append(d.readings, d.reading()) })
	return d.readings, err
}

// Position reads one Fix, or an array of fixes that waited.
func (d *Decoder) Position(p []byte) ([]Fix, error) {
	if err := checkSize(p); err != nil {
		return nil, err
	}
	d.fixes = d.fixes[:0]
	if !isJSON(p) {
		return d.fixesCBOR(p)
	}
	d.r.Reset(p)
	err := d.oneOrMany(func() { d.fixes = append(d.fixes, d.fix()) })
	return d.fixes, err
}

// Batch reads a gateway's batch. With an error it still returns the envelope
// as far as it was read, so that the numbers of a batch whose records nobody
// can read are known to have arrived.
func (d *Decoder) Batch(p []byte) (Batch, error) {
	if err := checkSize(p); err != nil {
		return Batch{}, err
	}
	d.records, d.fields = d.records[:0], d.fields[:0]
	if !isJSON(p) {
		return batchCBOR(p)
	}
	d.r.Reset(p)
	b := d.batch()
	if err := d.r.End(); err != nil {
		return b, err
	}
	b.Records = d.records
	return b, b.check()
}

func (d *Decoder) oneOrMany(one func()) error {
	if d.r.Peek() != '[' {
		one()
		return d.r.End()
	}
	n := 0
	for d.r.Begin('['); d.r.More(']'); n++ {
		if n == MaxRecords {
			d.r.Fail(codec.TooLarge, "more than "+strconv.Itoa(MaxRecords)+" elements")
			break
		}
		one()
	}
	return d.r.End()
}

// once fails when the key with this bit was there before in the same object.
func (d *Decoder) once(seen *uint32, bit uint) {
	if *seen&(1<<bit) != 0 {
		d.r.Fail(codec.Duplicate, "a key twice in one object")
	}
	*seen |= 1 << bit
}

// stamp reads the member k if it belongs to a Stamp.
func (d *Decoder) stamp(k []byte, s *Stamp, seen *uint32) bool {
	switch string(k) {
	case "v":
		d.once(seen, 0)
		s.V = int(d.r.Uint())
	case "epoch":
		d.once(seen, 1)
		s.Epoch = d.r.Uint()
	case "seq":
		d.once(seen, 2)
		s.Seq = d.r.Uint()
	case "now":
		d.once(seen, 3)
		s.Now = d.millis()
	default:
		return false
	}
	return true
}

func (d *Decoder) reading() (m Reading) {
	var seen uint32
	for d.r.Begin('{'); d.r.More('}'); {
		k := d.r.Key()
		if d.stamp(k, &m.Stamp, &seen) {
			continue
		}
		switch string(k) {
		case "at":
			d.once(&seen, 4)
			m.At = d.millis()
		case "quality":
			d.once(&seen, 5)
			m.Quality = d.quality()
		case "values":
			d.once(&seen, 6)
			m.Values = d.values()
		default:
			d.r.Skip()
		}
	}
	d.version(m.V)
	return m
}

func (d *Decoder) fix() Fix {
	m := Fix{Speed: -1, Heading: -1, Battery: -1}
	var seen uint32
	for d.r.Begin('{'); d.r.More('}'); {
		if k := d.r.Key(); !d.stamp(k, &m.Stamp, &seen) && !d.fixPlace(k, &m, &seen) {
			d.fixRest(k, &m, &seen)
		}
	}
	d.version(m.V)
	if seen&(1<<5) == 0 || seen&(1<<6) == 0 {
		d.r.Fail(codec.Shape, "a fix needs lon and lat")
	}
	if d.r.Err() == nil {
		d.r.Check(m.check())
	}
	return m
}

func (d *Decoder) fixPlace(k []byte, m *Fix, seen *uint32) bool {
	switch string(k) {
	case "at":
		d.once(seen, 4)
		m.At = d.millis()
	case "lon":
		d.once(seen, 5)
		m.Lon = d.r.Float()
	case "lat":
		d.once(seen, 6)
		m.Lat = d.r.Float()
	case "accuracy":
		d.once(seen, 7)
		m.Accuracy = d.optional(0)
	case "speed":
		d.once(seen, 8)
		m.Speed = d.optional(-1)
	case "heading":
		d.once(seen, 9)
		m.Heading = d.optional(-1)
	default:
		return false
	}
	return true
}

func (d *Decoder) fixRest(k []byte, m *Fix, seen *uint32) {
	switch string(k) {
	case "battery":
		d.once(seen, 10)
		m.Battery = d.optional(-1)
	case "source":
		d.once(seen, 11)
		m.Source = d.text()
	case "mock":
		d.once(seen, 12)
		m.Mock = d.r.Bool()
	case "sos":
		d.once(seen, 13)
		m.SOS = d.r.Bool()
	default:
		d.r.Skip()
	}
}

// check holds a fix to what can be on Earth.
func (m *Fix) check() error {
	if m.Lon < -180 || m.Lon > 180 || m.Lat < -90 || m.Lat > 90 {
		return codec.Errorf(codec.Shape, "lon %g, lat %g: not a place on Earth", m.Lon, m.Lat)
	}
	if m.Accuracy < 0 || m.Heading > 360 || m.Battery > 1 {
		return codec.Errorf(codec.Shape, "accuracy %g m, heading %g°, battery %g: out of range", m.Accuracy, m.Heading, m.Battery)
	}
	return nil
}

func (d *Decoder) batch() (b Batch) {
	var seen uint32
	for d.r.Begin('{'); d.r.More('}'); {
		k := d.r.Key()
		switch string(k) {
		case "v":
			d.once(&seen, 0)
			b.V = int(d.r.Uint())
		case "stream":
			d.once(&seen, 1)
			b.Stream = d.text()
		case "epoch":
			d.once(&seen, 2)
			b.Epoch = d.r.Uint()
		case "first":
			d.once(&seen, 3)
			b.First = d.r.Uint()
		case "last":
			d.once(&seen, 4)
			b.Last = d.r.Uint()
		case "floor":
			d.once(&seen, 5)
			b.Floor = d.r.Uint()
		case "now":
			d.once(&seen, 6)
			b.Now = d.millis()
		case "records":
			d.once(&seen, 7)
			d.allRecords()
		default:
			d.r.Skip()
		}
	}
	return b
}

func (d *Decoder) allRecords() {
	for d.r.Begin('['); d.r.More(']'); {
		if len(d.records) == MaxRecords {
			d.r.Fail(codec.TooLarge, "more than "+strconv.Itoa(MaxRecords)+" records")
			return
		}
		d.records = append(d.records, d.record())
	}
}

func (d *Decoder) record() (m Record) {
	var seen uint32
	for d.r.Begin('{'); d.r.More('}'); {
		k := d.r.Key()
		switch string(k) {
		case "seq":
			d.once(&seen, 0)
			m.Seq = d.r.Uint()
		case "device":
			d.once(&seen, 1)
			m.Device = devices.ID(d.intern(d.r.Bytes()))
		case "at":
			d.once(&seen, 2)
			m.At = d.millis()
		case "own":
			d.once(&seen, 3)
			m.Own = d.millis()
		case "quality":
			d.once(&seen, 4)
			m.Quality = d.quality()
		case "cause":
			d.once(&seen, 5)
			m.Cause = d.text()
		case "values":
			d.once(&seen, 6)
			m.Values = d.values()
		case "lost":
			d.once(&seen, 7)
			m.Lost = d.r.Uint()
		default:
			d.r.Skip()
		}
	}
	return m
}

// check holds the envelope of a batch to its own numbers.
func (b *Batch) check() error {
	if b.V != 1 {
		return codec.Errorf(codec.Version, "v is %d, want 1", b.V)
	}
	if b.Stream == "" || b.First == 0 || b.Last < b.First {
		return codec.Errorf(codec.Shape, "stream %q, first %d, last %d: want a stream and 1 ≤ first ≤ last", b.Stream, b.First, b.Last)
	}
	for i := range b.Records {
		if s := b.Records[i].Seq; s < b.First || s > b.Last {
			return codec.Errorf(codec.Shape, "record %d has seq %d, outside %d to %d", i+1, s, b.First, b.Last)
		}
	}
	return nil
}

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
