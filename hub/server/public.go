package server

import (
	"context"
	"slices"

	"gridhub/hub/geo"
	"gridhub/hub/identity"
	"gridhub/hub/people"
	"gridhub/hub/residents"
)

// openPublic opens the doors for those who are no staff.
func (h *Hub) openPublic(ctx context.Context) (err error) {
	h.door, err = residents.Open(ctx, h.db, intakeDesk{h.pool, h}, h.evidence, h.alike, residents.Options{
		Grid: h.files.gridOf, Collector: h.collector, Department: h.files.department, Street: h.files.Info.Name.ZH, Zone: h.files.Zone(), Now: h.now})
	return err
}

// gridOf names the grid of a place. A hub without grids has no outside.
func (f Files) gridOf(at geo.Point) (string, bool) {
	if f.Grids == nil {
		return "", true
	}
	g, inside := f.Grids.At(at)
	return g.Code, inside
}

func (f Files) department(code string) people.Name {
	for _, d := range f.Departments {
		if d.Code == code {
			return d.Name
		}
	}
	return people.Name{ZH: code, EN: code}
}

// collector is who looks whether what the public reported is so: of the grid's
// own members on duty the one with the lowest number, empty when there is none.
func (h *Hub) collector(ctx context.Context, grid string) identity.PersonID {
	staff, err := h.staff.List(ctx)
	if err != nil {
		h.log.Warn("nobody was asked to verify a report", "grid", grid, "error", err)
		return ""
	}
	on := h.staff.Now(h.now())
	for _, s := range staff {
		if s.Force == people.GridForce && slices.Contains(s.Grids, grid) && slices.Contains(on, s.ID) {
			return s.ID
		}
	}
	return ""
}
