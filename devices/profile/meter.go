package profile

import (
	"cmp"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"gridhub/configs"
	"gridhub/devices/codec/dlt645"
)

// checkMeter checks where a metric lies in a meter's answer.
func (m *Metric) checkMeter(e dlt645.Edition) error {
	if _, err := dlt645.ParseDI(m.DI, e); err != nil {
		return configs.Fault("di", m.DI, "%s", strings.TrimPrefix(err.Error(), "want "))
	}
	if m.Bytes < 1 || m.Bytes > 8 {
		return configs.Fault("bytes", m.Bytes, "1 to 8 bytes, two digits each")
	}
	return nil
}

// meter compiles a profile of DL/T 645 for one device's answers.
func (p *Profile) meter(answers map[string]string) (dlt645.Layout, error) {
	edition := p.Protocol.Edition()
	fields := make([]dlt645.Field, 0, len(p.Metrics))
	for i := range p.Metrics {
		m := &p.Metrics[i]
		factor, err := p.factor(m, answers)
		if err != nil {
			return dlt645.Layout{}, err
		}
		di, err := dlt645.ParseDI(m.DI, edition)
		if err != nil {
			return dlt645.Layout{}, fmt.Errorf("metric %s: %w", m.Name, err)
		}
		f := dlt645.Field{Metric: m.Name, DI: di, At: m.At, Bytes: m.Bytes, Signed: m.Signed, Scale: cmp.Or(m.Scale, 1) * factor, Offset: m.Offset}
		if m.Range != nil {
			f.Min, f.Max = &m.Range[0], &m.Range[1]
		}
		for _, v := range slices.Sorted(maps.Keys(m.Enum)) {
			f.Known = append(f.Known, float64(v))
		}
		fields = append(fields, f)
	}
	return dlt645.New(edition, fields)
}

// runMeter compares golden frames of a meter: one exchange for each
// identifier, in order; continuations follow the exchange they belong to.
func (p *Profile) runMeter(g Golden) []configs.FieldError {
	layout, err := p.meter(g.Answers)
	if err != nil {
		return []configs.FieldError{{Want: "answers and identifiers that fit: " + err.Error()}}
	}
	var answers [][]byte
	next := 0
	for _, di := range layout.Asks() {
		var data []byte
		for n := byte(0); ; n++ {
			key := fmt.Sprintf(".frames[%d]", next)
			if next >= len(g.Frames) {
				return []configs.FieldError{{Key: ".frames", Value: len(g.Frames), Want: "a frame that answers " + layout.Edition.Text(di)}}
			}
			part, more, fault := meterExchange(layout.Edition, di, n, g.Frames[next])
			if fault != nil {
				fault.Key = key + fault.Key
				return []configs.FieldError{*fault}
			}
			data = append(data, part...)
			next++
			if !more {
				break
			}
		}
		answers = append(answers, data)
	}
	if next != len(g.Frames) {
		return []configs.FieldError{{Key: ".frames", Value: len(g.Frames), Want: fmt.Sprintf("%d frames", next)}}
	}
	values, _, err := layout.Decode(answers)
	if err != nil {
		return []configs.FieldError{{Want: err.Error()}}
	}
	return differ(values, g.Values)
}

// meterExchange checks one exchange as the n-th answer to di.
func meterExchange(e dlt645.Edition, di dlt645.DI, n byte, x Exchange) (data []byte, more bool, fault *configs.FieldError) {
	f, err := meterFrame(x.Answer)
	if err != nil {
		return nil, false, &configs.FieldError{Key: ".answer", Want: "a frame that answers: " + err.Error()}
	}
	ask := e.Read(f.Address, di)
	if n > 0 {
		ask = e.ReadMore(f.Address, di, n)
	}
	if x.Ask != "" {
		asked, err := meterFrame(x.Ask)
		wild := asked
		wild.Address = f.Address
		if err != nil || !asked.Address.Matches(f.Address) || string(wild.Bytes()) != string(ask.Bytes()) {
			return nil, false, &configs.FieldError{Key: ".ask", Want: spaced(ask.Bytes())}
		}
	}
	data, more, err = e.Answer(ask, f)
	if err != nil {
		return nil, false, &configs.FieldError{Key: ".answer", Want: "a frame that answers: " + err.Error()}
	}
	return data, more, nil
}

// meterFrame reads the hexadecimal frame s.
func meterFrame(s string) (dlt645.Frame, error) {
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		return dlt645.Frame{}, errors.New("not hexadecimal bytes")
	}
	f, rest, ok, err := dlt645.Next(b)
	switch {
	case err != nil:
		return f, err
	case !ok || len(rest) > 0:
		return f, dlt645.ErrShort
	}
	return f, nil
}
