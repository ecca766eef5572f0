package server

import (
	"context"
	"errors"
	"testing"

	"gridhub/devices/telemetry"
	"gridhub/hub/intake"
	"gridhub/hub/rules"
)

// moody is a book whose store fails every other time.
type moody struct {
	calls int
	took  []string
}

func (m *moody) Apply(_ context.Context, t rules.Transition) error {
	if m.calls++; m.calls%2 == 1 {
		return errors.New("the disk is busy")
	}
	m.took = append(m.took, t.What)
	return nil
}

func reading(n uint64, at telemetry.Millis, v float64) intake.Decoded {
	return intake.Decoded{Number: n, Points: []telemetry.Point{{Device: "gas-1", Kind: "gas", At: at,
		Fields: []telemetry.Field{{Metric: "ch4", Value: v}}}}}
}

// TestFailingStoreLosesNoHazard offers a batch again and again until it is
// taken, as the intake does, also across a crash with the memory saved between.
func TestFailingStoreLosesNoHazard(t *testing.T) {
	batch := []intake.Decoded{reading(1, dawn, 30), reading(2, dawn+10_000, 30), reading(3, dawn+20_000, 5),
		reading(4, dawn+30_000, 40), reading(5, dawn+40_000, 40)}
	book := &moody{}
	fresh := func(saved []byte) *watch {
		engine, err := rules.New([]rules.Rule{methane()})
		if err != nil {
			t.Fatal(err)
		}
		w := &watch{engine: engine, book: book}
		if err := w.Restore(saved); err != nil {
			t.Fatal(err)
		}
		return w
	}
	w := fresh(nil)
	for tries := 0; w.Handle(t.Context(), batch) != nil; tries++ {
		if tries > 20 {
			t.Fatal("the batch is never taken")
		}
		w = fresh(w.Save())
	}
	want := []string{rules.RaisedNow, rules.ClearedNow, rules.RaisedNow}
	if len(book.took) != len(want) {
		t.Fatalf("the book took %v, want %v", book.took, want)
	}
	for i := range want {
		if book.took[i] != want[i] {
			t.Errorf("the book took %v, want %v", book.took, want)
		}
	}
}
