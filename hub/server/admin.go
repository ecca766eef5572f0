package server

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/pprof"
	"slices"
	"strconv"

	"gridhub/devices"
	"gridhub/devices/telemetry"
	"gridhub/hub/api"
	"gridhub/hub/broker"
	"gridhub/hub/history"
	"gridhub/hub/registry"
)

// adminRoutes is what the command line asks over the socket in the data
// folder. Whoever can open that socket owns the data. Profiles of the running
// program are there too, and nowhere on the network:
//
//	curl --unix-socket data/hub/hub.sock -o cpu.prof 'http://hub/debug/pprof/profile?seconds=5'
func (h *Hub) adminRoutes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /devices", h.addDevice)
	mux.HandleFunc("GET /devices", h.listDevices)
	mux.HandleFunc("POST /devices/{id}/revoke", h.byHand("identity.revoke", h.revokeDevice))
	mux.HandleFunc("POST /devices/{id}/holder", h.byHand("device.give", h.giveDevice))
	mux.HandleFunc("POST /devices/{id}/replace", h.byHand("device.replace", h.replaceDevice))
	mux.HandleFunc("POST /devices/{id}/secret", h.byHand("identity.secret", h.rotateSecret))
	mux.HandleFunc("GET /devices/{id}/certificates", h.certificates)
	mux.HandleFunc("POST /enrolments", h.inviteDevice)
	mux.HandleFunc("GET /quarantine", h.listQuarantine)
	mux.HandleFunc("POST /quarantine/replay", h.byHand("quarantine.replay", h.replayQuarantine))
	mux.HandleFunc("GET /export", h.byHand("history.export", h.export))
	mux.HandleFunc("GET /backup", h.byHand("backup.make", h.sendBackup))
	mux.HandleFunc("POST /hotline", h.byHand("hotline.import", h.importHotline))
	mux.HandleFunc("GET /hotline/{id}", h.hotlineImport)
	mux.HandleFunc("GET /hotline/{id}/rejected", h.byHand("reporter.look", h.hotlineRejected))
	mux.HandleFunc("GET /audit", h.byHand("audit.look", h.auditLog))
	mux.HandleFunc("GET /audit/chain", h.auditChain)
	mux.HandleFunc("GET /audit/export", h.byHand("audit.export", h.auditExport))
	h.commandRoutes(mux)
	mux.HandleFunc("GET /metrics", h.metrics)
	mux.HandleFunc("GET /debug/pprof/", pprof.Index)
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	return mux
}

func answer(w http.ResponseWriter, v any, err error) {
	if err != nil {
		code := http.StatusBadRequest
		if errors.Is(err, registry.ErrExists) {
			code = http.StatusConflict
		}
		http.Error(w, err.Error(), code)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v) // the reader left; nobody to tell
}

func (h *Hub) addDevice(w http.ResponseWriter, r *http.Request) {
	var p registry.Principal
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 64<<10)).Decode(&p); err != nil {
		answer(w, nil, err)
		return
	}
	if err := broker.CheckConvention(p.Convention, p.Foreign); err != nil {
		answer(w, nil, err)
		return
	}
	if err := h.consoleDid(r.Context(), "identity.add", string(p.ID), map[string]string{"kind": string(p.Kind)}); err != nil {
		answer(w, nil, err)
		return
	}
	secret, err := h.registry.Add(r.Context(), p)
	if err == nil {
		err = h.register(r.Context(), p.ID)
	}
	answer(w, map[string]string{"id": string(p.ID), "secret": secret}, err)
}

func (h *Hub) listDevices(w http.ResponseWriter, _ *http.Request) {
	answer(w, h.registry.List(), nil)
}

func (h *Hub) revokeDevice(w http.ResponseWriter, r *http.Request) {
	answer(w, struct{}{}, h.registry.Revoke(r.Context(), devices.ID(r.PathValue("id"))))
}

func (h *Hub) listQuarantine(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	list, err := shelf{h.quarantine}.List(r.Context(), q.Get("cause"), devices.ID(q.Get("device")), 1000)
	answer(w, list, err)
}

func (h *Hub) replayQuarantine(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	n, err := shelf{h.quarantine}.Replay(r.Context(), q.Get("cause"), devices.ID(q.Get("device")))
	answer(w, map[string]int{"replayed": n}, err)
}

// export writes line protocol of one device or of all.
func (h *Hub) export(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	from, err1 := strconv.ParseInt(q.Get("from"), 10, 64)
	to, err2 := strconv.ParseInt(q.Get("to"), 10, 64)
	if err := errors.Join(err1, err2); err != nil {
		answer(w, nil, err)
		return
	}
	ids := []devices.ID{devices.ID(q.Get("device"))}
	if ids[0] == "" {
		ids = h.everyDevice()
	}
	for _, id := range ids {
		query := history.Query{Device: id, From: telemetry.Millis(from), To: telemetry.Millis(to)}
		if err := h.history.Export(r.Context(), w, query); err != nil {
			fmt.Fprintf(w, "# %s: %v\n", id, err) // a comment in line protocol: the reader sees that it is not whole
			return
		}
	}
}

func (h *Hub) everyDevice() []devices.ID {
	var out []devices.ID
	for _, p := range h.registry.List() {
		out = append(out, p.ID)
	}
	for _, d := range h.registry.Stocked() { // also those that are gone: their history stays
		out = append(out, d.ID)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// metrics writes counters and gauges as Prometheus reads them.
func (h *Hub) metrics(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; version=0.0.4")
	j := h.journal.Stats()
	fmt.Fprintf(w, "gridhub_journal_bytes %d\ngridhub_journal_segments %d\ngridhub_journal_records_total %d\ngridhub_journal_commits_total %d\n",
		j.Bytes, j.Segments, j.Records, j.Commits)
	stats := h.broker.Stats()
	for _, name := range slices.Sorted(maps.Keys(stats)) {
		fmt.Fprintf(w, "gridhub_broker{counter=%q} %d\n", name, stats[name])
	}
	for _, s := range h.intake.Stats() {
		fmt.Fprintf(w, "gridhub_consumer_lag{consumer=%q} %d\ngridhub_consumer_failures_total{consumer=%q} %d\ngridhub_consumer_poisoned_total{consumer=%q} %d\n",
			s.Name, s.Lag, s.Name, s.Failures, s.Name, s.Poisoned)
	}
	h.conditions.metrics(w)
	t := h.writer.Totals()
	fmt.Fprintf(w, "gridhub_history_stored_total %d\ngridhub_history_rejected_total %d\ngridhub_history_waiting %d\n", t.Stored, t.Rejected, t.Waiting)
	h.commandMetrics(w)
	for _, p := range (parts{h}).Parts() {
		fmt.Fprintf(w, "gridhub_part_ok{part=%q} %d\n", p.Name, ok(p))
	}
}

func ok(p api.Part) int {
	if p.State == "ok" {
		return 1
	}
	return 0
}
