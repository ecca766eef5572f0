package server

import (
	"encoding/json"
	"errors"

	"gridhub/devices"
	"gridhub/devices/wire"
	"gridhub/hub/broker"
)

// tellKeys tells every gateway that is connected which keys sign commands from
// now on. It does not wait for any.
func (h *Hub) tellKeys(lists []wire.Signed) {
	for _, p := range h.registry.List() {
		if p.Kind == devices.Gateway && p.Revoked == 0 {
			h.sendKeys(p.ID, lists)
		}
	}
}

// repeatKeys tells a gateway that has just come what it may have missed.
func (h *Hub) repeatKeys(id devices.ID) {
	if p, ok := h.registry.Get(id); ok && p.Kind == devices.Gateway {
		h.sendKeys(id, h.keys.Lists())
	}
}

func (h *Hub) sendKeys(to devices.ID, lists []wire.Signed) {
	for _, l := range lists {
		payload, err := json.Marshal(l)
		if err == nil {
			err = h.broker.Send(to, wire.Keys, payload, 1)
		}
		if err != nil && !errors.Is(err, broker.ErrNoSession) {
			h.log.Warn("command keys were not delivered; they are repeated on the next connection", "device", to, "error", err)
			return
		}
	}
}
