package profile

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"gridhub/configs"
	"gridhub/devices/codec/modbus"
)

// Metric is one value that a device tells, and where it lies. On Modbus exactly
// one of Holding, Input, Coil, Discrete (zero-based, as on the wire) and
// Register (a manual's one-based reference such as 40004) says where; other
// protocols have keys of their own.
type Metric struct {
	Name  string `yaml:"name"`
	Unit  string `yaml:"unit"` // UCUM-like: Cel, %, mm, %LEL, dB(A), ug/m3, V, A, kW.h
	Title Title  `yaml:"title"`

	Holding  *uint16 `yaml:"holding"`
	Input    *uint16 `yaml:"input"`
	Coil     *uint16 `yaml:"coil"`
	Discrete *uint16 `yaml:"discrete"`
	Register string  `yaml:"register"`

	DI     string             `yaml:"di"`     // dlt645: the identifier to ask for
	At     int                `yaml:"at"`     // dlt645, binary: first byte, from 0
	Bytes  int                `yaml:"bytes"`  // dlt645: how many
	Signed bool               `yaml:"signed"` // dlt645: the highest bit is the sign
	Field  string             `yaml:"field"`  // text, nmea, hj212, jt808: what the protocol calls it; empty = name
	Words  map[string]float64 `yaml:"words"`  // text: numbers for words

	Type      modbus.Type       `yaml:"type"`
	WordOrder *Order            `yaml:"word_order"`
	Bit       uint8             `yaml:"bit"`
	Mask      uint64            `yaml:"mask"`
	Scale     float64           `yaml:"scale"`
	ScaleBy   string            `yaml:"scale_by"` // a question whose answer multiplies the scale
	Offset    float64           `yaml:"offset"`
	Enum      map[uint16]string `yaml:"enum"`   // meaning of whole values; others are implausible
	Absent    []uint64          `yaml:"absent"` // raw values that mean "no value"
	Range     *Range            `yaml:"range"`  // plausible values
	Alarm     *Threshold        `yaml:"alarm"`  // beyond it a reading travels before all others
	Simulate  *Curve            `yaml:"simulate"`
}

// Order is the codec's order of bytes; the zero value is ABCD.
type Order = modbus.Order

// Range is a closed interval.
type Range [2]float64

// Threshold says which values make a reading urgent. It only chooses the
// stream; what a value means for the street is the hub's rules'.
type Threshold struct {
	Above *float64 `yaml:"above"`
	Below *float64 `yaml:"below"`
}

// Curve is how the simulated driver invents a metric: Base, a day's swing of
// amplitude Day that peaks at hour Peak, a slow Wander and Noise, both as
// largest deviations, Rate per hour for counters, and Hazard, the value that a
// simulated hazard rises to. Low and High clamp; Step rounds.
type Curve struct {
	Base   float64       `yaml:"base"`
	Day    float64       `yaml:"day"`
	Peak   float64       `yaml:"peak"`
	Wander float64       `yaml:"wander"`
	Noise  float64       `yaml:"noise"`
	Rate   float64       `yaml:"rate"`
	Step   float64       `yaml:"step"`
	Low    *float64      `yaml:"low"`
	High   *float64      `yaml:"high"`
	Hazard *float64      `yaml:"hazard"`
	Lasts  time.Duration `yaml:"lasts"` // of a hazard, rise and fall included
}

// UnmarshalText reads "0..100" for a Range.
func (r *Range) UnmarshalText(text []byte) error {
	low, high, ok := strings.Cut(string(text), "..")
	if ok {
		_, err1 := fmt.Sscan(low, &r[0])
		_, err2 := fmt.Sscan(high, &r[1])
		ok = err1 == nil && err2 == nil && r[0] <= r[1]
	}
	if !ok {
		return errors.New("want the lowest and the highest plausible value, such as -40..80")
	}
	return nil
}

// SetDefaults is called by the loader for each metric of a file.
func (m *Metric) SetDefaults() { m.Scale = 1 }

// SetDefaults is called by the loader before a curve's keys are read.
func (c *Curve) SetDefaults() { c.Peak, c.Lasts = 15, 4*time.Minute }

// Validate checks one metric by itself.
func (m *Metric) Validate() error {
	var errs []error
	if m.Name == "" || strings.ContainsAny(m.Name, " ./\"") {
		errs = append(errs, configs.Fault("name", nil, "a name without spaces, dots and slashes"))
	}
	if m.Scale == 0 {
		errs = append(errs, configs.Fault("scale", nil, "a factor other than 0"))
	}
	if m.Bit > 15 {
		errs = append(errs, configs.Fault("bit", nil, "a bit from 0 (lowest) to 15"))
	}
	if m.Alarm != nil && m.Alarm.Above == nil && m.Alarm.Below == nil {
		errs = append(errs, configs.Fault("alarm", nil, "above, below or both"))
	}
	return errors.Join(errs...)
}

// checkModbus checks where a metric lies in a Modbus device.
func (m *Metric) checkModbus() error {
	table, _, err := m.where()
	if err != nil {
		return err
	}
	if table.Bits() && m.Type != modbus.Bool && m.Type != modbus.U16 {
		return configs.Fault("type", m.Type, "bool, since a %s is a single bit", table)
	}
	return nil
}

// where returns the table and zero-based address of the metric.
func (m *Metric) where() (table modbus.Table, address uint16, err error) {
	named := 0
	for t, p := range []*uint16{m.Holding, m.Input, m.Coil, m.Discrete} {
		if p != nil {
			table, address = modbus.Table(t), *p
			named++
		}
	}
	if m.Register != "" {
		named++
		if table, address, err = modbus.Reference(m.Register); err != nil {
			return 0, 0, configs.Fault("register", nil, "%s", strings.TrimPrefix(err.Error(), "want "))
		}
	}
	if named != 1 {
		return 0, 0, configs.Fault("", m.Name, "exactly one of holding, input, coil, discrete (from 0) and register (40001 …), %d are given", named)
	}
	return table, address, nil
}

// field compiles the metric for the codec; factor is the answer that scale_by
// names, or 1.
func (m *Metric) field(order Order, factor float64) (modbus.Field, error) {
	table, address, err := m.where()
	if err != nil {
		return modbus.Field{}, err
	}
	if m.WordOrder != nil {
		order = *m.WordOrder
	}
	f := modbus.Field{
		Metric: m.Name, Table: table, Address: address, Type: m.Type, Order: order,
		Bit: m.Bit, Mask: m.Mask, Scale: cmp.Or(m.Scale, 1) * factor, Offset: m.Offset, Absent: m.Absent,
	}
	if table.Bits() {
		f.Type = modbus.Bool
	}
	if m.Range != nil {
		f.Min, f.Max = &m.Range[0], &m.Range[1]
	}
	for _, v := range slices.Sorted(maps.Keys(m.Enum)) {
		f.Known = append(f.Known, float64(v))
	}
	return f, nil
}

// Urgent reports whether v is beyond the threshold; nil never is.
func (t *Threshold) Urgent(v float64) bool {
	return t != nil && (t.Above != nil && v > *t.Above || t.Below != nil && v < *t.Below)
}
