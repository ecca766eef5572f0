package server

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"gridhub/configs"
	"gridhub/hub/geo"
	"gridhub/hub/patrol"
	"gridhub/hub/people"

	_ "time/tzdata" // the street's zone must be there on a bare machine
)

// reader collects files and what is wrong with them.
type reader struct {
	files  Files
	faults []error
}

func (r *reader) note(err error) {
	if err != nil {
		r.faults = append(r.faults, err)
	}
}

func (r *reader) err() error { return errors.Join(r.faults...) }

// street reads the folder of a street. Only street.yaml must be there.
func (r *reader) street(dir string) {
	r.note(configs.ReadFile(filepath.Join(dir, "street.yaml"), &r.files.Info))
	var d struct {
		Departments []people.Department `yaml:"departments"`
	}
	var s struct {
		Staff []people.Staff `yaml:"staff"`
	}
	var w struct {
		Routes []patrol.Route `yaml:"routes"`
	}
	r.optional(filepath.Join(dir, "departments.yaml"), &d)
	r.optional(filepath.Join(dir, "staff.yaml"), &s)
	r.optional(filepath.Join(dir, "routes.yaml"), &w)
	r.files.Departments, r.files.Staff, r.files.Routes = d.Departments, s.Staff, w.Routes
	r.geometry(dir)
}

func (r *reader) optional(path string, into any) {
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return
	}
	r.note(configs.ReadFile(path, into))
}

func (r *reader) geometry(dir string) {
	for _, name := range []string{"grids", "roads", "ground"} {
		data, err := os.ReadFile(filepath.Join(dir, name+".geojson"))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		r.note(err)
		r.files.raw[name] = data
	}
	var err error
	if data := r.files.raw["grids"]; data != nil {
		if r.files.Grids, err = geo.ParseGrids(data); err != nil {
			r.note(fmt.Errorf("%s: %w", filepath.Join(dir, "grids.geojson"), err))
		}
	}
	if data := r.files.raw["roads"]; data != nil {
		if r.files.Roads, err = geo.ParseRoads(data); err != nil {
			r.note(fmt.Errorf("%s: %w", filepath.Join(dir, "roads.geojson"), err))
		}
	}
}

// crossCheck finds what only several files together can get wrong.
func (r *reader) crossCheck() {
	matters := map[string]bool{}
	for _, m := range r.files.Matters {
		matters[m.Code] = true
	}
	for _, rule := range r.files.Rules {
		if rule.Matter != "" && !matters[rule.Matter] {
			r.note(fmt.Errorf("rule %q: matter: %q: no matter file has this code", rule.Name, rule.Matter))
		}
	}
	if len(r.files.Info.Bounds) != 4 {
		r.note(fmt.Errorf("street.yaml: bounds: want west, south, east and north, have %d numbers", len(r.files.Info.Bounds)))
	}
	if _, err := time.LoadLocation(r.files.Info.TimeZone); err != nil {
		r.note(fmt.Errorf("street.yaml: time_zone: %q: want a name such as Asia/Shanghai", r.files.Info.TimeZone))
	}
}
