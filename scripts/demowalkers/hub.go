package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"time"

	"gridhub/devices"
	"gridhub/devices/telemetry"
	"gridhub/hub/api"
	"gridhub/hub/evidence"
	"gridhub/hub/geo"
	"gridhub/hub/identity"
	"gridhub/hub/patrol"
	"gridhub/hub/tasks"
)

// hub is one account's session with the hub's HTTP API, as the handheld's page
// has one. The cookie is kept by hand: it is Secure, and the demo speaks plain
// HTTP on the loopback. When the session has ended it signs in again.
type hub struct {
	base   string
	client *http.Client

	mu                sync.Mutex
	account, password string
	session           string
}

func newHub(base string) *hub {
	return &hub{base: base, client: &http.Client{Timeout: 30 * time.Second}}
}

// statusError is an answer that is no success.
type statusError struct {
	Code int
	Body string
}

func (e *statusError) Error() string { return fmt.Sprintf("%d: %s", e.Code, e.Body) }

// call sends in as JSON (nil = nothing) and decodes the answer into out.
func (h *hub) call(ctx context.Context, method, path string, in, out any) error {
	var body []byte
	if in != nil {
		var err error
		if body, err = json.Marshal(in); err != nil {
			return err
		}
	}
	return h.send(ctx, method, path, "application/json", body, out)
}

// send asks once, and once more after signing in again when the session has
// ended.
func (h *hub) send(ctx context.Context, method, path, kind string, body []byte, out any) error {
	err := h.try(ctx, method, path, kind, body, out)
	var s *statusError
	if !errors.As(err, &s) || s.Code != http.StatusUnauthorized || path == sessionPath {
		return err
	}
	if _, err := h.signIn(ctx, h.account, h.password); err != nil {
		return err
	}
	return h.try(ctx, method, path, kind, body, out)
}

func (h *hub) try(ctx context.Context, method, path, kind string, body []byte, out any) error {
	req, err := http.NewRequestWithContext(ctx, method, h.base+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	if len(body) > 0 {
		req.Header.Set("Content-Type", kind)
	}
	h.mu.Lock()
	if h.session != "" {
		req.AddCookie(&http.Cookie{Name: api.SessionCookie, Value: h.session})
	}
	h.mu.Unlock()
	res, err := h.client.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	data, err := io.ReadAll(io.LimitReader(res.Body, 8<<20))
	if err != nil {
		return err
	}
	if res.StatusCode >= 300 {
		return fmt.Errorf("%s %s: %w", method, path, &statusError{res.StatusCode, string(data[:min(len(data), 300)])})
	}
	h.keepSession(res)
	if out == nil || len(data) == 0 {
		return nil
	}
	return json.Unmarshal(data, out)
}

func (h *hub) keepSession(res *http.Response) {
	for _, c := range res.Cookies() {
		if c.Name == api.SessionCookie {
			h.mu.Lock()
			h.session = c.Value
			h.mu.Unlock()
		}
	}
}

const sessionPath = "/api/v1/session"

func (h *hub) signIn(ctx context.Context, account, password string) (api.Me, error) {
	h.mu.Lock()
	h.account, h.password = account, password
	h.mu.Unlock()
	var me api.Me
	err := h.call(ctx, "POST", sessionPath, map[string]string{"account": account, "password": password}, &me)
	return me, err
}

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
	err = h.call(ctx, "POST", "/api/v1/terminals", in, &out)
	return out.ID, out.Secret, err
}

func (h *hub) duty(ctx context.Context, on bool) error {
	return h.call(ctx, "POST", "/api/v1/duty", map[string]any{"on": on}, nil)
}

func (h *hub) cases(ctx context.Context, query string) ([]tasks.Case, error) {
	var out []tasks.Case
	err := h.call(ctx, "GET", "/api/v1/cases?"+query, nil, &out)
	return out, err
}

func (h *hub) oneCase(ctx context.Context, id identity.CaseID) (tasks.Case, error) {
	var out api.CaseView
	err := h.call(ctx, "GET", "/api/v1/cases/"+string(id), nil, &out)
	return out.Case, err
}

func (h *hub) candidates(ctx context.Context, id identity.CaseID) ([]tasks.Candidate, error) {
	var out []tasks.Candidate
	err := h.call(ctx, "GET", "/api/v1/cases/"+string(id)+"/candidates", nil, &out)
	return out, err
}

// do takes a step. The command's id follows from what the caller looked at, so
// that a repeat after a lost answer is harmless.
func (h *hub) do(ctx context.Context, c tasks.Case, cmd tasks.Command) error {
	cmd.ID = fmt.Sprintf("demo-%s-%d-%s", c.ID, c.Rev, cmd.Type)
	cmd.Rev = c.Rev
	return h.call(ctx, "POST", "/api/v1/cases/"+string(c.ID)+"/commands", cmd, nil)
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
	err := h.send(ctx, "POST", "/api/v1/evidence?"+q.Encode(), "image/jpeg", jpeg, &out)
	return out.Hash, err
}

// checkIn proves a visit of a patrol's stop.
func (h *hub) checkIn(ctx context.Context, v patrol.Visit) error {
	return h.call(ctx, "POST", "/api/v1/checkins", map[string]any{"id": v.ID, "route": v.Route, "point": v.Point,
		"at": v.At, "place": v.Place, "accuracy_m": v.Accuracy, "evidence": v.Evidence}, nil)
}
