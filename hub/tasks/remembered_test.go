package tasks

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"gridhub/devices/telemetry"
	"gridhub/hub/geo"
	"gridhub/hub/identity"
	"gridhub/hub/people"
	"gridhub/hub/store/storetest"
)

// TestMemoryHoldsNoPersonalValues works on a case, and looks at what stays in
// memory; what the store has comes back with the case all the same.
func TestMemoryHoldsNoPersonalValues(t *testing.T) {
	desk := identity.Principal{Account: "desk", Roles: []identity.Role{identity.Dispatcher}}
	p, err := Open(t.Context(), storetest.Open(t), Options{Matters: []Matter{{Code: "CG02", Domain: "urban", Privacy: "public", Name: people.Name{ZH: "暴露垃圾"}, Lead: "SAN"}},
		Calendar: OfficeHours(time.UTC), Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	c, err := p.Report(t.Context(), desk, Report{ID: "report-1", Matter: "CG02", Source: "hotline", Text: "楼下", Reporter: "王", Place: geo.Point{Lon: 120, Lat: 30}})
	if err == nil {
		_, err = p.Do(t.Context(), desk, Command{ID: "command-1", Case: c.ID, Type: Rejected, Why: "重复"})
	}
	if err != nil {
		t.Fatal(err)
	}
	events := p.remembered.at(c.ID, 2)
	if len(events) != 2 || events[0].Body.Text != "" || events[0].Body.Reporter != "" || events[1].Why != "" || len(events[1].Body.Private) != 1 {
		t.Errorf("in memory: %+v", events)
	}
	if _, whole, err := p.Get(t.Context(), c.ID); err != nil || whole[0].Body.Text != "楼下" || whole[0].Body.Reporter != "王" || whole[1].Why != "重复" {
		t.Errorf("the case: %+v, %v", whole, err)
	}
}

func TestMemoryIsBounded(t *testing.T) {
	var r remembered
	for n := range rememberedMost + 50 {
		r.keep(identity.CaseID(fmt.Sprint(n)), make([]Event, 3))
	}
	if len(r.all) != rememberedMost {
		t.Errorf("%d cases, want %d", len(r.all), rememberedMost)
	}
	r.keep("new", make([]Event, 3))
	r.keep("new", make([]Event, 2))
	if r.at("new", 3) == nil || r.at("new", 2) != nil {
		t.Error("older events took the place of newer ones")
	}
}

// TestNobodyHearsAnOlderRevision lets many note something on one case at once:
// revisions are told in order, and the last one is.
func TestNobodyHearsAnOlderRevision(t *testing.T) {
	desk := identity.Principal{Account: "desk", Roles: []identity.Role{identity.Dispatcher}}
	var told []uint64
	p, err := Open(t.Context(), storetest.Open(t), Options{Matters: []Matter{{Code: "CG02", Domain: "urban", Privacy: "public", Name: people.Name{ZH: "暴露垃圾"}, Lead: "SAN"}},
		Calendar: OfficeHours(time.UTC), Now: time.Now, Changed: func(c Case) { told = append(told, c.Rev) }})
	if err != nil {
		t.Fatal(err)
	}
	c, err := p.Report(t.Context(), desk, Report{ID: "report-1", Matter: "CG02", Source: "desk", Place: geo.Point{Lon: 120, Lat: 30}, At: telemetry.At(time.Now())})
	if err != nil {
		t.Fatal(err)
	}
	const hands, each = 8, 10
	var all sync.WaitGroup
	for hand := range hands {
		all.Go(func() {
			for n := range each {
				if _, err := p.Do(context.Background(), desk, Command{ID: fmt.Sprintf("note-%d-%d", hand, n), Case: c.ID, Type: Noted, Text: "x"}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	last := uint64(0)
	for _, rev := range told {
		if rev < last {
			t.Errorf("%d was told after %d", rev, last)
		}
		last = rev
	}
	if last != 1+hands*each {
		t.Errorf("the last told is %d, want %d", last, 1+hands*each)
	}
}
