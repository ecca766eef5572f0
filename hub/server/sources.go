package server

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"path/filepath"
	"strings"

	"gridhub/configs"
	"gridhub/hub/alike"
	"gridhub/hub/figures"
	"gridhub/hub/geo"
	"gridhub/hub/hotline"
	"gridhub/hub/identity"
	"gridhub/hub/open311"
	"gridhub/hub/sheets"
)

// openSources joins those from outside who report into the pool, and those who
// count what came of it.
func (h *Hub) openSources(ctx context.Context) (err error) {
	pool := intakeDesk{h.pool, h}
	h.hotline, err = hotline.Open(ctx, h.db, pool, hotline.Options{Config: h.files.Hotline, Limits: sheets.Default(),
		Folder: filepath.Join(h.cfg.Data, "hotline"), Zone: h.files.Zone(), Center: h.files.Info.Center, Locate: h.files.locate, Now: h.now, Log: h.log})
	if err != nil {
		return err
	}
	h.residents, err = open311.Open(ctx, h.db, pool, open311.Options{Zone: h.files.Zone(), Now: h.now, Agency: h.files.agency,
		Locate: func(address string) (geo.Point, string, bool) { return h.files.locate("", address) }})
	if err != nil {
		return err
	}
	h.alike = alike.New(h.pool, alike.Default(), h.now)
	h.figures, err = figures.Open(ctx, h.db, h.pool, figures.Options{Definitions: h.files.Figures, Zone: h.files.Zone(), DayKind: h.files.Calendar().DayKind, Name: h.lineName})
	if err != nil {
		return err
	}
	return h.openReports(ctx)
}

// locate finds a grid by its code or name, or by an address that contains its
// name, with or without the word 网格 behind it.
func (f Files) locate(grid, address string) (geo.Point, string, bool) {
	if f.Grids == nil {
		return geo.Point{}, "", false
	}
	for _, g := range f.Grids.All() {
		short := strings.TrimSuffix(g.NameZH, "网格")
		named := grid != "" && (strings.EqualFold(grid, g.Code) || grid == g.NameZH || grid == short || strings.EqualFold(grid, g.NameEN))
		if named || grid == "" && short != "" && strings.Contains(address, short) {
			return g.Center, g.Code, true
		}
	}
	return geo.Point{}, "", false
}

// agency is what people call a department.
func (f Files) agency(code string) string {
	for _, d := range f.Departments {
		if d.Code == code {
			return d.Name.ZH
		}
	}
	return code
}

// hotlineFile is the file of hotline columns, checked against the matters.
type hotlineFile struct {
	hotline.Config `yaml:",inline"`
	reader         *reader
}

// Validate finds a fallback that no file has, beside what the columns find
// themselves.
func (f *hotlineFile) Validate() error {
	err := f.Config.Validate()
	if _, known := f.reader.matterIn[f.Fallback]; f.Fallback != "" && !known {
		err = errors.Join(err, configs.Fault("fallback", f.Fallback, "the code of a matter: no file has this one"))
	}
	return err
}

// importHotline takes a file from the command line.
func (h *Hub) importHotline(w http.ResponseWriter, r *http.Request) {
	data, err := io.ReadAll(http.MaxBytesReader(w, r.Body, int64(sheets.Default().Bytes)+1))
	if err != nil {
		answer(w, nil, err)
		return
	}
	i, err := h.hotline.Start(r.Context(), identity.System, r.URL.Query().Get("name"), data)
	answer(w, i, err)
}

func (h *Hub) hotlineImport(w http.ResponseWriter, r *http.Request) {
	i, err := h.hotline.Get(r.Context(), r.PathValue("id"))
	answer(w, i, err)
}

// hotlineRejected writes the rejected rows as CSV.
func (h *Hub) hotlineRejected(w http.ResponseWriter, r *http.Request) {
	list, err := h.hotline.Faults(r.Context(), r.PathValue("id"))
	if err != nil {
		answer(w, nil, err)
		return
	}
	if r.URL.Query().Get("format") == "json" {
		_ = json.NewEncoder(w).Encode(list) // the reader left; nobody to tell
		return
	}
	w.Header().Set("Content-Type", "text/csv; charset=utf-8")
	_ = sheets.WriteCSV(w, hotline.Sheet(list)) // likewise
}
