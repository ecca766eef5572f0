package figures

import (
	"reflect"
	"testing"
	"time"

	"gridhub/hub/identity"
	"gridhub/hub/tasks"
)

// TestWhoHeldAndWhoPassedOn counts one case by hand that went to and fro, and one
// that did not.
func TestWhoHeldAndWhoPassedOn(t *testing.T) {
	b := open(t, book{all: [][]tasks.Event{
		write("k G01 patrol: reported 1, filed 1, dispatched@UM 2, returned 4, dispatched@SAN 7, returned 8, dispatched@UM 10"),
		write("l G01 patrol: reported 0, filed 0, dispatched@UM 1, claimed 2, checked 3, closed 4"),
	}}, Default())
	table, err := b.Table(t.Context(), day, day+24*hour, "department")
	if err != nil {
		t.Fatal(err)
	}
	h := func(n float64) float64 { return n * 3600 }
	for _, want := range []struct {
		key                   string
		held, passed, fro     int
		longest, median, lost float64
	}{
		{"SAN", 1, 1, 1, h(1), h(1), h(3)},   // 7–8; UM had it again at 10, and had had it before
		{"UM", 2, 1, 0, h(16), h(8.5), h(5)}, // 2–4 and 10–24, the other 1–2; SAN had it at 7
		{"desk", 2, 0, 0, h(6), h(4.5), 0},   // 1–2, 4–7, 8–10; the other 0–1 and 2–4
	} {
		var row Row
		for _, r := range table.Rows {
			if r.Key == want.key {
				row = r
			}
		}
		if row.Counts["held"] != want.held || row.Counts["passed"] != want.passed || row.Counts["to_and_fro"] != want.fro ||
			row.Held.N != want.held || row.Held.P90 != want.longest || row.Held.Median != want.median || row.Lost.Median != want.lost {
			t.Errorf("%s: %v, held %+v, lost %+v; want %+v", want.key, row.Counts, row.Held, row.Lost, want)
		}
	}
	if n := table.Total; n.Counts["held"] != 2 || n.Counts["passed"] != 1 || n.Lost.Median != h(8) {
		t.Errorf("total: %v, lost %+v", n.Counts, n.Lost)
	}
	if got, err := b.Cases(t.Context(), day, day+24*hour, "department", "SAN", "passed"); err != nil || !reflect.DeepEqual(got, []identity.CaseID{"k"}) {
		t.Errorf("behind what SAN passed on: %v, %v", got, err)
	}
	// Two halves of the day hold together as long as the whole.
	first, err1 := b.Table(t.Context(), day, day+9*hour, "department")
	second, err2 := b.Table(t.Context(), day+9*hour, day+24*hour, "department")
	if err1 != nil || err2 != nil {
		t.Fatal(err1, err2)
	}
	sum := func(tables ...Table) (d time.Duration) {
		for _, t := range tables {
			d += time.Duration(t.Total.Held.Mean*float64(t.Total.Held.N)) * time.Second
		}
		return d
	}
	if sum(first, second) != sum(table) || sum(table) != 27*time.Hour {
		t.Errorf("held for %v and %v, together %v", sum(first), sum(second), sum(table))
	}
}
