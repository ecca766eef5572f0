package gateway

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"runtime/debug"
	"slices"

	"gridhub/configs"
	"gridhub/devices/profile"
	"gridhub/devices/wire"
	"gridhub/edge/poll"
)

// plan is what the files said when they were read last, all of it sound.
type plan struct {
	library profile.Library
	plant   profile.Plant
	entries []wire.Entry
	lines   []definition
	config  string // hash over all files
}

// definition is a line with its devices: all that its reading depends on. Two
// that are equal need no restart.
type definition struct {
	line     profile.Line
	devices  []profile.Device   // without what only people read
	profiles []*profile.Profile // of each of them
	tasks    []poll.Task        // made of the above
}

func (d definition) equal(o definition) bool {
	return reflect.DeepEqual(d.line, o.line) && reflect.DeepEqual(d.devices, o.devices) && reflect.DeepEqual(d.profiles, o.profiles)
}

// plan reads profiles and devices. All problems of all files come back
// together.
func (c Config) plan() (plan, error) { return c.planWith(c.devicePaths()) }

// planWith is plan with other device files.
func (c Config) planWith(devices []string) (p plan, err error) {
	profiles := c.paths(c.Profiles)
	if p.config, err = c.digest(profile.Files(append(profiles, devices...)...)); err != nil {
		return p, err
	}
	var err1, err2 error
	p.library, err1 = profile.LoadLibrary(profiles...)
	p.plant, err2 = profile.LoadPlant(p.library, devices...)
	if problems := problemsOf(err1, err2); len(problems) > 0 {
		return p, problems
	}
	if err := c.checkOwner(); err != nil {
		return p, err
	}
	stock, err := inventory(p.library, p.plant)
	if err != nil {
		return p, err
	}
	p.entries = stock.Devices
	p.lines, err = definitions(p.library, p.plant)
	return p, err
}

// problemsOf joins what several loaders found; an error without a place has
// none here either.
func problemsOf(errs ...error) (all configs.Problems) {
	for _, err := range errs {
		var problems configs.Problems
		if errors.As(err, &problems) {
			all = append(all, problems...)
		} else if err != nil {
			all = append(all, configs.Problem{Want: err.Error()})
		}
	}
	return once(all)
}

// definitions joins lines with their devices; a line without any is left out.
func definitions(library profile.Library, plant profile.Plant) (all []definition, err error) {
	for _, l := range plant.Lines {
		d := definition{line: l}
		if d.tasks, err = tasksOn(l, library, plant.Devices); err != nil {
			return nil, err
		}
		for _, dev := range plant.Devices {
			if dev.Line != l.Name {
				continue
			}
			d.profiles = append(d.profiles, library[dev.Profile])
			dev.Name, dev.Place = "", profile.Place{}
			d.devices = append(d.devices, dev)
		}
		if len(d.tasks) > 0 {
			all = append(all, d)
		}
	}
	return all, nil
}

// digest is a hash over the configuration as it was loaded and the given
// files: their names as seen from it, and their bytes.
func (c Config) digest(files []string) (string, error) {
	sum := sha256.New()
	add := func(name string, text []byte) {
		for _, part := range [][]byte{[]byte(name), text} {
			sum.Write(binary.BigEndian.AppendUint64(nil, uint64(len(part))))
			sum.Write(part)
		}
	}
	add("", c.text)
	slices.Sort(files)
	for _, file := range slices.Compact(files) {
		text, err := os.ReadFile(file)
		if err != nil {
			return "", configs.Problems{{File: file, Want: "want a readable file or folder: " + errors.Unwrap(err).Error()}}
		}
		name, err := filepath.Rel(c.dir, file)
		if err != nil {
			name = filepath.Base(file)
		}
		add(name, text)
	}
	return "sha256:" + hex.EncodeToString(sum.Sum(nil)), nil
}

// software names this program and the commit that it was built from.
func software() string {
	version := "development"
	if info, ok := debug.ReadBuildInfo(); ok {
		if v := info.Main.Version; v != "" && v != "(devel)" {
			version = v
		}
	}
	return fmt.Sprintf("gridhub edge %s", version)
}
