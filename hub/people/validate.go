package people

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"gridhub/configs"
)

var forces = []Force{PatrolForce, GridForce, Community, Cadre}

// Validate reports what is wrong with a department.
func (d Department) Validate() error {
	var errs []error
	if !named(d.Code) {
		errs = append(errs, configs.Fault("code", d.Code, "a code such as UM"))
	}
	if d.Name.ZH == "" {
		errs = append(errs, configs.Fault("name.zh", d.Name.ZH, "a name"))
	}
	return errors.Join(errs...)
}

// Validate reports what is wrong with a member of staff. Whether the grids and
// the department exist, only those know who have their files.
func (s Staff) Validate() error {
	var errs []error
	if !named(string(s.ID)) {
		errs = append(errs, configs.Fault("id", s.ID, "a number such as p-017: up to 64 of a-z A-Z 0-9 - _ ."))
	}
	if s.Label.ZH == "" {
		errs = append(errs, configs.Fault("label.zh", s.Label.ZH, "what others read, such as 网格员 017"))
	}
	if !s.Force.Known() {
		errs = append(errs, configs.Fault("force", s.Force, "%s", Forces()))
	}
	for i, g := range s.Grids {
		if slices.Contains(s.Grids[:i], g) {
			errs = append(errs, configs.Fault(fmt.Sprintf("grids[%d]", i), g, "each grid once"))
		}
	}
	return errors.Join(errs...)
}

// Known reports whether f is one of the forces.
func (f Force) Known() bool { return slices.Contains(forces, f) }

// Forces lists the forces as a wish in a message.
func Forces() string { return "patrol, grid, community or cadre" }

// named reports whether s can stand in addresses and lists: up to 64 letters
// and digits with - _ . between.
func named(s string) bool {
	const allowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_."
	return s != "" && len(s) <= 64 && strings.Trim(s, allowed) == ""
}
