package server

import (
	"context"
	"encoding/json"
	"errors"

	"gridhub/devices"
	"gridhub/devices/codec/influx"
	"gridhub/devices/telemetry"
	"gridhub/hub/api"
	"gridhub/hub/broker"
	"gridhub/hub/intake"
)

// writers bring line protocol that came over HTTP to the intake.
type writers struct{ h *Hub }

func (w writers) Writer(token string) (devices.ID, error) {
	p, err := w.h.registry.Token(token)
	if err == nil && p.Kind != devices.Sensor && p.Kind != devices.Gateway {
		err = api.ErrNotAWriter
	}
	return p.ID, err
}

// Write waits until all payloads are in the journal. One that failed fails all:
// the client sends them again, and what is there already repeats.
func (w writers) Write(ctx context.Context, from devices.ID, unit influx.Precision, payloads [][]byte) error {
	done := make(chan error, len(payloads)) // nobody waits who has left
	for _, p := range payloads {
		w.h.intake.Accept(intake.Raw{At: telemetry.At(w.h.now()), From: from, Topic: "influx/" + string(unit), Payload: p, QoS: 1},
			func(err error) { done <- err })
	}
	var errs []error
	for range payloads {
		select {
		case err := <-done:
			errs = append(errs, err)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return errors.Join(errs...)
}

// tell sends a foreign sender the answer to what it published.
func (h *Hub) tell(to devices.ID, kind string, payload []byte) {
	if err := h.broker.Send(to, kind, payload, 1); err != nil && !errors.Is(err, broker.ErrNoSession) {
		h.log.Debug("a foreign sender was not answered", "device", to, "kind", kind, "error", err)
	}
}

// greet tells a Sparkplug node, which waits for it, that its primary host is
// there (Sparkplug 3.0.0, chapter 6, "STATE").
func (h *Hub) greet(id devices.ID) {
	if p, _ := h.registry.Get(id); p.Convention != "sparkplug" {
		return
	}
	state, err := json.Marshal(map[string]any{"online": true, "timestamp": h.now().UnixMilli()})
	if err != nil {
		panic(err) // plain values
	}
	h.tell(id, "spb/STATE/"+sparkplugHost, state)
}

// sparkplugHost is the hub's name among Sparkplug's hosts.
const sparkplugHost = "gridhub"
