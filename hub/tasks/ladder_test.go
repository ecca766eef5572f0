package tasks_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"gridhub/devices/telemetry"
	"gridhub/hub/identity"
	"gridhub/hub/store"
	"gridhub/hub/store/storetest"
	"gridhub/hub/tasks"
)

// climber is a pool under the default standing orders.
func climber(t *testing.T, db *store.DB, clock *time.Time) *bench {
	b := &bench{t: t, clock: *clock}
	manual := gas // nothing happens by itself
	manual.Code, manual.Auto = "AQ04", nil
	var err error
	b.Pool, err = tasks.Open(t.Context(), db, tasks.Options{Matters: []tasks.Matter{gas, house, manual}, Standing: tasks.DefaultStanding(),
		Department: func(_ context.Context, p identity.PersonID) string { return belongs[p] },
		Superior: func(_ context.Context, department string, to tasks.Level) identity.PersonID {
			return identity.PersonID(department + "-" + string(to))
		},
		Calendar: tasks.OfficeHours(zone), Now: func() time.Time { return *clock }})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// told writes what the ladder of a case said: "dispatch 80% holder desk 10:12:00".
func told(t *testing.T, p *tasks.Pool, id identity.CaseID) (out []string) {
	t.Helper()
	_, events, err := p.Get(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range events {
		if b := e.Body; e.Type == tasks.Escalated {
			out = append(out, fmt.Sprintf("%s/%d %g%% %s %s %s %s", b.Kind, b.Order, b.Share, b.Level, b.Department, b.Assignee, e.At.Time().In(zone).Format("15:04:05")))
		}
	}
	return out
}

func same(t *testing.T, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("told\n%q\nwant\n%q", got, want)
	}
}

func TestTheLadderIsClimbedOnce(t *testing.T) {
	now := monday
	db := storetest.Open(t)
	b := climber(t, db, &now)
	climb := func(p *tasks.Pool, by time.Duration) time.Time {
		t.Helper()
		now = now.Add(by)
		next, err := p.Climb(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return next
	}
	c := b.report("hazard-1")
	if next := climb(b.Pool, 0); !next.Equal(monday.Add(12 * time.Minute)) {
		t.Errorf("the next rung is at %s, want 80 %% of the quarter of an hour for a dispatch", next)
	}
	climb(b.Pool, 13*time.Minute)
	climb(b.Pool, time.Second)
	same(t, told(t, b.Pool, c.ID), "dispatch/0 80% holder desk  10:12:00")

	now = now.Add(10 * time.Minute) // nobody watches for a while, and the hub starts anew
	again := climber(t, db, &now)
	if err := again.Recall(t.Context()); err != nil {
		t.Fatal(err)
	}
	climb(again.Pool, 0)
	same(t, told(t, again.Pool, c.ID), "dispatch/0 80% holder desk  10:12:00",
		"dispatch/0 100% lead desk desk-lead 10:15:00", "dispatch/0 150% head desk desk-head 10:22:30")

	again.clock = now
	again.must(dispatcher, c, tasks.Command{Type: tasks.Dispatched, Assignee: "p-017"}) // the limit of the dispatch is over
	climb(again.Pool, 9*time.Minute)
	if got := told(t, again.Pool, c.ID); len(got) != 4 || got[3] != "arrive/0 80% holder ES p-017 10:31:01" {
		t.Errorf("told %q, want the handler at last", got)
	}
	got, _, err := again.Get(t.Context(), c.ID)
	if err != nil || len(got.Escalations) != 4 || got.Escalations[3].Person != "p-017" {
		t.Errorf("the case has %v, %v", got.Escalations, err)
	}
}

func TestTheLadderRestsAndBeginsAnew(t *testing.T) {
	now := monday
	b := climber(t, storetest.Open(t), &now)
	step := func(by time.Duration, who identity.Principal, c tasks.Case, cmd tasks.Command) {
		t.Helper()
		now = now.Add(by)
		b.clock = now
		if _, err := b.Climb(t.Context()); err != nil {
			t.Fatal(err)
		}
		if cmd.Type != "" {
			b.must(who, c, cmd)
		}
	}
	c := b.report("hazard-2")
	step(0, dispatcher, c, tasks.Command{Type: tasks.Dispatched, Assignee: "p-017"})
	step(time.Minute, worker, c, tasks.Command{Type: tasks.Accepted})
	step(0, worker, c, tasks.Command{Type: tasks.Onscene, Place: &here})
	step(0, dispatcher, c, tasks.Command{Type: tasks.Suspended, Why: "a part is missing"})
	step(3*24*time.Hour, dispatcher, c, tasks.Command{Type: tasks.Resumed})
	same(t, told(t, b.Pool, c.ID))
	now = time.Date(2026, 11, 26, 13, 30, 0, 0, zone) // Thursday; resumed at 10:01, two working hours go until noon
	step(90*time.Minute, worker, c, tasks.Command{})
	same(t, told(t, b.Pool, c.ID), "handle/0 80% holder ES p-017 14:42:00")
	step(0, worker, c, tasks.Command{Type: tasks.Evidence, Evidence: photo, Kind: "photo-after"})
	step(0, worker, c, tasks.Command{Type: tasks.Claimed})
	step(time.Minute, dispatcher, c, tasks.Command{Type: tasks.Rework})
	step(25*time.Hour, dispatcher, c, tasks.Command{}) // eight working hours of four
	got := told(t, b.Pool, c.ID)
	same(t, got[1:], "handle/0 80% holder ES p-017 09:43:00", "handle/0 100% lead ES ES-lead 10:31:00",
		"handle/0 150% head ES ES-head 14:01:00", "handle/0 200% leader ES ES-leader 16:01:00")
}

func TestTheLadderOfACoHandler(t *testing.T) {
	now := monday
	b := climber(t, storetest.Open(t), &now)
	b.clock = now
	c := b.house("patrol")
	b.must(dispatcher, c, tasks.Command{Type: tasks.Dispatched, Assignee: "p-017", Department: "HC"})
	now = now.Add(31 * time.Minute)
	if _, err := b.Climb(t.Context()); err != nil {
		t.Fatal(err)
	}
	same(t, told(t, b.Pool, c.ID), "co-accept/1 80% holder ES  10:24:00", "co-accept/2 80% holder PM  10:24:00",
		"co-accept/1 100% lead ES ES-lead 10:30:00", "co-accept/2 100% lead PM PM-lead 10:30:00")
}

// TestWatchTellsInTime lets a limit run out while Watch sleeps.
func TestWatchTellsInTime(t *testing.T) {
	start, soon := time.Now(), 200*time.Millisecond
	told := make(chan tasks.Case, 8)
	p, err := tasks.Open(t.Context(), storetest.Open(t), tasks.Options{Matters: []tasks.Matter{gas},
		Standing: tasks.Standing{Limits: tasks.DefaultStanding().Limits, Escalation: []tasks.Rung{{At: 80, To: tasks.ToHolder}}},
		Calendar: tasks.OfficeHours(zone), Changed: func(c tasks.Case) { told <- c },
		Now: func() time.Time { return monday.Add(12*time.Minute - soon + time.Since(start)) }})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- p.Watch(ctx) }()
	_, err = p.Report(ctx, dispatcher, tasks.Report{ID: "report-watch", Matter: "AQ03", Source: "sensor", Place: here, At: telemetry.At(monday)})
	if err != nil {
		t.Fatal(err)
	}
	if c := <-told; len(c.Escalations) != 0 {
		t.Errorf("told %v at the report", c.Escalations)
	}
	if c := <-told; len(c.Escalations) != 1 || c.Escalations[0].Limit != "dispatch" {
		t.Errorf("told %v", c.Escalations)
	}
	stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestSupervision(t *testing.T) {
	b := newPool(t)
	c := b.report("hazard-3")
	b.refuses("right", worker, c, tasks.Command{Type: tasks.Supervised, Why: "mine"})
	b.refuses("invalid", dispatcher, c, tasks.Command{Type: tasks.Supervised})
	if c = b.must(dispatcher, c, tasks.Command{Type: tasks.Supervised, Why: "the leader asked twice"}); c.Supervised != 1 || c.State != tasks.Filed {
		t.Errorf("supervised %d times, %s, want once and where it was", c.Supervised, c.State)
	}
}
