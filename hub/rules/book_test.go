package rules_test

import (
	"testing"
	"time"

	"gridhub/hub/geo"
	"gridhub/hub/people"
	"gridhub/hub/rules"
	"gridhub/hub/store/storetest"
	"gridhub/hub/tasks"
)

// TestHazardBecomesOneCase replays transitions, as after a crash before the
// cursor was saved: one hazard, one case, the clearing noted once.
func TestHazardBecomesOneCase(t *testing.T) {
	ctx, db := t.Context(), storetest.Open(t)
	gas := tasks.Matter{Code: "AQ03", Domain: "safety", Privacy: "public", Name: people.Name{ZH: "燃气"}, Lead: "ES", Auto: []tasks.EventType{tasks.Screened, tasks.Filed}}
	pool, err := tasks.Open(ctx, db, tasks.Options{Matters: []tasks.Matter{gas}, Calendar: tasks.OfficeHours(time.UTC), Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	book, err := rules.OpenBook(ctx, db, pool, geo.Point{Lon: 120, Lat: 30}, nil)
	if err != nil {
		t.Fatal(err)
	}
	h := rules.Hazard{ID: rules.HazardFor("methane", "gas-1", start), Rule: "methane", Device: "gas-1", Matter: "AQ03",
		Severity: "critical", Title: people.Name{ZH: "甲烷超限"}, Since: start, Raised: start + 30_000, Value: 25, Peak: 25}
	gone := h
	gone.Cleared, gone.Peak = start+90_000, 40
	late := h
	late.ID = rules.HazardFor("methane", "gas-1", start-5000)
	history := []rules.Transition{{What: rules.RaisedNow, Hazard: h}, {What: rules.SuppressNow, Hazard: late}, {What: rules.ClearedNow, Hazard: gone}}
	for range 3 {
		for _, step := range history {
			if err := book.Apply(ctx, step); err != nil {
				t.Fatal(err)
			}
		}
	}
	open, err := book.List(ctx, true, 10)
	if err != nil || len(open) != 0 {
		t.Errorf("open hazards %v %v, want none", open, err)
	}
	all, err := book.List(ctx, false, 10)
	if err != nil || len(all) != 1 || all[0].Cleared != gone.Cleared || all[0].Peak != 40 {
		t.Errorf("hazards %+v %v, want the one, cleared, with its peak", all, err)
	}
	kept, err := book.Suppressed(ctx, 10)
	if err != nil || len(kept) != 1 || kept[0].Case != "" {
		t.Errorf("suppressed %+v %v, want one without a case", kept, err)
	}
	c, events, err := pool.Get(ctx, all[0].Case)
	if err != nil || len(events) != 4 || !c.Cleared || c.Number == "" {
		t.Errorf("case %+v with %d events %v; want reported, screened, filed, sensed", c, len(events), err)
	}
	if cases, err := pool.List(ctx, tasks.Filter{}); err != nil || len(cases) != 1 {
		t.Errorf("%d cases %v, want one", len(cases), err)
	}
}
