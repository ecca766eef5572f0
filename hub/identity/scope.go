package identity

import (
	"slices"
	"strings"
)

// Scope bounds a role: "street", "own", "department:UM" or "grid:G05".
type Scope string

// The scopes without a name in them.
const (
	Street Scope = "street" // everything
	Own    Scope = "own"    // what the person takes part in
)

// OfDepartment and OfGrid bound a role to a department's work, and to a grid.
func OfDepartment(code string) Scope { return Scope("department:" + code) }

// OfGrid bounds a role to what lies in a grid.
func OfGrid(code string) Scope { return Scope("grid:" + code) }

// Department is the code that a scope names, empty if it names none.
func (s Scope) Department() string { return s.named("department:") }

// Grid is the grid that a scope names, empty if it names none.
func (s Scope) Grid() string { return s.named("grid:") }

func (s Scope) named(kind string) string {
	code, _ := strings.CutPrefix(string(s), kind)
	if len(code) == len(s) {
		return ""
	}
	return code
}

// Valid reports whether s is one of the four forms.
func (s Scope) Valid() bool {
	return s == Street || s == Own || s.Department() != "" || s.Grid() != ""
}

// ScopesOf lists what bounds a role that p holds. A role for which nothing is
// named holds where it does by nature: a field worker's for what is the
// worker's own, everybody else's in the whole street.
func (p Principal) ScopesOf(r Role) []Scope {
	switch list := p.Scopes[r]; {
	case !slices.Contains(p.Roles, r):
		return nil
	case len(list) > 0:
		return list
	case r == Handler:
		return []Scope{Own}
	}
	return []Scope{Street}
}

// Bounded reports whether somebody set bounds to a role of p.
func (p Principal) Bounded(r Role) bool {
	list := p.Scopes[r]
	return len(list) > 0 && !slices.Contains(list, Street)
}

// Is reports whether p is the person, or stands in for the person at present.
func (p Principal) Is(person PersonID) bool {
	return person != "" && (p.Person == person || slices.Contains(p.For, person))
}

// Marks name what a thing has to do with: departments, grids, persons,
// accounts. A case carries those of all who have, or had, a part in it.

// InDepartment marks what a department has to do with.
func InDepartment(code string) string { return "@" + code }

// InGrid marks what lies in a grid.
func InGrid(code string) string { return "#" + code }

// WorkOf marks what a person was sent to, WithPart what a person did anything
// to, and by an account's name what was done by somebody who is no staff.
func WorkOf(p PersonID) string { return "=" + string(p) }

// WithPart marks what a person, or an account without one, had a part in.
func WithPart(p PersonID, account string) string {
	if p == "" {
		return "~" + account
	}
	return string(p)
}

// Reach is what somebody may see and act on: everything, or whatever carries
// one of the marks or waits for one of the hands. The zero value reaches nothing.
type Reach struct {
	Street bool
	Marks  []string
	Hands  []string // as a case names whose move it is
}

// Sees reports whether a thing with these marks and hands is within reach.
func (r Reach) Sees(marks, hands []string) bool {
	in := func(list []string) func(string) bool {
		return func(s string) bool { return slices.Contains(list, s) }
	}
	return r.Street || slices.ContainsFunc(marks, in(r.Marks)) || slices.ContainsFunc(hands, in(r.Hands))
}

// And is what either reaches.
func (r Reach) And(other Reach) Reach {
	return Reach{Street: r.Street || other.Street, Marks: append(slices.Clip(r.Marks), other.Marks...),
		Hands: append(slices.Clip(r.Hands), other.Hands...)}
}
