package api

import (
	"context"
	"slices"
	"testing"
	"time"

	"gridhub/hub/identity"
	"gridhub/hub/tasks"
)

func TestMask(t *testing.T) {
	for in, want := range map[string]string{
		"张三 13800001234": "张* 138****1234", "欧阳修": "欧**", "z@example.org": "z********", "": "", "李": "李", "0571-8765": "0********", "+8613800001234": "+86*******1234",
	} {
		if got := mask(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

// TestOnlyWhoCallsSeesTheReporter tries every role, and the assignee; each look
// at the whole is recorded.
func TestOnlyWhoCallsSeesTheReporter(t *testing.T) {
	log := openAudit(t)
	a, c := New(Deps{Audit: log, Clock: time.Now}), tasks.Case{ID: "c-1", Assignee: "p-1"}
	events := []tasks.Event{{Type: tasks.Reported, Body: tasks.Body{Reporter: "张三 13800001234"}}}
	reads := func(p identity.Principal) string {
		t.Helper()
		got, err := a.veil(context.WithValue(t.Context(), principalKey{}, p), c, events)
		if err != nil {
			t.Fatal(err)
		}
		return got[0].Body.Reporter
	}
	sees := map[identity.Role]bool{identity.CallTaker: true, identity.Dispatcher: true, identity.Checker: true}
	for _, r := range identity.Roles {
		for range 2 { // what is looked at again at once is one look
			if got := reads(identity.Principal{Account: string(r), Roles: []identity.Role{r}, Person: "p-2"}); (got == "张三 13800001234") != sees[r] {
				t.Errorf("%s reads %q", r, got)
			}
		}
	}
	if got := reads(identity.Principal{Account: "worker", Roles: []identity.Role{identity.Handler}, Person: "p-1"}); got != "张三 13800001234" {
		t.Errorf("the assignee reads %q", got)
	}
	if events[0].Body.Reporter != "张三 13800001234" {
		t.Error("the caller's events were changed")
	}
	var who []string
	for _, r := range log.all() {
		if r.Act != "reporter.look" || r.Subject != "c-1" {
			t.Errorf("recorded %+v", r)
		}
		who = append(who, r.Account)
	}
	if want := []string{"worker", "checker", "dispatcher", "call-taker"}; !slices.Equal(who, want) {
		t.Errorf("looks of %v, want %v", who, want)
	}
}
