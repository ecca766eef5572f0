package tasks_test

import (
	"errors"
	"reflect"
	"testing"
	"time"

	"gridhub/devices/telemetry"
	"gridhub/hub/identity"
	"gridhub/hub/tasks"
)

func (b *bench) two() (early, late tasks.Case) {
	early = b.report("report-early")
	b.clock = b.clock.Add(30 * time.Minute)
	return early, b.report("report-late")
}

func (b *bench) get(id identity.CaseID) tasks.Case {
	b.t.Helper()
	c, _, err := b.Get(b.t.Context(), id)
	if err != nil {
		b.t.Fatal(err)
	}
	return c
}

func TestMergeKeepsReportersAndTheEarliestClock(t *testing.T) {
	b := newPool(t)
	early, late := b.two()
	late = b.must(dispatcher, late, tasks.Command{Type: tasks.Dispatched, Assignee: "p-017"})
	m := tasks.Merge{ID: "merge-0001", Keep: late.ID, Drop: early.ID, Why: "同一处"}
	kept, err := b.Merge(t.Context(), dispatcher, m)
	if err != nil {
		t.Fatal(err)
	}
	if kept.State != tasks.Dispatched || kept.Reported != early.Reported || len(kept.Joined) != 1 || kept.Joined[0] != early.ID {
		t.Errorf("kept: %s reported %d joined %v; want it dispatched, counting from %d", kept.State, kept.Reported, kept.Joined, early.Reported)
	}
	gone := b.get(early.ID)
	if gone.State != tasks.Merged || gone.Into != late.ID || gone.Open() || len(gone.Next) != 0 {
		t.Errorf("dropped: %+v", gone)
	}
	if again, err := b.Merge(t.Context(), dispatcher, m); err != nil || again.Rev != kept.Rev || b.get(early.ID).Rev != gone.Rev {
		t.Errorf("the same merge again: rev %d, %v", again.Rev, err)
	}
	for _, id := range []identity.CaseID{early.ID, late.ID} {
		bytes, err := b.Canonical(t.Context(), id)
		if err == nil {
			err = tasks.VerifyChain(bytes)
		}
		if err != nil {
			t.Error(err)
		}
	}
}

// TestAMergeDoesNotWindTheClocksBack merges a case that was dispatched, and had
// rested, before the one that is kept was even reported; and parts them.
func TestAMergeDoesNotWindTheClocksBack(t *testing.T) {
	b := newPool(t)
	early := b.house("patrol") // 10:00
	early = b.must(dispatcher, early, tasks.Command{Type: tasks.Dispatched, Assignee: "p-018"})
	early = b.after(time.Hour, dispatcher, early, tasks.Command{Type: tasks.Suspended, Why: "等鉴定"})
	early = b.after(2*time.Hour, dispatcher, early, tasks.Command{Type: tasks.Resumed})
	b.clock = b.clock.Add(time.Hour) // 14:00
	late := b.house("resident")
	late = b.must(dispatcher, late, tasks.Command{Type: tasks.Dispatched, Assignee: "p-017"})
	kept, err := b.Merge(t.Context(), dispatcher, tasks.Merge{ID: "merge-0001", Keep: late.ID, Drop: early.ID})
	if err != nil {
		t.Fatal(err)
	}
	if k := clock(kept, "handle"); k.Started != early.Times[tasks.Dispatched] || k.Used != 0.25 || k.Due != telemetry.At(monday.Add(10*time.Hour)) {
		t.Errorf("the clock %+v; want it from 10:00, two of eight hours used, due at 20:00", k)
	}
	b.clock = b.clock.Add(time.Hour) // 15:00
	kept, err = b.Part(t.Context(), dispatcher, tasks.Merge{ID: "part-00001", Keep: late.ID, Drop: early.ID})
	if k := clock(kept, "handle"); err != nil || k.Started != late.Times[tasks.Dispatched] || k.Used != 0.125 {
		t.Errorf("parted, the clock is %+v, %v; want it from 14:00", k, err)
	}
}

// TestACheckAfterReworkHasAClockOfItsOwn: it neither runs through the rework nor
// is it used up by the check that failed.
func TestACheckAfterReworkHasAClockOfItsOwn(t *testing.T) {
	b := newPool(t)
	c := b.must(dispatcher, b.report("hazard-1"), tasks.Command{Type: tasks.Dispatched, Assignee: "p-017"})
	c = b.must(worker, c, tasks.Command{Type: tasks.Accepted})
	c = b.must(worker, c, tasks.Command{Type: tasks.Onscene})
	c = b.must(worker, c, tasks.Command{Type: tasks.Evidence, Evidence: photo, Kind: "photo-after"})
	c = b.must(worker, c, tasks.Command{Type: tasks.Claimed})
	c = b.after(time.Hour, dispatcher, c, tasks.Command{Type: tasks.Rework})
	if k := clock(c, "check"); k.Stopped != telemetry.At(b.clock) || k.Used != 0.5 {
		t.Errorf("a failed check is a check: %+v", k)
	}
	c = b.after(5*time.Hour, worker, c, tasks.Command{Type: tasks.Claimed})
	if k := clock(c, "check"); k.Started != telemetry.At(b.clock) || k.Used != 0 || k.Stopped != 0 {
		t.Errorf("after the second claim: %+v", k)
	}
	c = b.after(time.Hour, dispatcher, c, tasks.Command{Type: tasks.Checked})
	if k := clock(c, "check"); k.Used != 0.5 || k.Light != "green" {
		t.Errorf("checked in time: %+v", k)
	}
}

func TestAMergeIsUndone(t *testing.T) {
	b := newPool(t)
	early, late := b.two()
	early = b.must(dispatcher, early, tasks.Command{Type: tasks.Suspended, Why: "等待"})
	if _, err := b.Merge(t.Context(), dispatcher, tasks.Merge{ID: "merge-0001", Keep: late.ID, Drop: early.ID}); err != nil {
		t.Fatal(err)
	}
	kept, err := b.Part(t.Context(), dispatcher, tasks.Merge{ID: "part-00001", Keep: late.ID, Drop: early.ID})
	if err != nil || kept.Reported != late.Reported || len(kept.Joined) != 0 {
		t.Errorf("kept: %+v, %v", kept, err)
	}
	back := b.get(early.ID)
	if back.State != tasks.Suspended || back.Into != "" || !back.Open() {
		t.Errorf("dropped: %+v", back)
	}
	if back = b.must(dispatcher, back, tasks.Command{Type: tasks.Resumed}); back.State != tasks.Filed {
		t.Errorf("resumed as %s, want filed as before", back.State)
	}
	if _, err := b.Merge(t.Context(), dispatcher, tasks.Merge{ID: "merge-0002", Keep: late.ID, Drop: early.ID}); err != nil {
		t.Errorf("merged again: %v", err)
	}
	if all, err := b.List(t.Context(), tasks.Filter{}); err != nil || len(all) != 2 {
		t.Errorf("%d cases, %v", len(all), err)
	}
	if open, err := b.List(t.Context(), tasks.Filter{Open: true}); err != nil || len(open) != 1 || open[0].ID != late.ID {
		t.Errorf("open: %v, %v", open, err)
	}
}

func TestMergesThatAreRefused(t *testing.T) {
	b := newPool(t)
	early, late := b.two()
	third := b.report("report-third")
	if _, err := b.Merge(t.Context(), dispatcher, tasks.Merge{ID: "merge-0001", Keep: early.ID, Drop: late.ID}); err != nil {
		t.Fatal(err)
	}
	voided := b.must(dispatcher, b.report("report-void"), tasks.Command{Type: tasks.Voided})
	for name, tt := range map[string]struct {
		who  identity.Principal
		m    tasks.Merge
		code string
	}{
		"by a worker":            {worker, tasks.Merge{ID: "merge-0002", Keep: early.ID, Drop: third.ID}, "right"},
		"with itself":            {dispatcher, tasks.Merge{ID: "merge-0003", Keep: early.ID, Drop: early.ID}, "invalid"},
		"into a merged one":      {dispatcher, tasks.Merge{ID: "merge-0004", Keep: late.ID, Drop: third.ID}, "state"},
		"twice":                  {dispatcher, tasks.Merge{ID: "merge-0005", Keep: third.ID, Drop: late.ID}, "state"},
		"of one with others":     {dispatcher, tasks.Merge{ID: "merge-0006", Keep: third.ID, Drop: early.ID}, "state"},
		"of a void one":          {dispatcher, tasks.Merge{ID: "merge-0007", Keep: third.ID, Drop: voided.ID}, "state"},
		"undone where none was":  {dispatcher, tasks.Merge{ID: "merge-0001", Keep: third.ID, Drop: voided.ID}, "state"},
		"a step on a merged one": {dispatcher, tasks.Merge{}, "state"},
	} {
		var err error
		switch name {
		case "undone where none was":
			_, err = b.Part(t.Context(), tt.who, tt.m)
		case "a step on a merged one":
			_, err = b.do(dispatcher, late, tasks.Command{Type: tasks.Dispatched, Assignee: "p-017"})
		default:
			_, err = b.Merge(t.Context(), tt.who, tt.m)
		}
		if !refused(err, tt.code) {
			t.Errorf("%s: %v, want refused as %s", name, err, tt.code)
		}
	}
	if _, err := b.Merge(t.Context(), dispatcher, tasks.Merge{ID: "merge-0008", Keep: third.ID, Drop: "c-none"}); !errors.Is(err, tasks.ErrNotFound) {
		t.Errorf("with a case that is none: %v", err)
	}
}

// TestFoldOfMergesIsPure folds the same events twice, and every prefix.
func TestFoldOfMergesIsPure(t *testing.T) {
	at := func(h int) telemetry.Millis { return telemetry.Millis(h) * 3_600_000 }
	events := []tasks.Event{
		{Case: "k", Seq: 1, Type: tasks.Reported, At: at(10)},
		{Case: "k", Seq: 2, Type: tasks.Joined, At: at(11), Body: tasks.Body{Other: "a", Since: at(8)}},
		{Case: "k", Seq: 3, Type: tasks.Joined, At: at(12), Body: tasks.Body{Other: "b", Since: at(6)}},
		{Case: "k", Seq: 4, Type: tasks.Parted, At: at(13), Body: tasks.Body{Other: "b"}},
		{Case: "k", Seq: 5, Type: tasks.Joined, At: at(14), Body: tasks.Body{Other: "c", Since: at(20)}},
		{Case: "k", Seq: 6, Type: tasks.Parted, At: at(15), Body: tasks.Body{Other: "a"}},
	}
	for n, want := range []int{10, 8, 6, 8, 8, 10} {
		c := tasks.Fold(events[:n+1])
		if c.Reported != at(want) || !reflect.DeepEqual(c, tasks.Fold(events[:n+1])) {
			t.Errorf("after %d events: reported %d, want hour %d", n+1, c.Reported, want)
		}
	}
}
