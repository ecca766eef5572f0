package api

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"image"
	"image/jpeg"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"gridhub/devices"
	"gridhub/devices/telemetry"
	"gridhub/devices/wire"
	"gridhub/hub/alike"
	"gridhub/hub/archive"
	"gridhub/hub/dispatch"
	"gridhub/hub/evidence"
	"gridhub/hub/figures"
	"gridhub/hub/geo"
	"gridhub/hub/identity"
	"gridhub/hub/live"
	"gridhub/hub/patrol"
	"gridhub/hub/people"
	"gridhub/hub/recordings"
	"gridhub/hub/rules"
	"gridhub/hub/store/storetest"
	"gridhub/hub/tasks"
)

// town is a street with two departments and two grids, on the real store: one
// case of each, people of each, and one account for every role in every scope.
type town struct {
	t        *testing.T
	api      *API
	pool     *tasks.Pool
	here     tasks.Case // of UM, in G01, p-1's
	there    tasks.Case // of ES, in G02, p-2's
	photos   [2]string
	sessions map[string]string // role@scope -> session
	jpeg     string
	n        int
}

var townTime = time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)

// scopesTried are the scopes that are tried, and whether they reach the case of here.
// The people of every account are p-1, so that own and the others reach here.
var scopesTried = []identity.Scope{identity.Street, identity.OfDepartment("UM"), identity.OfGrid("G01"), identity.Own}

type townTracks struct{}

// townUploads takes everything; townRecordings has nothing.
type townUploads struct{}

func (townUploads) ServeHTTP(w http.ResponseWriter, _ *http.Request, _ identity.Principal) {
	w.WriteHeader(http.StatusCreated)
}

type townRecordings struct{ Recordings }

func (townRecordings) OfCase(context.Context, identity.CaseID) ([]recordings.Recording, error) {
	return nil, nil
}

func (townTracks) Track(context.Context, identity.PersonID, telemetry.Millis, telemetry.Millis) (geo.Track, error) {
	return geo.Track{}, nil
}

type townStreet struct{ Street }

func (townStreet) About() StreetInfo {
	return StreetInfo{TimeZone: "UTC", Departments: []people.Department{{Code: "UM"}, {Code: "ES"}}}
}

type townRoster struct{}

func (townRoster) Everybody(context.Context) ([]dispatch.Someone, error) {
	at := geo.Point{Lon: 120.16, Lat: 30.27}
	return []dispatch.Someone{{ID: "p-1", Department: "UM", OnDuty: true, Position: &at, FixAt: telemetry.At(townTime)},
		{ID: "p-2", Department: "UM", OnDuty: true, Position: &at, FixAt: telemetry.At(townTime)}}, nil
}

// openTown brings everything about.
func openTown(t *testing.T) *town {
	t.Helper()
	ctx, db, now := t.Context(), storetest.Open(t), func() time.Time { return townTime }
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	w := &town{t: t, sessions: map[string]string{}}
	staff, err := people.OpenDirectory(ctx, db)
	must(err)
	must(staff.Import(ctx, []people.Staff{{ID: "p-1", Department: "UM", Grids: []string{"G01"}}, {ID: "p-2", Department: "ES", Grids: []string{"G02"}}}))
	accounts := people.OpenAccounts(db, now)
	must(accounts.Enforce(people.Rules{Key: make([]byte, 32)}))
	matter := func(code, lead string) tasks.Matter {
		return tasks.Matter{Code: code, Domain: "urban", Privacy: "public", Name: people.Name{ZH: "事项"}, Lead: lead, Auto: []tasks.EventType{tasks.Screened, tasks.Filed}}
	}
	w.pool, err = tasks.Open(ctx, db, tasks.Options{Matters: []tasks.Matter{matter("UM01", "UM"), matter("ES01", "ES")}, Calendar: tasks.OfficeHours(time.UTC), Now: now})
	must(err)
	book, err := rules.OpenBook(ctx, db, w.pool, geo.Point{Lon: 120.16, Lat: 30.27}, nil)
	must(err)
	proofs, err := evidence.Open(ctx, db, evidence.Config{Folder: t.TempDir(), Zone: time.UTC, Clock: now,
		Caption: func(context.Context, evidence.Meta) []string { return nil }})
	must(err)
	sealed, err := archive.Open(ctx, db, archive.Options{Folder: t.TempDir(), Pool: w.pool, Evidence: proofs, Zone: time.UTC, Clock: now, Log: slog.New(slog.DiscardHandler)})
	must(err)
	board, err := figures.Open(ctx, db, w.pool, figures.Options{Definitions: figures.Default(), Zone: time.UTC, DayKind: func(time.Time) string { return "workday" }})
	must(err)
	screen := live.NewBoard(now)
	w.api = New(Deps{Audit: openAudit(t), Uploads: townUploads{}, Recordings: townRecordings{}, Accounts: accounts, Street: townStreet{}, Staff: staff, Tracks: townTracks{}, Now: screen, Changes: screen,
		Cases: w.pool, Hazards: book, Dispatch: dispatch.New(dispatch.Default(), w.pool, townRoster{}, nil, now), Evidence: proofs, Archive: sealed,
		Alike: alike.New(w.pool, alike.Default(), now), Merger: w.pool, Patrols: townPatrols{}, Figures: board, Absences: staff,
		FiguresOf: func(r identity.Reach) Figures { return board.Over(reachedPool{w.pool, r}) }, Reach: staff.Reach, Clock: now, Log: slog.New(slog.DiscardHandler)})
	w.here, w.photos[0] = w.happen(proofs, "UM01", "G01", "p-1", 40)
	w.there, w.photos[1] = w.happen(proofs, "ES01", "G02", "p-2", 200)
	for i, grid := range []string{"G01", "G02"} {
		must(book.Apply(ctx, rules.Transition{What: rules.RaisedNow, Hazard: rules.Hazard{ID: identity.HazardID("hazard-" + grid), Matter: []string{"UM01", "ES01"}[i],
			Device: "d", Grid: grid, Place: geo.Point{Lon: 120.16, Lat: 30.27}, Raised: telemetry.At(townTime).Add(time.Duration(-i) * time.Second)}}))
	}
	for _, p := range []identity.PersonID{"p-1", "p-2"} {
		_, err = staff.SetAbsence(ctx, people.Absence{Person: p, From: telemetry.At(townTime), To: telemetry.At(townTime.Add(time.Hour)), Reason: "leave"})
		must(err)
	}
	return w
}

// townPatrols are two routes, each with a visit of somebody.
type townPatrols struct{ Patrols }

func (townPatrols) Progress(context.Context, string) ([]patrol.Progress, error) {
	walked := func(grid string, who identity.PersonID) patrol.Progress {
		return patrol.Progress{Route: patrol.Route{ID: "route-" + grid, Grid: grid}, Done: 1,
			Visits: []patrol.Visit{{ID: "visit-" + grid, Person: who, Evidence: "photo-" + grid, Counts: true}}}
	}
	return []patrol.Progress{walked("G01", "p-1"), walked("G02", "p-2")}, nil
}

type reachedPool struct {
	*tasks.Pool
	reach identity.Reach
}

func (p reachedPool) Period(ctx context.Context, from, to telemetry.Millis, see func(tasks.Digest) error) error {
	return p.Pool.PeriodWithin(ctx, from, to, p.reach, see)
}

// happen makes a case with a photo that was taken before it was reported, and
// sends somebody there.
func (w *town) happen(proofs *evidence.Store, matter, grid string, who identity.PersonID, shade uint8) (tasks.Case, string) {
	w.t.Helper()
	pic := image.NewGray(image.Rect(0, 0, 64, 64))
	for i := range pic.Pix {
		pic.Pix[i] = shade + uint8(i%7)
	}
	var b bytes.Buffer
	if err := jpeg.Encode(&b, pic, nil); err != nil {
		w.t.Fatal(err)
	}
	w.jpeg = b.String()
	item, err := proofs.Put(w.t.Context(), evidence.Meta{Kind: "photo-before", By: "p-9", At: telemetry.At(townTime)}, &b)
	if err != nil {
		w.t.Fatal(err)
	}
	c, err := w.pool.Report(w.t.Context(), identity.System, tasks.Report{ID: "report-" + matter, Matter: matter, Source: "desk", Grid: grid, At: telemetry.At(townTime),
		Place: geo.Point{Lon: 120.16, Lat: 30.27}, Evidence: []string{item.Hash}})
	if err != nil {
		w.t.Fatal(err)
	}
	c, err = w.pool.Do(w.t.Context(), identity.System, tasks.Command{ID: "send-" + matter, Case: c.ID, Type: tasks.Dispatched, Assignee: who})
	if err != nil {
		w.t.Fatal(err)
	}
	return c, item.Hash
}

// session signs an account in that is named role@scope, and makes it first. Who
// acts in the whole street is nobody of the staff: what is done everywhere must
// not become a person's own.
func (w *town) session(account string) string {
	w.t.Helper()
	if s := w.sessions[account]; s != "" {
		return s
	}
	name, scope, _ := strings.Cut(account, "@")
	a := people.Account{Name: account, Person: "p-1", Roles: []identity.Role{identity.Role(name)},
		Scopes: map[identity.Role][]identity.Scope{identity.Role(name): {identity.Scope(scope)}}}
	if scope == string(identity.Street) {
		a.Person = ""
	}
	return w.signUp(a)
}

func (w *town) signUp(a people.Account) string {
	w.t.Helper()
	if err := w.api.deps.Accounts.Put(w.t.Context(), a, "correct horse battery"); err != nil {
		w.t.Fatal(err)
	}
	s, _, err := w.api.deps.Accounts.SignIn(w.t.Context(), people.Attempt{Account: a.Name, Password: "correct horse battery"})
	if err != nil {
		w.t.Fatal(err)
	}
	w.sessions[a.Name] = s
	return s
}

func (w *town) ask(account, method, path, body string) *httptest.ResponseRecorder {
	w.n++
	ctx, cancel := context.WithCancel(w.t.Context())
	defer cancel()
	r := httptest.NewRequestWithContext(ctx, method, path, strings.NewReader(strings.ReplaceAll(body, "NEW", fmt.Sprintf("command-%d", w.n))))
	r.Header.Set("Content-Type", "application/json")
	if strings.Contains(path, "/evidence?") {
		r.Header.Set("Content-Type", "image/jpeg")
	}
	r.AddCookie(&http.Cookie{Name: SessionCookie, Value: w.session(account)})
	rec := httptest.NewRecorder()
	w.api.ServeHTTP(rec, r)
	return rec
}

// probe asks one operation about the case here and about the case there. A
// list is asked once, and must name what is here and not what is there.
type probe struct {
	method, path, body string
	read               bool                      // of one thing: beyond reach it is not there; else it may not be done
	names              func(c tasks.Case) string // what a list names of a case
}

func byID(c tasks.Case) string { return string(c.ID) }

func byPerson(c tasks.Case) string { return `"` + string(c.Assignee) + `"` }

// probes ask every operation whose answer is cut to a scope. CASE, PHOTO, PERSON
// and GRID stand for those of either case.
var probes = map[string]probe{
	"cases":         {method: "GET", path: "/api/v1/cases", names: byID},
	"case":          {method: "GET", path: "/api/v1/cases/CASE", read: true},
	"command":       {method: "POST", path: "/api/v1/cases/CASE/commands", body: `{"id":"NEW","type":"noted","text":"x"}`},
	"candidates":    {method: "GET", path: "/api/v1/cases/CASE/candidates", read: true},
	"hazards":       {method: "GET", path: "/api/v1/hazards", names: func(c tasks.Case) string { return "hazard-" + c.Grid }},
	"alike":         {method: "GET", path: "/api/v1/cases/CASE/alike", read: true},
	"merge":         {method: "POST", path: "/api/v1/merges", body: `{"id":"NEW","keep":"CASE","drop":"CASE"}`},
	"part":          {method: "POST", path: "/api/v1/merges/undo", body: `{"id":"NEW","keep":"CASE","drop":"CASE"}`},
	"put-evidence":  {method: "POST", path: "/api/v1/evidence?case=CASE&kind=photo-after&at=1", body: "JPEG"},
	"evidence-file": {method: "GET", path: "/api/v1/evidence/PHOTO/file?form=thumb", read: true},
	"recordings":    {method: "GET", path: "/api/v1/cases/CASE/recordings", read: true},
	"seals":         {method: "GET", path: "/api/v1/cases/CASE/seals", read: true},
	"people":        {method: "GET", path: "/api/v1/people", names: byPerson},
	"track":         {method: "GET", path: "/api/v1/people/PERSON/track", read: true},
	"absences":      {method: "GET", path: "/api/v1/absences?after=1", names: byPerson},
	"figures-cases": {method: "GET", path: "/api/v1/figures/cases?count=reported&from=1", names: byID},
	"figures-table": {method: "GET", path: "/api/v1/figures/table?by=grid&from=1", names: func(c tasks.Case) string { return `"` + c.Grid + `"` }},
}

// elsewhere are the operations whose cut has a test of its own.
var elsewhere = map[string]string{
	"report":        "TestReportsOfOthersStayHidden",
	"seal-file":     "asks the same guard as seals; nothing is sealed here",
	"seal-redacted": "asks the same guard as seals; nothing is sealed here",
	"patrols":       "TestPatrolsOfOthersHaveNoNames",
	"devices":       "TestDevicesTellNotWhoCarriesThem",
	"stream":        "TestTheStreamIsCut",
	"figures":       "TestCountsAreCut",
	"set-absence":   "TestAbsencesAreThoseOfOnesOwn",
	"end-absence":   "TestAbsencesAreThoseOfOnesOwn",
	"upload":        "TestNoPiecesForCasesOfOthers",
}

func (w *town) at(p string, c tasks.Case, photo string) string {
	return strings.NewReplacer("CASE", string(c.ID), "PHOTO", photo, "PERSON", string(c.Assignee), "GRID", c.Grid, "JPEG", w.jpeg).Replace(p)
}

// TestEveryRoleInEveryScope asks each operation, in each role, in each scope,
// about what is within and what is beyond, and compares with what the tables
// promise. An operation that is in no table fails.
func TestEveryRoleInEveryScope(t *testing.T) {
	w := openTown(t)
	for op := range access {
		if bounded[op] == cut && probes[op].path == "" && elsewhere[op] == "" {
			t.Errorf("%s is cut to scopes, and nothing tries it", op)
		}
	}
	for op := range bounded {
		if len(access[op]) == 0 {
			t.Errorf("bounded names %q, which is no operation", op)
		}
	}
	n := 0
	for op, p := range probes {
		for _, role := range identity.Roles {
			for _, scope := range scopesTried {
				w.try(op, p, role, scope)
				n++
			}
		}
	}
	t.Logf("%d combinations", n)
}

func (w *town) try(op string, p probe, role identity.Role, scope identity.Scope) {
	account := string(role) + "@" + string(scope)
	ask := func(c tasks.Case, photo string) *httptest.ResponseRecorder {
		return w.ask(account, p.method, w.at(p.path, c, photo), w.at(p.body, c, photo))
	}
	near, far := ask(w.here, w.photos[0]), ask(w.there, w.photos[1])
	if !slices.Contains(access[op], role) {
		if near.Code != http.StatusForbidden || far.Code != http.StatusForbidden {
			w.t.Errorf("%s as %s: %d and %d, want 403: the role may not", op, account, near.Code, far.Code)
		}
		return
	}
	everything := scope == identity.Street
	if p.names != nil {
		w.listed(op, p, account, near, everything, scope)
		return
	}
	beyond := map[bool]int{true: http.StatusNotFound, false: http.StatusForbidden}[p.read]
	if near.Code == http.StatusNotFound || near.Code == http.StatusForbidden || near.Code >= 500 {
		w.t.Errorf("%s as %s: %d %s, want it within reach", op, account, near.Code, near.Body)
	}
	if everything == (far.Code == beyond) || far.Code >= 500 {
		w.t.Errorf("%s as %s, beyond: %d %s", op, account, far.Code, far.Body)
	}
}

func (w *town) listed(op string, p probe, account string, got *httptest.ResponseRecorder, everything bool, scope identity.Scope) {
	body := got.Body.String()
	if got.Code != http.StatusOK {
		w.t.Errorf("%s as %s: %d %s", op, account, got.Code, body)
		return
	}
	within := !(op == "hazards" && scope == identity.Own) // a sensor's case is nobody's own before somebody goes
	if sees := strings.Contains(body, p.names(w.here)); sees != within {
		w.t.Errorf("%s as %s: what is within reach is listed: %v", op, account, sees)
	}
	if sees := strings.Contains(body, p.names(w.there)); sees != everything {
		w.t.Errorf("%s as %s: what is beyond is listed: %v\n%s", op, account, sees, body)
	}
}

// TestStreetOnlyOperationsIgnoreBoundedRoles asks every operation that cannot be
// cut: a role bounded to a department opens none of them.
func TestStreetOnlyOperationsIgnoreBoundedRoles(t *testing.T) {
	w := openTown(t)
	for path, item := range w.api.huma.OpenAPI().Paths {
		for method, id := range map[string]string{http.MethodGet: opID(item.Get), http.MethodPost: opID(item.Post), http.MethodDelete: opID(item.Delete)} {
			if id == "" || bounded[id] != streetOnly || slices.Equal(access[id], anyone) {
				continue
			}
			for _, role := range access[id] {
				if got := w.ask(string(role)+"@department:UM", method, path, "{}"); got.Code != http.StatusForbidden {
					t.Errorf("%s as %s of a department: %d, want 403", id, role, got.Code)
				}
			}
		}
	}
}

// TestARoleCountsWhereItHolds: who dispatches in one grid and views the street
// reads the case of another grid, and takes no step on it.
func TestARoleCountsWhereItHolds(t *testing.T) {
	w := openTown(t)
	w.signUp(people.Account{Name: "both", Roles: []identity.Role{identity.Checker, identity.Dispatcher},
		Scopes: map[identity.Role][]identity.Scope{identity.Dispatcher: {identity.OfGrid("G01")}}})
	send := `{"id":"NEW","type":"dispatched","assignee":"p-1"}`
	for c, want := range map[*tasks.Case]int{&w.here: http.StatusOK, &w.there: http.StatusUnprocessableEntity} {
		if got := w.ask("both", "GET", w.at("/api/v1/cases/CASE", *c, ""), ""); got.Code != http.StatusOK {
			t.Errorf("a checker of the street reads %s: %d", c.Grid, got.Code)
		}
		if got := w.ask("both", "POST", w.at("/api/v1/cases/CASE/commands", *c, ""), send); got.Code != want {
			t.Errorf("a dispatcher of G01 dispatches in %s: %d %s, want %d", c.Grid, got.Code, got.Body, want)
		}
	}
}

func TestReportsOfOthersStayHidden(t *testing.T) {
	w := openTown(t)
	body := `{"id":"report-ES01","matter":"ES01","source":"desk","place":{"lon":120.16,"lat":30.27}}`
	if got := w.ask("dispatcher@grid:G01", "POST", "/api/v1/cases", body); got.Code != http.StatusForbidden || strings.Contains(got.Body.String(), "G02") {
		t.Errorf("somebody else's report again: %d %s", got.Code, got.Body)
	}
	own := `{"id":"an-own-report","matter":"ES01","source":"desk","grid":"G02","place":{"lon":120.16,"lat":30.27}}`
	if got := w.ask("handler@grid:G01", "POST", "/api/v1/cases", own); got.Code != http.StatusOK {
		t.Errorf("what somebody sees elsewhere: %d %s, want it taken", got.Code, got.Body)
	}
}

func TestCountsAreCut(t *testing.T) {
	w := openTown(t)
	for account, want := range map[string]int{"head@street": 4, "head@department:UM": 2, "head@grid:G01": 2, "head@own": 1} {
		var s figures.Summary
		got := w.ask(account, "GET", "/api/v1/figures?from=1", "")
		if err := json.Unmarshal(got.Body.Bytes(), &s); err != nil || s.Reported.N != want {
			t.Errorf("%s counts %d reported, want %d (%v)", account, s.Reported.N, want, err)
		}
	}
}

func TestAbsencesAreThoseOfOnesOwn(t *testing.T) {
	w := openTown(t)
	body := func(p string) string {
		return fmt.Sprintf(`{"person":%q,"from":%d,"to":%d,"reason":"sick"}`, p, telemetry.At(townTime.Add(24*time.Hour)), telemetry.At(townTime.Add(48*time.Hour)))
	}
	if got := w.ask("head@department:UM", "POST", "/api/v1/absences", body("p-2")); got.Code != http.StatusForbidden {
		t.Errorf("a head plans another department's absence: %d %s", got.Code, got.Body)
	}
	got := w.ask("head@department:UM", "POST", "/api/v1/absences", body("p-1"))
	var x people.Absence
	if err := json.Unmarshal(got.Body.Bytes(), &x); got.Code != http.StatusCreated || err != nil {
		t.Fatalf("a head plans the own department's absence: %d %s", got.Code, got.Body)
	}
	path := "/api/v1/people/p-1/absences/" + x.ID
	if got := w.ask("head@grid:G02", "DELETE", path, ""); got.Code != http.StatusForbidden {
		t.Errorf("another grid's head ends it: %d", got.Code)
	}
	if got := w.ask("head@department:UM", "DELETE", path, ""); got.Code != http.StatusOK {
		t.Errorf("the head ends it: %d %s", got.Code, got.Body)
	}
}

func TestPatrolsOfOthersHaveNoNames(t *testing.T) {
	w := openTown(t)
	for account, want := range map[string][]string{"head@street": {"route-G01", "route-G02", "p-1", "p-2"}, "head@grid:G01": {"route-G01", "p-1"},
		"head@department:UM": {"route-G01", "p-1"}, "handler@own": {"route-G01", "route-G02", "p-1"}} {
		body := w.ask(account, "GET", "/api/v1/patrols", "").Body.String()
		for _, word := range []string{"route-G01", "route-G02", "p-1", "p-2"} {
			if has := strings.Contains(body, `"`+word+`"`); has != slices.Contains(want, word) {
				t.Errorf("%s is told of %s: %v", account, word, has)
			}
		}
		if strings.Contains(body, "photo-G02") && account != "head@street" {
			t.Errorf("%s is told of somebody else's photo", account)
		}
	}
}

func TestDevicesTellNotWhoCarriesThem(t *testing.T) {
	w := openTown(t)
	screen := w.api.deps.Now.(*live.Board)
	for id, who := range map[devices.ID]identity.PersonID{"tag-1": "p-1", "tag-2": "p-2"} {
		screen.Describe("gw", wire.Entry{ID: id, Kind: live.PositionKind})
		screen.Hand(id, who, "")
	}
	body := w.ask("viewer@department:UM", "GET", "/api/v1/devices", "").Body.String()
	if !strings.Contains(body, "tag-2") || !strings.Contains(body, `"p-1"`) || strings.Contains(body, `"p-2"`) {
		t.Errorf("a department's viewer is shown %s", body)
	}
}

// TestTheStreamIsCut lets one of everything happen here and there, and reads what
// each scope is told of it.
func TestTheStreamIsCut(t *testing.T) {
	w := openTown(t)
	for account, far := range map[string]bool{"viewer@street": true, "viewer@department:UM": false, "viewer@grid:G01": false, "viewer@own": false} {
		changes := make(chan live.Change, 8) // all that is sent below
		for i, c := range []tasks.Case{w.here, w.there} {
			side := []string{"here", "there"}[i]
			changes <- live.Change{Body: c}
			changes <- live.Change{Body: live.PersonState{ID: c.Assignee, Grid: "person-" + side}}
			changes <- live.Change{Body: rules.Hazard{ID: identity.HazardID("hazard-" + side), Case: c.ID}}
		}
		if !far {
			changes <- live.Change{Body: "what nobody has thought of"}
		}
		close(changes)
		w.api.deps.Changes = feed(changes)
		body := w.ask(account, "GET", "/api/v1/stream", "").Body.String()
		for _, c := range []string{string(w.there.ID), "person-there", "hazard-there"} {
			if strings.Contains(body, c) != far {
				t.Errorf("%s is told of %s: %v", account, c, !far)
			}
		}
		for _, c := range []string{string(w.here.ID), "person-here", "hazard-here"} {
			if !strings.Contains(body, c) {
				t.Errorf("%s is not told of %s:\n%s", account, c, body)
			}
		}
	}
}

// quiet is a feed on which nothing ever happens; it says when it is read.
type quiet struct{ opened chan struct{} }

func (q quiet) Subscribe() (<-chan live.Change, func()) {
	close(q.opened)
	return make(chan live.Change), func() {}
}

// TestAStreamEndsWithItsSession disables the account behind an open stream: it
// ends within five seconds, and so does one whose account got other rights.
func TestAStreamEndsWithItsSession(t *testing.T) {
	w := openTown(t)
	for name, change := range map[string]func(people.Account) people.Account{
		"disabled": func(a people.Account) people.Account { a.Disabled = true; return a },
		"bounded": func(a people.Account) people.Account {
			a.Scopes = map[identity.Role][]identity.Scope{identity.Viewer: {identity.OfGrid("G01")}}
			return a
		},
	} {
		t.Run(name, func(t *testing.T) {
			silence := quiet{make(chan struct{})}
			w.api.deps.Changes = silence
			acc := people.Account{Name: "watcher-" + name, Roles: []identity.Role{identity.Viewer}}
			w.signUp(acc)
			ended := make(chan struct{})
			go func() { defer close(ended); w.ask(acc.Name, "GET", "/api/v1/stream", "") }()
			<-silence.opened
			if err := w.api.deps.Accounts.Change(t.Context(), change(acc)); err != nil {
				t.Fatal(err)
			}
			began := time.Now()
			<-ended
			if took := time.Since(began); took > 5*time.Second {
				t.Errorf("it took %v", took)
			}
		})
	}
}
