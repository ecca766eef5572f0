package figures

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"gridhub/devices/telemetry"
	"gridhub/hub/identity"
	"gridhub/hub/tasks"
)

const (
	day  = telemetry.Millis(1_795_392_000_000)
	hour = telemetry.Millis(3_600_000)
)

// history writes a case as "id: event hour, event hour …", with the hours
// counted from day.
func history(line string) tasks.Case {
	id, rest, _ := strings.Cut(line, ": ")
	c := tasks.Case{ID: identity.CaseID(id), Times: map[tasks.EventType]telemetry.Millis{}}
	for part := range strings.SplitSeq(rest, ", ") {
		name, at, _ := strings.Cut(part, " ")
		h := 0
		for _, d := range strings.TrimPrefix(at, "-") {
			h = h*10 + int(d-'0')
		}
		if strings.HasPrefix(at, "-") {
			h = -h
		}
		c.State, c.Updated = tasks.EventType(name), day+telemetry.Millis(h)*hour
		c.Times[c.State] = c.Updated
	}
	c.Reported = c.Times[tasks.Reported]
	return c
}

func handle(c tasks.Case, due, stopped telemetry.Millis) tasks.Case {
	c.Clocks = append(c.Clocks, tasks.Clock{Name: "handle", Started: day, Due: due, Stopped: stopped})
	return c
}

var board = []tasks.Case{
	handle(history("a: reported 1, filed 2, dispatched 3, onscene 4, claimed 6, closed 7"), day+8*hour, day+6*hour),
	handle(history("b: reported 1, filed 1, dispatched 2, onscene 5, claimed 12, closed 13"), day+8*hour, day+12*hour),
	handle(history("c: reported -30, filed -29, dispatched -28, onscene -27, claimed 2"), day+20*hour, day+2*hour),
	handle(history("d: reported 3, filed 4, dispatched 5"), day+9*hour, 0),
	history("e: reported 4, rejected 5"),
	history("f: reported 23, filed 25"),
	history("g: reported -50, closed -40"),
	history("h: reported 30"),
	history("i: reported 5, filed 9, onscene 8"), // a terminal's clock was wrong
}

func ids(s string) []identity.CaseID {
	out := []identity.CaseID{}
	for _, r := range s {
		out = append(out, identity.CaseID(r))
	}
	return out
}

func TestDefinitions(t *testing.T) {
	s := Of(facts(board...), day, day+24*hour)
	for name, tt := range map[string]struct {
		got  Count
		want string
	}{
		"reported": {s.Reported, "abdefi"},
		"filed":    {s.Filed, "abdi"},
		"handled":  {s.Handled, "abc"},
		"closed":   {s.Closed, "ab"},
		"on time":  {s.OnTime, "a"},
		"open":     {s.Open, "cdfi"},
		"overdue":  {s.Overdue, "d"},
	} {
		if !slices.Equal(tt.got.Cases, ids(tt.want)) || tt.got.N != len(tt.want) {
			t.Errorf("%s: %d %v, want %s", name, tt.got.N, tt.got.Cases, tt.want)
		}
	}
	for name, tt := range map[string]struct {
		got               Spread
		cases             string
		mean, median, p90 float64
	}{
		"response": {s.Response, "ab", 3, 3, 4},
		"close":    {s.Close, "ab", 9, 9, 12},
		"handling": {s.Handling, "abc", 43.0 / 3, 10, 30},
	} {
		want := Spread{N: len(tt.cases), Mean: tt.mean * 3600, Median: tt.median * 3600, P90: tt.p90 * 3600, Cases: ids(tt.cases)}
		if !reflect.DeepEqual(tt.got, want) {
			t.Errorf("%s: %+v, want %+v", name, tt.got, want)
		}
	}
}

func TestALateArrivalDoesNotMakeAClosingLate(t *testing.T) {
	c := board[0]
	c.Clocks = append(slices.Clone(c.Clocks), tasks.Clock{Name: "arrive", Until: tasks.Onscene, Due: day + hour, Stopped: day + 4*hour},
		tasks.Clock{Name: "dispatch", Until: tasks.Dispatched, Due: day + hour, Stopped: day + 2*hour})
	if got := Of(facts(c), day, day+24*hour).OnTime.N; got != 1 {
		t.Errorf("%d closed on time, want 1", got)
	}
	c.Clocks[0].Stopped = c.Clocks[0].Due
	if got := Of(facts(c), day, day+24*hour).OnTime.N; got != 1 {
		t.Errorf("stopped exactly when due: %d on time, want 1", got)
	}
}

func TestAReopenedCaseIsOpen(t *testing.T) {
	c := history("a: reported 1, filed 2, closed 7")
	c.State, c.Updated = tasks.Filed, day+8*hour
	s := Of(facts(c), day, day+24*hour)
	if s.Open.N != 1 || s.Closed.N != 1 {
		t.Errorf("open %d, closed %d; want 1 and 1", s.Open.N, s.Closed.N)
	}
}

// Each event belongs to exactly one of two periods that meet.
func TestPeriodsMeetWithoutOverlap(t *testing.T) {
	whole := Of(facts(board...), day-60*hour, day+60*hour)
	for cut := day - 60*hour; cut < day+60*hour; cut += hour {
		a, b := Of(facts(board...), day-60*hour, cut), Of(facts(board...), cut, day+60*hour)
		for name, n := range map[string][3]int{
			"reported": {a.Reported.N, b.Reported.N, whole.Reported.N},
			"closed":   {a.Closed.N, b.Closed.N, whole.Closed.N},
			"handling": {a.Handling.N, b.Handling.N, whole.Handling.N},
		} {
			if n[0]+n[1] != n[2] {
				t.Errorf("%s, cut at %d h: %d + %d, want %d", name, (cut-day)/hour, n[0], n[1], n[2])
			}
		}
	}
}

func TestSpreadOfOneAndOfNone(t *testing.T) {
	if s := Of(nil, day, day+hour); s.Close.N != 0 || s.Close.Cases == nil || s.Reported.Cases == nil {
		t.Errorf("of nothing: %+v", s)
	}
	s := Of(facts(board[:1]...), day, day+24*hour).Close
	if s.N != 1 || s.Mean != 6*3600 || s.Median != 6*3600 || s.P90 != 6*3600 {
		t.Errorf("of one case: %+v", s)
	}
	ten := []float64{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}
	if p90(ten) != 9 || p90(ten[:9]) != 9 || median(ten) != 5.5 {
		t.Errorf("p90 %v and %v, median %v", p90(ten), p90(ten[:9]), median(ten))
	}
}

func facts(cases ...tasks.Case) (out []Fact) {
	for _, c := range cases {
		out = append(out, Fact{Digest: tasks.Digest{Case: c}})
	}
	return out
}
