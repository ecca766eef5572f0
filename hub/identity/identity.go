// Package identity holds the nouns that the hub's features share: who a
// person is, who asks, in which role, within which scope, and the ids of cases
// and hazards. It holds nothing else; what these may do is decided by those
// who own the deed.
package identity

// PersonID names a member of staff by number, never by name: "p-017".
type PersonID string

// CaseID names a case. It is given by the pool and never reused.
type CaseID string

// HazardID names a hazard event. It is derived from (rule, subject, event time
// of the first sample of the run), so that a replay finds the same one.
type HazardID string

// Role is what an account may do; see P9 of the security controls.
type Role string

// The roles. An account may hold several.
const (
	Viewer     Role = "viewer"
	CallTaker  Role = "call-taker"
	Dispatcher Role = "dispatcher"
	Handler    Role = "handler" // a field worker
	Checker    Role = "checker"
	Head       Role = "head" // of a department
	Auditor    Role = "auditor"
	Admin      Role = "admin"
	Partner    Role = "partner"
	Installer  Role = "installer"
)

// Roles lists all roles, in the order in which people read them.
var Roles = []Role{Viewer, CallTaker, Dispatcher, Handler, Checker, Head, Auditor, Admin, Partner, Installer}

// Principal is who asks: a signed-in person, or the hub itself.
type Principal struct {
	Account string
	Person  PersonID
	Roles   []Role
	Scopes  map[Role][]Scope // bounds of roles, see ScopesOf
	For     []PersonID       // the absent for whom the person stands in

	Unproven bool // needs a second factor and has none: may do nothing but set it up
}

// System is the principal of what the hub does by itself.
var System = Principal{Account: "system", Roles: []Role{Admin}}

// Has reports whether p holds any of the roles.
func (p Principal) Has(roles ...Role) bool {
	for _, r := range roles {
		for _, h := range p.Roles {
			if h == r {
				return true
			}
		}
	}
	return false
}
