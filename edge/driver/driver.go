// Package driver is the contract between the scheduler and whatever can read a
// device: a serial bus, a network connection, a simulation.
//
// A Line is one physical way to devices and is used by one goroutine; several
// lines are independent. The contract says how a reading fails, because the
// scheduler must know whether trying again can help. It schedules nothing and
// stores nothing.
package driver

import (
	"context"
	"errors"
	"fmt"
	"time"

	"gridhub/devices"
	"gridhub/devices/profile"
	"gridhub/devices/telemetry"
)

// Station is one device on a line, ready to be read.
type Station struct {
	ID      devices.ID
	Address string        // on the line: a Modbus unit, a meter's number, an MN
	Timeout time.Duration // for one answer; 0 = the line's
	Profile *profile.Profile
	Layout  profile.Layout // what Profile compiled into; each driver knows its own
}

// Reading is what a device told.
type Reading struct {
	Values  []telemetry.Field
	Quality telemetry.Quality
	Own     telemetry.Millis // the device's own clock; 0 = it has none
	Overlap bool             // more than one answer came: two devices share an address
}

// Line reads devices, one after another. It opens what it needs by itself,
// and opens it again, with pauses of its own, after it was lost.
type Line interface {
	// Read asks s once and waits at most the line's timeout for each answer.
	// The error is a *ReadError, or ctx's.
	Read(ctx context.Context, s Station) (Reading, error)
	// Close lets go of the line. It is idempotent.
	Close() error
}

// Causes of a reading or a command that failed, as records and screens carry them.
const (
	LineDown  = "line-down"  // the port or connection is not there
	Timeout   = "timeout"    // the device did not answer in time
	Damaged   = "damaged"    // what came back was no sound frame
	Exception = "exception-" // the device refused; its code follows
	Unfit     = "unfit"      // profile, address and line do not belong together
	Unproven  = "unproven"   // of a command: the device answers, but its reading does not show what was set
)

// ReadError says which device failed and whether trying again can help.
type ReadError struct {
	Device devices.ID
	Cause  string // one of the causes above
	Retry  bool   // false: asking again at once is in vain
	Err    error
}

func (e *ReadError) Error() string {
	return fmt.Sprintf("read %s: %s: %v", e.Device, e.Cause, e.Err)
}

func (e *ReadError) Unwrap() error { return e.Err }

// Cause returns why err failed, in the words of a ReadError.
func Cause(err error) string {
	var re *ReadError
	if errors.As(err, &re) {
		return re.Cause
	}
	return "internal"
}

// MayRetry reports whether asking again at once can help.
func MayRetry(err error) bool {
	var re *ReadError
	return errors.As(err, &re) && re.Retry
}
