package survey

import (
	"context"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"

	"gridhub/devices"
	codec "gridhub/devices/codec/modbus"
	"gridhub/devices/profile"
	"gridhub/edge/driver"
	"gridhub/edge/driver/modbus"
)

// Window is what Probe looks at: Count registers of a table from First on.
type Window struct {
	Table codec.Table
	First uint16
	Count uint16
}

// MaxWindow is the most registers that are shown at once.
const MaxWindow = 200

// Probe reads registers of the Modbus unit on l and writes them to w as every
// type and word order, plausible numbers marked. Unit 0 means the first that
// answers. Registers that the device does not have are left out.
func Probe(ctx context.Context, w io.Writer, l profile.Line, unit int, at Window) error {
	if at.Count < 1 || at.Count > MaxWindow || int(at.First)+int(at.Count) > 1<<16 {
		return fmt.Errorf("want 1 to %d registers that end before 65536", MaxWindow)
	}
	line := modbus.New(l, quiet)
	defer line.Close()
	if unit == 0 {
		var err error
		if unit, err = first(ctx, line); err != nil {
			return err
		}
		say(w, "unit %d answers", unit)
	}
	words, err := registers(ctx, line, unit, at)
	if err != nil {
		return advise(l, err)
	}
	for i := range words {
		if words[i] != nil {
			show(w, at, words, i)
		}
	}
	return nil
}

// first finds the lowest unit that answers.
func first(ctx context.Context, line *modbus.Line) (int, error) {
	var seen driver.Tally
	for unit := 1; unit <= 247; unit++ {
		there, symptom, err := answers(ctx, line, unit)
		if err != nil {
			return 0, err
		}
		if there {
			return unit, nil
		}
		seen[symptom]++
	}
	return 0, fmt.Errorf("no unit from 1 to 247 answers: %s", findings(seen))
}

// registers reads the window; nil stands for what the device does not have.
func registers(ctx context.Context, line *modbus.Line, unit int, at Window) ([]*uint16, error) {
	fields := make([]codec.Field, at.Count)
	for i := range fields {
		fields[i] = codec.Field{Metric: fmt.Sprint(i), Table: at.Table, Address: at.First + uint16(i)}
		if at.Table.Bits() {
			fields[i].Type = codec.Bool
		}
	}
	layout, err := codec.New(fields, 0, 0)
	if err != nil {
		return nil, err
	}
	r, err := line.Read(ctx, driver.Station{ID: who, Address: fmt.Sprint(unit), Layout: layout})
	if err != nil {
		return nil, err
	}
	words := make([]*uint16, at.Count)
	for _, f := range r.Values {
		var i int
		if _, err := fmt.Sscan(f.Metric, &i); err != nil {
			return nil, err
		}
		word := uint16(f.Value)
		words[i] = &word
	}
	return words, nil
}

// advise adds what to look at to an error.
func advise(l profile.Line, err error) error {
	var seen driver.Tally
	for range 3 { // one reading is all there is: take it as the rule
		seen.Add(driver.Reading{}, err)
	}
	if text := findings(seen); text != "" {
		return fmt.Errorf("%w\n%s: %s", err, l.Name, text)
	}
	return err
}

// findings are the probable faults of a line with one device.
func findings(t driver.Tally) string {
	var texts []string
	for _, f := range driver.Diagnose(map[devices.ID]driver.Tally{who: t}) {
		texts = append(texts, f.Text.ZH+"\n"+f.Text.EN)
	}
	return strings.Join(texts, "\n")
}

// show writes one register, and the numbers that begin there.
func show(w io.Writer, at Window, words []*uint16, i int) {
	say(w, "%s %-5d  0x%04X  u16 %-6d s16 %-6d", at.Table, int(at.First)+i, *words[i], *words[i], int16(*words[i]))
	if at.Table.Bits() {
		return
	}
	for _, size := range []int{2, 4} {
		raw := run(words, i, size)
		if raw == nil {
			return
		}
		if !slices.ContainsFunc(raw, func(b byte) bool { return b != 0 }) {
			continue // zeros are zero in every order
		}
		for _, order := range []codec.Order{codec.ABCD, codec.CDAB, codec.BADC, codec.DCBA} {
			if text, any := numbers(raw, order, size == 2); any {
				say(w, "                 %s  %s", order, text)
			}
		}
	}
}

// run returns the bytes of size registers from i on, nil if some are missing.
func run(words []*uint16, i, size int) []byte {
	if i+size > len(words) {
		return nil
	}
	var raw []byte
	for _, word := range words[i : i+size] {
		if word == nil {
			return nil
		}
		raw = append(raw, byte(*word>>8), byte(*word))
	}
	return raw
}

// numbers writes raw as every type of its size in one order; plausible ones
// bear a star. any is false where nothing is to be shown: of 64-bit numbers
// only plausible ones are.
func numbers(raw []byte, order codec.Order, all bool) (text string, any bool) {
	types := []codec.Type{codec.F32, codec.S32, codec.U32}
	if len(raw) == 8 {
		types = []codec.Type{codec.F64, codec.S64, codec.U64}
	}
	var parts []string
	for _, t := range types {
		v := codec.Number(raw, t, order)
		mark := ""
		if Plausible(v, t) {
			mark = "*"
		}
		if all || mark != "" {
			parts = append(parts, fmt.Sprintf("%s %s%s", t, short(v), mark))
			any = true
		}
	}
	return strings.Join(parts, "   "), any
}

func short(v float64) string {
	if v == math.Trunc(v) && math.Abs(v) < 1e15 {
		return fmt.Sprintf("%.0f", v)
	}
	return fmt.Sprintf("%.6g", v)
}

// Plausible reports whether v looks like a measurement rather than like bits
// that belong to something else: a float between a thousandth and a million
// that needs no more digits than sensors have, or a whole number below ten
// million. Zero says nothing.
func Plausible(v float64, t codec.Type) bool {
	size := math.Abs(v)
	switch t {
	case codec.F32, codec.F64:
		return size >= 1e-3 && size < 1e6
	}
	return size >= 1 && size < 1e7
}
