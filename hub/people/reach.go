package people

import (
	"context"

	"gridhub/hub/identity"
)

// Reach is what p may see in any of the roles: the one place where a scope
// becomes marks. A department's scope reaches what the department leads or
// takes part in, and what its people were sent to; a person's own what the
// person has or had a part in, what waits for anybody of the person's
// department, and what is that of the absent for whom the person stands in.
func (d *Directory) Reach(ctx context.Context, p identity.Principal, roles ...identity.Role) identity.Reach {
	var r identity.Reach
	for _, role := range roles {
		for _, s := range p.ScopesOf(role) {
			r = r.And(d.within(ctx, p, s))
		}
	}
	return r
}

func (d *Directory) within(ctx context.Context, p identity.Principal, s identity.Scope) identity.Reach {
	switch {
	case s == identity.Street:
		return identity.Reach{Street: true}
	case s == identity.Own:
		return d.own(ctx, p)
	case s.Grid() != "":
		return identity.Reach{Marks: []string{identity.InGrid(s.Grid())}}
	case s.Department() != "":
		return d.department(s.Department())
	}
	return identity.Reach{} // no form that is known: nothing
}

func (d *Directory) own(ctx context.Context, p identity.Principal) identity.Reach {
	r := identity.Reach{Marks: []string{identity.WithPart(p.Person, p.Account)}}
	for _, absent := range p.For {
		r.Marks = append(r.Marks, identity.WorkOf(absent))
	}
	if s, err := d.Person(ctx, p.Person); err == nil && s.Department != "" {
		r.Hands = []string{identity.InDepartment(s.Department)}
	}
	return r
}

func (d *Directory) department(code string) identity.Reach {
	r := identity.Reach{Marks: []string{identity.InDepartment(code)}}
	d.mu.RLock()
	defer d.mu.RUnlock()
	for id, s := range d.staff {
		if s.Department == code {
			r.Marks = append(r.Marks, identity.WorkOf(id))
		}
	}
	return r
}

// Marks are what a member of staff belongs to, as scopes name it.
func (s Staff) Marks() []string {
	out := []string{string(s.ID)}
	if s.Department != "" {
		out = append(out, identity.InDepartment(s.Department))
	}
	for _, g := range s.Grids {
		out = append(out, identity.InGrid(g))
	}
	return out
}
