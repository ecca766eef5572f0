package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"gridhub/hub/geo"
	"gridhub/hub/identity"
	"gridhub/hub/people"
	"gridhub/hub/store/storetest"
	"gridhub/hub/tasks"
)

// crew are handlers and their departments; a session is the name of one, or of a
// dispatcher.
type crew map[identity.PersonID]string

func (c crew) Session(_ context.Context, session string) (identity.Principal, error) {
	if session == "desk" {
		return identity.Principal{Account: "desk", Roles: []identity.Role{identity.Dispatcher}}, nil
	}
	return identity.Principal{Account: session, Person: identity.PersonID(session), Roles: []identity.Role{identity.Handler}}, nil
}

func (c crew) Person(_ context.Context, id identity.PersonID) (people.Staff, error) {
	if c[id] == "" {
		return people.Staff{}, errors.New("nobody")
	}
	return people.Staff{ID: id, Department: c[id]}, nil
}

// reach is that of a field worker.
func (c crew) reach(_ context.Context, p identity.Principal, _ ...identity.Role) identity.Reach {
	return identity.Reach{Marks: []string{string(p.Person)}, Hands: []string{tasks.HandOf(c[p.Person])}}
}

type doorOf struct {
	others
	crew
}

func (d doorOf) Session(ctx context.Context, s string) (identity.Principal, error) {
	return d.crew.Session(ctx, s)
}

type staffOf struct {
	Staff
	crew
}

func (s staffOf) Person(ctx context.Context, id identity.PersonID) (people.Staff, error) {
	return s.crew.Person(ctx, id)
}

// TestACoHandlerSeesTheCaseWhileItIsHisBusiness asks as the lead, as people of the
// departments that help and sign, and as somebody who has no part in it.
func TestACoHandlerSeesTheCaseWhileItIsHisBusiness(t *testing.T) {
	now := func() time.Time { return time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC) }
	c := crew{"lead": "HC", "es": "ES", "es2": "ES", "fr": "FR", "stranger": "TP"}
	m := tasks.Matter{Code: "AQ06", Domain: "safety", Privacy: "public", Name: people.Name{ZH: "危房"}, Lead: "HC", With: []string{"ES", "FR"},
		Must: []string{"ES"}, Cosign: tasks.Signing{Signers: []string{"FR"}, Quorum: 1, Veto: []string{"FR"}}, Auto: []tasks.EventType{tasks.Screened, tasks.Filed}}
	pool, err := tasks.Open(t.Context(), storetest.Open(t), tasks.Options{Matters: []tasks.Matter{m}, Calendar: tasks.OfficeHours(time.UTC), Now: now,
		Department: func(_ context.Context, p identity.PersonID) string { return c[p] }})
	if err != nil {
		t.Fatal(err)
	}
	one, err := pool.Report(t.Context(), identity.System, tasks.Report{ID: "report-1", Matter: "AQ06", Source: "hotline", Reporter: "王先生 13800138000", Place: geo.Point{Lon: 120.16, Lat: 30.27}})
	if err != nil {
		t.Fatal(err)
	}
	a := New(Deps{Audit: openAudit(t), Accounts: doorOf{crew: c}, Staff: staffOf{crew: c}, Cases: pool, Reach: c.reach, Clock: now})
	n := 0
	ask := func(who, method, path, body string) *httptest.ResponseRecorder {
		r := httptest.NewRequestWithContext(t.Context(), method, "/api/v1/cases"+path, strings.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		r.AddCookie(&http.Cookie{Name: SessionCookie, Value: who})
		w := httptest.NewRecorder()
		a.ServeHTTP(w, r)
		return w
	}
	step := func(who, rest string, want int) {
		t.Helper()
		n++
		if w := ask(who, "POST", "/"+string(one.ID)+"/commands", fmt.Sprintf(`{"id":"step-%04d",%s}`, n, rest)); w.Code != want {
			t.Fatalf("%s %s: %d %s, want %d", who, rest, w.Code, w.Body, want)
		}
	}
	sees := func(when, want string) {
		t.Helper()
		got := []string{}
		for _, who := range []string{"lead", "es", "es2", "fr", "stranger"} {
			var list []tasks.Case
			w := ask(who, "GET", "?open=true&assignee=me", "")
			if err := json.Unmarshal(w.Body.Bytes(), &list); err != nil {
				t.Fatal(err)
			}
			view := ask(who, "GET", "/"+string(one.ID), "")
			if len(list) == 1 {
				got = append(got, who)
				if view.Code != http.StatusOK || who != "lead" && strings.Contains(view.Body.String(), "13800138000") {
					t.Errorf("%s: %s opens it: %d, or sees who called", when, who, view.Code)
				}
			} else if who == "stranger" && view.Code != http.StatusNotFound {
				t.Errorf("%s: a stranger opens it: %d", when, view.Code)
			}
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s: %v have it, want %s", when, got, want)
		}
	}
	sees("filed", "")
	step("desk", `"type":"dispatched","assignee":"lead"`, 200)
	sees("dispatched", "lead es es2")
	step("fr", `"type":"taken","order":1`, 403)
	step("es", `"type":"taken","order":1`, 200)
	sees("taken", "lead es")
	step("lead", `"type":"accepted"`, 200)
	step("lead", `"type":"onscene"`, 200)
	step("lead", `"type":"claimed"`, 422)
	step("lead", `"type":"cosign"`, 200)
	sees("asked", "lead es fr")
	step("es", `"type":"agreed"`, 422)
	step("fr", `"type":"agreed"`, 200)
	step("es", `"type":"done","order":1`, 200)
	sees("signed and done", "lead")
}
