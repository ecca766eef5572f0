package api

import (
	"testing"

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

// TestOnlyWhoCallsSeesTheReporter tries every role, and the assignee.
func TestOnlyWhoCallsSeesTheReporter(t *testing.T) {
	a, c := New(Deps{}), tasks.Case{ID: "c-1", Assignee: "p-1"}
	events := []tasks.Event{{Type: tasks.Reported, Body: tasks.Body{Reporter: "张三 13800001234"}}}
	sees := map[identity.Role]bool{identity.CallTaker: true, identity.Dispatcher: true, identity.Checker: true}
	for _, r := range identity.Roles {
		got := a.veil(identity.Principal{Roles: []identity.Role{r}, Person: "p-2"}, c, events)[0].Body.Reporter
		if (got == "张三 13800001234") != sees[r] {
			t.Errorf("%s reads %q", r, got)
		}
	}
	if got := a.veil(identity.Principal{Roles: []identity.Role{identity.Handler}, Person: "p-1"}, c, events)[0].Body.Reporter; got != "张三 13800001234" {
		t.Errorf("the assignee reads %q", got)
	}
	if events[0].Body.Reporter != "张三 13800001234" {
		t.Error("the caller's events were changed")
	}
}
