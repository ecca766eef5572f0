// Package health says which part of the way from a sensor to the hub is
// broken: the sensor, its line, the gateway, the uplink or the power. A dead
// line is one fault with thirty-two devices, not thirty-two faults.
//
// The Evaluator is a pure function of what it was told and when: it holds no
// clock, and steps through its own deadlines in their order, so that a replay
// finds the same faults at the same times, however often somebody looked in
// between. Each fault says in words why it is called so and what to do next.
// The Book keeps them. Who tells the Evaluator, and who shows what it finds, is
// joined elsewhere; hazards, which are about the street and not about the
// instruments, are the rules' business.
package health

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"

	"gridhub/devices"
	"gridhub/devices/telemetry"
)

// Cause is the part that is broken.
type Cause string

// The causes.
const (
	Sensor  Cause = "sensor"  // one device, while others on its line answer
	Line    Cause = "line"    // what several devices share: a bus, a port, a converter
	Gateway Cause = "gateway" // its program or machine was stopped or hangs
	Uplink  Cause = "uplink"  // the way between gateway and hub
	Power   Cause = "power"   // the supply of a gateway, of its sensors, or a battery
)

// Words are a sentence in both languages.
type Words struct {
	ZH string `json:"zh"`
	EN string `json:"en"`
}

// Subject is what a fault is about: a device, a line of a gateway, or a gateway.
type Subject struct {
	Gateway devices.ID `json:"gateway,omitempty"`
	Line    string     `json:"line,omitempty"`
	Device  devices.ID `json:"device,omitempty"`
}

// Outage is one thing that is broken, or was.
type Outage struct {
	ID      string           `json:"id"`
	Cause   Cause            `json:"cause"`
	Subject Subject          `json:"subject"`
	Devices []devices.ID     `json:"devices"`         // that give no readings because of it; once it is over, that gave none
	Since   telemetry.Millis `json:"since"`           // last sign that all was well, or first that it was not
	Found   telemetry.Millis `json:"found"`           // when it was told from a disturbance
	Until   telemetry.Millis `json:"until,omitempty"` // 0: it lasts
	Why     []Words          `json:"why"`             // the evidence
	Next    []Words          `json:"next"`            // what to do, in this order
	Into    string           `json:"into,omitempty"`  // the fault that turned out to contain it
	Was     Cause            `json:"was,omitempty"`   // what it was taken for until more was known

	key string // of its subject, among the open ones
}

// Open reports whether the fault lasts.
func (f *Outage) Open() bool { return f.Until == 0 }

// faultID is derived from what is broken and since when, so that a replay finds
// the same.
func faultID(key string, since telemetry.Millis) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "gridhub fault\x00%s\x00%d", key, since))
	return "f-" + hex.EncodeToString(sum[:8])
}

// How long the Evaluator waits before it speaks.
const (
	returning   = 20 * time.Second // a gateway that was cut off may be back at once
	reconnect   = 3 * time.Minute  // after the hub was away, or of one that never says that it leaves
	decision    = 2 * time.Minute  // a silent device is a silent line if nobody else on it was heard by then
	longDecide  = 10 * time.Minute // at the latest, however seldom they are read
	recovery    = 5 * time.Minute  // the last of a line may answer so much later than the first: they are asked seldom
	leastMute   = 2 * time.Minute  // a gateway may be that late with what it has read
	mutePeriods = 5
	together    = 2 * time.Minute // what breaks within this time may have broken together
	tooLate     = time.Hour
	least       = 2 // failed readings in a row that make a fault
)

// lineDown is a gateway's word for a port or connection that is not there.
const lineDown = "line-down"
