// Package profile holds what is known of a model of device and of the devices
// that an installer has put up: two kinds of YAML files.
//
// A profile says what a model measures and lets others set, in which registers,
// in which unit and range, where that knowledge comes from, and proves it with frames whose
// values are known. A device file says which devices hang on which lines and
// where they stand. The package checks both, compiles a profile into the
// codec's Layout, and describes devices to the hub. It opens no line.
package profile

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"gridhub/configs"
	"gridhub/devices"
)

// Profile is one model of device. Name and version together are its reference
// (gas-ch4@1); a change that alters a value gets a new version.
type Profile struct {
	Name      string        `yaml:"name"`
	Version   int           `yaml:"version"`
	Kind      string        `yaml:"kind"` // the measurement: gas, noise, water-level, …
	Title     Title         `yaml:"title"`
	Source    string        `yaml:"source"`     // where the register map is from
	NotTried  bool          `yaml:"unverified"` // true: the source could not be read, or nobody compared it with a device
	Protocol  Protocol      `yaml:"protocol"`   // what the device speaks; empty = modbus
	Pattern   string        `yaml:"pattern"`    // protocol text: a regular expression for one line
	Frame     *FixedFrame   `yaml:"frame"`      // protocol binary: how a frame is found
	Period    time.Duration `yaml:"period"`     // time between readings unless the device file says otherwise
	MaxGap    uint16        `yaml:"max_gap"`    // registers that may be read in vain to join two requests
	MaxBlock  uint16        `yaml:"max_block"`  // registers in one request; 0 = what the protocol allows
	WordOrder Order         `yaml:"word_order"` // for all metrics that name none
	Metrics   []Metric      `yaml:"metrics"`
	Questions []Question    `yaml:"questions"`
	Controls  []Control     `yaml:"controls"`
	Golden    []Golden      `yaml:"golden"`
}

// maxMetrics is how many values a hub takes in one record.
const maxMetrics = 256

// Title is a name as people read it.
type Title struct {
	ZH string `yaml:"zh"`
	EN string `yaml:"en"`
}

// Question is something that only the installer of one device knows. A
// metric's scale_by may name a number.
type Question struct {
	Name    string   `yaml:"name"`
	Type    Answer   `yaml:"type"`
	Title   Title    `yaml:"title"`
	Default string   `yaml:"default"` // empty: must be answered
	Min     *float64 `yaml:"min"`
	Max     *float64 `yaml:"max"`
	Choices []string `yaml:"choices"`
}

// Ref names a profile in one version.
type Ref string

// Ref returns the profile's reference, name@version.
func (p *Profile) Ref() Ref { return Ref(fmt.Sprintf("%s@%d", p.Name, p.Version)) }

// SetDefaults is called by the loader before the file's keys are read.
func (p *Profile) SetDefaults() { p.Period = 10 * time.Second }

// Validate checks what the profile says of itself; its golden frames included.
func (p *Profile) Validate() error {
	var errs []error
	add := func(bad bool, key string, want string, args ...any) {
		if bad {
			errs = append(errs, configs.Fault(key, nil, want, args...))
		}
	}
	if _, err := devices.ParseID(p.Name); err != nil {
		errs = append(errs, configs.Fault("name", nil, "a name of a-z 0-9 - _ ."))
	}
	add(p.Version < 1, "version", "a version, 1 or more")
	add(p.Kind == "", "kind", "the kind of measurement: gas, noise, water-level, …")
	add(p.Title.ZH == "" || p.Title.EN == "", "title", "a title in both languages, {zh: …, en: …}")
	add(p.Source == "", "source", "where the register map is from, or unverified")
	add(p.Period < 100*time.Millisecond || p.Period > 24*time.Hour, "period", "a time from 100ms to 24h")
	add(len(p.Metrics) == 0 || len(p.Metrics) > maxMetrics, "metrics", "1 to %d metrics", maxMetrics)
	errs = append(errs, p.checkNames()...)
	errs = append(errs, p.checkProtocol()...)
	errs = append(errs, p.checkControls()...)
	if len(errs) == 0 {
		errs = append(errs, p.checkGolden()...)
	}
	return errors.Join(errs...)
}

// checkNames looks for names used twice and for names that nothing bears.
func (p *Profile) checkNames() (errs []error) {
	seen := map[string]bool{}
	for i, q := range p.Questions {
		if seen[q.Name] {
			errs = append(errs, configs.Fault(fmt.Sprintf("questions[%d].name", i), q.Name, "a name that no other question has"))
		}
		seen[q.Name] = true
	}
	clear(seen)
	for i, m := range p.Metrics {
		if seen[m.Name] {
			errs = append(errs, configs.Fault(fmt.Sprintf("metrics[%d].name", i), m.Name, "a name that no other metric has"))
		}
		seen[m.Name] = true
		if m.ScaleBy == "" {
			continue
		}
		j := slices.IndexFunc(p.Questions, func(q Question) bool { return q.Name == m.ScaleBy && q.Type == Number })
		if j < 0 {
			errs = append(errs, configs.Fault(fmt.Sprintf("metrics[%d].scale_by", i), m.ScaleBy, "the name of a question of type number"))
		}
	}
	return errs
}

// Unverified reports whether nobody has yet compared the profile with a device.
func (p *Profile) Unverified() bool { return p.NotTried || strings.Contains(p.Source, "unverified") }

// Simulated reports whether the profile describes a device that does not
// exist outside of this program.
func (p *Profile) Simulated() bool { return strings.HasPrefix(p.Source, "simulated") }
