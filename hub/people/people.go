// Package people knows the street's staff: departments, forces, grids, skills,
// who is on duty when, and the accounts with which people sign in.
//
// Duty is kept as intervals and asked at event time, so that a late reading is
// judged by who was on duty then. Passwords are argon2id; sessions are random
// tokens of which only the hash is kept.
package people

import (
	"errors"
	"fmt"
	"slices"

	"gridhub/configs"
	"gridhub/devices/telemetry"
	"gridhub/hub/identity"
)

// Name is a text in the two languages of the faces.
type Name struct {
	ZH string `json:"zh" yaml:"zh"`
	EN string `json:"en" yaml:"en"`
}

// Department is one that handles cases; Code is the matter files' short form.
type Department struct {
	Code string            `json:"code" yaml:"code"`
	Name Name              `json:"name" yaml:"name"`
	Lead identity.PersonID `json:"lead,omitempty" yaml:"lead"` // 组长: told when a limit has passed
	Head identity.PersonID `json:"head,omitempty" yaml:"head"` // 负责人: told after the lead
}

// Force is the kind of staff a person belongs to.
type Force string

// The four forces of the street.
const (
	PatrolForce Force = "patrol"    // 综治巡防
	GridForce   Force = "grid"      // 网格员
	Community   Force = "community" // 社区两委
	Cadre       Force = "cadre"     // 街道干部
)

// Staff is one member, known by number.
type Staff struct {
	ID         identity.PersonID `json:"id" yaml:"id"`
	Label      Name              `json:"label" yaml:"label"` // 网格员 017
	Force      Force             `json:"force" yaml:"force"`
	Department string            `json:"department" yaml:"department"`
	Grids      []string          `json:"grids" yaml:"grids"`
	Skills     []string          `json:"skills" yaml:"skills"`
}

// Duty is one interval on duty; To is 0 while it lasts.
type Duty struct {
	Person identity.PersonID `json:"person"`
	From   telemetry.Millis  `json:"from"`
	To     telemetry.Millis  `json:"to,omitempty"`
}

// Account is a sign-in. Person is empty for accounts that are no staff member
// (an auditor, an administrator). A role that Scopes does not name holds in the
// whole street, a field worker's for what is the worker's own.
type Account struct {
	Name         string                             `json:"name"`
	Person       identity.PersonID                  `json:"person,omitempty"`
	Roles        []identity.Role                    `json:"roles"`
	Scopes       map[identity.Role][]identity.Scope `json:"scopes,omitempty"`
	Disabled     bool                               `json:"disabled,omitempty"`
	SecondFactor bool                               `json:"second_factor,omitempty" doc:"signs in with a code beside the password"`
	Subject      string                             `json:"subject,omitempty" doc:"who it is at the identity provider; ?: whoever comes first under the name; empty: signs in here"`
}

// Validate reports roles that there are not, and bounds that mean nothing.
func (a Account) Validate() error {
	var errs []error
	for _, r := range a.Roles {
		if !slices.Contains(identity.Roles, r) {
			errs = append(errs, configs.Fault("roles", r, "one of %v", identity.Roles))
		}
	}
	for r, list := range a.Scopes {
		if !slices.Contains(a.Roles, r) {
			errs = append(errs, configs.Fault("scopes", r, "a role that the account has"))
		}
		for _, s := range list {
			if !s.Valid() {
				errs = append(errs, configs.Fault("scopes."+string(r), s, "street, own, department:CODE or grid:CODE"))
			}
		}
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	return nil
}
