package tasks_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"gridhub/devices/telemetry"
	"gridhub/hub/geo"
	"gridhub/hub/identity"
	"gridhub/hub/people"
	"gridhub/hub/store"
	"gridhub/hub/store/storetest"
	"gridhub/hub/tasks"
)

var (
	zone       = time.FixedZone("CST", 8*3600)
	monday     = time.Date(2026, 11, 23, 10, 0, 0, 0, zone)
	here       = geo.Point{Lon: 120.16, Lat: 30.27}
	dispatcher = identity.Principal{Account: "desk", Roles: []identity.Role{identity.Dispatcher}}
	worker     = identity.Principal{Account: "p-017", Person: "p-017", Roles: []identity.Role{identity.Handler}}
	other      = identity.Principal{Account: "p-018", Person: "p-018", Roles: []identity.Role{identity.Handler}}
)

var gas = tasks.Matter{Code: "AQ03", Domain: "safety", Privacy: "public", Name: people.Name{ZH: "燃气安全隐患", EN: "gas hazard"}, Lead: "ES", With: []string{"UT", "FR"},
	Limits: []tasks.Limit{
		{Name: "arrive", From: tasks.Dispatched, Until: tasks.Onscene, Kind: tasks.Emergency, Value: "10m"},
		{Name: "handle", From: tasks.Dispatched, Until: tasks.Claimed, Kind: tasks.WorkingHours, Value: "4h"},
		{Name: "check", From: tasks.Claimed, Until: tasks.Checked, Kind: tasks.CalendarHours, Value: "2h"},
	},
	Evidence: []tasks.Proof{{Kind: "photo-after", Before: tasks.Claimed}},
	Auto:     []tasks.EventType{tasks.Screened, tasks.Filed},
}

// house may fall: who leads it needs two others, and the fire brigade's word.
var house = tasks.Matter{Code: "AQ06", Domain: "safety", Privacy: "public", Name: people.Name{ZH: "危房", EN: "dangerous building"}, Lead: "HC", With: []string{"ES", "PM", "FR"},
	Must: []string{"ES", "PM"}, Cosign: tasks.Signing{Signers: []string{"ES", "FR", "PM"}, Quorum: 2, Veto: []string{"FR"}}, Review: []string{"hotline"},
	Limits: []tasks.Limit{
		{Name: "handle", From: tasks.Dispatched, Until: tasks.Claimed, Kind: tasks.CalendarHours, Value: "8h"},
		{Name: "check", From: tasks.Claimed, Until: tasks.Checked, Kind: tasks.CalendarHours, Value: "4h"},
		{Name: "co-accept", From: tasks.Ordered, Until: tasks.Taken, Kind: tasks.Emergency, Value: "30m"},
		{Name: "co-handle", From: tasks.Ordered, Until: tasks.Done, Kind: tasks.CalendarHours, Value: "4h"},
	},
	Auto: []tasks.EventType{tasks.Screened, tasks.Filed},
}

// who belongs where.
var belongs = map[identity.PersonID]string{"p-017": "HC", "p-018": "HC", "p-es": "ES", "p-es2": "ES", "p-pm": "PM", "p-fr": "FR"}

type bench struct {
	*tasks.Pool
	db    *store.DB
	t     *testing.T
	clock time.Time
	told  []tasks.Case
	n     int
}

func newPool(t *testing.T) *bench {
	b := &bench{db: storetest.Open(t), t: t, clock: monday}
	var err error
	b.Pool, err = tasks.Open(t.Context(), b.db, tasks.Options{Matters: []tasks.Matter{gas, house},
		Department: func(_ context.Context, p identity.PersonID) string { return belongs[p] }, Region: func(grid string, _ geo.Point) string { return map[string]string{"G03": "A"}[grid] },
		Calendar: tasks.OfficeHours(zone), Now: func() time.Time { return b.clock }, Changed: func(c tasks.Case) { b.told = append(b.told, c) }})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func (b *bench) report(id string) tasks.Case {
	b.t.Helper()
	c, err := b.Report(b.t.Context(), identity.System, tasks.Report{ID: id, Matter: "AQ03", Source: "sensor", Severity: "major",
		Place: here, Grid: "G03", At: telemetry.At(b.clock), Hazard: identity.HazardID(id), Device: "gas-1"})
	if err != nil {
		b.t.Fatal(err)
	}
	return c
}

func (b *bench) do(who identity.Principal, c tasks.Case, cmd tasks.Command) (tasks.Case, error) {
	b.n++
	cmd.Case, cmd.At = c.ID, telemetry.At(b.clock)
	if cmd.ID == "" {
		cmd.ID = fmt.Sprintf("command-%04d", b.n)
	}
	return b.Do(b.t.Context(), who, cmd)
}

func (b *bench) must(who identity.Principal, c tasks.Case, cmd tasks.Command) tasks.Case {
	b.t.Helper()
	c, err := b.do(who, c, cmd)
	if err != nil {
		b.t.Fatalf("%s: %v", cmd.Type, err)
	}
	return c
}

const photo = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

func TestFromReportToArchive(t *testing.T) {
	b := newPool(t)
	c := b.report("hazard-1")
	if c.State != tasks.Filed || c.Number != "261123-001" || c.Rev != 3 {
		t.Fatalf("after the report: %s %s rev %d, want filed 261123-001 rev 3", c.State, c.Number, c.Rev)
	}
	c = b.must(dispatcher, c, tasks.Command{Type: tasks.Dispatched, Assignee: "p-017"})
	if c.Department != "ES" || len(c.With) != 2 {
		t.Errorf("dispatched to %s with %v, want the matter's departments", c.Department, c.With)
	}
	b.clock = b.clock.Add(9 * time.Minute)
	c = b.must(worker, c, tasks.Command{Type: tasks.Accepted})
	near := geo.Point{Lon: here.Lon + 0.0001, Lat: here.Lat}
	c = b.must(worker, c, tasks.Command{Type: tasks.Onscene, Place: &near})
	if got := clock(c, "arrive"); got.Light != "yellow" || got.Used != 0.9 {
		t.Errorf("arrive after 9 of 10 minutes: %s %.3f, want yellow 0.9", got.Light, got.Used)
	}
	if _, err := b.do(worker, c, tasks.Command{Type: tasks.Claimed}); !refused(err, "evidence") {
		t.Errorf("claim without the photo: %v, want refused for evidence", err)
	}
	c = b.must(worker, c, tasks.Command{Type: tasks.Evidence, Evidence: photo, Kind: "photo-after"})
	c = b.must(worker, c, tasks.Command{Type: tasks.Claimed, Text: "阀门已关闭"})
	if _, err := b.do(worker, c, tasks.Command{Type: tasks.Checked}); !refused(err, "right") {
		t.Errorf("the handler checks the own work: %v, want refused", err)
	}
	c = b.must(dispatcher, c, tasks.Command{Type: tasks.Checked})
	c = b.must(dispatcher, c, tasks.Command{Type: tasks.Closed})
	c = b.must(dispatcher, c, tasks.Command{Type: tasks.Archived})
	if c.Open() || len(c.Next) != 1 || c.Next[0] != tasks.Filed {
		t.Errorf("archived: open %v, next %v; want a sealed case that can only be reopened", c.Open(), c.Next)
	}
	if _, err := b.do(dispatcher, c, tasks.Command{Type: tasks.Noted, Text: "late"}); !refused(err, "state") {
		t.Errorf("a remark on an archived case: %v, want refused", err)
	}
	if ids, err := b.Archived(t.Context(), "", 10); err != nil || len(ids) != 1 || ids[0] != c.ID {
		t.Errorf("archived cases %v, %v; want this one", ids, err)
	}
	if len(b.told) != 9 {
		t.Errorf("told %d changes, want 9", len(b.told))
	}
}

func clock(c tasks.Case, name string) tasks.Clock {
	for _, k := range c.Clocks {
		if k.Name == name {
			return k
		}
	}
	return tasks.Clock{}
}

func refused(err error, code string) bool {
	var r *tasks.RefusedError
	return errors.As(err, &r) && r.Code == code
}

func TestRepeatsAndConflicts(t *testing.T) {
	b := newPool(t)
	first, again := b.report("hazard-1"), b.report("hazard-1")
	if first.ID != again.ID || again.Rev != 3 || again.Number != first.Number {
		t.Errorf("a repeated report made %s rev %d, want the same case", again.ID, again.Rev)
	}
	second := b.report("hazard-2")
	if second.Number != "261123-002" {
		t.Errorf("second case has number %s, want 261123-002", second.Number)
	}
	cmd := tasks.Command{ID: "dispatch-by-click", Type: tasks.Dispatched, Assignee: "p-017", Rev: 3}
	c := b.must(dispatcher, first, cmd)
	if c = b.must(dispatcher, c, cmd); c.Rev != 4 {
		t.Errorf("the same command twice: rev %d, want 4", c.Rev)
	}
	var conflict *tasks.ConflictError
	if _, err := b.do(dispatcher, c, tasks.Command{Type: tasks.Dispatched, Assignee: "p-018", Rev: 3}); !errors.As(err, &conflict) {
		t.Errorf("a command for an old revision: %v, want a conflict", err)
	}
	if _, err := b.do(other, c, tasks.Command{Type: tasks.Accepted}); !refused(err, "right") {
		t.Errorf("somebody else accepts: %v, want refused", err)
	}
	if _, err := b.do(worker, c, tasks.Command{Type: tasks.Claimed}); !refused(err, "state") {
		t.Errorf("claimed after dispatched: %v, want refused", err)
	}
	if _, err := b.do(worker, c, tasks.Command{Type: tasks.Returned}); !refused(err, "invalid") {
		t.Errorf("returned without a reason: %v, want refused", err)
	}
	if _, err := b.do(dispatcher, c, tasks.Command{Type: tasks.Graded}); !refused(err, "invalid") {
		t.Errorf("graded without a severity: %v, want refused", err)
	}
	if c = b.must(dispatcher, c, tasks.Command{Type: tasks.Graded, Severity: "critical"}); c.Severity != "critical" || c.State != tasks.Dispatched {
		t.Errorf("graded: %s, %s; want critical and still dispatched", c.Severity, c.State)
	}
	if _, err := b.do(worker, tasks.Case{ID: "c-none"}, tasks.Command{Type: tasks.Accepted}); !errors.Is(err, tasks.ErrNotFound) {
		t.Errorf("a step on no case: %v, want ErrNotFound", err)
	}
}

func TestEventsAreAChainWithoutPersonalWords(t *testing.T) {
	b := newPool(t)
	c, err := b.Report(t.Context(), dispatcher, tasks.Report{ID: "call-0001", Matter: "AQ03", Source: "hotline",
		Place: here, At: telemetry.At(b.clock), Text: "闻到煤气味", Reporter: "王先生 138…"})
	if err != nil {
		t.Fatal(err)
	}
	b.must(dispatcher, c, tasks.Command{Type: tasks.Noted, Text: "回电确认"})
	b.must(dispatcher, c, tasks.Command{Type: tasks.Suspended, Why: "王先生出差"})
	_, events, err := b.Get(t.Context(), c.ID)
	if err != nil {
		t.Fatal(err)
	}
	if events[0].Body.Text != "闻到煤气味" || events[0].Body.Reporter == "" {
		t.Errorf("the personal values are not given back: %+v", events[0].Body)
	}
	if events[4].Why != "王先生出差" || events[1].Why != "automatic" {
		t.Errorf("reasons %q and %q", events[4].Why, events[1].Why)
	}
	bytes, err := b.Canonical(t.Context(), c.ID)
	if err != nil {
		t.Fatal(err)
	}
	if err := tasks.VerifyChain(bytes); err != nil {
		t.Errorf("untouched chain: %v", err)
	}
	for i, line := range bytes {
		if strings.Contains(string(line), "煤气") || strings.Contains(string(line), "王先生") {
			t.Errorf("event %d contains personal words: %s", i+1, line)
		}
		bent := append([][]byte{}, bytes...)
		bent[i] = []byte(strings.Replace(string(line), `"by":"desk"`, `"by":"disk"`, 1))
		if string(bent[i]) != string(line) && i < len(bytes)-1 && tasks.VerifyChain(bent) == nil {
			t.Errorf("event %d was bent and the chain still verifies", i+1)
		}
	}
}
