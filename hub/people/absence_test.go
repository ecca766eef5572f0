package people_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"gridhub/devices/telemetry"
	"gridhub/hub/identity"
	"gridhub/hub/people"
)

func TestWhoStandsIn(t *testing.T) {
	b, ctx := open(t), t.Context()
	var staff []people.Staff
	for _, id := range []identity.PersonID{"p-1", "p-2", "p-3", "p-4"} {
		staff = append(staff, people.Staff{ID: id})
	}
	if err := b.dir.Import(ctx, staff); err != nil {
		t.Fatal(err)
	}
	day := func(n int) telemetry.Millis { return telemetry.At(b.now.AddDate(0, 0, n)) }
	absent := func(p, deputy identity.PersonID, from, to int) people.Absence {
		t.Helper()
		a, err := b.dir.SetAbsence(ctx, people.Absence{Person: p, Deputy: deputy, From: day(from), To: day(to), Reason: "leave"})
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	absent("p-1", "p-2", 1, 5)
	second := absent("p-2", "p-3", 3, 6)
	absent("p-3", "p-1", 4, 5) // a circle on the fourth day
	absent("p-4", "", 1, 2)
	for _, tt := range []struct {
		who  identity.PersonID
		day  int
		want identity.PersonID
	}{{"p-1", 0, "p-1"}, {"p-1", 1, "p-2"}, {"p-1", 3, "p-3"}, {"p-1", 4, ""}, {"p-2", 5, "p-3"}, {"p-1", 5, "p-1"}, {"p-4", 1, ""}} {
		if got := b.dir.Stand(tt.who, day(tt.day)); got != tt.want {
			t.Errorf("for %s on day %d stands %q, want %q", tt.who, tt.day, got, tt.want)
		}
	}
	if got := b.dir.StandsFor("p-3", day(3)); !slices.Equal(got, []identity.PersonID{"p-1", "p-2"}) {
		t.Errorf("p-3 stands for %v", got)
	}
	for name, bad := range map[string]people.Absence{
		"at the same time": {Person: "p-1", From: day(4), To: day(9), Reason: "sick"},
		"backwards":        {Person: "p-1", From: day(9), To: day(8), Reason: "sick"},
		"without a reason": {Person: "p-1", From: day(8), To: day(9)},
		"for oneself":      {Person: "p-1", From: day(8), To: day(9), Reason: "sick", Deputy: "p-1"},
		"two years":        {Person: "p-1", From: day(8), To: day(800), Reason: "sick"},
	} {
		if _, err := b.dir.SetAbsence(ctx, bad); !errors.Is(err, people.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := b.dir.SetAbsence(ctx, people.Absence{Person: "p-1", From: day(8), To: day(9), Reason: "sick", Deputy: "p-404"}); !errors.Is(err, people.ErrNoPerson) {
		t.Errorf("a deputy that there is not: %v", err)
	}
	if a, err := b.dir.EndAbsence(ctx, "p-2", second.ID, day(4)); err != nil || a.To != day(4) {
		t.Errorf("back early: %+v, %v", a, err)
	}
	if got := b.dir.Stand("p-2", day(5)); got != "p-2" {
		t.Errorf("after coming back early %q stands for p-2", got)
	}
	if _, err := b.dir.EndAbsence(ctx, "p-1", second.ID, day(4)); !errors.Is(err, people.ErrNoAbsence) {
		t.Errorf("somebody else's absence: %v", err)
	}
	again, err := people.OpenDirectory(ctx, b.db)
	if err != nil || !slices.Equal(again.Absences(0), b.dir.Absences(0)) || len(again.Absences(0)) != 4 {
		t.Errorf("after opening again: %+v, %v", again.Absences(0), err)
	}
}

func TestReachOfTheAbsentIsTheDeputys(t *testing.T) {
	b, ctx := open(t), t.Context()
	if err := b.dir.Import(ctx, []people.Staff{{ID: "p-1", Department: "UM"}, {ID: "p-2", Department: "ES"}}); err != nil {
		t.Fatal(err)
	}
	if _, err := b.dir.SetAbsence(ctx, people.Absence{Person: "p-1", Deputy: "p-2", From: telemetry.At(b.now), To: telemetry.At(b.now.Add(time.Hour)), Reason: "sick"}); err != nil {
		t.Fatal(err)
	}
	p := identity.Principal{Account: "p-2", Person: "p-2", Roles: []identity.Role{identity.Handler}}
	sent := []string{identity.WorkOf("p-1")}
	if b.dir.Reach(ctx, p, identity.Handler).Sees(sent, nil) {
		t.Error("somebody sees what another was sent to")
	}
	p.For = b.dir.StandsFor("p-2", telemetry.At(b.now))
	if !b.dir.Reach(ctx, p, identity.Handler).Sees(sent, nil) {
		t.Error("the deputy does not see what the absent was sent to")
	}
	if !b.dir.Reach(ctx, p, identity.Handler).Sees(nil, []string{identity.InDepartment("ES")}) {
		t.Error("what waits for anybody of the department is not seen")
	}
	if b.dir.Reach(ctx, p, identity.Dispatcher).Sees(sent, nil) {
		t.Error("a role that is not held reaches something")
	}
}
