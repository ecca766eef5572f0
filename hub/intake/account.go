package intake

import (
	"slices"

	"gridhub/devices"
	"gridhub/devices/codec"
	"gridhub/devices/codec/native"
	"gridhub/devices/wire"
)

// maxAccount bounds the hours of one account.
const maxAccount = 4096

// account takes a gateway's own count. What it says of a device that another
// one speaks for is left out.
func (m *message) account() {
	var a wire.Account
	err := native.Unmarshal(m.raw.Payload, &a)
	if err == nil {
		err = checkAccount(&a)
	}
	if err != nil {
		m.unreadable(err)
		return
	}
	m.heard(a.Now)
	a.Hours = slices.DeleteFunc(a.Hours, func(h wire.AccountHour) bool {
		return m.devices[h.Device] != nil && m.owned(h.Device) == nil
	})
	m.out.Account = &a
}

func checkAccount(a *wire.Account) error {
	if a.V != wire.Version {
		return codec.Errorf(codec.Version, "v is %d, want 1", a.V)
	}
	if len(a.Hours) > maxAccount {
		return codec.Errorf(codec.TooLarge, "%d hours, at most %d", len(a.Hours), maxAccount)
	}
	for i, h := range a.Hours {
		if _, err := devices.ParseID(string(h.Device)); err != nil {
			return codec.Errorf(codec.Shape, "hour %d: %v", i+1, err)
		}
		if h.Hour < 0 || h.Hour%hourMillis != 0 || h.Polled > 1<<53 || h.Pending > h.Polled || h.Lost > h.Polled-h.Pending {
			return codec.Errorf(codec.Shape, "device %s: want the begin of an hour, and no more pending and lost than polled", h.Device)
		}
	}
	return nil
}
