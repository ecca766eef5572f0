package figures

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"math"
	"slices"
	"time"

	"gridhub/devices/telemetry"
	"gridhub/hub/identity"
	"gridhub/hub/tasks"
)

// Table is a period cut up by something: a line for each matter, grid, day.
type Table struct {
	From    telemetry.Millis `json:"from"`
	To      telemetry.Millis `json:"to"`
	By      string           `json:"by"`
	Version string           `json:"version"` // of the formulas
	Rows    []Row            `json:"rows"`
	Total   Row              `json:"total"`
}

// Row is one line. A case counts where it is at the period's end, and in the
// day of what happened to it. What counts for departments (held, passed) stands
// in the line of each that had a part, so that these sum to more than the total.
type Row struct {
	Key      string         `json:"key"` // empty: unknown, such as a case that nobody was sent to
	Counts   map[string]int `json:"counts"`
	Rates    []Share        `json:"rates"`
	Scores   []Points       `json:"scores"`
	Response Times          `json:"response"`      // filed → onscene
	Close    Times          `json:"time_to_close"` // reported → closed, suspensions included
	Handling Times          `json:"handling"`      // dispatched → claimed
	Paused   Times          `json:"suspended_for"` // of the cases closed that were suspended
	Held     Times          `json:"held_for"`      // how long the line's department, else anybody, kept a case waiting in the period
	Lost     Times          `json:"lost"`          // of the cases that were passed on: until the next department had them
}

// Share is a rate in per cent with the interval in which its true value lies
// (Wilson, 95 %): of few cases it is wide, and two that overlap have no order.
// Among = 0 means that there is no rate.
type Share struct {
	Code  string  `json:"code"`
	Of    int     `json:"of"`
	Among int     `json:"among"`
	Value float64 `json:"value"`
	Low   float64 `json:"low"`
	High  float64 `json:"high"`
}

// Points is a score, 0 to 100. Missing names the rates for which there was
// nothing to count; such a score is no score, and Value is 0.
type Points struct {
	Code    string   `json:"code"`
	Value   float64  `json:"value"`
	Missing []string `json:"missing,omitempty"`
}

// Times are a spread without its cases.
type Times struct {
	N      int     `json:"n"`
	Mean   float64 `json:"mean_s"`
	Median float64 `json:"median_s"`
	P90    float64 `json:"p90_s"`
}

// Dimensions are what a table can be cut by.
var Dimensions = []string{"matter", "grid", "department", "person", "source", "day", "week", "month", "daykind"}

// key says in which line of a table a case counts at an instant.
func (b *Board) key(by string, f *Fact, m mark) string {
	t := m.at.Time().In(b.o.Zone)
	switch by {
	case "matter":
		return f.Matter
	case "grid":
		return f.Grid
	case "department":
		return cmp.Or(m.department, f.Department)
	case "person":
		return string(f.Assignee)
	case "source":
		return f.Source
	case "day":
		return t.Format(time.DateOnly)
	case "week":
		year, week := t.ISOWeek()
		return fmt.Sprintf("%d-W%02d", year, week)
	case "month":
		return t.Format("2006-01")
	}
	return b.o.DayKind(t)
}

// Table counts the period [from, to), cut up by one of Dimensions.
func (b *Board) Table(ctx context.Context, from, to telemetry.Millis, by string) (Table, error) {
	if !slices.Contains(Dimensions, by) {
		return Table{}, &tasks.RefusedError{Code: "invalid", Reason: fmt.Sprintf("by %q: want one of %v", by, Dimensions)}
	}
	v := b.o.Definitions.At(from.Time().In(b.o.Zone))
	out := Table{From: from, To: to, By: by, Version: v.Version, Rows: []Row{}}
	lines := map[string]*line{}
	whole := newLine("")
	cases := 0
	err := b.facts(ctx, from, to, func(f *Fact) {
		cases++
		f.spread(period{from, to}, cases, whole, func(m mark) *line {
			key := b.key(by, f, m)
			l := lines[key]
			if l == nil {
				l = newLine(key)
				lines[key] = l
			}
			return l
		})
	})
	if err != nil {
		return Table{}, err
	}
	highest := map[string]int{}
	for _, l := range lines {
		for name, n := range l.counts {
			highest[name] = max(highest[name], n.cases)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(lines)) {
		out.Rows = append(out.Rows, lines[key].row(v, by, highest))
	}
	out.Total = whole.row(v, "", nil)
	return out, nil
}

// line gathers what counts in one row.
type line struct {
	key                               string
	counts                            map[string]*tally
	response, close, handling, paused []float64 // seconds
	held, lost                        []float64
}

// tally counts cases, each once.
type tally struct{ cases, newest int }

func newLine(key string) *line { return &line{key: key, counts: map[string]*tally{}} }

// count counts the n-th case of a table under a name.
func (l *line) count(name string, n int) {
	t := l.counts[name]
	if t == nil {
		t = &tally{}
		l.counts[name] = t
	}
	if t.newest != n {
		t.cases, t.newest = t.cases+1, n
	}
}

// spread brings everything that the n-th case counts for into the whole and the
// lines of its time.
func (f *Fact) spread(p period, n int, whole *line, at func(mark) *line) {
	for _, m := range f.marks {
		whole.count(m.name, n)
		at(m).count(m.name, n)
	}
	f.hold(whole, at)
	times := func(from, to tasks.EventType, into func(*line) *[]float64) {
		began, ok := when(f.Case, from)
		if end := f.Times[to]; ok && p.has(to)(f.Case) && end >= began {
			for _, v := range []*[]float64{into(whole), into(at(mark{at: end}))} {
				*v = append(*v, end.Sub(began).Seconds())
			}
		}
	}
	times(tasks.Filed, tasks.Onscene, func(l *line) *[]float64 { return &l.response })
	times(tasks.Reported, tasks.Closed, func(l *line) *[]float64 { return &l.close })
	times(tasks.Dispatched, tasks.Claimed, func(l *line) *[]float64 { return &l.handling })
	if f.Pauses > 0 && p.has(tasks.Closed)(f.Case) {
		for _, l := range []*line{whole, at(mark{at: f.Times[tasks.Closed]})} {
			l.paused = append(l.paused, f.Paused.Seconds())
		}
	}
}

func (l *line) row(v Version, by string, highest map[string]int) Row {
	counts := make(map[string]int, len(l.counts))
	for name, n := range l.counts {
		counts[name] = n.cases
	}
	r := Row{Key: l.key, Counts: counts, Rates: []Share{}, Scores: []Points{}, Response: timesOf(l.response), Close: timesOf(l.close),
		Handling: timesOf(l.handling), Paused: timesOf(l.paused), Held: timesOf(l.held), Lost: timesOf(l.lost)}
	of := map[string]Share{}
	for _, d := range v.Rates {
		s := share(d.Code, counts[d.Of], counts[d.Among])
		of[d.Code] = s
		r.Rates = append(r.Rates, s)
	}
	for _, s := range v.Scores {
		if s.By == by {
			r.Scores = append(r.Scores, s.points(of, counts, highest))
		}
	}
	return r
}

// points adds a score up. Of a rate that is better down its missing rest counts.
func (s Score) points(rates map[string]Share, counts, highest map[string]int) Points {
	out := Points{Code: s.Code}
	for _, t := range s.Terms {
		value := 0.0
		switch rate := rates[t.Rate]; {
		case t.Volume != "" && highest[t.Volume] > 0:
			value = 100 * float64(counts[t.Volume]) / float64(highest[t.Volume])
		case t.Volume != "":
		case rate.Among == 0:
			out.Missing = append(out.Missing, t.Rate)
		case t.Inverse:
			value = 100 - rate.Value
		default:
			value = rate.Value
		}
		out.Value += value * t.Weight / 100
	}
	if out.Missing != nil {
		out.Value = 0
	}
	out.Value = hundredth(out.Value)
	return out
}

// share is a rate with its interval (E. B. Wilson, 1927), z = 1.96.
func share(code string, k, n int) Share {
	out := Share{Code: code, Of: k, Among: n}
	if n == 0 {
		return out
	}
	const z = 1.959964
	p, size := float64(k)/float64(n), float64(n)
	mid := p + z*z/(2*size)
	half := z * math.Sqrt(p*(1-p)/size+z*z/(4*size*size))
	scale := 100 / (1 + z*z/size)
	out.Value = hundredth(100 * p)
	out.Low, out.High = hundredth(math.Max(0, (mid-half)*scale)), hundredth(math.Min(100, (mid+half)*scale))
	return out
}

func hundredth(v float64) float64 { return math.Round(v*100) / 100 }

func timesOf(v []float64) Times {
	if len(v) == 0 {
		return Times{}
	}
	slices.Sort(v)
	return Times{N: len(v), Mean: mean(v), Median: median(v), P90: p90(v)}
}

// Cases lists the cases behind one number of a table.
func (b *Board) Cases(ctx context.Context, from, to telemetry.Millis, by, key, count string) ([]identity.CaseID, error) {
	if by != "" && !slices.Contains(Dimensions, by) || !counted(count) {
		return nil, &tasks.RefusedError{Code: "invalid", Reason: fmt.Sprintf("want a count%s, and by one of %v or nothing", near(count), Dimensions)}
	}
	out := []identity.CaseID{}
	err := b.facts(ctx, from, to, func(f *Fact) {
		for _, m := range f.marks {
			if m.name == count && (by == "" || b.key(by, f, m) == key) {
				out = append(out, f.ID)
			}
		}
	})
	if err != nil {
		return nil, err
	}
	slices.SortFunc(out, cmp.Compare[identity.CaseID])
	return slices.Compact(out), nil
}

// Definitions returns the formulas in all their versions.
func (b *Board) Definitions() Definitions { return b.o.Definitions }
