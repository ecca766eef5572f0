package live

import (
	"gridhub/devices"
	"gridhub/devices/telemetry"
)

// Fault notes why a reading of a device gave no values: line-down, timeout,
// damaged, exception-2 and so on, in the gateway's word. The values stay what
// they were, with their times. An older fault changes nothing, and the next
// reading with values ends it.
func (b *Board) Fault(id devices.ID, at telemetry.Millis, cause string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.devices[id] == nil || at < b.devices[id].Heard {
		return
	}
	b.device(id).Cause = cause
}
