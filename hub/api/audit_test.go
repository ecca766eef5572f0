package api

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"gridhub/devices/telemetry"
	"gridhub/hub/audit"
	"gridhub/hub/geo"
	"gridhub/hub/identity"
	"gridhub/hub/people"
	"gridhub/hub/store/storetest"
)

// auditLog is a real one, with what tests ask of it.
type auditLog struct {
	*audit.Log
	t *testing.T
}

func openAudit(t *testing.T) auditLog {
	t.Helper()
	l, err := audit.Open(t.Context(), storetest.Open(t), audit.Options{Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	return auditLog{l, t}
}

// all are the entries, newest first.
func (l auditLog) all() []audit.Line {
	l.t.Helper()
	list, err := l.List(l.t.Context(), audit.Query{})
	if err != nil {
		l.t.Fatal(err)
	}
	return list
}

// full is an audit log whose disk is full.
type full struct{ Audit }

func (full) Append(context.Context, audit.Entry) error { return errors.New("no space left") }

// paths gives everybody the same empty track, and counts who asked.
type paths struct{ asked *int }

func (p paths) Track(context.Context, identity.PersonID, telemetry.Millis, telemetry.Millis) (geo.Track, error) {
	*p.asked++
	return geo.Track{}, nil
}

// gate is a doorman who also signs in: "chief" with one password.
type gate struct{ doorman }

func (gate) SignIn(_ context.Context, t people.Attempt) (string, identity.Principal, error) {
	if t.Account != "chief" || t.Password != "right" {
		return "", identity.Principal{}, people.ErrCredentials
	}
	return "admin", identity.Principal{Account: "chief", Roles: []identity.Role{identity.Admin}}, nil
}

func (gate) Accounts(context.Context) ([]people.Account, error) {
	return []people.Account{{Name: "chief"}}, nil
}

func TestALookAtATrackIsOnRecordFirst(t *testing.T) {
	log, asked := openAudit(t), 0
	d := Deps{Audit: log, Accounts: doorman{}, Tracks: paths{&asked}, Clock: time.Now}
	const path = "/api/v1/people/p-017/track?from=1&to=2"
	for range 2 {
		if got := ask(New(d), http.MethodGet, path, "auditor"); got != http.StatusOK {
			t.Fatalf("%d", got)
		}
	}
	all := log.all()
	if len(all) != 2 || all[0].Act != "track.look" || all[0].Account != "auditor" || all[0].Subject != "p-017" || all[0].Detail["from"] != "1" {
		t.Errorf("recorded %+v", all)
	}
	a := New(d)
	for range 3 {
		ask(a, http.MethodGet, path, "auditor")
	}
	if n := len(log.all()); n != 3 {
		t.Errorf("%d entries: the same look again within ten minutes is one", n)
	}
	asked = 0
	d.Audit = full{log}
	d.Log = slog.New(slog.DiscardHandler)
	if got := ask(New(d), http.MethodGet, path, "auditor"); got != http.StatusServiceUnavailable || asked != 0 {
		t.Errorf("with a log that cannot be written: %d, asked %d times; want 503 and no look", got, asked)
	}
}

func TestWhoIsTurnedAwayIsOnRecord(t *testing.T) {
	log := openAudit(t)
	a := New(Deps{Audit: log, Accounts: doorman{}, Clock: time.Now})
	if got := ask(a, http.MethodGet, "/api/v1/people/p-017/track", "viewer"); got != http.StatusForbidden {
		t.Fatalf("%d", got)
	}
	all := log.all()
	if len(all) != 1 || all[0].Act != "access.refuse" || all[0].Account != "viewer" || all[0].Subject != "track" {
		t.Errorf("recorded %+v", all)
	}
}

func TestSignInsAreOnRecordWithoutWhatWasTyped(t *testing.T) {
	log := openAudit(t)
	a := New(Deps{Audit: log, Accounts: gate{}, Clock: time.Now})
	sign := func(account, password string, want int) {
		t.Helper()
		r := httptest.NewRequest(http.MethodPost, "/api/v1/session", strings.NewReader(`{"account":"`+account+`","password":"`+password+`"}`))
		r.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		a.ServeHTTP(w, r)
		if w.Code != want {
			t.Fatalf("%s: %d %s", account, w.Code, w.Body)
		}
	}
	sign("chief", "right", http.StatusOK)
	sign("chief", "wrong", http.StatusUnauthorized)
	sign("my secret password", "", http.StatusUnauthorized)
	all := log.all()
	slices.Reverse(all)
	if len(all) != 3 || all[0].Act != "session.begin" || all[0].Account != "chief" || all[0].From == "" ||
		all[1].Act != "session.refuse" || all[1].Subject != "chief" || all[1].Detail["failed"] != "401" ||
		all[2].Act != "session.refuse" || all[2].Subject != "" || all[2].Account != audit.Anyone {
		t.Errorf("recorded %+v", all)
	}
}

// TestEveryActIsAnOperation: the table names nothing that is not there.
func TestEveryActIsAnOperation(t *testing.T) {
	for id := range acts {
		if len(access[id]) == 0 {
			t.Errorf("acts names %q, which is no operation", id)
		}
	}
}
