package main

import (
	"context"
	"fmt"
	"net/url"
	"strconv"

	"gridhub/devices"
	"gridhub/devices/telemetry"
	"gridhub/hub/api"
	"gridhub/hub/evidence"
	"gridhub/hub/geo"
	"gridhub/hub/identity"
	"gridhub/hub/patrol"
	"gridhub/hub/tasks"
	"gridhub/scripts/hubclient"
)

// hub is one account's session, with the operations that a handheld uses.
type hub struct{ *hubclient.Client }

func newHub(base string) *hub { return &hub{hubclient.New(base)} }

// bind returns the identity and the secret of this person's terminal.
func (h *hub) bind(ctx context.Context, known devices.ID) (id devices.ID, secret string, err error) {
	var out struct {
		ID     devices.ID `json:"id"`
		Secret string     `json:"secret"`
	}
	in := map[string]string{"label": "demo handheld"}
	if known != "" {
		in["known"] = string(known)
	}
	err = h.Call(ctx, "POST", "/api/v1/terminals", in, &out)
	return out.ID, out.Secret, err
}

func (h *hub) duty(ctx context.Context, on bool) error {
	return h.Call(ctx, "POST", "/api/v1/duty", map[string]any{"on": on}, nil)
}

func (h *hub) cases(ctx context.Context, query string) ([]tasks.Case, error) {
	var out []tasks.Case
	err := h.Call(ctx, "GET", "/api/v1/cases?"+query, nil, &out)
	return out, err
}

func (h *hub) oneCase(ctx context.Context, id identity.CaseID) (tasks.Case, error) {
	var out api.CaseView
	err := h.Call(ctx, "GET", "/api/v1/cases/"+string(id), nil, &out)
	return out.Case, err
}

func (h *hub) candidates(ctx context.Context, id identity.CaseID) ([]tasks.Candidate, error) {
	var out []tasks.Candidate
	err := h.Call(ctx, "GET", "/api/v1/cases/"+string(id)+"/candidates", nil, &out)
	return out, err
}

// do takes a step. The command's id follows from what the caller looked at, so
// that a repeat after a lost answer is harmless.
func (h *hub) do(ctx context.Context, c tasks.Case, cmd tasks.Command) error {
	cmd.ID = fmt.Sprintf("demo-%s-%d-%s", c.ID, c.Rev, cmd.Type)
	cmd.Rev = c.Rev
	return h.Call(ctx, "POST", "/api/v1/cases/"+string(c.ID)+"/commands", cmd, nil)
}

// upload sends a photo and returns its hash.
func (h *hub) upload(ctx context.Context, of identity.CaseID, kind string, at telemetry.Millis, p geo.Point, accuracy float64, jpeg []byte) (string, error) {
	q := url.Values{}
	if of != "" {
		q.Set("case", string(of))
	}
	q.Set("kind", kind)
	q.Set("at", strconv.FormatInt(int64(at), 10))
	q.Set("lon", strconv.FormatFloat(p.Lon, 'f', 6, 64))
	q.Set("lat", strconv.FormatFloat(p.Lat, 'f', 6, 64))
	q.Set("accuracy", strconv.FormatFloat(accuracy, 'f', 1, 64))
	var out evidence.Item
	err := h.Send(ctx, "POST", "/api/v1/evidence?"+q.Encode(), "image/jpeg", jpeg, &out)
	return out.Hash, err
}

// checkIn proves a visit of a patrol's stop.
func (h *hub) checkIn(ctx context.Context, v patrol.Visit) error {
	return h.Call(ctx, "POST", "/api/v1/checkins", map[string]any{"id": v.ID, "route": v.Route, "point": v.Point,
		"at": v.At, "place": v.Place, "accuracy_m": v.Accuracy, "evidence": v.Evidence}, nil)
}
