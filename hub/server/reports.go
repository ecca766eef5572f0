package server

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"gridhub/configs"
	"gridhub/hub/figures"
	"gridhub/hub/identity"
	"gridhub/hub/reports"
	"gridhub/hub/tasks"
)

// reportsFolder holds the workbooks, below the data.
const reportsFolder = "reports"

// openReports joins the figures with those who want them regularly.
func (h *Hub) openReports(ctx context.Context) (err error) {
	h.reports, err = reports.Open(ctx, h.db, reports.Options{Reports: h.cfg.Reports, Folder: filepath.Join(h.cfg.Data, reportsFolder),
		Zone: h.files.Zone(), Now: h.now, Sheet: h.figures.Counted, Log: h.log})
	return err
}

// checkReports wants tables that there are, and names of their own.
func (c Config) checkReports() error {
	var errs []error
	for i, r := range c.Reports {
		same := func(o reports.Config) bool { return o.Name == r.Name }
		if slices.ContainsFunc(c.Reports[:i], same) {
			errs = append(errs, configs.Fault(fmt.Sprintf("reports[%d].name", i), r.Name, "a name that no other report has"))
		}
		for k, by := range r.By {
			if !figures.Cut(by) {
				errs = append(errs, configs.Fault(fmt.Sprintf("reports[%d].by[%d]", i, k), by, "one of %s", strings.Join(figures.Dimensions, ", ")))
			}
		}
	}
	return errors.Join(errs...)
}

// lineName is what people call a line of a table of figures.
func (h *Hub) lineName(by, key string) string {
	switch by {
	case "matter":
		for _, m := range h.files.Matters {
			if m.Code == key {
				return key + " " + m.Name.ZH
			}
		}
	case "grid":
		if h.files.Grids == nil {
			return key
		}
		for _, g := range h.files.Grids.All() {
			if g.Code == key {
				return key + " " + g.NameZH
			}
		}
	case "department":
		if key == tasks.Desk {
			return "指挥中心"
		}
		return h.files.agency(key)
	case "person":
		if p, err := h.staff.Person(context.Background(), identity.PersonID(key)); err == nil {
			return p.Label.ZH
		}
	}
	return key
}
