package calls

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"gridhub/hub/identity"
	"gridhub/streams/radio"
	"gridhub/streams/talk"
)

// The kinds of talk groups. A group's id is its kind, a slash, and the code of
// what it is of: dept/URBAN, grid/G07, case/01J….
const (
	ofDepartment = "dept"
	ofGrid       = "grid"
	ofCase       = "case"
)

// Label is a name in both languages.
type Label struct{ ZH, EN string }

// Someone is a member of staff as talk groups see them.
type Someone struct {
	Person     talk.Person
	Department string
	Grids      []string
}

// CaseGroup is a case as a talk group: what it is called, and who works on it.
type CaseGroup struct {
	Label  Label
	People []talk.Person
	Open   bool
}

// Street is what groups are made of.
type Street interface {
	Staff(ctx context.Context) ([]Someone, error)
	// Centre lists who sits at the centre, by person or account.
	Centre(ctx context.Context) ([]talk.Person, error)
	Departments() map[string]Label // by code
	Grids() map[string]Label
	Case(ctx context.Context, id identity.CaseID) (CaseGroup, error)
	// CasesOf lists the open cases in which person has a part.
	CasesOf(ctx context.Context, person talk.Person) ([]identity.CaseID, error)
}

// Groups makes the talk groups of a street: one for each department, each grid
// and each case at work; the centre belongs to all of them, and goes before
// everybody but who calls for help. Safe for concurrent use.
type Groups struct {
	street Street
	sos    *Latch
}

// NewGroups makes the groups of street; who called for help goes by l.
func NewGroups(street Street, l *Latch) *Groups { return &Groups{street, l} }

var errNoGroup = errors.New("no such talk group")

// CaseGroupID is the talk group of a case.
func CaseGroupID(id identity.CaseID) talk.Group { return talk.Group(ofCase + "/" + string(id)) }

// Groups lists the groups of person: first where somebody called for help,
// then cases, the own department, grids, and for the centre all others.
func (g *Groups) Groups(ctx context.Context, person string) ([]radio.Group, error) {
	p := talk.Person(person)
	ids, err := g.ids(ctx, p)
	if err != nil {
		return nil, err
	}
	var out []radio.Group
	for _, id := range ids {
		group, err := g.Group(ctx, id)
		if errors.Is(err, errNoGroup) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if _, in := group.Members[p]; in {
			out = append(out, group)
		}
	}
	return out, nil
}

// ids lists the groups that person may belong to, without a repeat.
func (g *Groups) ids(ctx context.Context, p talk.Person) (ids []talk.Group, err error) {
	add := func(kind, code string) {
		if id := talk.Group(kind + "/" + code); code != "" && !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	for _, s := range g.sos.Active() {
		add(ofCase, string(s.Case))
	}
	cases, err := g.street.CasesOf(ctx, p)
	if err != nil {
		return nil, err
	}
	for _, c := range cases {
		add(ofCase, string(c))
	}
	staff, err := g.street.Staff(ctx)
	if err != nil {
		return nil, err
	}
	for _, s := range staff {
		if s.Person == p {
			add(ofDepartment, s.Department)
			for _, code := range s.Grids {
				add(ofGrid, code)
			}
		}
	}
	centre, err := g.street.Centre(ctx)
	if err != nil || !slices.Contains(centre, p) {
		return ids, err
	}
	for _, code := range sorted(g.street.Departments()) {
		add(ofDepartment, code)
	}
	for _, code := range sorted(g.street.Grids()) {
		add(ofGrid, code)
	}
	return ids, nil
}

func sorted(m map[string]Label) []string {
	all := make([]string, 0, len(m))
	for code := range m {
		all = append(all, code)
	}
	slices.Sort(all)
	return all
}

// Group is one group as it is now.
func (g *Groups) Group(ctx context.Context, id talk.Group) (radio.Group, error) {
	kind, code, _ := strings.Cut(string(id), "/")
	out := radio.Group{ID: id, Kind: kind, Members: map[talk.Person]talk.Priority{}}
	label, people, err := g.people(ctx, kind, code)
	if err != nil {
		return out, err
	}
	out.ZH, out.EN = label.ZH, label.EN
	for _, p := range people {
		out.Members[p] = talk.Normal
	}
	centre, err := g.street.Centre(ctx)
	if err != nil {
		return out, err
	}
	for _, p := range centre {
		out.Members[p] = talk.Urgent
	}
	for _, s := range g.sos.Active() {
		if _, in := out.Members[s.Person]; in {
			out.Members[s.Person] = talk.Emergency
		}
	}
	return out, nil
}

// people are who belongs to a group for what they do.
func (g *Groups) people(ctx context.Context, kind, code string) (Label, []talk.Person, error) {
	if kind == ofCase {
		return g.ofCase(ctx, identity.CaseID(code))
	}
	of := func(s Someone) bool { return s.Department == code }
	label, known := g.street.Departments()[code]
	if kind == ofGrid {
		of = func(s Someone) bool { return slices.Contains(s.Grids, code) }
		label, known = g.street.Grids()[code]
	}
	if !known || kind != ofGrid && kind != ofDepartment {
		return label, nil, fmt.Errorf("%w: %s/%s", errNoGroup, kind, code)
	}
	staff, err := g.street.Staff(ctx)
	var all []talk.Person
	for _, s := range staff {
		if of(s) {
			all = append(all, s.Person)
		}
	}
	return label, all, err
}

// ofCase are who works on a case, and who called for help or was called to it.
func (g *Groups) ofCase(ctx context.Context, id identity.CaseID) (Label, []talk.Person, error) {
	c, err := g.street.Case(ctx, id)
	if err != nil {
		return Label{}, nil, fmt.Errorf("%w: case %s: %w", errNoGroup, id, err)
	}
	s, latched := g.sos.Of(id)
	if !c.Open && !latched {
		return Label{}, nil, fmt.Errorf("%w: case %s is over", errNoGroup, id)
	}
	people := c.People
	if latched {
		people = append(people, s.People()...)
	}
	return c.Label, people, nil
}
