package figures

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"gridhub/configs"
	"gridhub/hub/people"
)

// Definitions are the formulas in all their versions, oldest first. A period is
// counted by the version in force when it began, so that a new formula never
// rewrites what was published.
type Definitions struct {
	Versions []Version `json:"versions" yaml:"versions"`
}

// Version is one set of formulas, in force from a day on.
type Version struct {
	Version string  `json:"version" yaml:"version"`
	From    string  `json:"from" yaml:"from"` // 2026-01-01, in the street's zone
	Rates   []Rate  `json:"rates" yaml:"rates"`
	Scores  []Score `json:"scores" yaml:"scores"`
}

// Rate is one count as a share of another, in per cent.
type Rate struct {
	Code   string      `json:"code" yaml:"code"`
	Name   people.Name `json:"name" yaml:"name"`
	Unit   string      `json:"unit" yaml:"unit"`     // %
	Better string      `json:"better" yaml:"better"` // up or down: where it should go
	Of     string      `json:"of" yaml:"of"`         // counts; see parts
	Among  string      `json:"among" yaml:"among"`
}

// Score is a sum of weighted rates, 0 to 100, in which more is always better.
type Score struct {
	Code  string      `json:"code" yaml:"code"`
	Name  people.Name `json:"name" yaml:"name"`
	By    string      `json:"by" yaml:"by"` // what it compares: department, person, grid
	Terms []Term      `json:"terms" yaml:"terms"`
}

// Term is a rate, or with inverse what is missing of it to 100; or a count as a
// share of the highest one in the table.
type Term struct {
	Rate    string  `json:"rate,omitempty" yaml:"rate"`
	Inverse bool    `json:"inverse,omitempty" yaml:"inverse"`
	Volume  string  `json:"volume,omitempty" yaml:"volume"`
	Weight  float64 `json:"weight" yaml:"weight"`
}

// Default are the shipped formulas.
func Default() Definitions {
	rate := func(code, zh, en, better, of, among string) Rate {
		return Rate{Code: code, Name: people.Name{ZH: zh, EN: en}, Unit: "%", Better: better, Of: of, Among: among}
	}
	term := func(rate string, weight float64) Term { return Term{Rate: rate, Weight: weight} }
	first := Version{Version: "1", From: "2020-01-01",
		Rates: []Rate{
			rate("valid", "有效上报率", "valid of reported", "up", "valid", "reported"),
			rate("closing", "结案率", "closed of due", "up", "closed", "due"),
			rate("closing_on_time", "按期结案率", "closed in time of due", "up", "closed_on_time", "due"),
			rate("disposal", "处置率", "disposed of what was to be", "up", "disposed", "to_dispose"),
			rate("disposal_on_time", "按时处置率", "disposed in time", "up", "disposed_on_time", "to_dispose"),
			rate("rework", "返工率", "reworked of due", "down", "rework", "due"),
			rate("missed", "漏报率", "found by others of filed", "down", "missed", "filed"),
			rate("arrival_on_time", "按时到场率", "arrived in time", "up", "arrive_on_time", "arrive_due"),
			rate("check_on_time", "按时核查率", "checked in time", "up", "check_on_time", "check_due"),
			rate("transfer", "改派率", "sent on to another department", "down", "redispatched", "dispatched"),
			rate("repeat", "重复投诉率", "repeated hotline complaints", "down", "repeated", "hotline"),
		},
		Scores: []Score{
			{Code: "department", Name: people.Name{ZH: "专业部门评价", EN: "department"}, By: "department", Terms: []Term{
				{Volume: "disposed", Weight: 10}, term("closing", 30), term("disposal_on_time", 30), {Rate: "rework", Inverse: true, Weight: 30}}},
			{Code: "region", Name: people.Name{ZH: "区域评价", EN: "region"}, By: "grid", Terms: []Term{
				{Rate: "missed", Inverse: true, Weight: 10}, {Volume: "filed", Weight: 20}, term("closing", 30), term("closing_on_time", 40)}},
		}}
	second := Version{Version: "2", From: "2026-01-01", Scores: first.Scores, // what the first has means what it did
		Rates: append(slices.Clone(first.Rates), rate("hotline_transfer", "热线改派率", "hotline cases sent on to another department", "down", "hotline_resent", "hotline_sent"))}
	return Definitions{Versions: []Version{first, second}}
}

// Validate finds formulas that cannot mean what they say: a rate of something
// that is no part of the other, a reward for the worse, weights that are not
// 100 together, one rate twice.
func (d Definitions) Validate() error {
	var f faults
	f.want(len(d.Versions) > 0, "versions", "", "at least one")
	for i, v := range d.Versions {
		at := fmt.Sprintf("versions[%d].", i)
		_, err := time.Parse(time.DateOnly, v.From)
		f.want(err == nil, at+"from", v.From, "a day such as 2026-01-01")
		f.want(v.Version != "", at+"version", v.Version, "a name of its own")
		if i > 0 {
			f.want(v.From > d.Versions[i-1].From, at+"from", v.From, "a later day than the version before")
		}
		f.want(!slices.ContainsFunc(d.Versions[:i], func(o Version) bool { return o.Version == v.Version }), at+"version", v.Version, "a name of its own")
		v.check(&f, at)
	}
	return errors.Join(f...)
}

type faults []error

func (f *faults) want(ok bool, key string, value any, what string, args ...any) {
	if !ok {
		*f = append(*f, configs.Fault(key, value, what, args...))
	}
}

func (v Version) check(f *faults, at string) {
	rates := map[string]Rate{}
	for i, r := range v.Rates {
		key := fmt.Sprintf("%srates[%d].", at, i)
		_, twice := rates[r.Code]
		f.want(r.Code != "" && !twice, key+"code", r.Code, "a code of its own")
		f.want(r.Name.ZH != "", key+"name.zh", r.Name.ZH, "a name")
		f.want(r.Unit == "%", key+"unit", r.Unit, "%%")
		f.want(r.Better == "up" || r.Better == "down", key+"better", r.Better, "up or down")
		f.want(counted(r.Of), key+"of", r.Of, "a count%s", near(r.Of))
		f.want(counted(r.Among), key+"among", r.Among, "a count%s", near(r.Among))
		f.want(!counted(r.Of) || !counted(r.Among) || partOf(r.Of, r.Among), key+"of", r.Of, "a part of %s", r.Among)
		rates[r.Code] = r
	}
	for i, s := range v.Scores {
		s.check(f, fmt.Sprintf("%sscores[%d].", at, i), rates)
	}
}

func near(name string) string {
	var known []string
	for k := range parts {
		known = append(known, k)
	}
	slices.Sort(known)
	if n := configs.Nearest(name, known); n != "" {
		return ", did you mean " + n + "?"
	}
	return ": " + strings.Join(known, ", ") + ", or a limit's _due and _on_time"
}

func (s Score) check(f *faults, at string, rates map[string]Rate) {
	sum, used := 0.0, map[string]bool{}
	f.want(slices.Contains(compared, s.By), at+"by", s.By, "one of %s", strings.Join(compared, ", "))
	for i, t := range s.Terms {
		key := fmt.Sprintf("%sterms[%d].", at, i)
		sum += t.Weight
		f.want(t.Weight > 0, key+"weight", t.Weight, "more than 0")
		f.want(!used[t.Rate+"/"+t.Volume], key+"rate", t.Rate+t.Volume, "one that no other term of this score has")
		used[t.Rate+"/"+t.Volume] = true
		if t.Rate == "" {
			f.want(counted(t.Volume) && !t.Inverse, key+"volume", t.Volume, "a count, or a rate in its place")
			continue
		}
		r, ok := rates[t.Rate]
		f.want(ok && t.Volume == "", key+"rate", t.Rate, "the code of a rate of this version, and no volume beside it")
		f.want(!ok || t.Inverse == (r.Better == "down"), key+"inverse", t.Inverse,
			"%v: %s is better when it goes %s, and a score when it goes up", r.Better == "down", t.Rate, r.Better)
	}
	f.want(math.Abs(sum-100) < 1e-9, at+"terms", sum, "weights that are 100 together")
}

// compared is what a score can stand beside.
var compared = []string{"department", "grid", "person", "matter"}

// At is the version in force on a day.
func (d Definitions) At(day time.Time) Version {
	out := d.Versions[0]
	for _, v := range d.Versions {
		if v.From <= day.Format(time.DateOnly) {
			out = v
		}
	}
	return out
}
