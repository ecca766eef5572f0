package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"

	"gridhub/devices"
	"gridhub/edge/poll"
)

// page serves /healthz and /metrics on this machine. A nil page serves
// nothing.
type page struct {
	listener net.Listener
	server   *http.Server
}

// newPage takes the port, so that a port in use is told at the start.
func newPage(cfg HTTP, g *Gateway) (*page, error) {
	if cfg.Address == "" {
		return nil, nil
	}
	l, err := net.Listen("tcp", cfg.Address)
	if err != nil {
		return nil, fmt.Errorf("http.address: %w", err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", g.healthz)
	mux.HandleFunc("GET /metrics", g.metrics)
	return &page{l, &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second, WriteTimeout: 10 * time.Second}}, nil
}

func (p *page) serve(ctx context.Context) {
	if p == nil {
		return
	}
	stop := context.AfterFunc(ctx, p.close)
	defer stop()
	_ = p.server.Serve(p.listener) // ends with ErrServerClosed
}

func (p *page) close() {
	if p != nil {
		_ = p.server.Close()
		_ = p.listener.Close()
	}
}

// Address is where /healthz and /metrics are served; "" if nowhere.
func (g *Gateway) Address() string {
	if g.page == nil {
		return ""
	}
	return g.page.listener.Addr().String()
}

// Health says whether readings can be stored. A hub that is away is no
// illness: that is what the spool is for.
func (g *Gateway) Health() error {
	var errs []error
	for _, st := range g.spool.Status() {
		if st.Err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", st.Stream, st.Err))
		}
	}
	return errors.Join(errs...)
}

// finding is what is probably wrong with a line, in an installer's words.
type finding struct {
	Line   string     `json:"line"`
	Device devices.ID `json:"device,omitempty"`
	ZH     string     `json:"zh"`
	EN     string     `json:"en"`
}

func (g *Gateway) findings() (all []finding) {
	for _, l := range g.crew.all() {
		for _, f := range l.Findings() {
			all = append(all, finding{l.Name(), f.Device, f.Text.ZH, f.Text.EN})
		}
	}
	return all
}

func (g *Gateway) healthz(w http.ResponseWriter, _ *http.Request) {
	answer := map[string]any{"ok": true, "hub": g.uplink.Status().Online}
	if found := g.findings(); len(found) > 0 {
		answer["findings"] = found
	}
	answer["config"] = g.running().config
	if wrong := g.mistakes(); len(wrong) > 0 {
		answer["config_problems"] = strings.Split(wrong.Error(), "\n")
	}
	g.tellIdentity(answer)
	w.Header().Set("Content-Type", "application/json")
	if err := g.Health(); err != nil {
		answer["ok"], answer["error"] = false, err.Error()
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	_ = json.NewEncoder(w).Encode(answer)
}

// metrics writes the counts in Prometheus' text format, version 0.0.4.
func (g *Gateway) metrics(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
	online := 0
	hub := g.uplink.Status()
	if hub.Online {
		online = 1
	}
	head(w, "gridhub_edge_hub_online", "gauge", "1 while connected to the hub.")
	fmt.Fprintf(w, "gridhub_edge_hub_online %d\n", online)
	head(w, "gridhub_edge_hub_connects_total", "counter", "Connections made to the hub.")
	fmt.Fprintf(w, "gridhub_edge_hub_connects_total %d\n", hub.Connects)
	g.clockMetrics(w)
	g.identityMetrics(w)
	g.spoolMetrics(w)
	g.deviceMetrics(w)
}

func (g *Gateway) clockMetrics(w io.Writer) {
	clock, set := g.spool.Clock(), 0
	if clock.Set {
		set = 1
	}
	head(w, "gridhub_edge_clock_set", "gauge", "1 if the machine's clock was ever set, or the hub told the time.")
	fmt.Fprintf(w, "gridhub_edge_clock_set %d\n", set)
	head(w, "gridhub_edge_clock_steps_total", "counter", "How often the clock was set by more than 5 s.")
	fmt.Fprintf(w, "gridhub_edge_clock_steps_total %d\n", clock.Steps)
}

func (g *Gateway) spoolMetrics(w io.Writer) {
	status := g.spool.Status()
	for _, m := range []struct {
		name, kind, help string
		value            func(i int) uint64
	}{
		{"gridhub_edge_records_total", "counter", "Numbers given out.", func(i int) uint64 { return status[i].Next - 1 }},
		{"gridhub_edge_waiting", "gauge", "Numbers that the hub has not acknowledged.", func(i int) uint64 { return status[i].Waiting() }},
		{"gridhub_edge_refused_total", "counter", "Readings lost because they could not be stored.", func(i int) uint64 { return status[i].Refused }},
		{"gridhub_edge_spool_bytes", "gauge", "Bytes on disk.", func(i int) uint64 { return uint64(status[i].Bytes) }},
	} {
		head(w, m.name, m.kind, m.help)
		for i, st := range status {
			fmt.Fprintf(w, "%s{stream=%q} %d\n", m.name, st.Stream, m.value(i))
		}
	}
}

func (g *Gateway) deviceMetrics(w io.Writer) {
	all := map[devices.ID]poll.Stats{}
	var ids []devices.ID
	for _, l := range g.crew.all() {
		for id, st := range l.Stats() {
			all[id] = st
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	head(w, "gridhub_edge_polls_total", "counter", "Readings tried, by device.")
	for _, id := range ids {
		fmt.Fprintf(w, "gridhub_edge_polls_total{device=%q} %d\n", id, all[id].Polls)
	}
	head(w, "gridhub_edge_device_answers", "gauge", "1 if the newest reading succeeded, by device.")
	for _, id := range ids {
		answers := 1
		if all[id].Cause != "" {
			answers = 0
		}
		fmt.Fprintf(w, "gridhub_edge_device_answers{device=%q} %d\n", id, answers)
	}
	head(w, "gridhub_edge_polls_failed_total", "counter", "Readings without an answer, by device.")
	for _, id := range ids {
		fmt.Fprintf(w, "gridhub_edge_polls_failed_total{device=%q} %d\n", id, all[id].Failed)
	}
}

func head(w io.Writer, name, kind, help string) {
	fmt.Fprintf(w, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, kind)
}
