package server

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"gridhub/configs"
	"gridhub/configs/calendars"
	"gridhub/hub/geo"
	"gridhub/hub/identity"
	"gridhub/hub/patrol"
	"gridhub/hub/people"
	"gridhub/hub/rules"
	"gridhub/hub/tasks"
)

// departmentFile is the file of departments.
type departmentFile struct {
	Departments []people.Department `yaml:"departments"`
}

// Validate finds codes used twice.
func (f *departmentFile) Validate() error {
	return unique("departments", "code", f.Departments, func(d people.Department) string { return d.Code })
}

// staffFile is the file of the staff.
type staffFile struct {
	Staff  []people.Staff `yaml:"staff"`
	reader *reader
}

// Validate finds numbers used twice, and departments and grids that the street
// does not have.
func (f *staffFile) Validate() error {
	errs := []error{unique("staff", "id", f.Staff, func(s people.Staff) string { return string(s.ID) })}
	for i, s := range f.Staff {
		at := fmt.Sprintf("staff[%d]", i)
		errs = append(errs, f.reader.department(at+".department", s.Department))
		for j, g := range s.Grids {
			errs = append(errs, f.reader.grid(fmt.Sprintf("%s.grids[%d]", at, j), g))
		}
	}
	return errors.Join(errs...)
}

// routeFile is the file of routes; what a route says for itself it checks
// itself.
type routeFile struct {
	Routes []patrol.Route `yaml:"routes"`
	reader *reader
}

// Validate finds ids used twice, grids that the street does not have, and
// forces that nobody has.
func (f *routeFile) Validate() error {
	errs := []error{unique("routes", "id", f.Routes, func(r patrol.Route) string { return r.ID })}
	for i, r := range f.Routes {
		at := fmt.Sprintf("routes[%d]", i)
		errs = append(errs, f.reader.grid(at+".grid", r.Grid))
		if r.Force != "" && !people.Force(r.Force).Known() {
			errs = append(errs, configs.Fault(at+".force", r.Force, "%s", people.Forces()))
		}
	}
	return errors.Join(errs...)
}

// matterFile is one file with one matter, checked against the departments and
// the matters of the files before it.
type matterFile struct {
	tasks.Matter `yaml:",inline"`
	reader       *reader
	file         string
}

// Validate finds a code used twice and departments that the street does not
// have, beside what the matter finds itself.
func (f *matterFile) Validate() error {
	errs := []error{f.Matter.Validate(), f.reader.department("lead", f.Lead)}
	for i, d := range f.With {
		errs = append(errs, f.reader.department(fmt.Sprintf("with[%d]", i), d))
	}
	if other, twice := f.reader.matterIn[f.Code]; twice && f.Code != "" {
		errs = append(errs, configs.Fault("code", f.Code, "a code that no other matter has, it stands in %s already", other))
	}
	f.reader.matterIn[f.Code] = f.file
	return errors.Join(errs...)
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
		if _, known := f.reader.matterIn[rule.Matter]; rule.Matter != "" && !known {
			errs = append(errs, configs.Fault(fmt.Sprintf("rules[%d].matter", i), rule.Matter, "the code of a matter: no file has this one"))
		}
	}
	return errors.Join(errs...)
}

// unique reports every name of a list that stands there a second time.
func unique[T any](list, key string, all []T, name func(T) string) error {
	var errs []error
	first := map[string]int{}
	for i, one := range all {
		n := name(one)
		if k, twice := first[n]; twice && n != "" {
			errs = append(errs, configs.Fault(fmt.Sprintf("%s[%d].%s", list, i, key), n, "one of its own, %s[%d] has this one already", list, k))
			continue
		}
		first[n] = i
	}
	return errors.Join(errs...)
}

// department wants code to be one of the street's. A street without
// departments is not asked: a bare hub has matters too.
func (r *reader) department(key, code string) error {
	known := make([]string, len(r.files.Departments))
	for i, d := range r.files.Departments {
		known[i] = d.Code
	}
	return r.known(key, code, "department", known)
}

// grid wants code to be one of the street's, if it has a file of grids.
func (r *reader) grid(key, code string) error {
	if r.files.Grids == nil {
		return nil
	}
	var known []string
	for _, g := range r.files.Grids.All() {
		known = append(known, g.Code)
	}
	return r.known(key, code, "grid", known)
}

func (r *reader) known(key, code, what string, known []string) error {
	if code == "" || len(known) == 0 || slices.Contains(known, code) {
		return nil
	}
	hint := ""
	if near := configs.Nearest(code, known); near != "" {
		hint = ", did you mean " + near + "?"
	}
	return configs.Fault(key, code, "a %s of this street%s", what, hint)
}

// info is street.yaml.
type info struct {
	Name     people.Name       `yaml:"name"`
	Center   geo.Point         `yaml:"center"`
	Bounds   []float64         `yaml:"bounds"` // west, south, east, north
	TimeZone string            `yaml:"time_zone"`
	Leader   identity.PersonID `yaml:"leader"` // 分管领导: the last who is told of a limit that has passed
}

// Validate reports what is wrong with what a street says of itself.
func (i *info) Validate() error {
	var errs []error
	want := func(ok bool, key string, value any, what string) {
		if !ok {
			errs = append(errs, configs.Fault(key, value, "%s", what))
		}
	}
	want(i.Name.ZH != "", "name.zh", i.Name.ZH, "a name")
	want(i.Center.Valid(), "center", fmt.Sprintf("%v, %v", i.Center.Lon, i.Center.Lat), "WGS-84 degrees: {lon: 120.16, lat: 30.27}")
	_, err := time.LoadLocation(i.TimeZone)
	want(err == nil && i.TimeZone != "" && i.TimeZone != "Local", "time_zone", i.TimeZone, "a name such as Asia/Shanghai")
	if b := i.Bounds; len(b) != 4 {
		want(false, "bounds", fmt.Sprint(b), "four numbers: west, south, east and north")
	} else {
		low, high := geo.Point{Lon: b[0], Lat: b[1]}, geo.Point{Lon: b[2], Lat: b[3]}
		want(low.Valid() && high.Valid() && low.Lon < high.Lon && low.Lat < high.Lat, "bounds", fmt.Sprint(b),
			"west, south, east and north in WGS-84 degrees, west below east and south below north")
	}
	return errors.Join(errs...)
}

// bare is a street of which nothing is known yet.
func bare() info {
	return info{Name: people.Name{ZH: "未命名街道", EN: "Unnamed street"}, Center: geo.Point{Lon: 116.39, Lat: 39.91},
		Bounds: []float64{116.37, 39.89, 116.41, 39.93}, TimeZone: "Asia/Shanghai"}
}
