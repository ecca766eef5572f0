package figures

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"gridhub/configs"
	"gridhub/devices/telemetry"
	"gridhub/hub/identity"
	"gridhub/hub/sheets"
	"gridhub/hub/store/storetest"
	"gridhub/hub/tasks"
)

// litter is done within 8 hours of the dispatch, round the clock.
var litter = tasks.Matter{Code: "CG02", Limits: []tasks.Limit{
	{Name: "handle", From: tasks.Dispatched, Until: tasks.Claimed, Kind: tasks.CalendarHours, Value: "8h"},
	{Name: "check", From: tasks.Claimed, Until: tasks.Checked, Kind: tasks.CalendarHours, Value: "8h"}}}

// book is a pool of histories, described as the real pool does.
type book struct {
	all  [][]tasks.Event
	fail error
}

func (b book) Period(_ context.Context, from, to telemetry.Millis, see func(tasks.Digest) error) error {
	for _, events := range b.all {
		c := tasks.Fold(events)
		before := slices.DeleteFunc(slices.Clone(events), func(e tasks.Event) bool { return e.At >= to })
		if len(before) == 0 || !c.Open() && c.Updated < from {
			continue
		}
		then := tasks.Fold(before)
		litter.Describe(&then, before, tasks.OfficeHours(time.UTC), to.Time())
		if err := see(tasks.NewDigest(then, before, to)); err != nil {
			return err
		}
	}
	return b.fail
}

// write makes a history of "id grid source: event hour, event hour …".
func write(line string) (out []tasks.Event) {
	head, rest, _ := strings.Cut(line, ": ")
	of := strings.Fields(head)
	for part := range strings.SplitSeq(rest, ", ") {
		var name string
		var h float64
		if _, err := fmt.Sscanf(part, "%s %g", &name, &h); err != nil {
			panic(err)
		}
		name, department, _ := strings.Cut(name, "@")
		at := day + telemetry.Millis(h*float64(hour))
		e := tasks.Event{Case: identity.CaseID(of[0]), Seq: uint64(len(out)) + 1, Type: tasks.EventType(name), At: at, Server: at}
		switch e.Type {
		case tasks.Reported:
			e.Body = tasks.Body{Matter: "CG02", Grid: of[1], Source: of[2], Department: "SAN"}
		case tasks.Dispatched:
			e.Body = tasks.Body{Department: cmp.Or(department, "SAN"), Assignee: "p-1"}
		}
		out = append(out, e)
	}
	return out
}

// month is one day whose figures were counted by hand.
var month = book{all: [][]tasks.Event{
	write("a G01 patrol: reported 1, filed 2, dispatched 3, onscene 4, claimed 6, checked 7, closed 8"),                 // in time
	write("b G01 hotline: reported 1, filed 1, dispatched 1, onscene 2, claimed 12, checked 13, closed 13"),             // 11 h: late
	write("c G01 patrol: reported 1, filed 1, dispatched 2, claimed 4, rework 5, claimed 9, checked 10, closed 11"),     // reworked, in time
	write("d G02 resident: reported 2, filed 3, dispatched 4"),                                                          // ran out at 12
	write("e G02 patrol: reported 2, filed 3, dispatched 20"),                                                           // not due yet
	write("f G02 patrol: reported 2, filed 3, dispatched 4, suspended 6"),                                               // suspended
	write("g G02 patrol: reported 1, filed 1, dispatched 2, suspended 3, resumed 9, claimed 12, checked 13, closed 14"), // 4 h without the pause: in time
	write("h G02 patrol: reported 3, rejected 4"),
	write("i G02 patrol: reported -30, filed -30, dispatched -29"), // ran out the day before, still to do
	write("j G01 patrol: reported 30, filed 31"),                   // tomorrow
}}

func open(t *testing.T, p Pool, d Definitions) *Board {
	t.Helper()
	b, err := Open(t.Context(), storetest.Open(t), p, Options{Definitions: d, Zone: time.UTC, DayKind: func(t time.Time) string { return t.Weekday().String() }})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestGoldenDay(t *testing.T) {
	b := open(t, month, Default())
	got, err := b.Table(t.Context(), day, day+24*hour, "grid")
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]int{"reported": 8, "valid": 7, "filed": 7, "missed": 2, "hotline": 1, "dispatched": 7, "disposed": 4, "disposed_on_time": 3,
		"to_dispose": 6, "closed": 4, "closed_on_time": 3, "due": 6, "rework": 1, "suspended": 1, "handle_due": 6, "handle_on_time": 3, "check_due": 4, "check_on_time": 4, "held": 9, "hotline_sent": 1}
	if !reflect.DeepEqual(got.Total.Counts, want) {
		t.Errorf("counts\n%v, want\n%v", got.Total.Counts, want)
	}
	rates := map[string]float64{}
	for _, r := range got.Total.Rates {
		rates[r.Code] = r.Value
	}
	wantRates := map[string]float64{"valid": 87.5, "closing": 66.67, "closing_on_time": 50, "disposal": 66.67, "disposal_on_time": 50, "rework": 16.67,
		"missed": 28.57, "arrival_on_time": 0, "check_on_time": 100, "transfer": 0, "repeat": 0, "hotline_transfer": 0}
	if !reflect.DeepEqual(rates, wantRates) {
		t.Errorf("rates\n%v, want\n%v", rates, wantRates)
	}
	if len(got.Rows) != 2 || got.Rows[0].Key != "G01" || got.Rows[0].Counts["closed"] != 3 || got.Rows[1].Counts["due"] != 3 {
		t.Errorf("rows: %+v", got.Rows)
	}
	// region: 100 − 1/3 missed × 10 + full volume 20 + closing 100 × 30 + on time 2/3 × 40
	if p := got.Rows[0].Scores; len(p) != 1 || p[0].Missing != nil || math.Abs(p[0].Value-(6.667+15+30+26.667)) > 0.02 {
		t.Errorf("score of G01: %+v", p)
	}
	if s := got.Total.Paused; s.N != 1 || s.Median != 6*3600 {
		t.Errorf("suspended for: %+v", s)
	}
}

func TestSuspensionsShow(t *testing.T) {
	s, err := open(t, month, Default()).Summary(t.Context(), day, day+24*hour)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(s.Suspended.Cases, ids("f")) || !slices.Equal(s.Overdue.Cases, ids("di")) || !slices.Equal(s.SuspendedFor.Cases, ids("g")) || s.SuspendedFor.Mean != 6*3600 {
		t.Errorf("suspended %v, overdue %v, for %+v", s.Suspended.Cases, s.Overdue.Cases, s.SuspendedFor)
	}
}

// TestEveryNumberDrillsDown asks for the cases of each number of each table.
func TestEveryNumberDrillsDown(t *testing.T) {
	b := open(t, month, Default())
	for _, by := range Dimensions {
		table, err := b.Table(t.Context(), day, day+24*hour, by)
		if err != nil {
			t.Fatal(err)
		}
		sum := map[string]int{}
		for _, r := range table.Rows {
			for name, n := range r.Counts {
				cases, err := b.Cases(t.Context(), day, day+24*hour, by, r.Key, name)
				if err != nil || len(cases) != n {
					t.Errorf("%s %s %s: %d cases, want %d, %v", by, r.Key, name, len(cases), n, err)
				}
				sum[name] += n
			}
		}
		if by == "department" { // where a case stands in the line of each that held it
			sum["held"] = table.Total.Counts["held"]
		}
		if !reflect.DeepEqual(sum, table.Total.Counts) {
			t.Errorf("by %s the rows are %v, the total %v", by, sum, table.Total.Counts)
		}
	}
}

// TestLaterEventsChangeNoEarlierPeriod counts a day before and after more
// happened.
func TestLaterEventsChangeNoEarlierPeriod(t *testing.T) {
	more := book{all: slices.Clone(month.all)}
	for i, line := range map[int]string{
		3: "d G02 resident: reported 2, filed 3, dispatched 4, claimed 26, checked 27, closed 28",
		5: "f G02 patrol: reported 2, filed 3, dispatched 4, suspended 6, resumed 30, claimed 31",
		0: "a G01 patrol: reported 1, filed 2, dispatched 3, onscene 4, claimed 6, checked 7, closed 8, filed 40"} {
		more.all[i] = write(line)
	}
	for _, by := range Dimensions {
		before, err1 := open(t, month, Default()).Table(t.Context(), day, day+24*hour, by)
		after, err2 := open(t, more, Default()).Table(t.Context(), day, day+24*hour, by)
		if err := errors.Join(err1, err2); err != nil || !reflect.DeepEqual(before, after) {
			t.Errorf("by %s:\n%+v, then\n%+v, %v", by, before, after, err)
		}
	}
}

func TestTheShippedFormulasAreTheDefault(t *testing.T) {
	var got Definitions
	if err := configs.ReadFile("../../configs/figures.yaml", &got); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, Default()) {
		t.Errorf("configs/figures.yaml decodes to\n%+v\nDefault is\n%+v", got, Default())
	}
}

// TestKnownErrors tries the mistakes that were found in the formulas of a system
// in use: each is refused, with its place.
func TestKnownErrors(t *testing.T) {
	for name, tt := range map[string]struct {
		change func(*Version)
		want   string
	}{
		"100 − closing rate as a reward": {func(v *Version) { v.Scores[0].Terms[1].Inverse = true }, "terms[1].inverse"},
		"weights that are not 1":         {func(v *Version) { v.Scores[0].Terms[1].Weight = 40 }, "weights that are 100"},
		"a wrong count passed":           {func(v *Version) { v.Rates[1].Of = "disposed" }, "a part of due"},
		"missed reports as a plus":       {func(v *Version) { v.Scores[1].Terms[0].Inverse = false }, "terms[0].inverse"},
		"one rate in place of another":   {func(v *Version) { v.Scores[1].Terms[3].Rate = "closing" }, "no other term"},
		"a misspelt count":               {func(v *Version) { v.Rates[1].Of = "closd" }, "did you mean closed?"},
		"a rate that is none":            {func(v *Version) { v.Scores[0].Terms[1].Rate = "luck" }, "terms[1].rate"},
		"no direction":                   {func(v *Version) { v.Rates[0].Better = "left" }, "up or down"},
	} {
		d := Default()
		tt.change(&d.Versions[0])
		if err := configs.Validate(d); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", name, err, tt.want)
		}
	}
}

func TestAFormulaInUseIsNotEdited(t *testing.T) {
	db := storetest.Open(t)
	try := func(d Definitions) (*Board, error) {
		return Open(t.Context(), db, month, Options{Definitions: d, Zone: time.UTC})
	}
	if _, err := try(Default()); err != nil {
		t.Fatal(err)
	}
	edited := Default()
	edited.Versions[0].Rates[1].Of = "closed_on_time"
	if _, err := try(edited); err == nil || !strings.Contains(err.Error(), "version 1") {
		t.Errorf("edited: %v", err)
	}
	next := Default()
	second := Default().Versions[1]
	second.Version, second.From = "3", (day + 24*hour).Time().UTC().Format(time.DateOnly)
	second.Rates[1].Of = "closed_on_time"
	next.Versions = append(next.Versions, second)
	b, err := try(next)
	if err != nil {
		t.Fatal(err)
	}
	for at, want := range map[telemetry.Millis]string{day: "2", day + 24*hour: "3"} {
		if got, err := b.Table(t.Context(), at, at+hour, "grid"); err != nil || got.Version != want {
			t.Errorf("a period that begins at %d is counted by version %s, want %s (%v)", at, got.Version, want, err)
		}
	}
}

func TestWilson(t *testing.T) {
	for _, tt := range []struct {
		k, n             int
		value, low, high float64
	}{{0, 0, 0, 0, 0}, {0, 10, 0, 0, 27.75}, {10, 10, 100, 72.25, 100}, {1, 2, 50, 9.45, 90.55}, {9557, 10000, 95.57, 95.15, 95.96}} {
		s := share("x", tt.k, tt.n)
		if s.Value != tt.value || math.Abs(s.Low-tt.low) > 0.01 || math.Abs(s.High-tt.high) > 0.01 {
			t.Errorf("%d of %d: %+v", tt.k, tt.n, s)
		}
	}
}

func TestSheetsAndMistakes(t *testing.T) {
	b := open(t, month, Default())
	table, err := b.Table(t.Context(), day, day+24*hour, "day")
	if err != nil {
		t.Fatal(err)
	}
	s := b.Sheet(table)
	var x bytes.Buffer
	if err := sheets.WriteXLSX(&x, s); err != nil {
		t.Fatal(err)
	}
	rows, err := sheets.Read(x.Bytes(), sheets.Default())
	if err != nil || len(rows) != len(table.Rows)+2 || rows[len(rows)-1].Cells[0] != "合计 (v2)" || rows[1].Cells[1] != "8" || len(rows[0].Cells) != len(s.Rows[0]) {
		t.Errorf("%v, %v", rows, err)
	}
	var refused *tasks.RefusedError
	if _, err := b.Table(t.Context(), day, day-1, "day"); !errors.As(err, &refused) {
		t.Errorf("a period that ends before it begins: %v", err)
	}
	if _, err := b.Table(t.Context(), day, day+1, "mood"); !errors.As(err, &refused) {
		t.Errorf("by mood: %v", err)
	}
	if _, err := b.Cases(t.Context(), day, day+1, "", "", "moods"); !errors.As(err, &refused) {
		t.Errorf("a count that is none: %v", err)
	}
	if _, err := open(t, book{fail: context.Canceled}, Default()).Summary(t.Context(), day, day+1); !errors.Is(err, context.Canceled) {
		t.Errorf("a pool that fails: %v", err)
	}
}
