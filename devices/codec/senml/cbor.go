package senml

import (
	"errors"
	"math"
	"strings"

	"github.com/fxamacker/cbor/v2"

	"gridhub/devices/codec"
)

// binary reads CBOR within the limits of the JSON reader.
var binary = must(cbor.DecOptions{
	DupMapKey:        cbor.DupMapKeyEnforcedAPF,
	MaxNestedLevels:  16,
	MaxArrayElements: MaxRecords,
	MaxMapPairs:      64,
	NaN:              cbor.NaNDecodeForbidden,
	Inf:              cbor.InfDecodeForbidden,
	IntDec:           cbor.IntDecConvertSignedOrFail,
	BigIntDec:        cbor.BigIntDecodeValue,
}.DecMode())

func must(m cbor.DecMode, err error) cbor.DecMode {
	if err != nil {
		panic(err) // the options above are constants
	}
	return m
}

// readCBOR reads the representation of RFC 8428, 6.
func readCBOR(p []byte) ([]fields, error) {
	var records []map[any]any
	if err := binary.Unmarshal(p, &records); err != nil {
		return nil, refused(err)
	}
	all := make([]fields, len(records))
	for i, r := range records {
		for key, v := range r {
			if err := all[i].set(key, v); err != nil {
				return nil, codec.Errorf(codec.CauseOf(err), "record %d: %v", i+1, err)
			}
		}
	}
	return all, nil
}

func refused(err error) error {
	var dup *cbor.DupMapKeyError
	var deep *cbor.MaxNestedLevelError
	var array *cbor.MaxArrayElementsError
	var pairs *cbor.MaxMapPairsError
	var number *cbor.UnacceptableDataItemError
	var shape *cbor.UnmarshalTypeError
	cause := codec.Malformed
	switch {
	case errors.As(err, &dup):
		cause = codec.Duplicate
	case errors.As(err, &deep):
		cause = codec.TooDeep
	case errors.As(err, &array), errors.As(err, &pairs):
		cause = codec.TooLarge
	case errors.As(err, &number):
		cause = codec.Number
	case errors.As(err, &shape):
		cause = codec.Shape
	}
	return codec.Errorf(cause, "%v", err)
}

// set takes one pair of a record's map. Text labels are of extensions.
func (f *fields) set(key, v any) error {
	k, known := key.(int64)
	if !known || k < labelBS || k > labelVD {
		f.others++
		if s, ok := key.(string); ok && strings.HasSuffix(s, "_") {
			f.unhandled++
		}
		return nil
	}
	ok := true
	switch k := int(k); k {
	case labelBN, labelBU, labelN, labelU, labelVS:
		var s string
		s, ok = v.(string)
		f.setText(k, s)
		f.vs = f.vs || k == labelVS
	case labelVB:
		var b bool
		b, ok = v.(bool)
		f.vb = &b
	case labelVD:
		_, ok = v.([]byte)
		f.vd = true
	default:
		var n float64
		n, ok = number(v)
		f.setNumber(k, n)
	}
	if !ok {
		return codec.Errorf(codec.Shape, "label %d has a value of another type", k)
	}
	return nil
}

// number takes integers, floats and decimal fractions (tag 4).
func number(v any) (float64, bool) {
	switch n := v.(type) {
	case int64:
		return float64(n), true
	case float64:
		return n, true
	case cbor.Tag:
		pair, ok := n.Content.([]any)
		if !ok || n.Number != 4 || len(pair) != 2 {
			return 0, false
		}
		exponent, ok1 := pair[0].(int64)
		mantissa, ok2 := pair[1].(int64)
		if !ok1 || !ok2 || exponent < -400 || exponent > 400 {
			return 0, false
		}
		f := float64(mantissa) * math.Pow10(int(exponent))
		if exponent < 0 && exponent >= -300 {
			f = float64(mantissa) / math.Pow10(int(-exponent)) // a division rounds once
		}
		return f, !math.IsInf(f, 0)
	}
	return 0, false
}
