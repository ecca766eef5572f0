package tasks_test

import (
	"slices"
	"testing"
	"time"

	"gridhub/devices/telemetry"
	"gridhub/hub/tasks"
)

// TestAReopenedCaseStartsAnew takes a case that was closed late and opens it again:
// its limits count from then, its claim is proven anew, and what its first life
// came to is kept.
func TestAReopenedCaseStartsAnew(t *testing.T) {
	b := newPool(t)
	c := b.must(dispatcher, b.report("hazard-1"), tasks.Command{Type: tasks.Dispatched, Assignee: "p-017"})
	work := func(d time.Duration) {
		c = b.after(5*time.Minute, worker, c, tasks.Command{Type: tasks.Accepted})
		c = b.after(d, worker, c, tasks.Command{Type: tasks.Onscene})
		b.refuses("evidence", worker, c, tasks.Command{Type: tasks.Claimed})
		c = b.must(worker, c, tasks.Command{Type: tasks.Evidence, Evidence: photo, Kind: "photo-after"})
		c = b.must(worker, c, tasks.Command{Type: tasks.Claimed})
		c = b.must(dispatcher, c, tasks.Command{Type: tasks.Checked})
		c = b.must(dispatcher, c, tasks.Command{Type: tasks.Closed})
	}
	work(7 * time.Hour)
	if clock(c, "handle").Light != "red" || c.Reopened != 0 || c.Former != nil {
		t.Fatalf("the first life: %+v, reopened %d", c.Clocks, c.Reopened)
	}
	c = b.must(dispatcher, c, tasks.Command{Type: tasks.Archived})
	first := c.Clocks
	c = b.after(48*time.Hour, dispatcher, c, tasks.Command{Type: tasks.Filed, Why: "又漏气了"})
	if len(c.Clocks) != 0 || c.Reopened != telemetry.At(b.clock) || !slices.Equal(c.Former, first) || !slices.Equal(c.Missing, []string{"photo-after"}) {
		t.Fatalf("opened again: clocks %+v, former %+v, want %+v; missing %v", c.Clocks, c.Former, first, c.Missing)
	}
	c = b.after(time.Hour, dispatcher, c, tasks.Command{Type: tasks.Dispatched, Assignee: "p-017"})
	if k := clock(c, "handle"); k.Started != telemetry.At(b.clock) || k.Light != "green" {
		t.Fatalf("the second dispatch: %+v", k)
	}
	work(time.Minute)
	for _, k := range c.Clocks {
		if k.Light != "green" || k.Stopped == 0 {
			t.Errorf("the second life was quick: %+v", k)
		}
	}
	if !slices.Equal(c.Former, first) || len(c.Evidence) != 2 {
		t.Errorf("the first life was rewritten: %+v, %d photos", c.Former, len(c.Evidence))
	}
}

// TestAReopenedCaseOrdersAnew: who must take part has an order in each life.
func TestAReopenedCaseOrdersAnew(t *testing.T) {
	b := newPool(t)
	c := b.must(dispatcher, b.house("patrol"), tasks.Command{Type: tasks.Dispatched, Assignee: "p-017"})
	finish := func() {
		c = b.must(lead, c, tasks.Command{Type: tasks.Accepted})
		c = b.must(lead, c, tasks.Command{Type: tasks.Onscene})
		c = b.must(lead, c, tasks.Command{Type: tasks.Cosign})
		c = b.must(fr, c, tasks.Command{Type: tasks.Agreed})
		c = b.must(es, c, tasks.Command{Type: tasks.Agreed})
		c = b.must(lead, c, tasks.Command{Type: tasks.Claimed})
		c = b.must(dispatcher, c, tasks.Command{Type: tasks.Waived, Order: 1, Why: "已由社区代办"})
		c = b.must(pm, c, tasks.Command{Type: tasks.Taken, Order: 2})
		c = b.must(pm, c, tasks.Command{Type: tasks.Done, Order: 2})
		c = b.must(dispatcher, c, tasks.Command{Type: tasks.Checked})
		c = b.must(dispatcher, c, tasks.Command{Type: tasks.Closed})
	}
	finish()
	c = b.after(time.Hour, dispatcher, c, tasks.Command{Type: tasks.Filed})
	c = b.after(time.Hour, dispatcher, c, tasks.Command{Type: tasks.Dispatched, Assignee: "p-017"})
	if len(c.Orders) != 2 || c.Orders[0].Sent != 2 || !slices.Equal(c.Waiting, []string{"ES", "PM"}) || c.Orders[1].Clocks[0].Started != telemetry.At(b.clock) {
		t.Fatalf("orders after the second dispatch: %+v, waiting for %v", c.Orders, c.Waiting)
	}
	b.refuses("state", dispatcher, c, tasks.Command{Type: tasks.Checked})
	finish()
}

// TestAReopenedCaseDoesNotWindAnotherBack: one that is merged after it was opened
// again counts from then, not from its first life.
func TestAReopenedCaseDoesNotWindAnotherBack(t *testing.T) {
	b := newPool(t)
	send := func(c tasks.Case) tasks.Case {
		return b.must(dispatcher, c, tasks.Command{Type: tasks.Dispatched, Assignee: "p-017"})
	}
	old := send(b.report("hazard-1"))
	old = b.must(worker, old, tasks.Command{Type: tasks.Accepted})
	old = b.must(worker, old, tasks.Command{Type: tasks.Onscene})
	old = b.must(worker, old, tasks.Command{Type: tasks.Evidence, Evidence: photo, Kind: "photo-after"})
	old = b.must(worker, old, tasks.Command{Type: tasks.Claimed})
	old = b.must(dispatcher, old, tasks.Command{Type: tasks.Checked})
	old = b.must(dispatcher, old, tasks.Command{Type: tasks.Closed})
	old = send(b.after(50*time.Hour, dispatcher, old, tasks.Command{Type: tasks.Filed}))
	again := telemetry.At(b.clock)
	b.clock = b.clock.Add(time.Hour)
	keep := send(b.report("hazard-2"))
	keep, err := b.Merge(t.Context(), dispatcher, tasks.Merge{ID: "merge-0001", Keep: keep.ID, Drop: old.ID})
	if err != nil {
		t.Fatal(err)
	}
	if k := clock(keep, "handle"); k.Started != again {
		t.Errorf("counts from %v, want %v", k.Started.Time().In(zone), again.Time().In(zone))
	}
}
