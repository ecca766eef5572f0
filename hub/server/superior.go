package server

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"

	"gridhub/hub/identity"
	"gridhub/hub/people"
	"gridhub/hub/tasks"
)

// superior names who is told when a limit of a department nears or has passed:
// its lead or its head as departments.yaml says, or the street's leader. Empty:
// the street names nobody.
func (h *Hub) superior(_ context.Context, department string, to tasks.Level) identity.PersonID {
	if to == tasks.ToLeader {
		return h.files.Info.Leader
	}
	i := slices.IndexFunc(h.files.Departments, func(d people.Department) bool { return d.Code == department })
	if i < 0 {
		return ""
	}
	if to == tasks.ToLead {
		return h.files.Departments[i].Lead
	}
	return h.files.Departments[i].Head
}

// superiors finds leads, heads and a leader who are not among the staff. The
// files name one another in a circle, so that this is asked when all are read.
func (r *reader) superiors(dir string) {
	known := []identity.PersonID{""}
	for _, s := range r.files.Staff {
		known = append(known, s.ID)
	}
	want := func(id identity.PersonID, file, key string) {
		if !slices.Contains(known, id) {
			r.note(fmt.Errorf("%s: %s: %q: want the number of a member of staff, as in staff.yaml", filepath.Join(dir, file), key, id))
		}
	}
	for i, d := range r.files.Departments {
		want(d.Lead, "departments.yaml", fmt.Sprintf("departments[%d].lead", i))
		want(d.Head, "departments.yaml", fmt.Sprintf("departments[%d].head", i))
	}
	want(r.files.Info.Leader, "street.yaml", "leader")
}
