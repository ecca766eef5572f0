package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"path/filepath"
	"slices"

	"gridhub/devices"
	"gridhub/devices/wire"
	"gridhub/hub/broker"
	"gridhub/hub/commands"
	"gridhub/hub/intake"
	"gridhub/hub/registry"
)

func (h *Hub) openCommands(ctx context.Context) (err error) {
	if h.keys, err = commands.OpenKeys(filepath.Join(h.cfg.Data, "commands")); err != nil {
		return err
	}
	h.commands, err = commands.Open(ctx, h.db, commands.Options{Config: commands.Default(), Keys: h.keys, Devices: routes{h.registry},
		Sender: downward{h}, Changed: func(i commands.Instruction) { h.board.Publish(i) }, Clock: h.now, Log: h.log})
	return err
}

// downward carries commands to receivers, and says why it could not.
type downward struct{ h *Hub }

func (d downward) Connected(id devices.ID) bool { return d.h.broker.Connected(id) }

func (d downward) Send(to devices.ID, kind string, payload []byte, qos byte) error {
	err := d.h.broker.Send(to, kind, payload, qos)
	switch {
	case errors.Is(err, broker.ErrNoSession):
		return commands.Offline
	case errors.Is(err, broker.ErrNotSubscribed):
		return commands.NotSubscribed
	case errors.Is(err, broker.ErrQueueFull):
		return commands.QueueFull
	}
	return err
}

// routes says how devices are reached, as inventories and registrations have it.
type routes struct{ registry *registry.Registry }

func (s routes) Route(id devices.ID) (commands.Route, bool) {
	r := commands.Route{To: id}
	named, known := s.registry.Device(id)
	if known = known && !named.Gone; known {
		r.To, r.Controls = named.Gateway, named.Controls
		for _, m := range named.Metrics {
			r.Metrics = append(r.Metrics, m.Name)
		}
		if named.Gateway != id {
			r.Name = named.Name
		}
	}
	p, connects := s.registry.Get(r.To)
	if !connects || p.Revoked != 0 || !known && p.Kind != devices.Sensor && p.Kind != devices.Gateway {
		return commands.Route{}, false
	}
	r.Convention, r.Foreign = p.Convention, p.Foreign
	return r, true
}

// orders brings what receivers say to the commands that it is about.
type orders struct{ h *Hub }

func (orders) Name() string { return "commands" }

// Handle leaves out what a replay brings again: an answer of long ago, or an
// announcement that a newer one has replaced.
func (o orders) Handle(ctx context.Context, batch []intake.Decoded) error {
	for i := range batch {
		d := &batch[i]
		if !commands.Concerns(d.Topic) || d.Replay != 0 || len(d.Refused) > 0 && d.Body == nil && len(d.Points) == 0 {
			continue
		}
		heard := commands.Heard{From: d.From, Topic: d.Topic, Body: d.Body, At: d.At, Offset: d.Offset, Points: d.Points}
		if p, ok := o.h.registry.Get(d.From); ok {
			heard.Speaks = p.Kind == devices.Gateway
		}
		if err := o.h.commands.Hear(ctx, heard); err != nil {
			return err
		}
	}
	return nil
}

// commandRoutes are what the command line asks about commands.
func (h *Hub) commandRoutes(mux *http.ServeMux) {
	changed := func(change func(key string) error) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			err := change(r.PathValue("key"))
			answer(w, h.keys.List(), err)
		}
	}
	mux.HandleFunc("GET /command-key", changed(func(string) error { return nil }))
	mux.HandleFunc("POST /command-key/prepare", h.byHand("command-key.prepare", changed(func(string) error { return h.keys.Prepare() })))
	mux.HandleFunc("POST /command-key/rotate", h.byHand("command-key.rotate", changed(func(string) error { return h.keys.Rotate() })))
	mux.HandleFunc("POST /command-key/{key}/forget", h.byHand("command-key.forget", changed(h.keys.Forget)))
	mux.HandleFunc("GET /devices/{id}/controls", func(w http.ResponseWriter, r *http.Request) {
		list, _, err := h.commands.Controls(r.Context(), devices.ID(r.PathValue("id")))
		answer(w, list, err)
	})
	mux.HandleFunc("POST /devices/{id}/controls", h.byHand("device.declare", h.declareControl))
	mux.HandleFunc("POST /devices/{id}/controls/{name}/remove", h.byHand("device.withdraw", func(w http.ResponseWriter, r *http.Request) {
		answer(w, struct{}{}, h.commands.Withdraw(r.Context(), devices.ID(r.PathValue("id")), r.PathValue("name")))
	}))
}

func (h *Hub) declareControl(w http.ResponseWriter, r *http.Request) {
	var c wire.Control
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 64<<10)).Decode(&c); err != nil {
		answer(w, nil, err)
		return
	}
	answer(w, struct{}{}, h.commands.Declare(r.Context(), devices.ID(r.PathValue("id")), c))
}

// commandMetrics writes how many commands are under way, and what became of the
// replies: those of strangers are of interest.
func (h *Hub) commandMetrics(w io.Writer) {
	fmt.Fprintf(w, "gridhub_commands_open %d\n", h.commands.Underway())
	counts := h.commands.Counts()
	for _, v := range slices.Sorted(maps.Keys(counts)) {
		fmt.Fprintf(w, "gridhub_command_replies_total{verdict=%q} %d\n", v, counts[v])
	}
}
