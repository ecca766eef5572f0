package tasks_test

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"gridhub/devices/telemetry"
	"gridhub/hub/identity"
	"gridhub/hub/tasks"
)

var (
	desk2 = identity.Principal{Account: "desk-2", Roles: []identity.Role{identity.Dispatcher}}
	lead  = worker
	es    = hand("p-es")
	pm    = hand("p-pm")
	fr    = hand("p-fr")
)

func hand(id string) identity.Principal {
	return identity.Principal{Account: id, Person: identity.PersonID(id), Roles: []identity.Role{identity.Handler}}
}

func (b *bench) house(source string) tasks.Case {
	b.t.Helper()
	c, err := b.Report(b.t.Context(), dispatcher, tasks.Report{ID: "house-" + source, Matter: "AQ06", Source: source, Place: here, Grid: "G03", At: telemetry.At(b.clock)})
	if err != nil {
		b.t.Fatal(err)
	}
	return c
}

// after lets time pass and takes a step.
func (b *bench) after(d time.Duration, who identity.Principal, c tasks.Case, cmd tasks.Command) tasks.Case {
	b.t.Helper()
	b.clock = b.clock.Add(d)
	return b.must(who, c, cmd)
}

func (b *bench) refuses(code string, who identity.Principal, c tasks.Case, cmd tasks.Command) {
	b.t.Helper()
	if _, err := b.do(who, c, cmd); !refused(err, code) {
		b.t.Errorf("%s by %s at %s: %v, want refused for %s", cmd.Type, who.Account, c.State, err, code)
	}
}

// TestLeadTwoCoHandlersAndAVeto takes one case from the report to the archive:
// a lead, two co-handlers of whom one gives back, a counter-sign that is vetoed,
// a second one, and a check that waits.
func TestLeadTwoCoHandlersAndAVeto(t *testing.T) {
	b := newPool(t)
	c := b.after(0, dispatcher, b.house("patrol"), tasks.Command{Type: tasks.Dispatched, Assignee: "p-017"}) // 10:00
	if len(c.Orders) != 2 || c.Orders[0].Department != "ES" || c.Orders[1].Department != "PM" || !c.Orders[1].Must || !slices.Equal(c.Waiting, []string{"ES", "PM"}) {
		t.Fatalf("orders after the dispatch: %+v, waiting for %v", c.Orders, c.Waiting)
	}
	b.refuses("right", es, c, tasks.Command{Type: tasks.Taken, Order: 2})
	b.refuses("state", es, c, tasks.Command{Type: tasks.Done, Order: 1})
	c = b.after(10*time.Minute, es, c, tasks.Command{Type: tasks.Taken, Order: 1})                             // 10:10
	c = b.after(10*time.Minute, pm, c, tasks.Command{Type: tasks.Declined, Order: 2, Why: "不归物业"})             // 10:20
	c = b.after(40*time.Minute, dispatcher, c, tasks.Command{Type: tasks.Ordered, Order: 2, Department: "FR"}) // 11:00, to the fire brigade
	c = b.after(0, lead, c, tasks.Command{Type: tasks.Accepted})                                               //
	c = b.after(time.Hour, lead, c, tasks.Command{Type: tasks.Onscene})                                        // 12:00
	b.refuses("cosign", lead, c, tasks.Command{Type: tasks.Claimed})
	c = b.must(lead, c, tasks.Command{Type: tasks.Cosign})
	if c.State != tasks.Cosign || c.Round.N != 1 || !slices.Equal(c.Round.Signers, []string{"ES", "FR", "PM"}) {
		t.Fatalf("%s, round %+v", c.State, c.Round)
	}
	b.refuses("state", lead, c, tasks.Command{Type: tasks.Claimed})
	c = b.after(30*time.Minute, es, c, tasks.Command{Type: tasks.Agreed}) // 12:30
	b.refuses("invalid", es, c, tasks.Command{Type: tasks.Agreed})
	b.refuses("right", es, c, tasks.Command{Type: tasks.Agreed, Department: "PM"})
	b.refuses("invalid", fr, c, tasks.Command{Type: tasks.Opposed})
	c = b.must(pm, c, tasks.Command{Type: tasks.Agreed})
	if c.State != tasks.Cosign || !holds(c, "FR") || holds(c, "HC") || holds(c, "PM") {
		t.Errorf("two of two agreed and a veto is out: %s, held by %+v", c.State, c.Held)
	}
	c = b.after(30*time.Minute, fr, c, tasks.Command{Type: tasks.Opposed, Why: "支撑不足"}) // 13:00
	if c.State != tasks.Onscene || c.Round.State != tasks.RoundVetoed {
		t.Fatalf("after the veto: %s, %s", c.State, c.Round.State)
	}
	b.refuses("cosign", lead, c, tasks.Command{Type: tasks.Claimed})
	c = b.after(time.Hour, lead, c, tasks.Command{Type: tasks.Cosign}) // 14:00
	c = b.must(fr, c, tasks.Command{Type: tasks.Agreed})
	c = b.must(dispatcher, c, tasks.Command{Type: tasks.Agreed, Department: "PM", Why: "电话答复"})
	if c.Round.N != 2 || c.Round.State != tasks.RoundPassed || c.Round.Votes[1].Person != "" || c.State != tasks.Onscene {
		t.Fatalf("second round: %+v, %s", c.Round, c.State)
	}
	c = b.must(lead, c, tasks.Command{Type: tasks.Claimed})
	if k := clock(c, "handle"); k.Stopped != telemetry.At(b.clock) || clock(c, "check").Started != 0 {
		t.Errorf("the lead's clock runs on, or the check's already: %+v", c.Clocks)
	}
	b.refuses("state", dispatcher, c, tasks.Command{Type: tasks.Checked})
	if slices.Contains(c.Next, tasks.Checked) || !slices.Equal(c.Waiting, []string{"ES", "FR"}) {
		t.Errorf("next %v, waiting for %v", c.Next, c.Waiting)
	}
	c = b.after(time.Hour, es, c, tasks.Command{Type: tasks.Done, Order: 1}) // 15:00: an hour late
	if k := c.Orders[0].Clocks[1]; k.Light != "red" || k.Used != 1.25 {
		t.Errorf("ES was done after five of four hours: %+v", k)
	}
	b.refuses("invalid", dispatcher, c, tasks.Command{Type: tasks.Waived, Order: 2})
	c = b.after(time.Hour, dispatcher, c, tasks.Command{Type: tasks.Waived, Order: 2, Why: "已由社区代办"}) // 16:00
	if k := clock(c, "check"); k.Started != telemetry.At(b.clock) {
		t.Errorf("the check began at %v, want when the last order was closed", k.Started.Time())
	}
	c = b.after(time.Hour, dispatcher, c, tasks.Command{Type: tasks.Checked}) // 17:00
	for d, want := range map[string]time.Duration{
		"desk": 100 * time.Minute, // 10:20–11:00, 16:00–17:00
		"HC":   3 * time.Hour,     // until 12:00, 13:00–14:00
		"ES":   5 * time.Hour,     // its order, and its signature within it
		"PM":   50 * time.Minute,  // until 10:20, its signature 12:00–12:30
		"FR":   5 * time.Hour,     // 11:00–16:00
	} {
		i := slices.IndexFunc(c.Held, func(h tasks.Held) bool { return h.Department == d })
		if i < 0 || c.Held[i].Until(telemetry.At(b.clock)) != want || (c.Held[i].Since != 0) != (d == tasks.Desk) {
			t.Errorf("%s held it for %v: %+v", d, want, c.Held)
		}
	}
	if len(c.Passes) != 1 || c.Passes[0].From != "PM" || c.Passes[0].To != "FR" || !c.Passes[0].Passed() || c.Passes[0].Lost(0) != time.Hour {
		t.Errorf("passes %+v", c.Passes)
	}
	c = b.must(dispatcher, c, tasks.Command{Type: tasks.Closed})
	c = b.must(dispatcher, c, tasks.Command{Type: tasks.Archived})
	lines, err := b.Canonical(t.Context(), c.ID)
	if err == nil {
		err = tasks.VerifyChain(lines)
	}
	if _, events, err2 := b.Get(t.Context(), c.ID); err != nil || err2 != nil || !reflect.DeepEqual(b.Describe(events, telemetry.At(b.clock)), c) {
		t.Errorf("the case is not what its events amount to: %v, %v", err, err2)
	}
}

func holds(c tasks.Case, department string) bool {
	return slices.ContainsFunc(c.Held, func(h tasks.Held) bool { return h.Department == department && h.Since != 0 })
}

func TestReworkAndRedispatchAreSignedAnew(t *testing.T) {
	b := newPool(t)
	c := b.must(dispatcher, b.house("patrol"), tasks.Command{Type: tasks.Dispatched, Assignee: "p-017"})
	c = b.must(lead, c, tasks.Command{Type: tasks.Accepted})
	c = b.must(lead, c, tasks.Command{Type: tasks.Onscene})
	pass := func() {
		c = b.must(lead, c, tasks.Command{Type: tasks.Cosign})
		c = b.must(fr, c, tasks.Command{Type: tasks.Agreed})
		c = b.must(es, c, tasks.Command{Type: tasks.Agreed})
		c = b.must(lead, c, tasks.Command{Type: tasks.Claimed})
	}
	pass()
	c = b.must(dispatcher, c, tasks.Command{Type: tasks.Rework, Why: "未封堵"})
	if c.Round.State != tasks.RoundLapsed {
		t.Errorf("after the rework the round is %s", c.Round.State)
	}
	b.refuses("cosign", lead, c, tasks.Command{Type: tasks.Claimed})
	c = b.must(lead, c, tasks.Command{Type: tasks.Cosign})
	b.refuses("right", other, c, tasks.Command{Type: tasks.Withdrawn, Why: "x"})
	c = b.must(lead, c, tasks.Command{Type: tasks.Withdrawn, Why: "发错"})
	if c.State != tasks.Rework || c.Round.State != tasks.RoundWithdrawn {
		t.Errorf("withdrawn: %s, %s", c.State, c.Round.State)
	}
	pass()
	if c.Round.N != 3 || c.State != tasks.Claimed {
		t.Errorf("%s in round %d", c.State, c.Round.N)
	}
}

// TestAQuorumOutOfReach: too many opposed, though nobody with a veto did.
func TestAQuorumOutOfReach(t *testing.T) {
	b := newPool(t)
	c := b.must(dispatcher, b.house("patrol"), tasks.Command{Type: tasks.Dispatched, Assignee: "p-017"})
	c = b.must(lead, c, tasks.Command{Type: tasks.Accepted})
	c = b.must(lead, c, tasks.Command{Type: tasks.Onscene})
	c = b.must(lead, c, tasks.Command{Type: tasks.Handling})
	c = b.must(lead, c, tasks.Command{Type: tasks.Cosign})
	c = b.must(dispatcher, c, tasks.Command{Type: tasks.Suspended, Why: "等鉴定"})
	b.refuses("state", es, c, tasks.Command{Type: tasks.Opposed, Why: "x"})
	c = b.must(dispatcher, c, tasks.Command{Type: tasks.Resumed})
	c = b.must(es, c, tasks.Command{Type: tasks.Opposed, Why: "不同意"})
	c = b.must(pm, c, tasks.Command{Type: tasks.Opposed, Why: "不同意"})
	if c.State != tasks.Handling || c.Round.State != tasks.RoundFailed {
		t.Errorf("%s, %s", c.State, c.Round.State)
	}
}

// TestAnObjectionIsReviewed: a hotline case is not simply returned.
func TestAnObjectionIsReviewed(t *testing.T) {
	b := newPool(t)
	c := b.must(dispatcher, b.house("hotline"), tasks.Command{Type: tasks.Dispatched, Assignee: "p-017"})
	b.refuses("state", lead, c, tasks.Command{Type: tasks.Returned, Why: "不归我管"})
	if slices.Contains(c.Next, tasks.Returned) || !slices.Contains(c.Next, tasks.Objected) {
		t.Errorf("next: %v", c.Next)
	}
	b.refuses("invalid", lead, c, tasks.Command{Type: tasks.Objected})
	c = b.must(lead, c, tasks.Command{Type: tasks.Accepted})
	c = b.after(time.Hour, lead, c, tasks.Command{Type: tasks.Objected, Why: "属环卫"})
	b.refuses("right", dispatcher, c, tasks.Command{Type: tasks.Dismissed, Why: "自己派的"})
	if !holds(c, tasks.Desk) || holds(c, "HC") {
		t.Errorf("under review it is held by %+v", c.Held)
	}
	c = b.after(time.Hour, desk2, c, tasks.Command{Type: tasks.Dismissed, Why: "职责清单第三条"})
	if c.State != tasks.Accepted || c.Assignee != "p-017" {
		t.Errorf("dismissed: %s of %s", c.State, c.Assignee)
	}
	b.refuses("state", lead, c, tasks.Command{Type: tasks.Objected, Why: "再来"})
	c = b.must(dispatcher, c, tasks.Command{Type: tasks.Dispatched, Assignee: "p-es", Department: "ES"})
	c = b.after(time.Hour, es, c, tasks.Command{Type: tasks.Objected, Why: "属房管"})
	c = b.must(desk2, c, tasks.Command{Type: tasks.Upheld, Why: "确属房管"})
	if c.State != tasks.Upheld || c.Assignee != "" || !c.Open() {
		t.Errorf("upheld: %s of %q", c.State, c.Assignee)
	}
	c = b.after(time.Hour, dispatcher, c, tasks.Command{Type: tasks.Dispatched, Assignee: "p-017", Department: "HC"})
	kinds := []tasks.EventType{}
	passed := map[string]time.Duration{}
	for _, p := range c.Passes {
		kinds = append(kinds, p.Kind)
		if p.Passed() {
			passed[p.From] += p.Lost(0)
		}
	}
	if !slices.Equal(kinds, []tasks.EventType{tasks.Dismissed, tasks.Dispatched, tasks.Upheld}) || !c.Passes[2].Back || c.Passes[2].Lost(0) != 2*time.Hour {
		t.Errorf("passes %+v", c.Passes)
	}
	if len(passed) != 1 || passed["HC"] != time.Hour {
		t.Errorf("the buck was passed by %v, want HC for the hour of the review", passed)
	}
}

func TestOrdersAreIdempotentAndNotForOldEyes(t *testing.T) {
	b := newPool(t)
	c := b.must(dispatcher, b.house("patrol"), tasks.Command{Type: tasks.Dispatched, Assignee: "p-017"})
	cmd := tasks.Command{ID: "ordered-by-click", Type: tasks.Ordered, Department: "FR", Optional: true, Rev: c.Rev}
	c = b.must(dispatcher, c, cmd)
	again := b.must(dispatcher, c, cmd)
	if len(again.Orders) != 3 || again.Rev != c.Rev || slices.Contains(again.Waiting, "FR") {
		t.Errorf("ordered twice: %d orders, rev %d and %d, waiting for %v", len(again.Orders), c.Rev, again.Rev, again.Waiting)
	}
	var conflict *tasks.ConflictError
	if _, err := b.do(es, c, tasks.Command{Type: tasks.Taken, Order: 1, Rev: c.Rev - 1}); !errors.As(err, &conflict) {
		t.Errorf("for an old revision: %v", err)
	}
	b.refuses("invalid", dispatcher, c, tasks.Command{Type: tasks.Ordered})
	b.refuses("invalid", dispatcher, c, tasks.Command{Type: tasks.Waived, Order: 9, Why: "x"})
	b.refuses("invalid", es, c, tasks.Command{Type: tasks.Taken, Order: -1})
	b.refuses("right", es, c, tasks.Command{Type: tasks.Ordered, Department: "PM"})
	b.refuses("right", lead, c, tasks.Command{Type: tasks.Taken, Order: 1})
	c = b.must(dispatcher, c, tasks.Command{Type: tasks.Ordered, Assignee: "p-pm"})
	if o := c.Orders[3]; o.Department != "PM" || o.Assignee != "p-pm" {
		t.Errorf("ordered from a person: %+v", o)
	}
	c = b.must(dispatcher, c, tasks.Command{Type: tasks.Extended, Order: 1, Why: "雨", Until: telemetry.At(b.clock.Add(24 * time.Hour))})
	if c.Orders[0].Clocks[1].Due != telemetry.At(b.clock.Add(24*time.Hour)) || clock(c, "handle").Due == c.Orders[0].Clocks[1].Due {
		t.Errorf("extended: %+v, the lead %+v", c.Orders[0].Clocks, c.Clocks)
	}
}

// TestOneOfTwoTakesAnOrder: two of a department reach for one order at once.
func TestOneOfTwoTakesAnOrder(t *testing.T) {
	b := newPool(t)
	for n := range 10 {
		c, err := b.Report(t.Context(), dispatcher, tasks.Report{ID: fmt.Sprintf("both-%04d", n), Matter: "AQ06", Source: "patrol", Place: here})
		if err != nil {
			t.Fatal(err)
		}
		c = b.must(dispatcher, c, tasks.Command{Type: tasks.Dispatched, Assignee: "p-017"})
		won := make(chan error, 2)
		for _, who := range []identity.Principal{es, hand("p-es2")} {
			go func() {
				_, err := b.Do(t.Context(), who, tasks.Command{ID: "take-by-" + who.Account, Case: c.ID, Type: tasks.Taken, Order: 1, At: telemetry.At(monday)})
				won <- err
			}()
		}
		first, second := <-won, <-won
		if (first == nil) == (second == nil) || first != nil && !refused(first, "right") || second != nil && !refused(second, "right") {
			t.Fatalf("both reached for it: %v and %v; want one to have it", first, second)
		}
	}
}

// TestAnOrderOnTheWrongStep: the number of an order is of no use to the lead's.
func TestAnOrderOnTheWrongStep(t *testing.T) {
	b := newPool(t)
	c := b.must(dispatcher, b.house("patrol"), tasks.Command{Type: tasks.Dispatched, Assignee: "p-017"})
	c = b.must(lead, c, tasks.Command{Type: tasks.Returned, Order: 1, Why: "不归我管"})
	if len(c.Passes) != 1 || c.Passes[0].From != "HC" || c.Passes[0].Order != 0 {
		t.Errorf("passes %+v", c.Passes)
	}
	c = b.must(es, c, tasks.Command{Type: tasks.Evidence, Order: 1, Evidence: photo, Kind: "photo-after"})
	b.refuses("invalid", es, c, tasks.Command{Type: tasks.Noted, Order: 3, Text: "x"})
	if c.Orders[0].State != tasks.Ordered || len(c.Evidence) != 1 {
		t.Errorf("a photo changed the order: %s, %v", c.Orders[0].State, c.Evidence)
	}
}

// TestACoHandlersPhotoIsNoProofOfTheLead: who demands one after the work is done
// wants it of who did the work.
func TestACoHandlersPhotoIsNoProofOfTheLead(t *testing.T) {
	b := newPool(t)
	c := b.must(dispatcher, b.report("hazard-1"), tasks.Command{Type: tasks.Dispatched, Assignee: "p-017"})
	c = b.must(dispatcher, c, tasks.Command{Type: tasks.Ordered, Department: "FR"})
	c = b.must(fr, c, tasks.Command{Type: tasks.Evidence, Order: 1, Evidence: photo, Kind: "photo-after"})
	if len(c.Missing) != 1 {
		t.Errorf("missing %v, want the lead's own photo", c.Missing)
	}
	if c = b.must(lead, c, tasks.Command{Type: tasks.Evidence, Evidence: photo, Kind: "photo-after"}); len(c.Missing) != 0 {
		t.Errorf("missing %v", c.Missing)
	}
}

// TestTheListOfACoHandler: what a person or a department has to do, while it has.
func TestTheListOfACoHandler(t *testing.T) {
	b := newPool(t)
	c := b.must(dispatcher, b.house("patrol"), tasks.Command{Type: tasks.Dispatched, Assignee: "p-017"})
	count := func(who, department string) int {
		t.Helper()
		list, err := b.List(t.Context(), tasks.Filter{Open: true, Assignee: identity.PersonID(who), Department: department})
		if err != nil {
			t.Fatal(err)
		}
		return len(list)
	}
	want := func(step string, es, pm, fr int) {
		t.Helper()
		if a, b, c := count("p-es", "ES"), count("p-pm", "PM"), count("p-fr", "FR"); a != es || b != pm || c != fr {
			t.Errorf("%s: ES has %d, PM %d, FR %d; want %d, %d, %d", step, a, b, c, es, pm, fr)
		}
	}
	want("dispatched", 1, 1, 0)
	c = b.must(es, c, tasks.Command{Type: tasks.Taken, Order: 1})
	if count("p-es-2", "ES") != 0 {
		t.Error("an order that is taken is still everybody's")
	}
	c = b.must(es, c, tasks.Command{Type: tasks.Done, Order: 1})
	c = b.must(pm, c, tasks.Command{Type: tasks.Declined, Order: 2, Why: "x"})
	want("done and declined", 0, 0, 0)
	c = b.must(lead, c, tasks.Command{Type: tasks.Accepted})
	c = b.must(lead, c, tasks.Command{Type: tasks.Onscene})
	c = b.must(lead, c, tasks.Command{Type: tasks.Cosign})
	want("asked", 1, 1, 1)
	b.must(fr, c, tasks.Command{Type: tasks.Agreed})
	want("FR agreed", 1, 1, 0)
	if count("p-017", "") != 1 {
		t.Error("the lead lost the case")
	}
}

func TestRegionComesFromTheGrid(t *testing.T) {
	if c := newPool(t).report("hazard-1"); c.Region != "A" {
		t.Errorf("region %q, want that of G03", c.Region)
	}
}
