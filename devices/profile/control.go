package profile

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"gridhub/configs"
	"gridhub/devices/codec/modbus"
	"gridhub/devices/telemetry"
	"gridhub/devices/wire"
)

// Control is something that a device lets others set, and where it is written.
// On Modbus exactly one of Coil, Holding and Register says where; a control
// that takes a text lies nowhere.
type Control struct {
	Name  string `yaml:"name"`
	Unit  string `yaml:"unit"`
	Title Title  `yaml:"title"`

	Coil     *uint16 `yaml:"coil"`
	Holding  *uint16 `yaml:"holding"`
	Register string  `yaml:"register"` // as manuals count: 40001 …, 00001 …

	Type      modbus.Type `yaml:"type"`
	WordOrder *Order      `yaml:"word_order"`
	Scale     float64     `yaml:"scale"` // value = raw × scale + offset
	Offset    float64     `yaml:"offset"`
	Multiple  bool        `yaml:"multiple"` // write by function 15 or 16, even a single one

	Text  bool   `yaml:"text"`  // takes a text instead of a value
	Range *Range `yaml:"range"` // values that may be set; coils and bools take 0 and 1

	Metric string `yaml:"metric"` // tells the outcome; empty = the metric of the same name, if there is one
	Pulse  bool   `yaml:"pulse"`  // the device falls back by itself: no metric shows what was set, and it is never written twice
}

// maxControls bounds what one device offers to be set.
const maxControls = 64

// SetDefaults is called by the loader for each control of a file.
func (c *Control) SetDefaults() { c.Scale = 1 }

// Validate checks one control by itself.
func (c *Control) Validate() error {
	var errs []error
	add := func(bad bool, key, want string) {
		if bad {
			errs = append(errs, configs.Fault(key, nil, "%s", want))
		}
	}
	add(c.Name == "" || strings.ContainsAny(c.Name, " ./\""), "name", "a name without spaces, dots and slashes")
	add(c.Scale == 0, "scale", "a factor other than 0")
	if c.Text {
		add(c.Coil != nil || c.Holding != nil || c.Register != "", "text", "a text, or a place to write values to")
		add(c.Range != nil, "range", "no range: a text has none")
	}
	return errors.Join(errs...)
}

// bool reports whether the control takes 0 and 1 alone.
func (c *Control) bool() bool { return c.Coil != nil || c.Type == modbus.Bool || c.inCoils() }

func (c *Control) inCoils() bool {
	m := c.place()
	table, _, err := m.where()
	return err == nil && table == modbus.Coil
}

// place is the control as a metric, which knows of registers.
func (c *Control) place() Metric {
	return Metric{Name: c.Name, Coil: c.Coil, Holding: c.Holding, Register: c.Register,
		Type: c.Type, WordOrder: c.WordOrder, Scale: c.Scale, Offset: c.Offset}
}

// checkControls compares the controls with the protocol and the metrics. Keys
// are those of the profile.
func (p *Profile) checkControls() (errs []error) {
	if len(p.Controls) > maxControls {
		errs = append(errs, configs.Fault("controls", len(p.Controls), "at most %d controls", maxControls))
	}
	seen := map[string]bool{}
	for i := range p.Controls {
		c := &p.Controls[i]
		fault := func(key string, value any, want string, args ...any) {
			errs = append(errs, configs.Fault(fmt.Sprintf("controls[%d]%s", i, key), value, want, args...))
		}
		if seen[c.Name] {
			fault(".name", c.Name, "a name that no other control has")
		}
		seen[c.Name] = true
		if names := p.metricNames(); c.Metric != "" && p.metric(c.Metric) == nil {
			fault(".metric", c.Metric, "the name of a metric: %s", configs.Unknown(c.Metric, names))
		}
		p.checkPlace(c, fault)
	}
	return errs
}

// checkPlace finds out whether c can be written.
func (p *Profile) checkPlace(c *Control, fault func(key string, value any, want string, args ...any)) {
	switch {
	case c.Text && p.Protocol != JT808:
		fault(".text", nil, "no text: devices that speak %s take none", p.Protocol)
		return
	case c.Text:
		return
	case p.Protocol != "" && p.Protocol != Modbus:
		fault("", c.Name, "no control of this kind: devices that speak %s are not written to", p.Protocol)
		return
	}
	m := c.place()
	if table, _, err := m.where(); err != nil || table != modbus.Coil && table != modbus.Holding {
		fault("", c.Name, "exactly one of coil, holding (from 0) and register (40001 …, 00001 …)")
		return
	}
	switch {
	case c.bool() && c.Range != nil:
		fault(".range", nil, "no range: it takes 0 and 1")
		return
	case !c.bool() && c.Range == nil:
		fault(".range", nil, "the lowest and the highest value that may be set, such as 5..35")
		return
	}
	for _, v := range c.bounds() {
		if _, err := p.Write(c, v); err != nil {
			fault(".range", *c.Range, "values that the register can hold: %s", err)
			return
		}
	}
}

// bounds are the lowest and the highest value.
func (c *Control) bounds() [2]float64 {
	if c.Range == nil {
		return [2]float64{0, 1}
	}
	return *c.Range
}

func (p *Profile) metric(name string) *Metric {
	for i := range p.Metrics {
		if p.Metrics[i].Name == name {
			return &p.Metrics[i]
		}
	}
	return nil
}

func (p *Profile) metricNames() []string {
	names := make([]string, len(p.Metrics))
	for i, m := range p.Metrics {
		names[i] = m.Name
	}
	return names
}

// Control returns the control called name, nil if there is none.
func (p *Profile) Control(name string) *Control {
	for i := range p.Controls {
		if p.Controls[i].Name == name {
			return &p.Controls[i]
		}
	}
	return nil
}

// Outcome returns the metric that tells what became of c; nil if none does.
func (p *Profile) Outcome(c *Control) *Metric {
	if c.Metric == "" {
		return p.metric(c.Name)
	}
	return p.metric(c.Metric)
}

// Write compiles the request that sets c of a Modbus device to v.
func (p *Profile) Write(c *Control, v float64) (modbus.Write, error) {
	m := c.place()
	f, err := m.field(p.WordOrder, 1)
	if err != nil {
		return modbus.Write{}, err
	}
	return f.Write(v, c.Multiple)
}

// Wrote returns which control of a Modbus device w sets, and to what.
func (p *Profile) Wrote(w modbus.Write) (c *Control, v float64, ok bool) {
	for i := range p.Controls {
		c = &p.Controls[i]
		m := c.place()
		f, err := m.field(p.WordOrder, 1)
		if err != nil {
			continue
		}
		if v, ok = w.Read(f); ok {
			return c, v, true
		}
	}
	return nil, 0, false
}

// Told reports whether a reading says that c stands at v, to half of the
// coarser resolution of both. A control whose outcome no metric shows is told
// by any reading: the device answers, and has confirmed the write itself.
func (p *Profile) Told(c *Control, v float64, reading []telemetry.Field) bool {
	m := p.Outcome(c)
	if m == nil || c.Pulse {
		return true
	}
	own := c.place()
	for _, f := range reading {
		if f.Metric == m.Name {
			return math.Abs(f.Value-v) <= max(step(&own, v), step(m, v))
		}
	}
	return false
}

// step is half of a metric's resolution near v; 0 where nothing says it.
func step(m *Metric, v float64) float64 {
	f, err := m.field(0, 1)
	if err != nil || f.Table.Bits() {
		return 0
	}
	return f.Step(v)
}

// Offers describes to the hub what may be set.
func (p *Profile) Offers() (all []wire.Control) {
	for i := range p.Controls {
		all = append(all, p.Controls[i].control())
	}
	return all
}

// control describes c to the hub.
func (c *Control) control() wire.Control {
	w := wire.Control{Name: c.Name, Unit: c.Unit, Bool: c.bool() && !c.Text, Text: c.Text}
	if c.Range != nil {
		w.Min, w.Max = &c.Range[0], &c.Range[1]
	}
	return w
}

// runWrites compares the frames that set something with the requests that the
// profile makes, one frame for each control in the order of their names.
func (p *Profile) runWrites(g Golden) []configs.FieldError {
	if len(g.Values) > 0 || len(g.Frames) != len(g.Set) {
		return []configs.FieldError{{Key: ".set", Want: "one frame for each control that is set, and no values"}}
	}
	for i, name := range slices.Sorted(maps.Keys(g.Set)) {
		c := p.Control(name)
		if c == nil {
			return []configs.FieldError{{Key: ".set." + name, Want: "the name of a control"}}
		}
		key := fmt.Sprintf(".frames[%d]", i)
		w, err := p.Write(c, g.Set[name])
		if err != nil {
			return []configs.FieldError{{Key: ".set." + name, Value: g.Set[name], Want: err.Error()}}
		}
		body, unit, err := openFrame(g.Frames[i].Answer)
		if err == nil {
			_, err = w.Answer(body)
		}
		if err != nil {
			return []configs.FieldError{{Key: key + ".answer", Want: "a frame that confirms: " + err.Error()}}
		}
		if ask := spaced(modbus.RTU(unit, w.Request())); g.Frames[i].Ask != "" && ask != strings.ToUpper(g.Frames[i].Ask) {
			return []configs.FieldError{{Key: key + ".ask", Want: ask}}
		}
	}
	return nil
}
