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
	Hour    telemetry.Millis  `cbor:"hour"`
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
