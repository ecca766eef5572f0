package dlt645

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"gridhub/devices/telemetry"
)

// Field is one value in an answer: value = raw × Scale + Offset. Numbers are
// packed decimals, the lowest two digits first.
type Field struct {
	Metric   string
	DI       DI
	At       int      // first byte behind the identifier
	Bytes    int      // 1 to 8
	Signed   bool     // the highest bit is the sign
	Scale    float64  // 0 counts as 1
	Offset   float64  // in the metric's unit
	Min, Max *float64 // plausible range; outside, the reading is uncertain
	Known    []float64
}

// Layout says what to ask a meter for and how fields lie in the answers. It is
// immutable and safe for concurrent use.
type Layout struct {
	Edition Edition
	fields  []Field
	asks    []DI
}

// New plans the requests for fields: each identifier is asked for once, in the
// order of the first field that needs it.
func New(e Edition, fields []Field) (Layout, error) {
	l := Layout{Edition: e, fields: slices.Clone(fields)}
	for _, f := range fields {
		if f.Bytes < 1 || f.Bytes > 8 || f.At < 0 || f.At+f.Bytes > maxAnswer {
			return Layout{}, fmt.Errorf("metric %s: %d bytes from byte %d: want 1 to 8 bytes within an answer", f.Metric, f.Bytes, f.At)
		}
		if !slices.Contains(l.asks, f.DI) {
			l.asks = append(l.asks, f.DI)
		}
	}
	return l, nil
}

// maxAnswer bounds an answer with all its continuations.
const maxAnswer = 16 * MaxData

// Asks are the identifiers that one reading takes, in order.
func (l Layout) Asks() []DI { return slices.Clone(l.asks) }

// Decode makes values of the answers to Asks, in their order, continuations
// joined. A field whose bytes are no decimal digits (meters fill what they
// have not with FF) or lie behind the answer's end is left out and makes the
// reading uncertain, as an implausible value does.
func (l Layout) Decode(answers [][]byte) ([]telemetry.Field, telemetry.Quality, error) {
	if len(answers) != len(l.asks) {
		return nil, telemetry.Bad, fmt.Errorf("%d answers for %d requests", len(answers), len(l.asks))
	}
	quality := telemetry.Good
	values := make([]telemetry.Field, 0, len(l.fields))
	for _, f := range l.fields {
		v, ok := f.value(answers[slices.Index(l.asks, f.DI)])
		if !ok || !f.plausible(v) {
			quality = telemetry.Uncertain
		}
		if ok {
			values = append(values, telemetry.Field{Metric: f.Metric, Value: v})
		}
	}
	return values, quality, nil
}

func (f Field) value(data []byte) (float64, bool) {
	if f.At+f.Bytes > len(data) {
		return 0, false
	}
	digits := slices.Clone(data[f.At : f.At+f.Bytes])
	negative := false
	if top := len(digits) - 1; f.Signed {
		negative = digits[top]&0x80 != 0
		digits[top] &= 0x7F
	}
	n := 0.0
	for _, b := range slices.Backward(digits) {
		if b>>4 > 9 || b&15 > 9 {
			return 0, false
		}
		n = n*100 + float64(b>>4)*10 + float64(b&15)
	}
	if negative {
		n = -n
	}
	return tidy(n, cmp.Or(f.Scale, 1)) + f.Offset, true
}

// tidy is n × scale without the dust of binary fractions where the scale is a
// tenth, a hundredth and so on: 2205 × 0.1 is 220.5.
func tidy(n, scale float64) float64 {
	if per := math.Round(1 / scale); scale < 1 && per >= 1 && math.Abs(per*scale-1) < 1e-12 {
		return n / per
	}
	return n * scale
}

func (f Field) plausible(v float64) bool {
	if len(f.Known) > 0 && !slices.Contains(f.Known, v) {
		return false
	}
	return (f.Min == nil || v >= *f.Min) && (f.Max == nil || v <= *f.Max)
}

// Encode is the inverse of Decode for one identifier: the data that a meter
// with these values answers. Values without a metric are zeros.
func (l Layout) Encode(d DI, values map[string]float64) []byte {
	var data []byte
	for _, f := range l.fields {
		if f.DI != d {
			continue
		}
		for len(data) < f.At+f.Bytes {
			data = append(data, 0)
		}
		f.put(data[f.At:f.At+f.Bytes], values[f.Metric])
	}
	return data
}

// put writes v, cut to what the digits can hold.
func (f Field) put(digits []byte, v float64) {
	n := math.Round((v - f.Offset) / cmp.Or(f.Scale, 1))
	most := math.Pow(100, float64(f.Bytes)) - 1
	if f.Signed {
		most = math.Floor(most * 0.8) // the highest digit is at most 7
	}
	rest := min(math.Abs(n), most)
	for i := range digits {
		pair := byte(math.Mod(rest, 100))
		digits[i] = pair/10<<4 | pair%10
		rest = math.Floor(rest / 100)
	}
	if f.Signed && n < 0 {
		digits[len(digits)-1] |= 0x80
	}
}
