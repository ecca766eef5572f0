package profile

import (
	"encoding/hex"
	"fmt"
	"math"
	"strconv"
	"strings"

	"gridhub/configs"
	"gridhub/devices/codec/modbus"
	"gridhub/devices/telemetry"
)

// Layout is what a profile compiles into: modbus.Layout, dlt645.Layout,
// fields.Layout, as its protocol says. Each driver knows its own.
type Layout any

// Golden is a reading whose values are known: the frames as a line sniffer
// shows them (whole, hexadecimal) or the text, and what they mean. With Set, it
// is what is written instead.
type Golden struct {
	Note    string             `yaml:"note"`
	Answers map[string]string  `yaml:"answers"` // to the profile's questions
	Frames  []Exchange         `yaml:"frames"`  // one per request, in order
	Values  map[string]float64 `yaml:"values"`
	Set     map[string]float64 `yaml:"set"`
}

// Exchange is one question to a device and its answer, both whole frames.
// Devices that speak of themselves have no question.
type Exchange struct {
	Ask    string `yaml:"ask"` // empty: not compared
	Answer string `yaml:"answer"`
	Text   string `yaml:"text"` // instead of answer where the protocol is text
}

// Compile makes the layout of the profile's protocol for one device's answers.
func (p *Profile) Compile(answers map[string]string) (Layout, error) {
	switch p.Protocol {
	case DLT1997, DLT2007:
		return p.meter(answers)
	case "", Modbus:
		return p.Layout(answers)
	}
	return p.fields(answers)
}

// factor is the answer that the metric's scale is multiplied by, or 1.
func (p *Profile) factor(m *Metric, answers map[string]string) (float64, error) {
	if m.ScaleBy == "" {
		return 1, nil
	}
	f, err := strconv.ParseFloat(p.answer(m.ScaleBy, answers), 64)
	if err != nil {
		return 0, configs.Fault("answers."+m.ScaleBy, p.answer(m.ScaleBy, answers), "a number")
	}
	return f, nil
}

// Layout compiles a Modbus profile for one device's answers.
func (p *Profile) Layout(answers map[string]string) (modbus.Layout, error) {
	fields := make([]modbus.Field, 0, len(p.Metrics))
	for i := range p.Metrics {
		factor, err := p.factor(&p.Metrics[i], answers)
		if err != nil {
			return modbus.Layout{}, err
		}
		f, err := p.Metrics[i].field(p.WordOrder, factor)
		if err != nil {
			return modbus.Layout{}, fmt.Errorf("metric %s: %w", p.Metrics[i].Name, err)
		}
		fields = append(fields, f)
	}
	return modbus.New(fields, p.MaxGap, p.MaxBlock)
}

// checkGolden decodes every golden reading and compares.
func (p *Profile) checkGolden() (errs []error) {
	for i, g := range p.Golden {
		for _, err := range p.runGolden(g) {
			errs = append(errs, configs.FieldError{Key: fmt.Sprintf("golden[%d]%s", i, err.Key), Value: err.Value, Want: err.Want})
		}
	}
	return errs
}

// runGolden returns what differs; keys are below the golden reading.
func (p *Profile) runGolden(g Golden) []configs.FieldError {
	if len(g.Set) > 0 {
		return p.runWrites(g)
	}
	switch p.Protocol {
	case "", Modbus:
		return p.runModbus(g)
	case DLT1997, DLT2007:
		return p.runMeter(g)
	}
	return p.runSpoken(g)
}

// runModbus compares RTU frames.
func (p *Profile) runModbus(g Golden) []configs.FieldError {
	layout, err := p.Layout(g.Answers)
	if err != nil {
		return []configs.FieldError{{Want: "answers and registers that fit: " + err.Error()}}
	}
	blocks := layout.Blocks()
	if len(g.Frames) != len(blocks) {
		return []configs.FieldError{{Key: ".frames", Value: len(g.Frames), Want: fmt.Sprintf("%d frames, one for each request: %v", len(blocks), blocks)}}
	}
	answers := make([][]byte, len(blocks))
	for i, b := range blocks {
		key := fmt.Sprintf(".frames[%d]", i)
		data, unit, err := open(b, g.Frames[i].Answer)
		if err != nil {
			return []configs.FieldError{{Key: key + ".answer", Want: "a frame that answers: " + err.Error()}}
		}
		if ask := modbus.RTU(unit, b.Request()); g.Frames[i].Ask != "" && spaced(ask) != strings.ToUpper(g.Frames[i].Ask) {
			return []configs.FieldError{{Key: key + ".ask", Want: spaced(ask)}}
		}
		answers[i] = data
	}
	values, _, err := layout.Decode(answers)
	if err != nil {
		return []configs.FieldError{{Want: err.Error()}}
	}
	return differ(values, g.Values)
}

// open checks the hexadecimal frame s as an answer to b.
func open(b modbus.Block, s string) (data []byte, unit byte, err error) {
	body, unit, err := openFrame(s)
	if err != nil {
		return nil, 0, err
	}
	data, err = b.Answer(body)
	return data, unit, err
}

// openFrame checks the hexadecimal frame s of a serial line.
func openFrame(s string) (body []byte, unit byte, err error) {
	frame, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil || len(frame) == 0 {
		return nil, 0, fmt.Errorf("not hexadecimal bytes")
	}
	body, err = modbus.OpenRTU(frame[0], frame)
	return body, frame[0], err
}

// differ compares decoded values with expected ones, to a millionth.
func differ(got []telemetry.Field, want map[string]float64) (errs []configs.FieldError) {
	seen := map[string]float64{}
	for _, f := range got {
		seen[f.Metric] = f.Value
		if _, ok := want[f.Metric]; !ok {
			errs = append(errs, configs.FieldError{Key: ".values", Want: fmt.Sprintf("also %s: %v", f.Metric, f.Value)})
		}
	}
	for name, w := range want {
		g, ok := seen[name]
		if !ok || math.Abs(g-w) > 1e-6*max(1, math.Abs(w)) {
			errs = append(errs, configs.FieldError{Key: ".values." + name, Value: w, Want: fmt.Sprintf("what the frames say: %v", g)})
		}
	}
	return errs
}

func spaced(b []byte) string { return strings.ToUpper(fmt.Sprintf("% x", b)) }
