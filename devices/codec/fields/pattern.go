package fields

import (
	"bytes"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// MaxLine is the longest line of text that is looked at.
const MaxLine = 1024

// Pattern takes lines of text apart: each named group is a value. Go's regular
// expressions take time linear in the line.
type Pattern struct {
	re    *regexp.Regexp
	words map[string]map[string]float64 // group -> word -> number
}

// NewPattern compiles expr; words give numbers to words by group.
func NewPattern(expr string, words map[string]map[string]float64) (*Pattern, error) {
	re, err := regexp.Compile(expr)
	if err != nil {
		return nil, err
	}
	if !slices.ContainsFunc(re.SubexpNames(), func(n string) bool { return n != "" }) {
		return nil, fmt.Errorf("no named group: write (?P<level>[0-9.]+) where the value stands")
	}
	return &Pattern{re, words}, nil
}

// Names are the pattern's groups.
func (p *Pattern) Names() []string {
	return slices.DeleteFunc(slices.Clone(p.re.SubexpNames()), func(n string) bool { return n == "" })
}

// Read takes one line apart, without its end. ok is false when it does not
// match; a group that matched nothing, or nothing numeric, is left out.
func (p *Pattern) Read(line string) (said map[string]float64, ok bool) {
	m := p.re.FindStringSubmatch(line)
	if m == nil {
		return nil, false
	}
	said = map[string]float64{}
	for i, name := range p.re.SubexpNames() {
		if name == "" || m[i] == "" {
			continue
		}
		if v, ok := p.words[name][m[i]]; ok {
			said[name] = v
		} else if v, err := strconv.ParseFloat(strings.ReplaceAll(m[i], " ", ""), 64); err == nil {
			said[name] = v
		}
	}
	return said, true
}

// next reads up to the next end of line. Lines that do not match are passed
// over: devices greet, echo and comment.
func (p *Pattern) next(buf []byte) (said map[string]float64, rest []byte, err error) {
	for {
		end := bytes.IndexAny(buf, "\r\n")
		if end < 0 {
			if len(buf) > MaxLine {
				return nil, nil, fmt.Errorf("no end of line in %d bytes", len(buf))
			}
			return nil, buf, nil
		}
		line := string(buf[:min(end, MaxLine)])
		buf = buf[end+1:]
		if said, ok := p.Read(line); ok {
			return said, buf, nil
		}
	}
}
