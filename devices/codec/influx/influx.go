// Package influx reads line protocol, the text that Telegraf and InfluxDB's
// clients write (docs.influxdata.com, InfluxDB OSS 2, "Line protocol"), and
// says which device and metric of ours each field is. Numbers and booleans (as
// 0 and 1) are taken, text is counted as left out.
//
// Every line stands for itself: one that is wrong has its reason and its
// number, and takes no other with it. How lines travel, by MQTT or by HTTP, is
// the hub's business.
package influx

import (
	"strconv"
	"strings"

	"gridhub/devices"
	"gridhub/devices/codec"
	"gridhub/devices/telemetry"
)

// Limits of one payload and of one line.
const (
	MaxBytes  = 256 << 10
	MaxLines  = 4096
	MaxFields = 256
	MaxTags   = 64
)

// Precision is the unit of timestamps.
type Precision string

// The precisions of the write API; nothing is Nanoseconds.
const (
	Nanoseconds  Precision = "ns"
	Microseconds Precision = "us"
	Milliseconds Precision = "ms"
	Seconds      Precision = "s"
)

// ParsePrecision reads a precision as clients of either version of the API
// write it.
func ParsePrecision(s string) (Precision, error) {
	switch s {
	case "", "n", "ns":
		return Nanoseconds, nil
	case "u", "µ", "us":
		return Microseconds, nil
	case "ms":
		return Milliseconds, nil
	case "s":
		return Seconds, nil
	}
	return "", codec.Errorf(codec.Shape, "precision %s: want ns, us, ms or s", strconv.QuoteToASCII(s[:min(len(s), 16)]))
}

// millis converts a timestamp; ok is false when it is beyond any time. Zero is
// told, and so becomes one.
func (p Precision) millis(v int64) (at telemetry.Millis, ok bool) {
	down, up := int64(1_000_000), int64(1)
	switch p {
	case Microseconds:
		down = 1000
	case Milliseconds:
		down = 1
	case Seconds:
		down, up = 1, 1000
	}
	if v > maxStamp || v < -maxStamp {
		return 0, false
	}
	m := v / down
	if v%down < 0 {
		m--
	}
	if m == 0 {
		m = 1
	}
	return telemetry.Millis(m * up), m*up/up == m
}

// maxStamp keeps clear of the ends of an int64, as InfluxDB does.
const maxStamp = 1<<63 - 1 - 2

// Tag is one of a line's tags.
type Tag struct{ Key, Value string }

// Line is one line, or what was to be one.
type Line struct {
	Number int    // from 1, as an editor counts
	Text   []byte // of the payload, without what ends it
	Err    error  // a *codec.Error; then only Number and Text are set

	Measurement string
	Tags        []Tag // as they stood
	Fields      []telemetry.Field
	LeftOut     int              // fields that are text
	At          telemetry.Millis // 0: not told
}

// Decode reads the lines of a payload, without blank lines and comments. The
// error is of the payload as a whole; each line has its own.
func Decode(p []byte, unit Precision) ([]Line, error) {
	if len(p) > MaxBytes {
		return nil, codec.Errorf(codec.TooLarge, "%d bytes, at most %d", len(p), MaxBytes)
	}
	lines := Lines(p, unit)
	if len(lines) > MaxLines {
		return nil, codec.Errorf(codec.TooLarge, "%d lines, at most %d", len(lines), MaxLines)
	}
	return lines, nil
}

// Lines is Decode for a payload that its caller has bounded.
func Lines(p []byte, unit Precision) (all []Line) {
	r := reader{b: p, number: 1}
	for r.toNext() {
		l := Line{Number: r.number}
		from := r.i
		if l.Err = r.line(&l, unit); l.Err != nil {
			r.skip()
			l = Line{Number: l.Number, Err: l.Err}
		}
		l.Text = p[from:r.i]
		r.number += strings.Count(string(l.Text), "\n")
		if l.Err != nil {
			l.Err = codec.Errorf(codec.CauseOf(l.Err), "unable to parse '%s': %s", strings.ToValidUTF8(string(l.Text[:min(len(l.Text), 80)]), "?"), detail(l.Err))
		}
		all = append(all, l)
	}
	return all
}

func detail(err error) string {
	if e, ok := err.(*codec.Error); ok {
		return e.Detail
	}
	return err.Error()
}

// Join packs lines into payloads that Decode takes, in order. A line that fits
// into none is passed over: see Fits.
func Join(lines []Line) (payloads [][]byte) {
	var b []byte
	n := 0
	for _, l := range lines {
		if !l.Fits() {
			continue
		}
		if n == MaxLines || len(b)+len(l.Text)+1 > MaxBytes {
			payloads = append(payloads, b)
			b, n = nil, 0
		}
		b = append(append(b, l.Text...), '\n')
		n++
	}
	if n > 0 {
		payloads = append(payloads, b)
	}
	return payloads
}

// Fits reports whether the line is small enough for a payload.
func (l *Line) Fits() bool { return len(l.Text) < MaxBytes }

// Owner is whose line it is, as far as naming needs it.
type Owner struct {
	ID     devices.ID
	Kind   string // what the identity measures
	Speaks bool   // for devices behind it
}

// Sample says what the line means.
//
// The device is the sender itself. A sender that speaks for others names the
// device by the tag host or, in a line without it, by the tag device.
//
// The metric is measurement, values of the tags by order of their keys, and
// field, joined by '.'. Left away are a measurement that is the sender's kind,
// the tag host, and a tag device that named the device or is the sender's id.
func (l *Line) Sample(o Owner) (codec.Sample, error) {
	s := codec.Sample{At: l.At}
	s.Omit(codec.Text, l.LeftOut)
	host, device := l.tag("host"), l.tag("device")
	named := ""
	switch {
	case o.Speaks && host != "":
		s.Device = host
	case o.Speaks && device != "":
		s.Device, named = device, device
	}
	if s.Device == string(o.ID) {
		s.Device = ""
	}
	names := l.names(o, named)
	for _, f := range l.Fields {
		s.Put(codec.Metric(append(names, f.Metric)...), f.Value)
	}
	return s, s.Sort()
}

// names are the parts of a metric before the field's.
func (l *Line) names(o Owner, named string) []string {
	names := make([]string, 0, 2+len(l.Tags))
	if l.Measurement != o.Kind {
		names = append(names, l.Measurement)
	}
	for _, t := range l.Tags {
		switch {
		case t.Key == "host":
		case t.Key == "device" && (t.Value == named || t.Value == string(o.ID)):
		default:
			names = append(names, t.Value)
		}
	}
	return names
}

func (l *Line) tag(key string) string {
	for _, t := range l.Tags {
		if t.Key == key {
			return t.Value
		}
	}
	return ""
}
