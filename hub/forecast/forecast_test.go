package forecast_test

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"slices"
	"testing"
	"time"

	"gridhub/devices/telemetry"
	"gridhub/hub/forecast"
	"gridhub/hub/geo"
	"gridhub/hub/identity"
	"gridhub/hub/people"
	"gridhub/hub/store/storetest"
	"gridhub/hub/tasks"
)

var (
	monday = time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC)
	desk   = identity.Principal{Account: "desk", Roles: []identity.Role{identity.Dispatcher}}
	worker = identity.Principal{Account: "p-1", Person: "p-1", Roles: []identity.Role{identity.Handler}}
	litter = tasks.Matter{Code: "CG02", Name: people.Name{ZH: "暴露垃圾"}, Lead: "SAN", Domain: "urban", Privacy: "public", Auto: []tasks.EventType{tasks.Screened, tasks.Filed},
		Limits: []tasks.Limit{{Name: "handle", From: tasks.Dispatched, Until: tasks.Claimed, Kind: tasks.CalendarHours, Value: "10h"}}}
)

type bench struct {
	*tasks.Pool
	t   *testing.T
	now time.Time
	n   int
}

func (b *bench) do(who identity.Principal, id identity.CaseID, cmd tasks.Command) {
	b.t.Helper()
	b.n++
	cmd.ID, cmd.Case, cmd.At = fmt.Sprintf("command-%05d", b.n), id, telemetry.At(b.now)
	if _, err := b.Do(context.Background(), who, cmd); err != nil {
		b.t.Fatal(err)
	}
}

// begin sends a department to a new case.
func (b *bench) begin(department string) identity.CaseID {
	b.t.Helper()
	b.n++
	c, err := b.Report(context.Background(), desk, tasks.Report{ID: fmt.Sprintf("report-%05d", b.n), Matter: "CG02", Source: "patrol", Place: geo.Point{Lon: 120, Lat: 30}, At: telemetry.At(b.now)})
	if err != nil {
		b.t.Fatal(err)
	}
	b.do(desk, c.ID, tasks.Command{Type: tasks.Dispatched, Assignee: "p-1", Department: department})
	return c.ID
}

func (b *bench) took(department string, d time.Duration) {
	b.t.Helper()
	id := b.begin(department)
	b.now = b.now.Add(d)
	for _, s := range []tasks.EventType{tasks.Accepted, tasks.Onscene, tasks.Claimed} {
		b.do(worker, id, tasks.Command{Type: s})
	}
	b.do(desk, id, tasks.Command{Type: tasks.Checked})
	b.do(desk, id, tasks.Command{Type: tasks.Closed})
}

// TestHowManySuchCasesWereLate counts by hand: of forty cases, which took one to
// forty quarters of an hour times two, those that took longer than an open one
// has run already, and of these the ones that took longer than ten hours.
func TestHowManySuchCasesWereLate(t *testing.T) {
	b := &bench{t: t, now: monday}
	var err error
	b.Pool, err = tasks.Open(t.Context(), storetest.Open(t), tasks.Options{Matters: []tasks.Matter{litter}, Calendar: tasks.OfficeHours(time.UTC), Now: func() time.Time { return b.now }})
	if err != nil {
		t.Fatal(err)
	}
	for n := range 40 {
		b.took("SAN", time.Duration(n+1)*30*time.Minute) // 0.5 h … 20 h: twenty are late
	}
	for range 30 {
		b.took("UM", time.Hour)
	}
	b.took("GR", 11*time.Hour)
	f := forecast.New(b.Pool, func() time.Time { return b.now }, slog.New(slog.DiscardHandler))
	open := map[string]identity.CaseID{"SAN": b.begin("SAN"), "UM": b.begin("UM"), "GR": b.begin("GR")}
	if r, err := f.Open(t.Context()); err != nil || len(r) != 0 {
		t.Errorf("before it has learnt: %v, %v", r, err)
	}
	if err := f.Learn(t.Context()); err != nil {
		t.Fatal(err)
	}
	want := func(after time.Duration, all ...forecast.Risk) {
		t.Helper()
		b.now = b.now.Add(after)
		got, err := f.Open(t.Context())
		if err != nil || len(got) != len(all) {
			t.Fatalf("%v, %v; want %v", got, err, all)
		}
		slices.SortStableFunc(all, func(x, y forecast.Risk) int {
			return cmp.Or(cmp.Compare(y.Share(), x.Share()), cmp.Compare(x.Case, y.Case))
		})
		for i := range all {
			all[i].Clock = "handle"
			if got[i] != all[i] {
				t.Errorf("%+v, want %+v", got[i], all[i])
			}
		}
	}
	want(0, forecast.Risk{Case: open["SAN"], Such: 40, Late: 20, By: "department"},
		forecast.Risk{Case: open["GR"], Such: 71, Late: 21, By: "matter"}, // one of its own says nothing
		forecast.Risk{Case: open["UM"], Such: 30, Late: 0, By: "department"})
	// After eight hours none of UM's thirty had been open still: the matter's 24 are
	// those of SAN that took longer, and the one of GR.
	want(8*time.Hour, forecast.Risk{Case: open["GR"], Such: 25, Late: 21, By: "matter"}, forecast.Risk{Case: open["UM"], Such: 25, Late: 21, By: "matter"},
		forecast.Risk{Case: open["SAN"], Such: 24, Late: 20, By: "department"})
	want(2*time.Hour + time.Minute) // run out: no risk any more, but a fact
}
