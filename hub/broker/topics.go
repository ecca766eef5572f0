package broker

import (
	"bytes"
	"strings"
	"unicode/utf8"

	"gridhub/devices"
)

// Limits on topics and filters, checked before any of them reaches the
// subscription tree: its cost grows with the square of the levels.
const (
	maxTopicBytes  = 256
	maxTopicLevels = 16
)

// treePrefix begins every topic of the wire contract, version 1.
const treePrefix = "gh/1/"

func upPrefix(id devices.ID) string   { return treePrefix + string(id) + "/up/" }
func downPrefix(id devices.ID) string { return treePrefix + string(id) + "/down/" }

// withinLimits reports whether a topic or filter is small enough to handle.
func withinLimits(topic []byte) bool {
	return len(topic) <= maxTopicBytes && bytes.Count(topic, []byte{'/'}) < maxTopicLevels
}

// validTopic reports whether a publish may carry topic at all: not empty, valid
// UTF-8, no NUL, no wildcard (MQTT 5.0, 1.5.4, 3.3.2.1, 4.7.1).
func validTopic(topic []byte) bool {
	return len(topic) > 0 && utf8.Valid(topic) && bytes.IndexByte(topic, 0) < 0 &&
		bytes.IndexByte(topic, '+') < 0 && bytes.IndexByte(topic, '#') < 0
}

// validFilter reports whether each wildcard of filter stands alone in its level
// and '#' only in the last (MQTT 5.0, 4.7.1).
func validFilter(filter string) bool {
	if filter == "" || !withinLimits([]byte(filter)) || strings.IndexByte(filter, 0) >= 0 {
		return false
	}
	levels := strings.Split(filter, "/")
	for i, l := range levels {
		if strings.ContainsAny(l, "+#") && len(l) > 1 || l == "#" && i < len(levels)-1 {
			return false
		}
	}
	return true
}

// mayRead reports whether id may subscribe to filter: valid, within its own
// down tree. Shared subscriptions begin with $share and never match.
func mayRead(id devices.ID, filter string) bool {
	rest, own := strings.CutPrefix(filter, downPrefix(id))
	return own && rest != "" && validFilter(filter)
}

// kindOf returns the first level of what follows up/.
func kindOf(rest string) string {
	kind, _, _ := strings.Cut(rest, "/")
	return kind
}
