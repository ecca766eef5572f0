package commands

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"time"
	"unicode/utf8"

	"gridhub/devices"
	"gridhub/devices/telemetry"
	"gridhub/devices/wire"
)

// Causes of an order that was not carried out; those of the lines come beside
// them (line-down, timeout, exception-2, …).
const (
	CauseSignature = "signature" // it does not fit, or what was signed is no order
	CauseKey       = "key"       // of a key that is not pinned here
	CauseReceiver  = "receiver"  // meant for somebody else, or for no device of ours
	CauseControl   = "control"   // nothing of this name can be set there
	CauseValue     = "value"     // out of its range
	CauseBusy      = "busy"      // too much is to be done already
	CauseDisk      = "disk"      // it could not be remembered, so it was not begun
	CauseForgotten = "forgotten" // older than our damaged memory: it may have been done
	CauseUnknown   = "unknown-outcome"
	CauseCut       = "interrupted" // stopped on the way, and the device shows that it was not done
)

// Failure is an order that was not carried out, and why.
type Failure struct {
	Cause string
	Err   error
}

func (f *Failure) Error() string { return f.Cause + ": " + f.Err.Error() }
func (f *Failure) Unwrap() error { return f.Err }

func fail(cause, format string, args ...any) error {
	return &Failure{cause, fmt.Errorf(format, args...)}
}

// Bounds of one order.
const (
	maxSet     = 16                 // controls
	maxText    = 500                // characters: what a terminal takes in one packet
	longestFor = 7 * 24 * time.Hour // how long an order may wait: it is remembered as long
)

// checkShape looks at what an order says of itself.
func checkShape(kind string, o wire.Order) error {
	ways := 0
	for _, there := range []bool{len(o.Set) > 0, o.Text != "", len(o.Files) > 0} {
		if there {
			ways++
		}
	}
	switch {
	case ways != 1:
		return fail(CauseValue, "want exactly one of set, text and files")
	case (len(o.Files) > 0) != (kind == wire.Config):
		return fail(CauseValue, "files come as %s, all else as %s", wire.Config, wire.Command)
	case len(o.Set) > maxSet:
		return fail(CauseValue, "%d controls, at most %d at a time", len(o.Set), maxSet)
	case utf8.RuneCountInString(o.Text) > maxText || !utf8.ValidString(o.Text):
		return fail(CauseValue, "a text of at most %d characters", maxText)
	case o.Expires > max(o.At, o.Now).Add(longestFor):
		return fail(CauseValue, "it expires in more than %v", longestFor)
	}
	return nil
}

// checkDevice compares an order with what its device lets others set.
func (d *Desk) checkDevice(o wire.Order) error {
	if len(o.Files) > 0 {
		switch {
		case o.Device != "" && o.Device != d.opts.ID:
			return fail(CauseReceiver, "device files are of the gateway, not of %s", o.Device)
		case d.opts.Config == nil:
			return fail(CauseControl, "this gateway's device files lie on its own disk")
		}
		return nil
	}
	controls, known := d.opts.Lines.Controls(o.Device)
	if !known {
		return fail(CauseReceiver, "%s is no device of %s", o.Device, d.opts.ID)
	}
	if o.Text != "" && !slices.ContainsFunc(controls, func(c wire.Control) bool { return c.Text }) {
		return fail(CauseControl, "%s takes no text", o.Device)
	}
	for name, v := range o.Set {
		if err := checkValue(controls, name, v); err != nil {
			return err
		}
	}
	return nil
}

func checkValue(controls []wire.Control, name string, v float64) error {
	i := slices.IndexFunc(controls, func(c wire.Control) bool { return c.Name == name && !c.Text })
	if i < 0 {
		return fail(CauseControl, "%s cannot be set", name)
	}
	c := controls[i]
	switch {
	case math.IsNaN(v) || math.IsInf(v, 0):
		return fail(CauseValue, "%s takes no %v", name, v)
	case c.Bool && v != 0 && v != 1:
		return fail(CauseValue, "%s takes 0 and 1, not %v", name, v)
	case c.Min != nil && v < *c.Min:
		return fail(CauseValue, "%s takes %v and more, not %v", name, *c.Min, v)
	case c.Max != nil && v > *c.Max:
		return fail(CauseValue, "%s takes %v and less, not %v", name, *c.Max, v)
	}
	return nil
}

// Action is one thing to be done on one device: a control to be set, or a text
// to be told.
type Action struct {
	Device  devices.ID
	Control string
	Value   float64
	Text    string
}

// actions are the steps of an order, in the order of the controls' names.
func actions(o wire.Order) (all []Action) {
	if o.Text != "" {
		return []Action{{Device: o.Device, Text: o.Text}}
	}
	for _, name := range slices.Sorted(maps.Keys(o.Set)) {
		all = append(all, Action{Device: o.Device, Control: name, Value: o.Set[name]})
	}
	return all
}

// hubTime is the latest instant that the hub's clock must have passed: our own
// clock, or the greatest now that was verified and what has gone by since. mu
// is held.
func (d *Desk) hubTime() telemetry.Millis {
	return max(telemetry.At(time.Now()), d.book.Now+telemetry.Millis(time.Since(d.heard).Milliseconds()))
}

// causeOf puts err into a reply's words.
func causeOf(err error) (cause, detail string) {
	var f *Failure
	if errors.As(err, &f) {
		return f.Cause, f.Err.Error()
	}
	return "internal", err.Error()
}
