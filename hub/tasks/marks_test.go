package tasks_test

import (
	"slices"
	"testing"

	"gridhub/hub/identity"
	"gridhub/hub/store"
	"gridhub/hub/tasks"
)

// found asks for the cases that a reach reaches in both ways that there are:
// the store's, and the case's own. They must say the same.
func found(b *bench, r identity.Reach, all ...tasks.Case) []identity.CaseID {
	b.t.Helper()
	ids, err := b.Find(b.t.Context(), tasks.Filter{Within: &r})
	if err != nil {
		b.t.Fatal(err)
	}
	for _, c := range all {
		now, _, err := b.Get(b.t.Context(), c.ID)
		if err != nil {
			b.t.Fatal(err)
		}
		if sees := r.Sees(now.Marks, now.Hands()); sees != slices.Contains(ids, c.ID) {
			b.t.Errorf("%+v sees %s: %v by its marks %v, by the store %v", r, c.ID, sees, now.Marks, ids)
		}
	}
	slices.Sort(ids)
	return ids
}

func TestReachFindsWhatItSees(t *testing.T) {
	b := newPool(t)
	gas := b.report("gas-in-grid-3")
	b.must(dispatcher, gas, tasks.Command{Type: tasks.Dispatched, Assignee: "p-017"})
	house, err := b.Report(t.Context(), other, tasks.Report{ID: "house-report", Matter: "AQ06", Source: "patrol", Place: here, Grid: "G07"})
	if err != nil {
		t.Fatal(err)
	}
	both := []identity.CaseID{gas.ID, house.ID}
	slices.Sort(both)
	for name, tt := range map[string]struct {
		reach identity.Reach
		want  []identity.CaseID
	}{
		"the street":           {identity.Reach{Street: true}, both},
		"nothing":              {identity.Reach{}, nil},
		"a grid":               {identity.Reach{Marks: []string{identity.InGrid("G03")}}, []identity.CaseID{gas.ID}},
		"the lead department":  {identity.Reach{Marks: []string{identity.InDepartment("HC")}}, []identity.CaseID{house.ID}},
		"another department":   {identity.Reach{Marks: []string{identity.InDepartment("SAN")}}, nil},
		"who was sent":         {identity.Reach{Marks: []string{"p-017"}}, []identity.CaseID{gas.ID}},
		"a department's hands": {identity.Reach{Marks: []string{identity.WorkOf("p-017")}}, []identity.CaseID{gas.ID}},
		"who reported":         {identity.Reach{Marks: []string{"p-018"}}, []identity.CaseID{house.ID}},
		"reporting is no work": {identity.Reach{Marks: []string{identity.WorkOf("p-018")}}, nil},
		"two grids":            {identity.Reach{Marks: []string{identity.InGrid("G03"), identity.InGrid("G07")}}, both},
		"a mark in quotes":     {identity.Reach{Marks: []string{"' OR '1'='1"}}, nil},
	} {
		if got := found(b, tt.reach, gas, house); !slices.Equal(got, tt.want) {
			t.Errorf("%s: %v, want %v", name, got, tt.want)
		}
	}
	b.must(dispatcher, house, tasks.Command{Type: tasks.Dispatched, Assignee: "p-018"})
	if got := found(b, identity.Reach{Hands: []string{tasks.HandOf("ES")}}, gas, house); !slices.Equal(got, []identity.CaseID{house.ID}) {
		t.Errorf("whose department has an order: %v, want the house", got)
	}
}

// TestOldCasesAreMarked takes the marks away, as on a hub that was made before
// there were any, and opens the pool again.
func TestOldCasesAreMarked(t *testing.T) {
	b := newPool(t)
	c := b.report("before-marks")
	err := b.db.Write(t.Context(), func(tx *store.Tx) error {
		_, err := tx.Exec(t.Context(), `DELETE FROM case_marks`)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	grid := identity.Reach{Marks: []string{identity.InGrid("G03")}}
	if ids, err := b.Find(t.Context(), tasks.Filter{Within: &grid}); len(ids) != 0 || err != nil {
		t.Fatalf("without marks: %v, %v", ids, err)
	}
	if b.Pool, err = tasks.Open(t.Context(), b.db, tasks.Options{Matters: b.Matters()}); err != nil {
		t.Fatal(err)
	}
	if ids, err := b.Find(t.Context(), tasks.Filter{Within: &grid}); len(ids) != 1 || ids[0] != c.ID || err != nil {
		t.Errorf("after opening again: %v, %v, want %s", ids, err, c.ID)
	}
}

func TestADeputyTakesTheSteps(t *testing.T) {
	b := newPool(t)
	c := b.report("for-the-absent")
	c = b.must(dispatcher, c, tasks.Command{Type: tasks.Dispatched, Assignee: "p-017"})
	if _, err := b.Do(t.Context(), other, tasks.Command{ID: "somebody-else", Case: c.ID, Type: tasks.Accepted}); err == nil {
		t.Error("somebody else accepted the case")
	}
	deputy := other
	deputy.For = []identity.PersonID{"p-017"}
	c, err := b.Do(t.Context(), deputy, tasks.Command{ID: "the-deputy", Case: c.ID, Type: tasks.Accepted})
	if err != nil || c.State != tasks.Accepted {
		t.Fatalf("the deputy: %v, %v", c.State, err)
	}
	_, events, err := b.Get(t.Context(), c.ID)
	if err != nil {
		t.Fatal(err)
	}
	if last := events[len(events)-1]; last.Person != "p-018" {
		t.Errorf("the step is %s's, want it under the deputy's own number", last.Person)
	}
}
