package server

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"gridhub/configs"
	"gridhub/hub/cameras"
	"gridhub/hub/figures"
	"gridhub/hub/geo"
	"gridhub/hub/hotline"
	"gridhub/hub/patrol"
	"gridhub/hub/people"
	"gridhub/hub/rules"
	"gridhub/hub/tasks"

	_ "time/tzdata" // the street's zone must be there on a bare machine
)

// Files are the data files that a configuration names, read and checked.
type Files struct {
	Info        info
	Departments []people.Department
	Staff       []people.Staff
	Routes      []patrol.Route
	Matters     []tasks.Matter
	Rules       []rules.Rule
	Years       []tasks.Year // shipped ones first
	Hotline     hotline.Config
	Figures     figures.Definitions
	Cameras     []cameras.Camera
	Standing    tasks.Standing
	Grids       *geo.Grids
	Roads       *geo.Graph
	cameraDir   func(id string) string
	raw         map[string][]byte // GeoJSON as it is served
}

// ReadFiles reads all data files and reports all their mistakes.
func ReadFiles(c Config) (Files, error) {
	r := newReader()
	if c.Street != "" {
		r.street(c.Street)
	}
	for _, f := range r.expand(c.Matters) {
		m := matterFile{reader: r, file: f}
		r.note(configs.ReadFile(f, &m))
		r.files.Matters = append(r.files.Matters, m.Matter)
	}
	for _, f := range r.expand(c.Rules) {
		set := ruleFile{reader: r, file: f}
		r.note(configs.ReadFile(f, &set))
		r.files.Rules = append(r.files.Rules, set.Rules...)
	}
	r.calendars(c.Calendars)
	r.cameras(c.Cameras)
	if c.Hotline != "" {
		h := hotlineFile{Config: hotline.Default(), reader: r}
		r.note(configs.ReadFile(c.Hotline, &h))
		r.files.Hotline = h.Config
	}
	if c.Figures != "" {
		var d figures.Definitions
		r.note(configs.ReadFile(c.Figures, &d))
		r.files.Figures = d
	}
	if c.Standing != "" {
		var s tasks.Standing
		r.note(configs.ReadFile(c.Standing, &s))
		r.files.Standing = s
	}
	return r.files, r.err()
}

// Zone is the street's time zone.
func (f Files) Zone() *time.Location {
	z, err := time.LoadLocation(f.Info.TimeZone)
	if err != nil {
		return time.UTC // ReadFiles has refused such a name
	}
	return z
}

// Calendar is when the street's offices work.
func (f Files) Calendar() tasks.Calendar { return tasks.OfficeHours(f.Zone()).With(f.Years...) }

// expand lists files and the YAML files of folders, in order. A default folder
// that does not exist is empty.
func (r *reader) expand(paths []string) []string {
	var out []string
	for _, p := range paths {
		st, err := os.Stat(p)
		switch {
		case err != nil:
			r.note(err)
		case st.IsDir():
			found, _ := filepath.Glob(filepath.Join(p, "*.yaml")) // the pattern is fine
			slices.SortFunc(found, cmp.Compare[string])
			out = append(out, found...)
		default:
			out = append(out, p)
		}
	}
	return out
}

// reader collects files and what is wrong with them. Files are read in the
// order in which they name one another: grids and departments, then staff and
// routes, then matters, then rules. A file wraps what it holds in a type with a
// Validate of its own that knows the reader: so a name that no other file has is
// reported where it stands.
type reader struct {
	files    Files
	matterIn map[string]string // code of a matter -> file that has it
	ruleIn   map[string]string // name of a rule -> file that has it
	faults   []error
	cameraIn map[string]string // id of a camera -> file that has it
}

func newReader() *reader {
	return &reader{files: Files{Info: bare(), Hotline: hotline.Default(), Figures: figures.Default(), Standing: tasks.DefaultStanding(), raw: map[string][]byte{}}, matterIn: map[string]string{}, ruleIn: map[string]string{}, cameraIn: map[string]string{}}
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
	r.geometry(dir)
	var d departmentFile
	s, w := staffFile{reader: r}, routeFile{reader: r}
	r.optional(filepath.Join(dir, "departments.yaml"), &d)
	r.files.Departments = d.Departments
	r.optional(filepath.Join(dir, "staff.yaml"), &s)
	r.optional(filepath.Join(dir, "routes.yaml"), &w)
	r.files.Staff, r.files.Routes = s.Staff, w.Routes
	r.superiors(dir)
}

func (r *reader) optional(path string, into any) {
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return
	}
	r.note(configs.ReadFile(path, into))
}

func (r *reader) geometry(dir string) {
	for _, name := range []string{"grids", "roads", "ground"} {
		path := filepath.Join(dir, name+".geojson")
		data, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err == nil {
			err = r.layer(name, data)
		}
		if err != nil {
			r.note(inFile(path, data, err))
		}
	}
}

// layer keeps one file of geometry and reads what the hub computes with.
func (r *reader) layer(name string, data []byte) (err error) {
	r.files.raw[name] = data
	switch name {
	case "grids":
		r.files.Grids, err = geo.ParseGrids(data)
	case "roads":
		r.files.Roads, err = geo.ParseRoads(data)
	default:
		var any json.RawMessage
		err = json.Unmarshal(data, &any) // only shown: the page judges the rest
	}
	return err
}

// inFile puts the file before each error, and the line where the JSON is cut.
func inFile(path string, data []byte, err error) error {
	if many, ok := err.(interface{ Unwrap() []error }); ok {
		var all []error
		for _, e := range many.Unwrap() {
			all = append(all, inFile(path, data, e))
		}
		return errors.Join(all...)
	}
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		before := data[:max(0, min(int(syntax.Offset)-1, len(data)))]
		line, column := bytes.Count(before, []byte("\n"))+1, len(before)-bytes.LastIndexByte(before, '\n')
		return fmt.Errorf("%s:%d:%d: %w", path, line, column, err)
	}
	return fmt.Errorf("%s: %w", path, err)
}
