package main

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"testing"
	"time"

	"gridhub/configs"
	"gridhub/devices/telemetry"
	"gridhub/hub/api"
	"gridhub/hub/audit"
	"gridhub/hub/dispatch"
	"gridhub/hub/evidence"
	"gridhub/hub/geo"
	"gridhub/hub/identity"
	"gridhub/hub/patrol"
	"gridhub/hub/people"
	"gridhub/hub/registry"
	"gridhub/hub/store/storetest"
	"gridhub/hub/tasks"
	"gridhub/scripts/hubclient"
)

// ground is the part of the hub that walkers speak to, with its real features
// on a real database behind the real HTTP API; only the broker is absent.
type ground struct {
	*street
	*httptest.Server
	pool   *tasks.Pool
	rounds *patrol.Rounds
	staff  *people.Directory
}

const secret = "correct horse battery staple"

func raise(t *testing.T) *ground {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	g := &ground{street: demo(t)}
	ctx, db := t.Context(), storetest.Open(t)
	var err error
	g.staff, err = people.OpenDirectory(ctx, db)
	must(err)
	var all []people.Staff
	for _, s := range g.street.staff {
		all = append(all, s)
	}
	must(g.staff.Import(ctx, all))
	accounts := people.OpenAccounts(db, time.Now)
	must(accounts.Put(ctx, people.Account{Name: "p-001", Person: "p-001", Roles: []identity.Role{identity.Handler}}, secret))
	must(accounts.Put(ctx, people.Account{Name: "desk", Roles: []identity.Role{identity.Dispatcher, identity.Checker}}, secret))
	terminals, err := registry.Open(ctx, db, time.Now)
	must(err)
	var matter tasks.Matter
	must(configs.ReadFile("../../configs/matters/AQ03.yaml", &matter))
	g.pool, err = tasks.Open(ctx, db, tasks.Options{Matters: []tasks.Matter{matter}, Calendar: tasks.OfficeHours(g.zone), Now: time.Now})
	must(err)
	photos, err := evidence.Open(ctx, db, evidence.Config{Folder: filepath.Join(t.TempDir(), "evidence"), Zone: g.zone, Clock: time.Now})
	must(err)
	g.rounds, err = patrol.Open(ctx, db, g.routes, photos, g.zone, time.Now)
	must(err)
	acts, err := audit.Open(ctx, db, audit.Options{Now: time.Now})
	must(err)
	g.Server = httptest.NewServer(api.New(api.Deps{Audit: acts, Accounts: accounts, Terminals: terminals, Staff: g.staff, Cases: g.pool, Evidence: photos,
		Reach: g.staff.Reach, Patrols: g.rounds, Dispatch: dispatch.New(dispatch.Default(), g.pool, g, g.roads, time.Now), Clock: time.Now, Log: slog.New(slog.DiscardHandler)}))
	t.Cleanup(g.Close)
	return g
}

// Everybody is on duty at the centre.
func (g *ground) Everybody(ctx context.Context) ([]dispatch.Someone, error) {
	all, err := g.staff.List(ctx)
	var out []dispatch.Someone
	for _, s := range all {
		on, err := g.staff.OnDuty(ctx, s.ID, telemetry.At(time.Now()))
		if err != nil {
			return nil, err
		}
		out = append(out, dispatch.Someone{ID: s.ID, Force: string(s.Force), Department: s.Department, Grids: s.Grids, OnDuty: on,
			Position: &geo.Point{Lon: 120.16, Lat: 30.275}, FixAt: telemetry.At(time.Now())})
	}
	return out, err
}

// employ signs p-001 in and puts the person on a route.
func (g *ground) employ(t *testing.T) *worker {
	t.Helper()
	h := newHub(g.URL)
	me, err := h.SignIn(t.Context(), "p-001", secret)
	if err != nil || me.Person != "p-001" {
		t.Fatalf("signed in as %+v, %v", me, err)
	}
	id, key, err := h.bind(t.Context(), "")
	if err != nil || id == "" || key == "" {
		t.Fatalf("bound %q, %v", id, err)
	}
	again, _, err := h.bind(t.Context(), id)
	if err != nil || again != id {
		t.Fatalf("bound again as %q, %v; want %q", again, err, id)
	}
	if err := h.duty(t.Context(), true); err != nil {
		t.Fatal(err)
	}
	return newWorker(options{answer: 1, every: time.Second}, g.street, 0, g.street.staff["p-001"], g.routes[0], h, id, key, slog.New(slog.DiscardHandler))
}

func (g *ground) leak(t *testing.T) tasks.Case {
	t.Helper()
	at := telemetry.At(time.Now().Add(-time.Minute))
	c, err := g.pool.Report(t.Context(), identity.System, tasks.Report{ID: "hazard-0001", Matter: "AQ03", Source: "sensor",
		Severity: "major", Place: geo.Point{Lon: 120.162, Lat: 30.277}, Grid: "G07", At: at})
	if err != nil || c.State != tasks.Filed {
		t.Fatalf("%s, %v", c.State, err)
	}
	return c
}

// A hazard is dispatched by the desk, handled by the walker, checked and
// closed, through nothing but the HTTP API.
func TestACaseMovesByItself(t *testing.T) {
	g := raise(t)
	w := g.employ(t)
	d := &desk{hub: newHub(g.URL), share: 1, walkers: map[identity.PersonID]bool{"p-001": true}, log: w.log}
	if _, err := d.hub.SignIn(t.Context(), "desk", secret); err != nil {
		t.Fatal(err)
	}
	id := g.leak(t).ID
	later := time.Now()
	for range 60 {
		later = later.Add(time.Minute) // the desk's patience and the walker's pauses pass
		d.look(t.Context(), later)
		if w.job == "" {
			w.look(t.Context())
		} else {
			w.walker.advance(time.Minute)
			w.work(t.Context(), later)
		}
		if c, _, err := g.pool.Get(t.Context(), id); err != nil {
			t.Fatal(err)
		} else if c.State == tasks.Closed {
			break
		}
	}
	c, events, err := g.pool.Get(t.Context(), id)
	if err != nil || c.State != tasks.Closed || c.Assignee != "p-001" || len(c.Evidence) != 2 || w.job != "" {
		t.Fatalf("%s of %s with %d photos, worker still on %q, %v; events %v", c.State, c.Assignee, len(c.Evidence), w.job, err, types(events))
	}
	for _, e := range events {
		if e.Type == tasks.Onscene && (e.Body.Near == nil || *e.Body.Near > 20) {
			t.Errorf("arrived %v m away", *e.Body.Near)
		}
	}
}

func types(events []tasks.Event) (out []tasks.EventType) {
	for _, e := range events {
		out = append(out, e.Type)
	}
	return out
}

// A case that somebody else was given meanwhile is let go.
func TestALostCaseIsLetGo(t *testing.T) {
	g := raise(t)
	w := g.employ(t)
	c := g.leak(t)
	give := func(p identity.PersonID) {
		t.Helper()
		cmd := tasks.Command{ID: "give-to-" + string(p), Case: c.ID, Type: tasks.Dispatched, Assignee: p, At: telemetry.At(time.Now())}
		if _, err := g.pool.Do(t.Context(), identity.System, cmd); err != nil {
			t.Fatal(err)
		}
	}
	give("p-001")
	w.look(t.Context())
	w.work(t.Context(), time.Now().Add(time.Hour))
	if w.job != c.ID {
		t.Fatalf("works on %q, want %s", w.job, c.ID)
	}
	give("p-002")
	w.work(t.Context(), time.Now().Add(2*time.Hour))
	if w.job != "" {
		t.Errorf("still on %s, which is another's", w.job)
	}
}

func TestASessionThatEndedIsOpenedAgain(t *testing.T) {
	g := raise(t)
	w := g.employ(t)
	if err := w.hub.Call(t.Context(), "DELETE", "/api/v1/session", nil, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := w.hub.cases(t.Context(), "open=true&assignee=me"); err != nil {
		t.Errorf("after the session ended: %v", err)
	}
	if err := w.hub.Call(t.Context(), "DELETE", "/api/v1/session", nil, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := w.hub.SignIn(t.Context(), "p-001", "not the password"); hubclient.Status(err) != http.StatusUnauthorized {
		t.Errorf("a wrong password: %v", err)
	}
	if _, err := w.hub.cases(t.Context(), "open=true"); err == nil {
		t.Error("got in with a wrong password")
	}
	if _, err := w.hub.SignIn(t.Context(), "p-001", secret); err != nil {
		t.Fatal(err)
	}
	w.goHome()
	if on, err := g.staff.OnDuty(t.Context(), "p-001", telemetry.At(time.Now().Add(time.Second))); err != nil || on {
		t.Errorf("on duty %v, %v after going home", on, err)
	}
}

func TestAStopIsCheckedIn(t *testing.T) {
	g := raise(t)
	w := g.employ(t)
	now := time.Now()
	stop := w.round.step(w.walker, now.Add(5*time.Minute))
	if stop == nil {
		t.Fatal("stands at the first stop and does not know it")
	}
	w.visit(t.Context(), now, *stop)
	p, err := g.rounds.Progress(t.Context(), now.In(g.zone).Format(time.DateOnly))
	if err != nil || p[0].Done != 1 || p[0].Visits[0].Grade < 90 {
		t.Errorf("%d stops done, visits %+v, %v", p[0].Done, p[0].Visits, err)
	}
}
