package survey

import (
	"context"
	"fmt"
	"io"

	codec "gridhub/devices/codec/dlt645"
	"gridhub/devices/profile"
	"gridhub/devices/telemetry"
	"gridhub/edge/driver"
	"gridhub/edge/driver/dlt645"
)

// item is something that most meters have (DL/T 645-2007 and -1997, annex A).
type item struct {
	what, unit string
	field      codec.Field
}

var items = map[codec.Edition][]item{
	codec.E2007: {
		{"import energy", "kW.h", codec.Field{DI: 0x00010000, Bytes: 4, Scale: 0.01}},
		{"export energy", "kW.h", codec.Field{DI: 0x00020000, Bytes: 4, Scale: 0.01}},
		{"voltage L1", "V", codec.Field{DI: 0x02010100, Bytes: 2, Scale: 0.1}},
		{"voltage L2", "V", codec.Field{DI: 0x02010200, Bytes: 2, Scale: 0.1}},
		{"voltage L3", "V", codec.Field{DI: 0x02010300, Bytes: 2, Scale: 0.1}},
		{"current L1", "A", codec.Field{DI: 0x02020100, Bytes: 3, Signed: true, Scale: 0.001}},
		{"active power", "kW", codec.Field{DI: 0x02030000, Bytes: 3, Signed: true, Scale: 0.0001}},
		{"power factor", "", codec.Field{DI: 0x02060000, Bytes: 2, Signed: true, Scale: 0.001}},
		{"frequency", "Hz", codec.Field{DI: 0x02800002, Bytes: 2, Scale: 0.01}},
	},
	codec.E1997: {
		{"import energy", "kW.h", codec.Field{DI: 0x9010, Bytes: 4, Scale: 0.01}},
		{"export energy", "kW.h", codec.Field{DI: 0x9020, Bytes: 4, Scale: 0.01}},
		{"voltage L1", "V", codec.Field{DI: 0xB611, Bytes: 2}},
		{"current L1", "A", codec.Field{DI: 0xB621, Bytes: 2, Scale: 0.01}},
		{"active power", "kW", codec.Field{DI: 0xB630, Bytes: 3, Scale: 0.0001}},
	},
}

// ProbeMeter asks a meter for what most meters have and writes what it says to
// w, refusals included. An empty address means the only meter on the line.
func ProbeMeter(ctx context.Context, w io.Writer, l profile.Line, p profile.Protocol, address string) error {
	line := dlt645.New(l, quiet)
	defer line.Close()
	if address == "" {
		a, err := line.Find(ctx, p.Edition())
		if err != nil {
			return advise(l, &driver.ReadError{Device: who, Cause: driver.Timeout, Err: err})
		}
		address = a.String()
		say(w, "meter %s answers", address)
	}
	answered := false
	for _, it := range items[p.Edition()] {
		layout, err := codec.New(p.Edition(), []codec.Field{it.field})
		if err != nil {
			return err
		}
		r, err := line.Read(ctx, driver.Station{ID: who, Address: address, Layout: layout})
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil && !answered && driver.SymptomOf(r, err) != driver.Refused {
			return advise(l, err)
		}
		answered = true
		say(w, "%-8s  %-14s %s", p.Edition().Text(it.field.DI), it.what, told(r.Values, it.unit, err))
	}
	return nil
}

// told is a value with its unit, or why there is none.
func told(values []telemetry.Field, unit string, err error) string {
	switch {
	case err != nil:
		return err.Error()
	case len(values) == 0:
		return "no digits"
	}
	return fmt.Sprintf("%.8g %s", values[0].Value, unit)
}
