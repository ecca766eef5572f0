package live

import (
	"gridhub/devices"
	"gridhub/devices/telemetry"
)

// Failed notes why a reading of a device gave no values: line-down, timeout,
// damaged, exception-2 and so on, in the gateway's word. The values stay what
// they were, with their times. An older failure changes nothing, and the next
// reading with values ends it.
func (b *Board) Failed(id devices.ID, at telemetry.Millis, cause string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	d := b.devices[id]
	if d == nil || at < d.Heard || d.Failure == cause {
		return
	}
	b.device(id).Failure = cause
}
