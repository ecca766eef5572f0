package tasmota

import (
	"regexp"
	"strconv"
)

// switches are the names under which a relay's state is told and set alike
// ("Commands", POWER).
var switches = regexp.MustCompile(`^POWER[0-9]{0,2}$`)

// Switch reports whether a metric is the state of a relay, which a message on
// cmnd/<metric> sets.
func Switch(metric string) bool { return switches.MatchString(metric) }

// Dimmer is the metric, and the command, of a light's brightness in percent.
const Dimmer = "Dimmer"

// Command returns the payload on cmnd/<metric>.
func Command(metric string, v float64) []byte {
	if !Switch(metric) {
		return strconv.AppendFloat(nil, v, 'f', -1, 64)
	}
	if v != 0 {
		return []byte("ON")
	}
	return []byte("OFF")
}
