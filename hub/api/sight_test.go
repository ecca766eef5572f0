package api

import (
	"bufio"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"gridhub/devices"
	"gridhub/devices/telemetry"
	"gridhub/devices/wire"
	"gridhub/hub/commands"
	"gridhub/hub/geo"
	"gridhub/hub/health"
	"gridhub/hub/identity"
	"gridhub/hub/live"
	"gridhub/hub/rules"
	"gridhub/hub/tasks"
)

// fitter is a doorman whose installer looks after one grid.
type fitter struct{ doorman }

func (fitter) Session(ctx context.Context, session string) (identity.Principal, error) {
	p, err := doorman{}.Session(ctx, session)
	if session == "installer" {
		p.Scopes = map[identity.Role][]identity.Scope{identity.Installer: {identity.OfGrid("g-1")}}
	}
	return p, err
}

// busy is a board on which one of everything has happened, and a stream that
// ends behind it.
func busy(t *testing.T) (*live.Board, Changes) {
	t.Helper()
	b := live.NewBoard(time.Now)
	b.Describe("gw", wire.Entry{ID: "pump-1", Kind: "pressure", Place: wire.Place{Grid: "g-1"}})
	b.Describe("gw", wire.Entry{ID: "pump-2", Kind: "pressure", Place: wire.Place{Grid: "g-2"}})
	b.Describe("gw", wire.Entry{ID: "tracker", Kind: live.PositionKind, Place: wire.Place{Grid: "g-1"}})
	b.Move(&telemetry.Position{Device: "tracker", Lon: 120.1, Lat: 30.2, At: 5}, "g-1")
	c := make(chan live.Change, 16) // all that is sent below
	for _, d := range b.Devices() {
		c <- live.Change{Body: d}
	}
	c <- live.Change{Body: live.PersonState{ID: "p-017", Position: &geo.Point{Lon: 120.1, Lat: 30.2}}}
	c <- live.Change{Body: tasks.Case{ID: "c-1", Title: "夜市噪声"}}
	c <- live.Change{Body: rules.Hazard{ID: "h-1", Device: "pump-1"}}
	c <- live.Change{Body: commands.Instruction{ID: "order-1", Device: "pump-1"}}
	c <- live.Change{Body: commands.Instruction{ID: "order-2", Device: "pump-2"}}
	c <- live.Change{Body: health.Outage{ID: "f-1", Subject: health.Subject{Gateway: "gw"}}}
	close(c)
	return b, feed(c)
}

// feed gives everybody the same changes.
type feed chan live.Change

func (f feed) Subscribe() (<-chan live.Change, func()) { return f, func() {} }

// told are the events that a role's stream carries: name and body.
func told(t *testing.T, accounts Accounts, role string) (events []string, whole string) {
	t.Helper()
	board, changes := busy(t)
	a := New(Deps{Audit: openAudit(t), Accounts: accounts, Now: board, Changes: changes, Clock: time.Now})
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/api/v1/stream", nil)
	r.AddCookie(&http.Cookie{Name: SessionCookie, Value: role})
	w := httptest.NewRecorder()
	a.ServeHTTP(w, r)
	if w.Code != http.StatusOK {
		t.Fatalf("%s: %d %s", role, w.Code, w.Body)
	}
	whole = w.Body.String()
	for lines := bufio.NewScanner(strings.NewReader(whole)); lines.Scan(); {
		if name, ok := strings.CutPrefix(lines.Text(), "event: "); ok {
			events = append(events, name)
		}
	}
	return events, whole
}

// TestAnInstallersStreamCarriesDevicesOnly: nothing of people or cases, and of
// devices those of the scope.
func TestAnInstallersStreamCarriesDevicesOnly(t *testing.T) {
	events, whole := told(t, fitter{}, "installer")
	if got := strings.Join(events, " "); got != "hello device device command fault" {
		t.Errorf("an installer is told %q", got)
	}
	for _, word := range []string{"p-017", "c-1", "h-1", "夜市", "pump-2", "order-2", "120.1"} {
		if strings.Contains(whole, word) {
			t.Errorf("an installer is told %q:\n%s", word, whole)
		}
	}
	if events, _ := told(t, fitter{}, "dispatcher"); len(events) != 10 {
		t.Errorf("a dispatcher is told %v, want everything", events)
	}
	if events, whole := told(t, doorman{}, "installer"); len(events) != 7 || strings.Contains(whole, "p-017") || strings.Contains(whole, "120.1") {
		t.Errorf("an installer without bounds is told %v", events)
	}
}

// TestAnInstallerSeesTheDevicesOfTheScope asks the operations.
func TestAnInstallerSeesTheDevicesOfTheScope(t *testing.T) {
	board, _ := busy(t)
	a := New(Deps{Audit: openAudit(t), Accounts: fitter{}, Now: board, History: flat{}, Clock: time.Now})
	r := httptest.NewRequest(http.MethodGet, "/api/v1/devices", nil)
	r.AddCookie(&http.Cookie{Name: SessionCookie, Value: "installer"})
	w := httptest.NewRecorder()
	a.ServeHTTP(w, r)
	var list []live.DeviceState
	if err := json.Unmarshal(w.Body.Bytes(), &list); err != nil || len(list) != 2 || list[0].ID != "pump-1" || list[1].ID != "tracker" || list[1].Fix != nil {
		t.Errorf("%v %s", err, w.Body)
	}
	for path, want := range map[string]int{"devices/pump-1/series?metric=pressure": 200, "devices/pump-2/series?metric=pressure": 404, "people": 403, "cases": 403, "hazards": 403} {
		if got := ask(a, http.MethodGet, "/api/v1/"+path, "installer"); got != want {
			t.Errorf("%s: %d, want %d", path, got, want)
		}
	}
}

// flat is a history of nothing.
type flat struct{}

func (flat) Series(context.Context, devices.ID, string, telemetry.Millis, telemetry.Millis, int64, string) ([]Sample, error) {
	return []Sample{}, nil
}
