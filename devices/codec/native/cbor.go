package native

import (
	"errors"
	"math"

	"github.com/fxamacker/cbor/v2"

	"gridhub/devices/codec"
	"gridhub/devices/telemetry"
)

// binary reads CBOR (RFC 8949) within the same limits as JSON: a key twice,
// NaN and the infinities are errors, and nothing is allocated for what a
// header merely promises.
var binary = must(cbor.DecOptions{
	DupMapKey:        cbor.DupMapKeyEnforcedAPF,
	MaxNestedLevels:  32,
	MaxArrayElements: MaxRecords,
	MaxMapPairs:      MaxValues,
	NaN:              cbor.NaNDecodeForbidden,
	Inf:              cbor.InfDecodeForbidden,
	TagsMd:           cbor.TagsForbidden,
}.DecMode())

func must(m cbor.DecMode, err error) cbor.DecMode {
	if err != nil {
		panic(err) // the options above are constants
	}
	return m
}

// refused turns the library's error into ours.
func refused(err error) error {
	var dup *cbor.DupMapKeyError
	var deep *cbor.MaxNestedLevelError
	var array *cbor.MaxArrayElementsError
	var pairs *cbor.MaxMapPairsError
	var value *cbor.UnacceptableDataItemError
	var shape *cbor.UnmarshalTypeError
	var ours *codec.Error
	switch {
	case err == nil, errors.As(err, &ours):
		return err
	case errors.As(err, &dup):
		return codec.Errorf(codec.Duplicate, "%v", err)
	case errors.As(err, &deep):
		return codec.Errorf(codec.TooDeep, "%v", err)
	case errors.As(err, &array), errors.As(err, &pairs):
		return codec.Errorf(codec.TooLarge, "%v", err)
	case errors.As(err, &value):
		return codec.Errorf(codec.Number, "%v", err)
	case errors.As(err, &shape):
		return codec.Errorf(codec.Shape, "%v", err)
	}
	return codec.Errorf(codec.Malformed, "%v", err)
}

// UnmarshalCBOR reads a map of numbers; null is a value that was not given.
func (v *Values) UnmarshalCBOR(b []byte) error {
	var m map[string]*float64
	if err := binary.Unmarshal(b, &m); err != nil {
		return err
	}
	*v = make(Values, 0, len(m))
	for k, f := range m {
		if !codec.ValidMetric([]byte(k)) {
			return codec.Errorf(codec.Shape, "metric %+.24q: want 1 to 64 of letters, digits, _ - .", k)
		}
		if f == nil {
			continue
		}
		if math.IsNaN(*f) || math.IsInf(*f, 0) {
			return codec.Errorf(codec.Number, "%s is not finite", k)
		}
		*v = append(*v, telemetry.Field{Metric: k, Value: *f})
	}
	sortFields(*v)
	return nil
}

// items takes an array apart, or returns a single item as it is.
func items(p []byte) ([]cbor.RawMessage, error) {
	if p[0]>>5 != 4 { // major type 4 is an array
		return []cbor.RawMessage{p}, nil
	}
	var all []cbor.RawMessage
	return all, refused(binary.Unmarshal(p, &all))
}

func (d *Decoder) readingsCBOR(p []byte) ([]Reading, error) {
	all, err := items(p)
	if err != nil {
		return nil, err
	}
	for _, item := range all {
		var m Reading
		if err := refused(binary.Unmarshal(item, &m)); err != nil {
			return nil, err
		}
		if err := checkStamp(m.Stamp, m.At, m.Quality); err != nil {
			return nil, err
		}
		d.readings = append(d.readings, m)
	}
	return d.readings, nil
}

func (d *Decoder) fixesCBOR(p []byte) ([]Fix, error) {
	all, err := items(p)
	if err != nil {
		return nil, err
	}
	for _, item := range all {
		m := Fix{Lon: math.NaN(), Lat: math.NaN(), Speed: -1, Heading: -1, Battery: -1}
		if err := refused(binary.Unmarshal(item, &m)); err != nil {
			return nil, err
		}
		if math.IsNaN(m.Lon) || math.IsNaN(m.Lat) {
			return nil, codec.Errorf(codec.Shape, "a fix needs lon and lat")
		}
		if err := errors.Join(checkStamp(m.Stamp, m.At, telemetry.Good), m.check()); err != nil {
			return nil, err
		}
		if len(m.Source) > MaxText {
			return nil, codec.Errorf(codec.TooLarge, "source longer than %d bytes", MaxText)
		}
		d.fixes = append(d.fixes, m)
	}
	return d.fixes, nil
}

func checkStamp(s Stamp, at telemetry.Millis, q telemetry.Quality) error {
	switch {
	case s.V != 1:
		return codec.Errorf(codec.Version, "v is %d, want 1", s.V)
	case at < 0 || s.Now < 0:
		return codec.Errorf(codec.Number, "a time before 1970")
	case s.Seq > math.MaxInt64 || s.Epoch > math.MaxInt64:
		return codec.Errorf(codec.Number, "seq %d, epoch %d: too large", s.Seq, s.Epoch)
	case q > telemetry.Bad:
		return codec.Errorf(codec.Shape, "quality is %d, want 0, 1 or 2", q)
	}
	return nil
}

// batchCBOR reads the envelope first, so that it is known even when a record
// is not readable.
func batchCBOR(p []byte) (Batch, error) {
	var head struct {
		Batch
		Records cbor.RawMessage `cbor:"records"`
	}
	if err := refused(binary.Unmarshal(p, &head)); err != nil {
		return head.Batch, err
	}
	b := head.Batch
	if len(head.Records) > 0 {
		if err := refused(binary.Unmarshal(head.Records, &b.Records)); err != nil {
			b.Records = nil
			return b, err
		}
	}
	for i := range b.Records {
		m := &b.Records[i]
		if err := checkStamp(Stamp{V: b.V, Epoch: b.Epoch, Seq: m.Seq, Now: b.Now}, min(m.At, m.Own, m.Hour), m.Quality); err != nil {
			return b, err
		}
		if len(m.Cause) > MaxText || m.Lost > math.MaxInt64 {
			return b, codec.Errorf(codec.TooLarge, "record %d: cause or lost too large", i+1)
		}
	}
	if b.Last > math.MaxInt64 || b.Floor > math.MaxInt64 || len(b.Stream) > MaxText {
		return Batch{}, codec.Errorf(codec.Number, "numbers beyond 2^63")
	}
	return b, b.check()
}
