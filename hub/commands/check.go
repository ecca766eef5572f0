package commands

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"time"
	"unicode/utf8"

	"gridhub/devices/wire"
)

// MaxText is the longest text that a device is told, in characters: gateways
// take no longer one.
const MaxText = 500

// idPattern is what a client may call its command: long enough that two never
// choose the same.
var idPattern = regexp.MustCompile(`^[A-Za-z0-9_-]{8,64}$`)

// check says whether a request can be what the control takes.
func (r Request) check(c wire.Control) error {
	if r.ID != "" && !idPattern.MatchString(r.ID) {
		return &Invalid{"id", r.ID, "8 to 64 letters, digits, - and _"}
	}
	if r.Within < 0 || r.Within > 0 && r.Within < time.Second || r.Within > MaxWithin {
		return &Invalid{"expires_s", r.Within.Seconds(), fmt.Sprintf("1 to %.0f seconds", MaxWithin.Seconds())}
	}
	if c.Text {
		return r.checkText()
	}
	if r.Text != "" {
		return &Invalid{"text", strconv.Quote(r.Text), "none: " + c.Name + " takes a value"}
	}
	return r.checkValue(c)
}

func (r Request) checkText() error {
	switch {
	case r.Value != nil:
		return &Invalid{"value", *r.Value, "none: " + r.Control + " takes a text"}
	case r.Text == "" || utf8.RuneCountInString(r.Text) > MaxText || !utf8.ValidString(r.Text):
		return &Invalid{"text", strconv.Quote(r.Text[:min(len(r.Text), 32)]), fmt.Sprintf("1 to %d characters", MaxText)}
	}
	return nil
}

func (r Request) checkValue(c wire.Control) error {
	if r.Value == nil {
		return &Invalid{"value", "null", "a number for " + c.Name}
	}
	v := *r.Value
	switch {
	case math.IsNaN(v) || math.IsInf(v, 0):
		return &Invalid{"value", v, "a finite number"}
	case c.Bool && v != 0 && v != 1:
		return &Invalid{"value", v, "0 or 1"}
	case c.Min != nil && v < *c.Min, c.Max != nil && v > *c.Max:
		return &Invalid{"value", v, span(c)}
	}
	return nil
}

// span says what a control takes, in words.
func span(c wire.Control) string {
	unit := ""
	if c.Unit != "" {
		unit = " " + c.Unit
	}
	switch {
	case c.Min == nil:
		return fmt.Sprintf("at most %v%s", *c.Max, unit)
	case c.Max == nil:
		return fmt.Sprintf("at least %v%s", *c.Min, unit)
	}
	return fmt.Sprintf("%v to %v%s", *c.Min, *c.Max, unit)
}
