package driver

import (
	"context"
	"errors"

	"gridhub/devices"
)

// Commander is a Line whose devices can be set.
type Commander interface {
	// Write sets control, a name of s's profile, to value, which lies in the
	// control's range, and returns what s said afterwards. It succeeds only if
	// the device confirmed it and its own reading shows it. What was sent is
	// sent again only where that can do no harm. The error is a *ReadError, or
	// ctx's; after it, the device may stand at either value.
	Write(ctx context.Context, s Station, control string, value float64) (Reading, error)
}

// Teller is a Source whose devices can be sent a text.
type Teller interface {
	// Tell shows or speaks text on the device id and returns when the device has
	// confirmed it. The error is a *ReadError, or ctx's.
	Tell(ctx context.Context, id devices.ID, text string) error
}

// ErrNoControl means that a line, or the profile, offers no such control.
var ErrNoControl = errors.New("no control of this name can be set")
