package rules

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

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

// MarshalText writes what UnmarshalText reads.
func (c Condition) MarshalText() ([]byte, error) {
	return []byte(c.Op + " " + strconv.FormatFloat(c.Limit, 'g', -1, 64)), nil
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

// Check reports everything that is wrong with r.
func (r Rule) Check() error {
	var errs []error
	say := func(key, value, want string) {
		errs = append(errs, fmt.Errorf("rule %q: %s: %q: want %s", r.Name, key, value, want))
	}
	for key, v := range map[string]string{"name": r.Name, "kind": r.Kind, "metric": r.Metric, "matter": r.Matter, "title.zh": r.Title.ZH} {
		if v == "" {
			say(key, v, "a value")
		}
	}
	switch r.Severity {
	case "info", "minor", "major", "critical":
	default:
		say("severity", r.Severity, "info, minor, major or critical")
	}
	if r.Raise.Op == "" {
		say("raise", "", "a comparison such as \">= 20\"")
	}
	if r.Clear.Op == "" || r.Clear.Op[0] == r.Raise.Op[:1][0] {
		say("clear", r.Clear.Op, "a comparison in the other direction than raise")
	} else if r.Raise.Holds(r.Clear.Limit) && r.Clear.Holds(r.Raise.Limit) {
		say("clear", fmt.Sprint(r.Clear.Limit), "a limit that raise does not reach: the two overlap")
	}
	if r.For < 0 {
		say("for", r.For.String(), "a duration of 0 or more")
	}
	return errors.Join(errs...)
}
