package modbus

import (
	"errors"

	"gridhub/devices"
	codec "gridhub/devices/codec/modbus"
)

// splits remembers how devices that lack registers are read instead. After
// forget readings a device is asked in the profile's way once more: it may
// have been replaced, or have refused for another reason.
type splits map[devices.ID]*apart

type apart struct {
	layout codec.Layout
	left   int
}

const forget = 1000

// known returns the layout by which the device is read now.
func (s splits) known(id devices.ID, whole codec.Layout) codec.Layout {
	a, ok := s[id]
	if !ok {
		return whole
	}
	if a.left--; a.left <= 0 {
		delete(s, id)
	}
	return a.layout
}

func (s splits) learn(id devices.ID, l codec.Layout) codec.Layout {
	s[id] = &apart{l, forget}
	return l
}

// split returns the layout without block i as it was, if err says that the
// device lacks some of it and smaller requests can tell what.
func split(l codec.Layout, i int, err error) (codec.Layout, bool) {
	var refusal codec.Exception
	if !errors.As(err, &refusal) || !refusal.Lacking() {
		return l, false
	}
	return l.Split(i)
}
