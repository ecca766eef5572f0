package homeassistant

import (
	"math"
	"strconv"
	"strings"

	"gridhub/devices/codec"
)

// Template says where in a payload a value is, and what is made of it. The
// zero value takes the payload as it is.
type Template struct {
	JSON    bool     `json:"json,omitempty"` // the payload is JSON, and Path leads to the value
	Path    []string `json:"path,omitempty"`
	Filters []Filter `json:"filters,omitempty"`
}

// Filter is one step behind a '|'.
type Filter struct {
	Name   string `json:"name"` // int or round
	Digits int    `json:"digits,omitempty"`
}

const maxSteps = 16

// parseTemplate understands {{ value }}, {{ value_json.a['b'][0] }} and the
// filters float, int, round, default and is_defined.
func parseTemplate(text string) (t Template, err error) {
	whole := strings.TrimSpace(text)
	if whole == "" {
		return t, nil
	}
	not := codec.Errorf(codec.Shape, "template %s is not understood: want {{ value_json.a.b }}", strconv.QuoteToASCII(whole[:min(len(whole), 80)]))
	body, ok1 := strings.CutPrefix(whole, "{{")
	body, ok2 := strings.CutSuffix(body, "}}")
	if !ok1 || !ok2 || strings.Contains(body, "{{") {
		return t, not
	}
	parts := strings.Split(strings.Trim(strings.TrimSpace(body), "-"), "|")
	if t.Path, t.JSON, ok1 = parsePath(strings.TrimSpace(parts[0])); !ok1 {
		return t, not
	}
	for _, p := range parts[1:] {
		f, ok := parseFilter(strings.TrimSpace(p))
		if !ok || len(t.Filters) == maxSteps {
			return t, not
		}
		if f.Name != "" {
			t.Filters = append(t.Filters, f)
		}
	}
	return t, nil
}

// parsePath takes value, or value_json and the steps behind it.
func parsePath(s string) (path []string, isJSON, ok bool) {
	if s == "value" {
		return nil, false, true
	}
	s, ok = strings.CutPrefix(s, "value_json")
	for ok && s != "" {
		var step string
		if step, s, ok = nextStep(s); ok {
			path = append(path, step)
		}
	}
	return path, true, ok && len(path) <= maxSteps
}

func nextStep(s string) (step, rest string, ok bool) {
	if s[0] == '.' {
		end := strings.IndexAny(s[1:], ".[")
		if end < 0 {
			end = len(s) - 1
		}
		step, rest = s[1:1+end], s[1+end:]
		return step, rest, isName(step)
	}
	inner, ok := strings.CutPrefix(s, "[")
	if !ok {
		return "", "", false
	}
	for _, quote := range []string{"'", "\""} {
		if quoted, is := strings.CutPrefix(inner, quote); is {
			step, rest, ok = strings.Cut(quoted, quote+"]")
			return step, rest, ok
		}
	}
	step, rest, ok = strings.Cut(inner, "]")
	_, err := strconv.ParseUint(step, 10, 16)
	return step, rest, ok && err == nil
}

func isName(s string) bool {
	for _, c := range s {
		if c != '_' && (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') {
			return false
		}
	}
	return s != ""
}

// parseFilter returns a Filter without a name for those that change nothing.
func parseFilter(s string) (f Filter, ok bool) {
	name, argument, called := strings.Cut(s, "(")
	if called {
		if argument, ok = strings.CutSuffix(argument, ")"); !ok {
			return f, false
		}
	}
	argument = strings.TrimSpace(argument)
	switch strings.TrimSpace(name) {
	case "float", "default", "is_defined":
		return f, true
	case "int":
		return Filter{Name: "int"}, true
	case "round":
		f.Name = "round"
		if argument != "" {
			n, err := strconv.ParseInt(argument, 10, 8)
			f.Digits = int(n)
			return f, err == nil && n >= 0 && n <= 15
		}
		return f, true
	}
	return f, false
}

// find follows the path; false when it leads nowhere.
func (t *Template) find(tree any) (any, bool) {
	for _, step := range t.Path {
		switch v := tree.(type) {
		case map[string]any:
			var there bool
			if tree, there = v[step]; !there {
				return nil, false
			}
		case []any:
			i, err := strconv.Atoi(step)
			if err != nil || i < 0 || i >= len(v) {
				return nil, false
			}
			tree = v[i]
		default:
			return nil, false
		}
	}
	return tree, true
}

func (t *Template) filter(v float64) float64 {
	for _, f := range t.Filters {
		switch f.Name {
		case "int":
			v = math.Trunc(v)
		case "round":
			scale := math.Pow10(f.Digits)
			if r := math.Round(v*scale) / scale; !math.IsInf(r, 0) {
				v = r
			}
		}
	}
	return v
}
