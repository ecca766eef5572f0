// Package devices says what a device is: an identity, a kind, a place.
//
// Its subpackages say what a device tells (telemetry), how its bytes become
// points (codec), what a model of device measures (profile) and how gateways
// and terminals talk to the hub (wire). Nothing here knows edge or hub.
package devices

import (
	"fmt"
	"strings"
)

// MaxID is the longest identity in bytes. An identity is also an MQTT client
// id, a username, a certificate's common name and one level of a topic.
const MaxID = 64

// ID names one device, gateway or terminal, unique within one street.
// Lower-case letters, digits, '-', '_' and '.', first a letter or digit.
type ID string

// ParseID checks s and returns it as an ID. The error says what was wanted.
func ParseID(s string) (ID, error) {
	if s == "" {
		return "", fmt.Errorf("empty id: want 1 to %d of a-z, 0-9, '-', '_', '.'", MaxID)
	}
	if len(s) > MaxID {
		return "", fmt.Errorf("id %q… is %d bytes: want at most %d", s[:16], len(s), MaxID)
	}
	for i := range len(s) {
		c := s[i]
		alnum := c >= 'a' && c <= 'z' || c >= '0' && c <= '9'
		if !alnum && (i == 0 || !strings.ContainsRune("-_.", rune(c))) {
			return "", fmt.Errorf("id %q: byte %d is %q, want a-z 0-9 (and - _ . after the first)", s, i+1, c)
		}
	}
	return ID(s), nil
}

// Kind is the role an identity plays on the bus.
type Kind string

// The kinds of identity. Only gateways and terminals hold connections with our
// own protocol; a sensor is reached through its gateway or speaks for itself.
const (
	Gateway  Kind = "gateway"
	Terminal Kind = "terminal"
	Sensor   Kind = "sensor"
	Partner  Kind = "partner"
)

// Valid reports whether k is a kind this version knows.
func (k Kind) Valid() bool {
	switch k {
	case Gateway, Terminal, Sensor, Partner:
		return true
	}
	return false
}
