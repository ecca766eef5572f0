package api

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"gridhub/hub/alike"
	"gridhub/hub/figures"
	"gridhub/hub/geo"
	"gridhub/hub/hotline"
	"gridhub/hub/people"
	"gridhub/hub/sheets"
	"gridhub/hub/store/storetest"
	"gridhub/hub/tasks"
)

type sources struct {
	t   *testing.T
	api *API
	im  *hotline.Importer
}

// openSources is an API over a real pool with everything that this test asks.
func openSources(t *testing.T) *sources {
	t.Helper()
	now := func() time.Time { return time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC) }
	m := tasks.Matter{Code: "CG02", Domain: "urban", Privacy: "public", Name: people.Name{ZH: "暴露垃圾"}, Lead: "SAN", Keywords: []string{"垃圾"}}
	db := storetest.Open(t)
	pool, err := tasks.Open(t.Context(), db, tasks.Options{Matters: []tasks.Matter{m}, Calendar: tasks.OfficeHours(time.UTC), Now: now})
	if err != nil {
		t.Fatal(err)
	}
	im, err := hotline.Open(t.Context(), db, pool, hotline.Options{Config: hotline.Default(), Limits: sheets.Default(), Folder: t.TempDir(), Zone: time.UTC,
		Center: geo.Point{Lon: 120.16, Lat: 30.27}, Now: now, Log: slog.New(slog.DiscardHandler),
		Locate: func(string, string) (geo.Point, string, bool) { return geo.Point{}, "", false }})
	if err != nil {
		t.Fatal(err)
	}
	board, err := figures.Open(t.Context(), db, pool, figures.Options{Definitions: figures.Default(), Zone: time.UTC, DayKind: func(time.Time) string { return "workday" }})
	if err != nil {
		t.Fatal(err)
	}
	return &sources{t, New(Deps{Audit: openAudit(t), Accounts: doorman{}, Cases: pool, Merger: pool, Hotline: im, Figures: board, Alike: alike.New(pool, alike.Default(), now), Clock: now}), im}
}

// ask sends a body as a dispatcher and decodes the answer, if into is given.
func (s *sources) ask(method, path, body string, want int, into any) *httptest.ResponseRecorder {
	s.t.Helper()
	r := httptest.NewRequestWithContext(context.WithoutCancel(s.t.Context()), method, "/api/v1/"+path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	if !strings.HasPrefix(body, "{") && !strings.HasPrefix(body, "[") {
		r.Header.Set("Content-Type", "application/octet-stream")
	}
	r.AddCookie(&http.Cookie{Name: SessionCookie, Value: "dispatcher"})
	w := httptest.NewRecorder()
	s.api.ServeHTTP(w, r)
	if w.Code != want {
		s.t.Fatalf("%s %s: %d %s, want %d", method, path, w.Code, w.Body, want)
	}
	if into != nil {
		if err := json.Unmarshal(w.Body.Bytes(), into); err != nil {
			s.t.Fatalf("%s: %v in %s", path, err, w.Body)
		}
	}
	return w
}

// TestFromAHotlineFileToAMergedCaseAndItsFigures walks one trouble, reported
// twice, through every route.
func TestFromAHotlineFileToAMergedCaseAndItsFigures(t *testing.T) {
	s := openSources(t)
	var i hotline.Import
	s.ask("POST", "hotline/imports?name=nov.csv", "工单编号,诉求内容\n1,楼下垃圾没人清运\n2,楼下的垃圾没人清运了\n3,=1+1\n", 202, &i)
	if err := s.im.Work(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.ask("GET", "hotline/imports/"+i.ID, "", 200, &i)
	if i.Made != 2 || i.Rejected != 1 || i.Name != "nov.csv" || i.By != "dispatcher" {
		t.Errorf("%+v", i)
	}
	w := s.ask("GET", "hotline/imports/"+i.ID+"/rejected?format=csv", "", 200, nil)
	if !strings.Contains(w.Body.String(), "4,matter,,") || !strings.Contains(w.Header().Get("Content-Disposition"), ".csv") {
		t.Errorf("rejected: %s %v", w.Body, w.Header())
	}
	s.ask("GET", "hotline/imports/none", "", 404, nil)
	s.ask("POST", "hotline/imports", "a,b\n", 422, nil)
	var res []hotline.Result
	s.ask("POST", "hotline/orders", `[{"order":"1","text":"x"},{"order":"9","text":"?"}]`, 200, &res)
	if len(res) != 2 || !res[0].Known || len(res[1].Faults) != 1 {
		t.Errorf("%+v", res)
	}

	one, two := tasks.CaseFor("hotline-1"), tasks.CaseFor("hotline-2")
	var like []alike.Match
	s.ask("GET", "cases/"+string(two)+"/alike", "", 200, &like)
	if len(like) != 1 || like[0].Case != one || len(like[0].Reasons) < 3 {
		t.Errorf("alike: %+v", like)
	}
	var c tasks.Case
	merge := `{"id":"merge-0001","keep":"` + string(one) + `","drop":"` + string(two) + `"}`
	s.ask("POST", "merges", merge, 200, &c)
	if len(c.Joined) != 1 || c.Joined[0] != two {
		t.Errorf("merged: %+v", c)
	}
	var table figures.Table
	s.ask("GET", "figures/table?by=source&from=1795392000000&to=1795478400000", "", 200, &table)
	if len(table.Rows) != 1 || table.Rows[0].Key != "hotline" || table.Total.Counts["repeated"] != 2 || table.Version != "2" {
		t.Errorf("table: %+v", table)
	}
	var behind []string
	s.ask("GET", "figures/cases?by=source&key=hotline&count=repeated&from=1795392000000&to=1795478400000", "", 200, &behind)
	if len(behind) != 2 {
		t.Errorf("behind: %v", behind)
	}
	if w := s.ask("GET", "figures/table?by=day&format=xlsx&from=1795392000000&to=1795478400000", "", 200, nil); !strings.HasPrefix(w.Body.String(), "PK") {
		t.Errorf("xlsx: %q", w.Body.String()[:20])
	}
	s.ask("GET", "figures/definitions", "", 200, &figures.Definitions{})
	s.ask("POST", "merges/undo", strings.Replace(merge, "merge-0001", "part-00001", 1), 200, &c)
	s.ask("POST", "merges/undo", strings.Replace(merge, "merge-0001", "part-00002", 1), 422, nil)
}
