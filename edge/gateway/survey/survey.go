// Package survey finds out what hangs on a line: which speed, which addresses,
// which registers, which profile. It is what an installer uses before there is
// a configuration, and when one does not fit.
//
// It only reads, one question at a time. What it says is a guess with its
// reasons, never a configuration that is applied by itself.
package survey

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strings"
	"time"

	"gridhub/devices"
	codec "gridhub/devices/codec/modbus"
	"gridhub/devices/profile"
	"gridhub/edge/driver"
	"gridhub/edge/driver/bus"
	"gridhub/edge/driver/dlt645"
	"gridhub/edge/driver/modbus"
)

// ParseLine reads a line as a person types it: a serial port's path, or
// host:port.
func ParseLine(s string) (profile.Line, error) {
	l := profile.Line{Name: s}
	l.SetDefaults()
	if strings.HasPrefix(s, "/") || strings.HasPrefix(s, ".") {
		l.Kind, l.Path = profile.Serial, s
		return l, nil
	}
	if _, _, err := net.SplitHostPort(s); err != nil {
		return l, fmt.Errorf("line %q: want a serial port such as /dev/ttyUSB0, or host:port", s)
	}
	l.Kind, l.Address = profile.TCP, s
	return l, nil
}

// quiet is for lines that are tried: what they say comes back as results.
var quiet = slog.New(slog.DiscardHandler)

// who is what a device under survey is called.
const who devices.ID = "surveyed"

// answers reports whether the Modbus unit is there: a refusal is an answer.
// The symptom says what the line looked like.
func answers(ctx context.Context, line *modbus.Line, unit int) (bool, driver.Symptom, error) {
	one, err := codec.New([]codec.Field{{Metric: "r", Table: codec.Holding}}, 0, 0)
	if err != nil {
		return false, driver.Lost, err
	}
	r, err := line.Read(ctx, driver.Station{ID: who, Address: fmt.Sprint(unit), Layout: one})
	symptom := driver.SymptomOf(r, err)
	if err != nil && ctx.Err() != nil {
		return false, symptom, ctx.Err()
	}
	if symptom == driver.Lost {
		return false, symptom, err
	}
	return symptom == driver.Sound || symptom == driver.Refused || symptom == driver.Overlap || symptom == driver.Implausible, symptom, nil
}

// meterAlone asks the only meter on the line for its number; "" if none
// answers.
func meterAlone(ctx context.Context, l profile.Line) (address string, p profile.Protocol, err error) {
	for _, p := range []profile.Protocol{profile.DLT2007, profile.DLT1997} {
		line := dlt645.New(l, quiet)
		a, err := line.Find(ctx, p.Edition())
		line.Close()
		if ctx.Err() != nil {
			return "", p, ctx.Err()
		}
		var lost *bus.Lost
		if errors.As(err, &lost) {
			return "", p, err
		}
		if err == nil {
			return a.String(), p, nil
		}
	}
	return "", "", nil
}

// open returns the driver for a profile's protocol.
func open(l profile.Line, p profile.Protocol) driver.Line {
	if p.Edition() != 0 {
		return dlt645.New(l, quiet)
	}
	return modbus.New(l, quiet)
}

// quick is a line with a timeout for searching.
func quick(l profile.Line, timeout time.Duration) profile.Line {
	l.Timeout = timeout
	return l
}

// say writes one line of a report; a terminal that is gone is no fault here.
func say(w io.Writer, format string, args ...any) {
	fmt.Fprintf(w, format+"\n", args...)
}
