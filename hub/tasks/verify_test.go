package tasks_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"gridhub/devices/telemetry"
	"gridhub/hub/geo"
	"gridhub/hub/identity"
	"gridhub/hub/store/storetest"
	"gridhub/hub/tasks"
)

// public is a pool of one matter that files by itself and is looked at first
// when the public reported it.
func public(t *testing.T) (*tasks.Pool, *time.Time) {
	t.Helper()
	now := time.Date(2026, 11, 24, 10, 0, 0, 0, zone)
	m := tasks.Matter{Code: "CG07", Domain: "urban", Privacy: "public", Lead: "MU", Auto: []tasks.EventType{tasks.Screened, tasks.Filed},
		Limits: []tasks.Limit{{Name: "verify", From: tasks.Verifying, Until: tasks.Verified, Kind: tasks.Emergency, Value: "2h"}}}
	m.Name.ZH = "井盖缺损"
	p, err := tasks.Open(t.Context(), storetest.Open(t), tasks.Options{Matters: []tasks.Matter{m}, Calendar: tasks.OfficeHours(zone), Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	return p, &now
}

func seen(t *testing.T, p *tasks.Pool, id string) tasks.Case {
	t.Helper()
	c, err := p.Report(t.Context(), identity.Principal{Account: "resident"}, tasks.Report{ID: id, Matter: "CG07", Source: "resident",
		Place: geo.Point{Lon: 120.16, Lat: 30.27}, Verify: true, Verifier: "p-017", At: 1795485600000})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// What the public reports is looked at on site before it becomes work; the
// collector who was asked says what was there.
func TestAPublicReportIsVerifiedOnSite(t *testing.T) {
	collector := identity.Principal{Account: "p-017", Person: "p-017", Roles: []identity.Role{identity.Handler}}
	other := identity.Principal{Account: "p-018", Person: "p-018", Roles: []identity.Role{identity.Handler}}
	p, now := public(t)
	step := func(p *tasks.Pool, who identity.Principal, c tasks.Case, s tasks.EventType, why string) (tasks.Case, error) {
		return p.Do(t.Context(), who, tasks.Command{ID: string("verify-" + s + tasks.EventType(who.Account)), Case: c.ID, Type: s, Why: why, At: telemetry.At(*now)})
	}
	c := seen(t, p, "report-0001")
	if c.State != tasks.Verifying || c.Assignee != "p-017" || len(c.Clocks) != 1 || c.Clocks[0].Stopped != 0 {
		t.Fatalf("%+v", c)
	}
	var refused *tasks.RefusedError
	if _, err := step(p, other, c, tasks.Verified, ""); !errors.As(err, &refused) || refused.Code != "right" {
		t.Errorf("somebody else verified: %v", err)
	}
	*now = now.Add(30 * time.Minute)
	c, err := step(p, collector, c, tasks.Verified, "")
	if err != nil || c.State != tasks.Filed || c.Assignee != "" || c.Clocks[0].Stopped == 0 {
		t.Errorf("verified: %+v, %v", c, err)
	}

	c = seen(t, p, "report-0002")
	if _, err = step(p, collector, c, tasks.Rejected, ""); err == nil {
		t.Error("rejected without a reason")
	}
	c, err = step(p, collector, c, tasks.Rejected, "到现场没有看到")
	if err != nil || c.Open() || c.Clocks[0].Stopped == 0 {
		t.Errorf("rejected: %+v, %v", c, err)
	}
	c = seen(t, p, "report-0003")
	c, err = step(p, boss, c, tasks.Verified, "")
	if err != nil || !slices.Contains(c.Next, tasks.Dispatched) {
		t.Errorf("the desk verified by phone: %+v, %v", c.Next, err)
	}
}

var boss = identity.Principal{Account: "boss", Roles: []identity.Role{identity.Dispatcher}}

func TestReopenIsHarmlessTwiceAndEnds(t *testing.T) {
	p, now := public(t)
	c := seen(t, p, "report-0001")
	if _, err := p.Reopen(t.Context(), c.ID, "again-0001", "still there"); err == nil {
		t.Error("an open case was reopened")
	}
	closed := func() {
		t.Helper()
		if _, err := p.Add(t.Context(), c.ID, now.String(), tasks.Event{Type: tasks.Closed, At: telemetry.At(*now)}); err != nil {
			t.Fatal(err)
		}
	}
	for i, id := range []string{"again-0001", "again-0002", "again-0003", "again-0004"} {
		*now = now.Add(time.Hour)
		closed()
		first, err := p.Reopen(t.Context(), c.ID, id, "still there")
		if i == tasks.ReopenTimes {
			if err == nil {
				t.Error("reopened without end")
			}
			continue
		}
		second, again := p.Reopen(t.Context(), c.ID, id, "still there")
		if err != nil || again != nil || first.State != tasks.Filed || first.Rev != second.Rev {
			t.Fatalf("%d: %v %v %+v", i, err, again, second)
		}
	}
	c = seen(t, p, "report-0002")
	closed()
	*now = now.Add(tasks.ReopenWithin + time.Second)
	if _, err := p.Reopen(t.Context(), c.ID, "again-0009", "still there"); err == nil {
		t.Error("reopened long after")
	}
}

// The desk's own clock ends when the report is handed to who looks on site; what
// comes back is filed under a clock of its own.
func TestTheDesksClocksOfAVerifiedReport(t *testing.T) {
	now := time.Date(2026, 11, 24, 10, 0, 0, 0, zone)
	m := tasks.Matter{Code: "CG07", Domain: "urban", Privacy: "public", Lead: "MU"}
	m.Name.ZH = "井盖缺损"
	p, err := tasks.Open(t.Context(), storetest.Open(t), tasks.Options{Matters: []tasks.Matter{m}, Standing: tasks.DefaultStanding(),
		Calendar: tasks.OfficeHours(zone), Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	c := seen(t, p, "report-0001")
	if k := c.Clocks[len(c.Clocks)-1]; len(c.Clocks) != 1 || k.Name != "screen" || k.Stopped == 0 {
		t.Errorf("handed on: %+v", c.Clocks)
	}
	now = now.Add(3 * time.Hour)
	c, err = p.Do(t.Context(), boss, tasks.Command{ID: "verified-0001", Case: c.ID, Type: tasks.Verified, At: telemetry.At(now)})
	if err != nil {
		t.Fatal(err)
	}
	if k := c.Clocks[len(c.Clocks)-1]; len(c.Clocks) != 2 || k.Name != "file" || k.Started != telemetry.At(now) || k.Light != "green" {
		t.Errorf("verified: %+v", c.Clocks)
	}
}
