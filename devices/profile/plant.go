package profile

import (
	"errors"
	"fmt"
	"slices"

	"gridhub/configs"
	"gridhub/devices"
)

// LoadPlant reads every *.yaml of the given folders and files and joins them:
// a device may hang on a line of another file. All problems of all files come
// back together, as configs.Problems.
func LoadPlant(lib Library, paths ...string) (Plant, error) {
	var whole Plant
	files, problems := yamlFiles(paths)
	c := &census{lib: lib, ids: map[devices.ID]string{}, stations: map[string]devices.ID{}, lines: map[string]*Line{}, taken: map[string]*Line{}, own: map[string]string{}, speaks: map[string]Protocol{}}
	for _, file := range files {
		c.enlist(file)
	}
	for _, file := range files {
		p := checked{census: c, file: file}
		if err := configs.ReadFile(file, &p); err != nil {
			problems = appendProblems(problems, file, err)
		}
		whole.Lines = append(whole.Lines, p.Lines...)
		whole.Devices = append(whole.Devices, p.Devices...)
	}
	return whole, orNil(problems)
}

// census is what has been seen in all files of a plant.
type census struct {
	lib      Library
	lines    map[string]*Line  // by name, from all files
	own      map[string]string // line name -> file that has it
	ids      map[devices.ID]string
	stations map[string]devices.ID
	speaks   map[string]Protocol // line name -> what its first device speaks
	taken    map[string]*Line    // port or address of this machine -> who has it
	first    *Device             // that has a place
}

// enlist notes the lines of a file, before devices refer to them. Problems
// come out when the file is read for good.
func (c *census) enlist(file string) {
	var p Plant
	_ = configs.ReadFile(file, &p)
	for i := range p.Lines {
		if _, ok := c.lines[p.Lines[i].Name]; !ok {
			c.lines[p.Lines[i].Name] = &p.Lines[i]
		}
	}
}

// checked is one file of a plant, checked against all others.
type checked struct {
	Plant  `yaml:",inline"`
	census *census
	file   string
}

// Validate finds names used twice and names that nothing bears.
func (p *checked) Validate() error {
	var errs []error
	for i, l := range p.Lines {
		if other, twice := p.census.own[l.Name]; twice {
			errs = append(errs, configs.Fault(fmt.Sprintf("lines[%d].name", i), l.Name, "a name that no other line has, it stands in %s already", other))
		}
		p.census.own[l.Name] = p.file
		var f configs.FieldError
		if err := p.census.claim(&p.Lines[i]); errors.As(err, &f) {
			f.Key = fmt.Sprintf("lines[%d].%s", i, f.Key)
			errs = append(errs, f)
		}
	}
	for i := range p.Devices {
		for _, e := range p.census.check(&p.Devices[i], p.file) {
			var f configs.FieldError
			if errors.As(e, &f) {
				f.Key = fmt.Sprintf("devices[%d].%s", i, f.Key)
				e = f
			}
			errs = append(errs, e)
		}
	}
	return errors.Join(errs...)
}

// check compares one device with the library and with the devices before it.
func (c *census) check(d *Device, file string) (errs []error) {
	if other, twice := c.ids[d.ID]; twice {
		errs = append(errs, configs.Fault("id", d.ID, "an id that no other device has, it stands in %s already", other))
	}
	c.ids[d.ID] = file
	if err := c.near(d); err != nil {
		errs = append(errs, err)
	}
	if p, ok := c.lib[d.Profile]; ok {
		errs = append(errs, p.checkAnswers(d.Answers)...)
	} else {
		errs = append(errs, configs.Fault("profile", d.Profile, "a profile name@version: %s", configs.Unknown(string(d.Profile), c.lib.refs())))
	}
	line, ok := c.lines[d.Line]
	if !ok {
		return append(errs, configs.Fault("line", d.Line, "the name of a line: %s", configs.Unknown(d.Line, c.lineNames())))
	}
	if line.Kind == Simulated {
		return errs
	}
	p := c.lib[d.Profile]
	if p != nil {
		errs = append(errs, c.fits(d, p, line)...)
	}
	if other, taken := c.stations[d.station(p)]; taken {
		errs = append(errs, configs.Fault("address", d.Address, "an address that is free on line %s, %s has it", d.Line, other))
	}
	c.stations[d.station(p)] = d.ID
	return errs
}

// fits compares what the device speaks with its line and its neighbours.
func (c *census) fits(d *Device, p *Profile, l *Line) (errs []error) {
	if err := p.Protocol.checkAddress(d.Address); err != nil {
		errs = append(errs, configs.Fault("address", d.Address, "%s", err))
	}
	if want := p.Protocol.lines(); !slices.Contains(want, l.Kind) {
		errs = append(errs, configs.Fault("line", d.Line, "a line of kind %s, since %s speaks %s", list(want), d.Profile, p.Protocol))
	}
	if first, ok := c.speaks[d.Line]; ok && !first.together(p.Protocol) {
		errs = append(errs, configs.Fault("profile", d.Profile, "a profile that speaks %s as the other devices on line %s do, not %s", first, d.Line, p.Protocol))
	} else if !ok {
		c.speaks[d.Line] = p.Protocol
	}
	return errs
}

func (c *census) lineNames() []string {
	var names []string
	for name := range c.lines {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
