package figures

import (
	"testing"

	"gridhub/devices/telemetry"
	"gridhub/hub/tasks"
)

// TestEachLifeIsCountedInItsOwnPeriod: a case that was closed in time, opened
// again the next day and closed late is one closing in time and one late one.
func TestEachLifeIsCountedInItsOwnPeriod(t *testing.T) {
	b := open(t, book{all: [][]tasks.Event{
		write("a G01 patrol: reported 1, filed 1, dispatched 2, claimed 4, checked 5, closed 6, filed 30, dispatched 31, claimed 40, checked 41, closed 42"),
		write("b G01 patrol: reported 1, filed 1, dispatched 2, claimed 12, checked 13, closed 14, filed 30, dispatched 31"),
	}}, Default())
	for n, want := range []map[string]int{
		{"closed": 2, "closed_on_time": 1, "disposed": 2, "disposed_on_time": 1, "due": 2, "to_dispose": 2},
		{"closed": 1, "closed_on_time": 0, "disposed": 1, "disposed_on_time": 0, "due": 2, "to_dispose": 2}, // b is open again, and late
	} {
		from := day + 24*hour*telemetry.Millis(n)
		table, err := b.Table(t.Context(), from, from+24*hour, "matter")
		if err != nil {
			t.Fatal(err)
		}
		for name, count := range want {
			if got := table.Total.Counts[name]; got != count {
				t.Errorf("day %d: %d %s, want %d", n+1, got, name, count)
			}
		}
	}
	s, err := b.Summary(t.Context(), day, day+48*hour)
	if err != nil || s.Closed.N != 2 || s.OnTime.N != 1 || s.Open.N != 1 {
		t.Errorf("both days: closed %d, in time %d, open %d, %v; want 2, 1 and 1", s.Closed.N, s.OnTime.N, s.Open.N, err)
	}
}
