package matters_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"gridhub/configs"
	"gridhub/devices/telemetry"
	"gridhub/hub/geo"
	"gridhub/hub/identity"
	"gridhub/hub/people"
	"gridhub/hub/store/storetest"
	"gridhub/hub/tasks"
)

// load reads every matter of this folder as the hub does.
func load(t *testing.T) []tasks.Matter {
	t.Helper()
	files, err := filepath.Glob("*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var out []tasks.Matter
	for _, f := range files {
		var m tasks.Matter
		if err := configs.ReadFile(f, &m); err != nil {
			t.Fatal(err)
		}
		if m.Code != strings.TrimSuffix(f, ".yaml") {
			t.Errorf("%s is the matter %s", f, m.Code)
		}
		out = append(out, m)
	}
	return out
}

// TestParallelMattersSaySo: those with a counter-sign or orders of their own have
// clocks for them, and every matter reviews what is returned to the hotline.
func TestParallelMattersSaySo(t *testing.T) {
	n := 0
	for _, m := range load(t) {
		if !slices.Equal(m.Review, []string{"hotline"}) {
			t.Errorf("%s: a case of the hotline is returned without a review", m.Code)
		}
		ofOrders := slices.ContainsFunc(m.Limits, func(l tasks.Limit) bool { return l.From == tasks.Ordered })
		if len(m.Must) > 0 != ofOrders {
			t.Errorf("%s: orders for %v, limits of orders: %v", m.Code, m.Must, ofOrders)
		}
		if len(m.Cosign.Signers) > 0 {
			n++
		}
	}
	if n != 3 {
		t.Errorf("%d matters are signed, want 3", n)
	}
}

func TestThirtySixMatters(t *testing.T) {
	var deps struct {
		Departments []people.Department `yaml:"departments"`
	}
	if err := configs.ReadFile("../demo/departments.yaml", &deps); err != nil {
		t.Fatal(err)
	}
	domains := map[string]int{}
	words := map[string]string{}
	for _, m := range load(t) {
		domains[m.Domain]++
		for _, d := range append(m.With, m.Lead) {
			if !slices.ContainsFunc(deps.Departments, func(x people.Department) bool { return x.Code == d }) {
				t.Errorf("%s: the street has no department %s", m.Code, d)
			}
		}
		for _, w := range m.Keywords {
			if other, twice := words[w]; twice {
				t.Errorf("%s and %s share the keyword %s, which then routes nowhere", other, m.Code, w)
			}
			words[w] = m.Code
		}
		if m.Name.EN == "" || len(m.Keywords) == 0 || m.Source == "" || len(m.Limits) == 0 || m.Open311 == "" || m.Privacy == "" {
			t.Errorf("%s lacks a name, keywords, limits, the source of its limits, a service code or a privacy class", m.Code)
		}
	}
	for _, d := range []string{"urban", "governance", "environment", "safety"} {
		if domains[d] != 9 {
			t.Errorf("%d matters of %s, want 9", domains[d], d)
		}
	}
}

var (
	desk   = identity.Principal{Account: "desk", Roles: []identity.Role{identity.Dispatcher, identity.CallTaker, identity.Checker}}
	worker = identity.Principal{Account: "p-017", Person: "p-017", Roles: []identity.Role{identity.Handler}}
)

// life takes one case through steps, each an hour after the one before.
type life struct {
	t    *testing.T
	pool *tasks.Pool
	now  time.Time
	n    int
	c    tasks.Case
}

func (l *life) do(who identity.Principal, cmd tasks.Command) error {
	l.n++
	l.now = l.now.Add(time.Hour)
	cmd.ID, cmd.Case, cmd.At = fmt.Sprintf("%s-step-%04d", l.c.ID, l.n), l.c.ID, telemetry.At(l.now)
	c, err := l.pool.Do(l.t.Context(), who, cmd)
	if err == nil {
		l.c = c
	}
	return err
}

func (l *life) must(who identity.Principal, steps ...tasks.EventType) {
	l.t.Helper()
	for _, s := range steps {
		if err := l.do(who, tasks.Command{Type: s, Assignee: "p-017", Why: "because", Until: telemetry.At(l.now.Add(48 * time.Hour))}); err != nil {
			l.t.Fatalf("%s at %s: %v", s, l.c.State, err)
		}
	}
}

// TestEveryMatterLivesThroughEverything takes a case of each matter through
// return, extension, suspension, rework, closing and reopening. It is closed
// only with the evidence that its file demands.
func TestEveryMatterLivesThroughEverything(t *testing.T) {
	matters := load(t)
	start := time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
	l := &life{t: t, now: start}
	var err error
	l.pool, err = tasks.Open(t.Context(), storetest.Open(t), tasks.Options{Matters: matters,
		Calendar: tasks.OfficeHours(time.UTC), Now: func() time.Time { return l.now }})
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range matters {
		t.Run(m.Code, func(t *testing.T) {
			l := &life{t: t, pool: l.pool, now: start}
			l.c, err = l.pool.Report(t.Context(), worker, tasks.Report{ID: "report-" + m.Code, Matter: m.Code, Source: "patrol",
				Place: geo.Point{Lon: 120.16, Lat: 30.275}, At: telemetry.At(start)})
			if err != nil {
				t.Fatal(err)
			}
			if len(m.Auto) == 0 {
				l.must(desk, tasks.Screened, tasks.Filed)
			}
			l.must(desk, tasks.Dispatched)
			l.must(worker, tasks.Returned)
			l.must(desk, tasks.Dispatched)
			l.must(worker, tasks.Accepted)
			l.must(desk, tasks.Extended, tasks.Suspended, tasks.Resumed)
			l.finish(m)
			l.must(desk, tasks.Rework)
			l.must(worker, tasks.Onscene, tasks.Handling)
			l.sign(m)
			l.must(worker, tasks.Claimed)
			l.orders()
			l.must(desk, tasks.Checked, tasks.Closed, tasks.Filed)
			if !l.c.Open() || l.c.Reworks != 1 {
				t.Errorf("reopened as %s with %d reworks", l.c.State, l.c.Reworks)
			}
			for _, k := range l.c.Clocks {
				if k.Due <= k.Started || k.Used < 0 {
					t.Errorf("clock %+v", k)
				}
			}
		})
	}
}

// finish goes from accepted to claimed, which is refused until every proof is
// there.
func (l *life) finish(m tasks.Matter) {
	l.t.Helper()
	if l.c.State == tasks.Extended {
		l.must(desk, tasks.Dispatched)
		l.must(worker, tasks.Accepted)
	}
	l.must(worker, tasks.Enroute, tasks.Onscene, tasks.Handling)
	for i, p := range m.Evidence {
		var refused *tasks.RefusedError
		if err := l.do(worker, tasks.Command{Type: tasks.Claimed}); !errors.As(err, &refused) || refused.Code != "evidence" {
			l.t.Errorf("claimed without %s: %v", p.Kind, err)
		}
		hash := strings.Repeat(string(rune('a'+i)), 64)
		if err := l.do(worker, tasks.Command{Type: tasks.Evidence, Evidence: hash, Kind: p.Kind}); err != nil {
			l.t.Fatal(err)
		}
	}
	l.sign(m)
	l.must(worker, tasks.Claimed)
}

// sign takes a case through the counter-sign that its matter demands: a round in
// which one with a veto opposes, and one in which all agree.
func (l *life) sign(m tasks.Matter) {
	l.t.Helper()
	if len(m.Cosign.Signers) == 0 {
		return
	}
	var refused *tasks.RefusedError
	if err := l.do(worker, tasks.Command{Type: tasks.Claimed}); !errors.As(err, &refused) || refused.Code != "cosign" {
		l.t.Errorf("claimed without a counter-sign: %v", err)
	}
	vote := func(t tasks.EventType, department string) {
		if err := l.do(desk, tasks.Command{Type: t, Department: department, Why: "said on the phone"}); err != nil {
			l.t.Fatal(err)
		}
	}
	l.must(worker, tasks.Cosign)
	vote(tasks.Opposed, m.Cosign.Veto[0])
	l.must(worker, tasks.Cosign)
	for _, d := range m.Cosign.Signers {
		if l.c.State == tasks.Cosign {
			vote(tasks.Agreed, d)
		}
	}
}

// orders closes what the check waits for, and is refused the check before.
func (l *life) orders() {
	l.t.Helper()
	for _, o := range l.c.Orders {
		var refused *tasks.RefusedError
		if err := l.do(desk, tasks.Command{Type: tasks.Checked}); !errors.As(err, &refused) || refused.Code != "state" {
			l.t.Errorf("checked while %s has an order: %v", o.Department, err)
		}
		for _, s := range []tasks.EventType{tasks.Taken, tasks.Done} {
			if err := l.do(desk, tasks.Command{Type: s, Order: o.N, Why: "said on the phone"}); err != nil {
				l.t.Fatal(err)
			}
		}
	}
}
