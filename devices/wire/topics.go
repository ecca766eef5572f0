// Package wire is the contract between the hub and everything that talks to
// it: topics, envelopes, sequence numbers, acknowledgements. PROTOCOL.md says
// the same in prose, well enough to write a client from it alone; the golden
// bytes in testdata hold both to one another.
//
// It knows messages, not connections: brokers and clients are elsewhere.
package wire

import (
	"strings"

	"gridhub/devices"
)

// Version is the version of the topics and envelopes described here. A message
// that a reader of version 1 could misunderstand gets another number.
const Version = 1

// Prefix starts every topic of this version.
const Prefix = "gh/1/"

// Kinds of messages that a principal publishes under its up tree.
const (
	Telemetry = "telemetry" // what a device measured (own values)
	Positions = "position"  // a fix, or several that waited
	Event     = "event"     // something that happened: sos, tamper, button
	Batches   = "batch"     // a gateway's records
	Inventory = "inventory" // a gateway's devices
	Ledger    = "ledger"    // a gateway's counts per device and hour
	Reply     = "reply"     // the outcome of a command
	Call      = "call"      // signalling; never journaled
	Status    = "status"    // online, offline; also the will
)

// Kinds of messages that the hub publishes under a principal's down tree.
const (
	Ack     = "ack"
	Task    = "task"
	Command = "command"
	Config  = "config"
	Keys    = "keys" // which keys sign commands from now on
	// Call is used downwards too.
)

// Up returns the topic on which id publishes a kind.
func Up(id devices.ID, kind string) string { return Prefix + string(id) + "/up/" + kind }

// Down returns the topic on which id receives a kind.
func Down(id devices.ID, kind string) string { return Prefix + string(id) + "/down/" + kind }

// DownFilter returns the widest filter to which id may subscribe.
func DownFilter(id devices.ID) string { return Prefix + string(id) + "/down/#" }

// SplitUp takes an up topic apart: gh/1/<id>/up/<kind>[/rest]. ok is false for
// any other topic.
func SplitUp(topic string) (id devices.ID, kind, rest string, ok bool) {
	s, ok := strings.CutPrefix(topic, Prefix)
	if !ok {
		return "", "", "", false
	}
	who, s, ok := strings.Cut(s, "/up/")
	if !ok || strings.Contains(who, "/") {
		return "", "", "", false
	}
	kind, rest, _ = strings.Cut(s, "/")
	return devices.ID(who), kind, rest, who != "" && kind != ""
}
