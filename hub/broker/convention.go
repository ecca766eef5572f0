package broker

import "strings"

// A convention is another product's way to name topics. Its clients keep their
// own topics on the wire; behind the guard each lives in the tree of its
// identity, so that two devices on the same foreign topic never see each other.
type convention struct {
	anyClientID bool // the client id says nothing; the Authority decides who it is
	rules       []rule
}

// A rule maps topics that begin with foreign to those that begin with native,
// relative to gh/1/<id>/up/ or gh/1/<id>/down/, and back. The longest native
// prefix stands first.
type rule struct{ foreign, native string }

// conventions that an Authority may name in Principal.Convention.
var conventions = map[string]*convention{
	// https://thingsboard.io/docs/reference/mqtt-api/ and …/gateway-mqtt-api/
	"thingsboard": {
		anyClientID: true,
		rules: []rule{
			{"v1/gateway/", "tb/gateway/"},
			{"v1/devices/me/", "tb/"},
		},
	},
}

// inward turns a foreign topic or filter into one below base.
func (v *convention) inward(base, topic string) (string, bool) {
	for _, r := range v.rules {
		if rest, ok := strings.CutPrefix(topic, r.foreign); ok {
			return base + r.native + rest, true
		}
	}
	return "", false
}

// outward turns a topic below base into the foreign one.
func (v *convention) outward(base, topic string) (string, bool) {
	below, ok := strings.CutPrefix(topic, base)
	if !ok {
		return "", false
	}
	for _, r := range v.rules {
		if rest, ok := strings.CutPrefix(below, r.native); ok {
			return r.foreign + rest, true
		}
	}
	return "", false
}
