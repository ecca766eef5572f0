package profile

import (
	"cmp"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"

	"gridhub/configs"
	"gridhub/devices/codec/fields"
	"gridhub/devices/codec/hj212"
	"gridhub/devices/codec/jt808"
	"gridhub/devices/codec/modbus"
	"gridhub/devices/codec/nmea"
)

// FixedFrame says how frames of a fixed layout are found and proved.
type FixedFrame struct {
	Ask      string          `yaml:"ask"`      // hexadecimal bytes to send for each reading; empty = the device speaks of itself
	Start    string          `yaml:"start"`    // hexadecimal bytes that every frame begins with
	End      string          `yaml:"end"`      // and ends with, behind the checksum
	Length   int             `yaml:"length"`   // bytes of a whole frame
	Checksum fields.Checksum `yaml:"checksum"` // none, sum, complement, xor, sum16, crc16
	From     int             `yaml:"from"`     // first byte that the checksum covers
}

// Request is what is sent for each reading; nil = the device speaks of itself.
func (p *Profile) Request() []byte {
	if p.Frame == nil {
		return nil
	}
	b, _ := unhex(p.Frame.Ask) // checked by Validate
	return b
}

func unhex(s string) ([]byte, error) {
	return hex.DecodeString(strings.ReplaceAll(s, " ", ""))
}

// said is what the protocol calls the metric.
func (m *Metric) said() string { return cmp.Or(m.Field, m.Name) }

// checkSpoken checks that the protocol has what the metric names.
func (m *Metric) checkSpoken(p Protocol) error {
	var known []string
	switch p {
	case NMEA:
		known = nmea.Names
	case JT808:
		if jt808.IsItem(m.said()) {
			return nil
		}
		known = jt808.Names
	case HJ212:
		if !hj212.ValidName(m.said()) {
			return configs.Fault("field", m.said(), "a pollutant's code and what is told of it, such as a34004-Rtd")
		}
		return nil
	default:
		return nil
	}
	if !slices.Contains(known, m.said()) {
		return configs.Fault("field", m.said(), "one of %s: %s", strings.Join(known, ", "), configs.Unknown(m.said(), known))
	}
	return nil
}

// checkShape checks the keys that only one protocol has.
func (p *Profile) checkShape() (errs []error) {
	if (p.Protocol == Lines) != (p.Pattern != "") {
		errs = append(errs, configs.Fault("pattern", nil, "a regular expression, with protocol text and with no other"))
	}
	if (p.Protocol == Frames) != (p.Frame != nil) {
		errs = append(errs, configs.Fault("frame", nil, "start, length and checksum, with protocol binary and with no other"))
	}
	if len(errs) > 0 {
		return errs
	}
	switch p.Protocol {
	case Lines:
		pattern, err := p.pattern()
		if err != nil {
			return append(errs, configs.Fault("pattern", p.Pattern, "a regular expression with named groups: %s", err))
		}
		for i, m := range p.Metrics {
			if !slices.Contains(pattern.Names(), m.said()) {
				errs = append(errs, configs.Fault(fmt.Sprintf("metrics[%d].field", i), m.said(), "a named group of the pattern: %s", strings.Join(pattern.Names(), ", ")))
			}
		}
	case Frames:
		if _, err := p.frame(); err != nil {
			errs = append(errs, configs.Fault("frame", nil, "%s", err))
		}
	}
	return errs
}

func (p *Profile) pattern() (*fields.Pattern, error) {
	words := map[string]map[string]float64{}
	for _, m := range p.Metrics {
		words[m.said()] = m.Words
	}
	return fields.NewPattern(p.Pattern, words)
}

func (p *Profile) frame() (*fields.Frame, error) {
	start, err1 := unhex(p.Frame.Start)
	end, err2 := unhex(p.Frame.End)
	_, err3 := unhex(p.Frame.Ask)
	if err1 != nil || err2 != nil || err3 != nil {
		return nil, fmt.Errorf("hexadecimal bytes for ask, start and end, such as FF 86")
	}
	if !slices.Contains(fields.Checksums, string(p.Frame.Checksum)) {
		return nil, fmt.Errorf("a checksum of %s", strings.Join(fields.Checksums, ", "))
	}
	f := &fields.Frame{Start: start, End: end, Length: p.Frame.Length, Checksum: p.Frame.Checksum, From: p.Frame.From}
	for _, m := range p.Metrics {
		f.Numbers = append(f.Numbers, fields.Number{
			Name: m.said(), At: m.At, Bytes: cmp.Or(m.Bytes, 2*int(m.Type.Registers())), Signed: m.Signed || m.Type == modbus.S16 || m.Type == modbus.S32 || m.Type == modbus.S64,
			Little: p.WordOrder == modbus.DCBA || m.WordOrder != nil && *m.WordOrder == modbus.DCBA, Float: m.Type == modbus.F32 || m.Type == modbus.F64,
		})
	}
	return f, f.Check()
}

// fields compiles a profile of a device that speaks of itself.
func (p *Profile) fields(answers map[string]string) (l fields.Layout, err error) {
	for i := range p.Metrics {
		m := &p.Metrics[i]
		factor, err := p.factor(m, answers)
		if err != nil {
			return fields.Layout{}, err
		}
		f := fields.Field{Metric: m.Name, Name: m.said(), Scale: cmp.Or(m.Scale, 1) * factor, Offset: m.Offset}
		if m.Range != nil {
			f.Min, f.Max = &m.Range[0], &m.Range[1]
		}
		for _, v := range slices.Sorted(maps.Keys(m.Enum)) {
			f.Known = append(f.Known, float64(v))
		}
		l.Fields = append(l.Fields, f)
	}
	switch p.Protocol {
	case Lines:
		l.Pattern, err = p.pattern()
	case Frames:
		l.Frame, err = p.frame()
	}
	return l, err
}

// runSpoken compares the golden messages of a device that speaks of itself:
// one frame or text each, which together make one reading.
func (p *Profile) runSpoken(g Golden) []configs.FieldError {
	layout, err := p.fields(g.Answers)
	if err != nil {
		return []configs.FieldError{{Want: "answers and fields that fit: " + err.Error()}}
	}
	all := map[string]float64{}
	for i, x := range g.Frames {
		b := []byte(x.Text)
		if x.Text == "" {
			if b, err = unhex(x.Answer); err != nil {
				return []configs.FieldError{{Key: fmt.Sprintf(".frames[%d].answer", i), Want: "hexadecimal bytes"}}
			}
		}
		said, err := p.hear(layout, b)
		if err == nil && said == nil {
			err = fmt.Errorf("nothing in it is whole")
		}
		if err != nil {
			return []configs.FieldError{{Key: fmt.Sprintf(".frames[%d]", i), Value: cmp.Or(x.Answer, x.Text), Want: "a message of " + p.Protocol.String() + ": " + err.Error()}}
		}
		maps.Copy(all, said)
	}
	values, _ := layout.Decode(all)
	return differ(values, g.Values)
}

// hear takes one whole message of the profile's protocol apart.
func (p *Profile) hear(l fields.Layout, b []byte) (map[string]float64, error) {
	switch p.Protocol {
	case NMEA:
		var r nmea.Receiver
		for line := range strings.Lines(string(b)) {
			if _, _, err := r.Hear(strings.TrimSpace(line)); err != nil {
				return nil, err
			}
		}
		fix, _ := r.Take()
		return fix.Values, nil
	case HJ212:
		packet, _, err := hj212.Next(append(b[:len(b):len(b)], '\r', '\n'))
		if err != nil || packet == nil {
			return nil, err
		}
		sample, _ := packet.Sample()
		return sample.Values, nil
	case JT808:
		m, _, err := jt808.Next(b)
		if err != nil || m == nil {
			return nil, err
		}
		at, err := m.Positions()
		if err != nil || len(at) == 0 {
			return nil, err
		}
		return at[len(at)-1].Values, nil
	}
	if p.Protocol == Lines {
		b = append(b[:len(b):len(b)], '\n')
	}
	said, _, err := l.Next(b)
	return said, err
}
