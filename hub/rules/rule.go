package rules

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"gridhub/configs"
	"gridhub/hub/people"
)

// Condition compares a value with a limit, in the metric's unit.
type Condition struct {
	Op    string // >= > <= <
	Limit float64
}

// UnmarshalText reads ">= 20".
func (c *Condition) UnmarshalText(text []byte) error {
	s := strings.TrimSpace(string(text))
	for _, op := range []string{">=", "<=", ">", "<"} {
		rest, ok := strings.CutPrefix(s, op)
		if !ok {
			continue
		}
		limit, err := strconv.ParseFloat(strings.TrimSpace(rest), 64)
		if err != nil {
			break
		}
		c.Op, c.Limit = op, limit
		return nil
	}
	return fmt.Errorf("%q: want a comparison with a number such as \">= 20\"", s)
}

// String is the comparison as a file has it.
func (c Condition) String() string { return c.Op + " " + strconv.FormatFloat(c.Limit, 'g', -1, 64) }

// MarshalText writes what UnmarshalText reads.
func (c Condition) MarshalText() ([]byte, error) {
	return []byte(c.String()), nil
}

// Holds reports whether v satisfies c. The zero condition never holds.
func (c Condition) Holds(v float64) bool {
	switch c.Op {
	case ">=":
		return v >= c.Limit
	case ">":
		return v > c.Limit
	case "<=":
		return v <= c.Limit
	case "<":
		return v < c.Limit
	}
	return false
}

// more reports whether a is worse than b in the direction of c.
func (c Condition) more(a, b float64) bool {
	if strings.HasPrefix(c.Op, ">") {
		return a > b
	}
	return a < b
}

// Rule raises a hazard when a metric of devices of a kind satisfies Raise for
// at least For, in event time, and clears it at the first value that satisfies
// Clear. Between the two nothing changes, so that a value at the limit does
// not flicker.
type Rule struct {
	Name     string        `yaml:"name"`
	Kind     string        `yaml:"kind"`   // the profile's kind
	Metric   string        `yaml:"metric"` // one of its metrics
	Raise    Condition     `yaml:"raise"`
	Clear    Condition     `yaml:"clear"`
	For      time.Duration `yaml:"for"`
	Matter   string        `yaml:"matter"`
	Severity string        `yaml:"severity"` // info, minor, major, critical
	Title    people.Name   `yaml:"title"`
}

// Validate reports everything that is wrong with r.
func (r Rule) Validate() error {
	var errs []error
	want := func(ok bool, key string, value any, what string) {
		if !ok {
			errs = append(errs, configs.Fault(key, value, "%s", what))
		}
	}
	want(r.Name != "", "name", r.Name, "a name")
	want(r.Kind != "", "kind", r.Kind, "the kind of a profile")
	want(r.Metric != "", "metric", r.Metric, "a metric of the profile")
	want(r.Matter != "", "matter", r.Matter, "the code of a matter")
	want(r.Title.ZH != "", "title.zh", r.Title.ZH, "a title")
	want(slices.Contains(severities, r.Severity), "severity", r.Severity, "info, minor, major or critical")
	want(r.For >= 0, "for", r.For, "a duration of 0 or more")
	want(r.Raise.Op != "", "raise", r.Raise, `a comparison such as ">= 20"`)
	want(r.Clear.Op != "", "clear", r.Clear, `a comparison such as "< 10"`)
	if r.Raise.Op != "" && r.Clear.Op != "" {
		want(r.Clear.Op[0] != r.Raise.Op[0], "clear", r.Clear, "a comparison in the other direction than raise")
		want(!r.Raise.Holds(r.Clear.Limit) || !r.Clear.Holds(r.Raise.Limit), "clear", r.Clear, "a limit that raise does not reach: the two overlap")
	}
	return errors.Join(errs...)
}

var severities = []string{"info", "minor", "major", "critical"}
