package wire

import (
	"gridhub/devices"
	"gridhub/devices/telemetry"
)

// Stream names of a gateway. Alarms and replies to commands travel before data.
const (
	Alarm = "alarm"
	Data  = "data"
)

// Stamp is what every numbered message of our own senders begins with. Numbers
// count from 1 within an epoch; an epoch begins when a sender lost its memory.
type Stamp struct {
	V     int              `json:"v" cbor:"v"`
	Epoch uint64           `json:"epoch,omitempty" cbor:"epoch,omitempty"`
	Seq   uint64           `json:"seq,omitempty" cbor:"seq,omitempty"`
	Now   telemetry.Millis `json:"now,omitempty" cbor:"now,omitempty"` // the sender's clock when it sent
}

// Reading is the payload of telemetry: values of the sender itself.
type Reading struct {
	Stamp
	At      telemetry.Millis   `json:"at,omitempty" cbor:"at,omitempty"` // when it was measured, by the sender's clock
	Quality telemetry.Quality  `json:"quality,omitempty" cbor:"quality,omitempty"`
	Values  map[string]float64 `json:"values" cbor:"values"`
}

// Fix is the payload of position. Optional fields are pointers because 0 is a
// speed, a heading and a battery level.
type Fix struct {
	Stamp
	At       telemetry.Millis `json:"at" cbor:"at"`
	Lon      float64          `json:"lon" cbor:"lon"` // WGS-84 degrees
	Lat      float64          `json:"lat" cbor:"lat"`
	Accuracy float64          `json:"accuracy,omitempty" cbor:"accuracy,omitempty"` // metres
	Speed    *float64         `json:"speed,omitempty" cbor:"speed,omitempty"`       // m/s
	Heading  *float64         `json:"heading,omitempty" cbor:"heading,omitempty"`   // degrees from north
	Battery  *float64         `json:"battery,omitempty" cbor:"battery,omitempty"`   // 0 to 1
	Source   string           `json:"source,omitempty" cbor:"source,omitempty"`
	Mock     bool             `json:"mock,omitempty" cbor:"mock,omitempty"`
	SOS      bool             `json:"sos,omitempty" cbor:"sos,omitempty"`
}

// Record is one poll of one device inside a gateway's Batch.
type Record struct {
	Seq     uint64             `json:"seq" cbor:"seq"`
	Device  devices.ID         `json:"device" cbor:"device"`
	At      telemetry.Millis   `json:"at" cbor:"at"`                               // gateway's clock when it polled
	Own     telemetry.Millis   `json:"own,omitempty" cbor:"own,omitempty"`         // the device's own clock, where it has one
	Quality telemetry.Quality  `json:"quality,omitempty" cbor:"quality,omitempty"` // 0 good, 1 uncertain, 2 bad
	Cause   string             `json:"cause,omitempty" cbor:"cause,omitempty"`     // why a poll gave no values, or why records were lost
	Values  map[string]float64 `json:"values,omitempty" cbor:"values,omitempty"`   // metric -> value in the profile's unit
	Lost    uint64             `json:"lost,omitempty" cbor:"lost,omitempty"`       // a gap: this many numbers from Seq on are gone
	Hour    telemetry.Millis   `json:"hour,omitempty" cbor:"hour,omitempty"`       // under which the ledger counts it, if not that of At: it was sent so before the clock was set
}

// Batch is the payload of batch: consecutive or live-first records of one
// stream. Floor is the lowest number that the gateway has not sent yet or not
// had acknowledged; only a hole below Floor is a loss.
type Batch struct {
	V       int              `json:"v" cbor:"v"`
	Stream  string           `json:"stream" cbor:"stream"`
	Epoch   uint64           `json:"epoch" cbor:"epoch"`
	First   uint64           `json:"first" cbor:"first"`
	Last    uint64           `json:"last" cbor:"last"`
	Floor   uint64           `json:"floor" cbor:"floor"`
	Now     telemetry.Millis `json:"now" cbor:"now"`
	Records []Record         `json:"records" cbor:"records"`
}

// MaxRanges bounds the ranges of one Acknowledgement.
const MaxRanges = 64

// Acknowledgement is the payload of down/ack: everything up to and including
// Upto, and the Ranges (first, last) above it, is durable at the hub. A sender
// deletes only these, and sends again what is missing below its floor.
type Acknowledgement struct {
	V      int         `json:"v" cbor:"v"`
	Stream string      `json:"stream" cbor:"stream"`
	Epoch  uint64      `json:"epoch" cbor:"epoch"`
	Upto   uint64      `json:"upto" cbor:"upto"`
	Ranges [][2]uint64 `json:"ranges,omitempty" cbor:"ranges,omitempty"`

	Now telemetry.Millis `json:"now,omitempty" cbor:"now,omitempty"` // the hub's clock when it sent
}

// Metric describes one value that a device tells.
type Metric struct {
	Name string   `json:"name" cbor:"name"`
	Unit string   `json:"unit,omitempty" cbor:"unit,omitempty"` // UCUM-like: Cel, %, mg/m3, %LEL, dB(A), mm, A, V, kW.h
	Min  *float64 `json:"min,omitempty" cbor:"min,omitempty"`   // plausible range
	Max  *float64 `json:"max,omitempty" cbor:"max,omitempty"`
}

// Control is something that a device lets others set.
type Control struct {
	Name string   `json:"name" cbor:"name"` // often a metric's, which then tells the outcome
	Unit string   `json:"unit,omitempty" cbor:"unit,omitempty"`
	Min  *float64 `json:"min,omitempty" cbor:"min,omitempty"`
	Max  *float64 `json:"max,omitempty" cbor:"max,omitempty"`
	Bool bool     `json:"bool,omitempty" cbor:"bool,omitempty"` // 0 or 1: a relay, a siren
	Text bool     `json:"text,omitempty" cbor:"text,omitempty"` // takes a text instead of a value
}

// Place says where a device is. Coordinates are WGS-84 degrees; Grid is the
// code of the grid that the installer named.
type Place struct {
	Grid string  `json:"grid,omitempty" cbor:"grid,omitempty"`
	Lon  float64 `json:"lon,omitempty" cbor:"lon,omitempty"`
	Lat  float64 `json:"lat,omitempty" cbor:"lat,omitempty"`
	Note string  `json:"note,omitempty" cbor:"note,omitempty"` // 3 号楼东侧配电房

	Seal  string `json:"seal,omitempty" cbor:"seal,omitempty"`   // number of the seal on its box
	Photo string `json:"photo,omitempty" cbor:"photo,omitempty"` // file name or URL of a picture of it in its place
}

// Entry is one device of an inventory.
type Entry struct {
	ID      devices.ID `json:"id" cbor:"id"`
	Name    string     `json:"name,omitempty" cbor:"name,omitempty"`
	Profile string     `json:"profile" cbor:"profile"` // name@version
	Kind    string     `json:"kind" cbor:"kind"`       // the measurement: gas, noise, …
	Metrics []Metric   `json:"metrics" cbor:"metrics"`
	Period  int64      `json:"period_ms,omitempty" cbor:"period_ms,omitempty"` // expected time between readings
	Place   Place      `json:"place" cbor:"place"`

	Line        string    `json:"line,omitempty" cbor:"line,omitempty"`               // what fails together: a bus, a port
	Unit        string    `json:"unit,omitempty" cbor:"unit,omitempty"`               // serial number of the thing itself; another one: it was replaced
	Maintenance bool      `json:"maintenance,omitempty" cbor:"maintenance,omitempty"` // raises nothing, and is shown so
	Controls    []Control `json:"controls,omitempty" cbor:"controls,omitempty"`
	Retired     bool      `json:"retired,omitempty" cbor:"retired,omitempty"` // read no more; named until its last record is acknowledged
}

// Stock is the payload of inventory: all devices of one gateway. It replaces
// what the gateway said before; Hash is over the devices' canonical JSON, so
// that an unchanged inventory costs nothing.
type Stock struct {
	V       int     `json:"v" cbor:"v"`
	Hash    string  `json:"hash" cbor:"hash"`
	Devices []Entry `json:"devices" cbor:"devices"`

	Config   string `json:"config,omitempty" cbor:"config,omitempty"`     // hash over all files that the gateway runs
	Owner    string `json:"owner,omitempty" cbor:"owner,omitempty"`       // whose the device files are: gateway or hub
	Software string `json:"software,omitempty" cbor:"software,omitempty"` // name and version
}

// Presence is the payload of status.
type Presence struct {
	V      int              `json:"v" cbor:"v"`
	Online bool             `json:"online" cbor:"online"`
	Cause  string           `json:"cause,omitempty" cbor:"cause,omitempty"`
	Now    telemetry.Millis `json:"now,omitempty" cbor:"now,omitempty"`

	// How long the program and its machine have been up, in ms. A hub that has
	// missed a sender for longer than the machine is up knows that power failed.
	Program int64 `json:"program_ms,omitempty" cbor:"program_ms,omitempty"`
	Machine int64 `json:"machine_ms,omitempty" cbor:"machine_ms,omitempty"`
}

// Wake is the payload of down/task: something about a task changed; the
// receiver asks the hub what. Rev is the number of the case's newest event.
type Wake struct {
	V    int    `json:"v" cbor:"v"`
	Task string `json:"task" cbor:"task"`
	Rev  uint64 `json:"rev" cbor:"rev"`
}

// Happening is the payload of event: something that is not a measurement.
type Happening struct {
	Stamp
	At   telemetry.Millis `json:"at" cbor:"at"`
	Type string           `json:"type" cbor:"type"` // sos, tamper, button, low-battery
	Lon  float64          `json:"lon,omitempty" cbor:"lon,omitempty"`
	Lat  float64          `json:"lat,omitempty" cbor:"lat,omitempty"`
	Text string           `json:"text,omitempty" cbor:"text,omitempty"`
}
