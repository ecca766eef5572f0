package tasks_test

import (
	"slices"
	"testing"
	"time"

	"gridhub/devices/telemetry"
	"gridhub/hub/identity"
	"gridhub/hub/tasks"
)

// TestHandledOnTheSpot: who found something and set it right in place proves it as
// any claim is proven; it ends there, is archived, and may be opened again.
func TestHandledOnTheSpot(t *testing.T) {
	b := newPool(t)
	report := func(id, matter, source string, who identity.Principal) tasks.Case {
		c, err := b.Report(t.Context(), who, tasks.Report{ID: id, Matter: matter, Source: source, Place: here, At: telemetry.At(b.clock)})
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	c := report("found-0001", "AQ03", "patrol", worker)
	if !slices.Contains(c.Next, tasks.Spot) {
		t.Errorf("next %v", c.Next)
	}
	b.refuses("evidence", worker, c, tasks.Command{Type: tasks.Spot})
	c = b.must(worker, c, tasks.Command{Type: tasks.Evidence, Evidence: photo, Kind: "photo-after"})
	b.refuses("right", other, c, tasks.Command{Type: tasks.Spot})
	b.refuses("right", dispatcher, c, tasks.Command{Type: tasks.Spot})
	c = b.must(worker, c, tasks.Command{Type: tasks.Spot})
	if c.Open() || c.State != tasks.Spot || !slices.Equal(c.Next, []tasks.EventType{tasks.Filed, tasks.Archived}) {
		t.Fatalf("%s, open %v, next %v", c.State, c.Open(), c.Next)
	}
	c = b.must(dispatcher, c, tasks.Command{Type: tasks.Archived})
	c = b.after(time.Hour, dispatcher, c, tasks.Command{Type: tasks.Filed, Why: "又漏气了"})
	if c.Reopened == 0 || !c.Open() {
		t.Errorf("opened again: %+v", c)
	}
	b.refuses("state", worker, report("found-0002", "AQ06", "patrol", worker), tasks.Command{Type: tasks.Spot})
	told := report("told-0001", "AQ03", "resident", dispatcher)
	if slices.Contains(told.Next, tasks.Spot) {
		t.Error("offered for what a resident reported")
	}
	b.must(worker, told, tasks.Command{Type: tasks.Evidence, Evidence: photo, Kind: "photo-after"})
	b.must(dispatcher, told, tasks.Command{Type: tasks.Spot, Why: "居民自己解决"})
}
