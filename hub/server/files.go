package server

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"gridhub/configs"
	"gridhub/configs/calendars"
	"gridhub/hub/geo"
	"gridhub/hub/patrol"
	"gridhub/hub/people"
	"gridhub/hub/rules"
	"gridhub/hub/tasks"

	_ "time/tzdata" // the street's zone must be there on a bare machine
)

// reader collects files and what is wrong with them.
type reader struct {
	files  Files
	ruleIn map[string]string // name of a rule -> file that has it
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
	var w routeFile
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

// calendars reads the shipped years, then those of the street, of which each
// file stands for another year.
func (r *reader) calendars(paths []string) {
	shipped, err := calendars.Files.ReadDir(".")
	r.note(err)
	for _, f := range shipped {
		data, err := calendars.Files.ReadFile(f.Name())
		r.note(err)
		var y tasks.Year
		r.note(configs.Decode("calendars/"+f.Name(), data, &y))
		r.files.Years = append(r.files.Years, y)
	}
	seen := map[int]string{}
	for _, f := range r.expand(paths) {
		var y tasks.Year
		r.note(configs.ReadFile(f, &y))
		if other := seen[y.Year]; other != "" {
			r.note(fmt.Errorf("%s: year %d stands in %s already", f, y.Year, other))
		}
		seen[y.Year] = f
		r.files.Years = append(r.files.Years, y)
	}
}

// ruleFile is one file of rules, checked against the matters and against the
// rules of the files before it. What a rule says for itself it checks itself.
type ruleFile struct {
	Rules  []rules.Rule `yaml:"rules"`
	reader *reader
	file   string
}

// Validate finds names used twice and matters that no file has.
func (f *ruleFile) Validate() error {
	var errs []error
	for i, rule := range f.Rules {
		if other, twice := f.reader.ruleIn[rule.Name]; twice {
			errs = append(errs, configs.Fault(fmt.Sprintf("rules[%d].name", i), rule.Name, "a name that no other rule has, it stands in %s already", other))
		}
		f.reader.ruleIn[rule.Name] = f.file
		known := slices.ContainsFunc(f.reader.files.Matters, func(m tasks.Matter) bool { return m.Code == rule.Matter })
		if rule.Matter != "" && !known {
			errs = append(errs, configs.Fault(fmt.Sprintf("rules[%d].matter", i), rule.Matter, "the code of a matter: no file has this one"))
		}
	}
	return errors.Join(errs...)
}

// routeFile is the file of routes; what a route says for itself it checks
// itself.
type routeFile struct {
	Routes []patrol.Route `yaml:"routes"`
}

// Validate finds ids used twice.
func (f *routeFile) Validate() error {
	var errs []error
	ids := map[string]bool{}
	for i, r := range f.Routes {
		if ids[r.ID] {
			errs = append(errs, configs.Fault(fmt.Sprintf("routes[%d].id", i), r.ID, "an id that no other route has"))
		}
		ids[r.ID] = true
	}
	return errors.Join(errs...)
}

// crossCheck finds what only several files together can get wrong.
func (r *reader) crossCheck() {
	if len(r.files.Info.Bounds) != 4 {
		r.note(fmt.Errorf("street.yaml: bounds: want west, south, east and north, have %d numbers", len(r.files.Info.Bounds)))
	}
	if _, err := time.LoadLocation(r.files.Info.TimeZone); err != nil {
		r.note(fmt.Errorf("street.yaml: time_zone: %q: want a name such as Asia/Shanghai", r.files.Info.TimeZone))
	}
}
