package server

import (
	"context"
	"slices"

	"gridhub/devices"
	"gridhub/devices/telemetry"
	"gridhub/hub/geo"
	"gridhub/hub/identity"
	"gridhub/hub/tasks"
)

// departmentOf is the department of a member of staff, empty for others.
func (h *Hub) departmentOf(ctx context.Context, who identity.PersonID) string {
	s, err := h.staff.Person(ctx, who)
	if err != nil {
		return ""
	}
	return s.Department
}

// region is the class of a grid's region, else of that in which a place lies.
func (f Files) region(grid string, at geo.Point) string {
	if f.Grids == nil {
		return ""
	}
	for _, g := range f.Grids.All() {
		if g.Code == grid {
			return g.Class
		}
	}
	g, _ := f.Grids.At(at)
	return g.Class
}

// terminalsOf are those of the people who have a part in a case: the lead, who
// has an order of it or gave one back, and where a department is to act and
// nobody has taken it up, its people who are on duty.
func (h *Hub) terminalsOf(c tasks.Case) []devices.ID {
	var out []devices.ID
	add := func(p identity.PersonID) {
		if p == "" {
			return
		}
		terminals := h.registry.Terminals(p)
		if deputy := h.staff.Stand(p, telemetry.At(h.now())); deputy != p {
			terminals = slices.Concat(terminals, h.registry.Terminals(deputy))
		}
		for _, id := range terminals {
			if !slices.Contains(out, id) {
				out = append(out, id)
			}
		}
	}
	add(c.Assignee)
	for _, o := range c.Orders {
		add(o.Assignee)
	}
	hands := c.Hands()
	if len(hands) == 0 {
		return out
	}
	ctx := context.Background() // the directory answers from memory
	for _, id := range h.staff.Now(h.now()) {
		if slices.Contains(hands, tasks.HandOf(h.departmentOf(ctx, id))) {
			add(id)
		}
	}
	return out
}

// workers are those who have a case in hand: its lead until the claim, and who
// has taken an order of it.
func workers(c tasks.Case) []identity.PersonID {
	if !c.Open() || c.State == tasks.Checked {
		return nil
	}
	var out []identity.PersonID
	if c.Assignee != "" && c.State != tasks.Claimed {
		out = append(out, c.Assignee)
	}
	for _, o := range c.Orders {
		if o.State == tasks.Taken && o.Assignee != "" && !slices.Contains(out, o.Assignee) {
			out = append(out, o.Assignee)
		}
	}
	return out
}

// atWork shows on the board who works on a case, and who does no longer.
func (h *Hub) atWork(c tasks.Case) {
	who := workers(c)
	keep := identity.PersonID("")
	if slices.Contains(who, c.Assignee) {
		keep = c.Assignee
	}
	h.board.Done(c.ID, keep)
	for _, w := range who {
		h.board.Work(w, c.ID)
	}
}
