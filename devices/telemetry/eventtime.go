package telemetry

import "time"

// Basis says which clock an event time rests on.
type Basis uint8

const (
	ByDevice    Basis = iota // the device's own clock
	ByGateway                // the gateway's clock when it polled
	ByCorrected              // a sender's clock, shifted by the offset that the hub estimated
	ByHub                    // the hub's clock when the message came: nothing better exists
)

func (b Basis) String() string {
	switch b {
	case ByDevice:
		return "device"
	case ByGateway:
		return "gateway"
	case ByCorrected:
		return "corrected"
	}
	return "hub"
}

// Times are the clocks that speak for one reading; zero means not told.
type Times struct {
	Device  Millis        // when the device says it measured
	Gateway Millis        // when the gateway (or terminal) read it
	Hub     Millis        // when the hub received it
	Offset  time.Duration // hub clock minus sender clock, as estimated when it came
}

// Trusted is the clock error that is left alone: below it, the stamps that a
// sender wrote are kept as they are, so that what a technician reads on the
// device is what the history shows.
const Trusted = 5 * time.Second

// MaxAhead is how far in the future an event may lie after correction. A stamp
// beyond it is a broken clock and goes to quarantine.
const MaxAhead = 5 * time.Minute

// Event returns the one event time of a reading, a pure function of its
// stamps, so that a replay gives the same point. ok is false when the time is
// still more than MaxAhead in the future.
func (t Times) Event() (at Millis, by Basis, ok bool) {
	at, by = t.Gateway, ByGateway
	if t.Device != 0 {
		at, by = t.Device, ByDevice
	}
	if at == 0 {
		return t.Hub, ByHub, true
	}
	if t.Offset > Trusted || t.Offset < -Trusted {
		at, by = at.Add(t.Offset), ByCorrected
	}
	return at, by, at.Sub(t.Hub) <= MaxAhead
}
