package intake

import (
	"time"

	"gridhub/devices"
	"gridhub/devices/telemetry"
	"gridhub/devices/wire"
)

// Decoded is what one record of the journal came to. It is shared by all
// consumers: read it, keep it, do not change it.
type Decoded struct {
	Number  uint64           // in the hub's journal
	At      telemetry.Millis // the hub's clock when it came
	From    devices.ID       // empty for the hub's own records
	Topic   string           // behind up/
	Offset  time.Duration    // hub clock minus sender's clock, as applied
	Timed   bool             // it told what its clock shows, and Clock was estimated anew
	Clock   time.Duration    // hub clock minus sender's clock, as estimated; Offset is 0 while it is small
	Began   bool             // the hub was started here, and had heard nothing for a while
	Replay  uint64           // the number under which it first came, when it is a replay
	Retried []int            // which items a replay tried again; -1 is the whole message

	Points     []telemetry.Point    // to be written: re-deliveries, repeats and losers are not among them
	Positions  []telemetry.Position // likewise
	Failures   []Failure            // polls that gave no values: points too, without fields
	Lags       []Lag                // of devices with a clock of their own
	Happenings []Happening
	Presence   *wire.Presence // status
	Inventory  *wire.Stock    // an inventory that was accepted
	Body       []byte         // reply, ledger and the like: the payload as it came
	Answer     *Answer        // what a foreign sender is to be told at once

	Refused []Refusal
	Raw     []byte // the record, when something was refused: what a replay needs
	Tally   []Tally
	Repeats int    // items that had come before and were dropped
	Gap     uint64 // numbers lost from the hub's own journal, from Number on
}

// Failure is a poll that gave no values.
type Failure struct {
	Device devices.ID
	At     telemetry.Millis // event time
	Cause  string           // line-down, timeout, damaged, exception-…; the gateway's word
}

// Lag is how far a device's own clock was behind its reader's, corrected.
// It is negative when the device was ahead, and includes how old the values were.
type Lag struct {
	Device devices.ID
	By     time.Duration
}

// Happening is an event with its one time.
type Happening struct {
	wire.Happening
	Device devices.ID
	Time   telemetry.Millis
	Basis  telemetry.Basis
	Key    telemetry.Key
}

// Answer is a message to a foreign sender, in its own convention.
type Answer struct {
	Kind    string // behind down/
	Payload []byte
}

// Refusal is an item of a message that was not understood or not believed.
type Refusal struct {
	Item   int        // index in the message; -1: the whole
	Device devices.ID // whom it speaks of, as far as is known
	Hour   telemetry.Millis
	Cause  string
	Detail string
	Items  uint32 // how many numbers it stands for
}

// Causes of refusal beside those of codec and of the broker.
const (
	UnknownDevice = "unknown-device" // no inventory or registration names it, or it is another gateway's
	UnknownTopic  = "unknown-topic"  // no kind of this version
	Future        = "future"         // more than telemetry.MaxAhead ahead after correction
	Past          = "past"           // before any device of ours was built
	Foreign       = "foreign-claim"  // an inventory names what belongs to somebody else
	Damaged       = "damaged"        // not a record that this hub can read
	Poison        = "poison"         // a consumer failed on it again and again
)

// Outcome is one column of the ledger.
type Outcome uint8

// The outcomes. Every number that a sender issued, or message that came
// without one, ends in exactly one of them. Negative counts of Quarantined
// take back what a replay has turned into something better.
const (
	Stored Outcome = iota
	Repeated
	Superseded
	Quarantined
	Expired // given up by the sender, or off duty
	Missing // never came, although the sender has moved its floor beyond it
	LeftOut // beside the items: values in them that a history of numbers cannot hold
)

var outcomes = [...]string{"stored", "repeated", "superseded", "quarantined", "expired", "missing", "left-out"}

func (o Outcome) String() string { return outcomes[o] }

// Tally is a count for the ledger.
type Tally struct {
	Device  devices.ID
	Hour    telemetry.Millis // begin of the hour, by the sender's clock
	Outcome Outcome
	Cause   string // for Quarantined, Expired and LeftOut
	N       int64
}

// slab hands out small slices cut from large ones, so that a message costs
// a fraction of an allocation.
type slab[T any] struct{ free []T }

func (s *slab[T]) take(n int) []T {
	if n == 0 {
		return nil
	}
	if n > len(s.free) {
		s.free = make([]T, max(n, 256))
	}
	v := s.free[:n:n]
	s.free = s.free[n:]
	return v
}

func (s *slab[T]) copy(v []T) []T {
	c := s.take(len(v))
	copy(c, v)
	return c
}
