// Package commands brings orders down to devices and keeps what became of each:
// created, sent, acknowledged, and then one end: executed, failed, expired or
// refused, every stage with its time. Nothing is executed because a message was
// delivered: the receiver says that the device itself confirmed it, or the
// device's own answer does.
//
// It owns the key that orders are signed with, the list of what foreign devices
// let others set, and the state of every order, over restarts. It leaves out
// connections (a Sender), who stands behind which gateway (Devices), who may
// command (the API), and rules: nothing commands by itself here.
package commands

import (
	"errors"
	"fmt"
	"time"

	"gridhub/configs"
	"gridhub/devices"
	"gridhub/devices/telemetry"
	"gridhub/devices/wire"
)

// Instruction is one command and all that is known of it.
type Instruction struct {
	ID       string           `json:"id"`
	Device   devices.ID       `json:"device"`
	To       devices.ID       `json:"to" doc:"the gateway that owns the device, or the device itself"`
	Control  string           `json:"control"`
	Value    *float64         `json:"value,omitempty" doc:"in the control's unit; 0 or 1 of a switch"`
	Text     string           `json:"text,omitempty"`
	By       string           `json:"by" doc:"the account that asked"`
	Unsigned bool             `json:"unsigned,omitempty" doc:"the receiver's protocol cannot carry a signature"`
	State    State            `json:"state" enum:"created,sent,acknowledged,executed,failed,expired,refused"`
	Waiting  Unsent           `json:"waiting,omitempty" enum:"offline,not-subscribed,queue-full,unsent" doc:"why it is not sent yet"`
	Stages   []Stage          `json:"stages" nullable:"false"`
	Expires  telemetry.Millis `json:"expires" doc:"not to be begun from then on"`
	Sends    int              `json:"sends,omitempty" doc:"how often it was sent"`
	Rev      int              `json:"rev" doc:"counts changes"`
	Number   int64            `json:"number" doc:"counts commands; the name of an order where the protocol has only numbers"`
	LastSent telemetry.Millis `json:"last_sent,omitempty"`
}

// Stage is one state that was reached. At is by the hub's clock; what a
// receiver told by its own is corrected as its readings are.
type Stage struct {
	State  State              `json:"state" enum:"created,sent,acknowledged,executed,failed,expired,refused"`
	At     telemetry.Millis   `json:"at"`
	Cause  string             `json:"cause,omitempty"`
	Detail string             `json:"detail,omitempty" doc:"for people, as the receiver says it"`
	Values map[string]float64 `json:"values,omitempty" doc:"what the device said afterwards"`
}

// Request is what somebody asks for. Exactly one of Value and Text is set.
type Request struct {
	ID      string // made by the client, so that a repeat is harmless; empty: one is made
	Device  devices.ID
	Control string
	Value   *float64
	Text    string
	By      string
	Within  time.Duration // until it expires; 0: Config.Within
}

// Route is how a device is reached.
type Route struct {
	To         devices.ID     // who connects: its gateway, or the device itself
	Convention string         // "" takes signed orders
	Foreign    string         // what To is bound to in its convention
	Name       string         // of a device behind a foreign gateway, as it calls it; empty: To itself
	Controls   []wire.Control // of the inventory
	Metrics    []string
}

// Devices says how devices are reached. Safe for concurrent use.
type Devices interface {
	Route(devices.ID) (Route, bool)
}

// Sender carries messages down. Send never waits for the receiver. Safe for
// concurrent use.
type Sender interface {
	Connected(devices.ID) bool
	Send(to devices.ID, kind string, payload []byte, qos byte) error
}

// Errors beside *Invalid.
var (
	ErrUnknownDevice = errors.New("no such device")
	ErrNotFound      = errors.New("no such command")
	ErrConflict      = errors.New("this id was used for another command")
	ErrBusy          = errors.New("too many commands are under way")
)

// Invalid says which part of a request cannot be, and what was wanted.
type Invalid struct {
	Field string // control, value, text, expires_s, id
	Value any
	Want  string
}

func (e *Invalid) Error() string { return fmt.Sprintf("%s %v: want %s", e.Field, e.Value, e.Want) }

// Config bounds what is under way and what is kept.
type Config struct {
	Within    time.Duration `yaml:"within"`     // until a command expires, unless the request says
	Again     time.Duration `yaml:"again"`      // until an order that was not acknowledged is sent again; doubles up to AgainMax
	AgainMax  time.Duration `yaml:"again_max"`  // longest pause between two tries
	Grace     time.Duration `yaml:"grace"`      // for an answer under way, beyond the expiry
	PerDevice int           `yaml:"per_device"` // open commands; more are refused with ErrBusy
	All       int           `yaml:"all"`        // likewise, of all devices
	Keep      time.Duration `yaml:"keep"`       // of ended commands; older ones are removed
	KeepMost  int           `yaml:"keep_most"`  // ended commands; beyond it the oldest are removed
}

// MaxWithin is the longest that a command may wait.
const MaxWithin = 24 * time.Hour

// Default is what the hub runs with.
func Default() Config {
	return Config{Within: time.Minute, Again: 10 * time.Second, AgainMax: 5 * time.Minute, Grace: 10 * time.Second,
		PerDevice: 8, All: 1000, Keep: 180 * 24 * time.Hour, KeepMost: 200_000}
}

// Validate reports everything that cannot be.
func (c Config) Validate() error {
	var errs []error
	want := func(ok bool, key string, value any, what string) {
		if !ok {
			errs = append(errs, configs.Fault(key, value, "%s", what))
		}
	}
	want(c.Within >= time.Second && c.Within <= MaxWithin, "within", c.Within, "1s to "+MaxWithin.String())
	want(c.Again >= time.Second && c.Again <= time.Hour, "again", c.Again, "1s to 1h")
	want(c.AgainMax >= c.Again && c.AgainMax <= MaxWithin, "again_max", c.AgainMax, "again or longer, at most "+MaxWithin.String())
	want(c.Grace >= 0 && c.Grace <= time.Hour, "grace", c.Grace, "0s to 1h")
	want(c.PerDevice >= 1 && c.PerDevice <= 1000, "per_device", c.PerDevice, "1 to 1000")
	want(c.All >= c.PerDevice && c.All <= 100_000, "all", c.All, "per_device or more, at most 100000")
	want(c.Keep >= MaxWithin, "keep", c.Keep, MaxWithin.String()+" or longer: a request that comes again must find what became of it")
	want(c.KeepMost >= 1, "keep_most", c.KeepMost, "1 or more")
	return errors.Join(errs...)
}
