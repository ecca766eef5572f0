package alike_test

import (
	"fmt"
	"testing"
	"time"

	"gridhub/devices/telemetry"
	"gridhub/hub/alike"
	"gridhub/hub/geo"
	"gridhub/hub/identity"
	"gridhub/hub/people"
	"gridhub/hub/store/storetest"
	"gridhub/hub/tasks"
)

// TestFinderFollowsThePool reports, merges, parts and closes, and asks each
// time.
func TestFinderFollowsThePool(t *testing.T) {
	now := time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)
	litter := tasks.Matter{Code: "CG02", Domain: "urban", Privacy: "public", Name: people.Name{ZH: "暴露垃圾"}, Lead: "SAN"}
	pool, err := tasks.Open(t.Context(), storetest.Open(t), tasks.Options{Matters: []tasks.Matter{litter}, Calendar: tasks.OfficeHours(time.UTC), Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	desk := identity.Principal{Account: "desk", Roles: []identity.Role{identity.Dispatcher}}
	report := func(id, text string) tasks.Case {
		now = now.Add(time.Minute)
		c, err := pool.Report(t.Context(), desk, tasks.Report{ID: id, Matter: "CG02", Source: "resident", Text: text,
			Place: geo.Point{Lon: 120.16, Lat: 30.27}, At: telemetry.At(now)})
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	f := alike.New(pool, alike.Default(), func() time.Time { return now })
	expect := func(of tasks.Case, when string, want ...string) {
		t.Helper()
		got, err := f.Alike(t.Context(), of.ID)
		said := []string{}
		for _, m := range got {
			said = append(said, m.Kind+" "+string(m.Case))
		}
		if err != nil || fmt.Sprint(said) != fmt.Sprint(want) {
			t.Errorf("%s: %v, want %v (%v)", when, said, want, err)
		}
	}
	a, b := report("report-a", "楼下垃圾两天没人清运"), report("report-b", "楼下垃圾没有人清运")
	expect(b, "reported", "duplicate "+string(a.ID))
	m := tasks.Merge{ID: "merge-0001", Keep: a.ID, Drop: b.ID}
	if _, err := pool.Merge(t.Context(), desk, m); err != nil {
		t.Fatal(err)
	}
	expect(a, "merged")
	now = now.Add(time.Hour)
	m.ID = "part-00001"
	if _, err := pool.Part(t.Context(), desk, m); err != nil {
		t.Fatal(err)
	}
	expect(a, "parted", "duplicate "+string(b.ID))
	if _, err := pool.Do(t.Context(), desk, tasks.Command{ID: "command-1", Case: a.ID, Type: tasks.Rejected, Why: "已处理", At: telemetry.At(now)}); err != nil {
		t.Fatal(err)
	}
	expect(b, "rejected")
	if _, err := f.Alike(t.Context(), "c-none"); err == nil {
		t.Error("a case that is none")
	}
}
