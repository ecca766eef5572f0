package tasks_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"gridhub/hub/identity"
	"gridhub/hub/tasks"
)

// model is what the machine of the parallel work must do, told once more in a
// few words: strings for states, no events.
type model struct {
	state, resting     string // of the case; what it was before a suspension, a review, a counter-sign
	dept, person, sent string
	settled            bool
	orders             []*modelOrder
	voted              map[string]bool
	round              string // "", open, passed, over
	from               string // where the open round was asked
}

type modelOrder struct {
	dept, person, state string
	former              bool
}

var (
	quarter = []string{"accepted", "enroute", "onscene", "handling", "cosign", "rework"}
	abreast = append([]string{"dispatched", "returned", "objected", "upheld", "claimed"}, quarter...)
)

func one(v string, of ...string) bool { return slices.Contains(of, v) }

// takes says whether a step is allowed, and takes it.
func (m *model) takes(who identity.Principal, cmd tasks.Command) bool {
	isDesk := who.Person == ""
	mine := !isDesk && string(who.Person) == m.person
	t := string(cmd.Type)
	if one(t, "ordered", "taken", "declined", "done", "waived") {
		return m.order(who, cmd, isDesk)
	}
	move := func(right bool, from ...string) bool {
		if !right || !one(m.state, from...) {
			return false
		}
		m.state = t
		return true
	}
	why := cmd.Why != ""
	switch t {
	case "dispatched":
		if cmd.Assignee == "" || !move(isDesk, append([]string{"filed", "dispatched", "returned", "upheld"}, quarter...)...) {
			return false
		}
		m.person, m.sent, m.settled = string(cmd.Assignee), who.Account, false
		m.over()
		for _, d := range house.Must {
			i := slices.IndexFunc(m.orders, func(o *modelOrder) bool { return o.dept == d })
			switch {
			case i < 0:
				m.orders = append(m.orders, &modelOrder{dept: d, state: "ordered"})
			case m.orders[i].former:
				*m.orders[i] = modelOrder{dept: d, state: "ordered"}
			}
		}
	case "accepted":
		return move(mine, "dispatched")
	case "onscene":
		return move(mine, "accepted", "enroute", "rework")
	case "handling":
		return move(mine, "onscene")
	case "objected":
		m.resting = map[bool]string{true: m.state, false: m.resting}[one(m.state, "dispatched", "accepted", "enroute", "onscene") && mine && why && !m.settled]
		return move(mine && why && !m.settled, "dispatched", "accepted", "enroute", "onscene")
	case "upheld":
		if !move(isDesk && why && who.Account != m.sent, "objected") {
			return false
		}
		m.person = ""
	case "dismissed":
		if !move(isDesk && why && who.Account != m.sent, "objected") {
			return false
		}
		m.state, m.settled = m.resting, true
	case "cosign":
		from := m.state
		if !move(mine, "onscene", "handling", "rework") {
			return false
		}
		m.round, m.from, m.voted = "open", from, map[string]bool{}
	case "agreed", "opposed":
		return m.vote(who, cmd, isDesk)
	case "withdrawn":
		if !move((mine || isDesk) && why, "cosign") {
			return false
		}
		m.state, m.round = m.from, "over"
	case "claimed":
		return move(mine && m.round == "passed", "onscene", "handling", "rework")
	case "checked":
		return move(isDesk && m.open() == 0, "claimed")
	case "rework":
		if !move(isDesk, "claimed", "checked") {
			return false
		}
		m.over()
	case "closed":
		return move(isDesk, "checked")
	case "archived":
		return move(isDesk, "closed")
	case "filed":
		if !move(isDesk, "closed", "archived") {
			return false
		}
		m.over()
		for _, o := range m.orders {
			o.former = true
		}
	case "suspended":
		before := m.state
		if !move(isDesk && why, append([]string{"filed", "dispatched"}, quarter...)...) {
			return false
		}
		m.resting = before
	case "resumed":
		if !move(isDesk, "suspended") {
			return false
		}
		m.state = m.resting
	}
	return true
}

func (m *model) over() {
	if m.round != "" {
		m.round = "over"
	}
}

func (m *model) open() (n int) {
	for _, o := range m.orders {
		if o.state != "done" && o.state != "waived" {
			n++
		}
	}
	return n
}

func (m *model) order(who identity.Principal, cmd tasks.Command, isDesk bool) bool {
	if !one(m.state, abreast...) {
		return false
	}
	if cmd.Type == tasks.Ordered && cmd.Order == 0 {
		if isDesk && cmd.Department != "" {
			m.orders = append(m.orders, &modelOrder{dept: cmd.Department, person: string(cmd.Assignee), state: "ordered"})
			return true
		}
		return false
	}
	if cmd.Order > len(m.orders) || cmd.Order < 1 {
		return false
	}
	o := m.orders[cmd.Order-1]
	his := string(who.Person) == o.person
	if o.person == "" {
		his = !isDesk && belongs[who.Person] == o.dept
	}
	his = his && !isDesk || isDesk && cmd.Why != ""
	ok := map[tasks.EventType]bool{
		tasks.Ordered:  isDesk,
		tasks.Taken:    his && o.state == "ordered",
		tasks.Declined: his && one(o.state, "ordered", "taken") && cmd.Why != "",
		tasks.Done:     his && o.state == "taken",
		tasks.Waived:   isDesk && one(o.state, "ordered", "taken", "declined") && cmd.Why != "",
	}[cmd.Type]
	if !ok {
		return false
	}
	o.state = string(cmd.Type)
	switch cmd.Type {
	case tasks.Ordered:
		o.person, o.former = string(cmd.Assignee), false
		if cmd.Department != "" {
			o.dept = cmd.Department
		}
	case tasks.Taken:
		if o.person == "" {
			o.person = string(who.Person)
		}
		if o.person == "" {
			o.person = string(cmd.Assignee)
		}
	case tasks.Declined:
		o.person = ""
	}
	return true
}

func (m *model) vote(who identity.Principal, cmd tasks.Command, isDesk bool) bool {
	d := cmd.Department
	if d == "" {
		d = belongs[who.Person]
	}
	_, twice := m.voted[d]
	if m.state != "cosign" || !one(d, house.Cosign.Signers...) || twice || cmd.Type == tasks.Opposed && cmd.Why == "" {
		return false
	}
	speaks := !isDesk && string(who.Person) != m.person && (belongs[who.Person] == d ||
		slices.ContainsFunc(m.orders, func(o *modelOrder) bool { return o.dept == d && o.person == string(who.Person) }))
	if !speaks && !(isDesk && cmd.Why != "") {
		return false
	}
	m.voted[d] = cmd.Type == tasks.Agreed
	yes, no := 0, 0
	for _, v := range m.voted {
		if v {
			yes++
		} else {
			no++
		}
	}
	word, spoke := m.voted["FR"]
	switch {
	case spoke && !word || no >= 2:
		m.state, m.round = m.from, "over"
	case yes >= 2 && spoke:
		m.state, m.round = m.from, "passed"
	}
	return true
}

// TestRandomInterleavings lets a crowd do anything at any time, and holds every
// answer and every state against the model. Now and then somebody says the same
// twice, or looks at an old revision.
func TestRandomInterleavings(t *testing.T) {
	b := newPool(t)
	rng := rand.New(rand.NewPCG(7, 11))
	taken := map[tasks.EventType]int{}
	for n := range 100 {
		c, err := b.Report(t.Context(), dispatcher, tasks.Report{ID: fmt.Sprintf("random-%04d", n), Matter: "AQ06", Source: "patrol", Place: here})
		if err != nil {
			t.Fatal(err)
		}
		m := &model{state: "filed", dept: "HC"}
		for range 60 {
			b.clock = b.clock.Add(time.Duration(rng.IntN(90)) * time.Minute)
			who, cmd := anything(rng, c)
			before := c.Rev
			if rng.IntN(20) == 0 {
				cmd.Rev = before + 7
				if _, err := b.do(who, c, cmd); err == nil {
					t.Fatalf("%s was taken for revision %d at %d", cmd.Type, cmd.Rev, before)
				}
				cmd.Rev = before
			}
			state := m.describe()
			got, err := b.do(who, c, cmd)
			if want := m.takes(who, cmd); (err == nil) != want {
				t.Fatalf("case %d: %s %+v by %s at %s: %v, the model says %v", n, cmd.Type, cmd, who.Account, state, err, want)
			}
			if err != nil {
				continue
			}
			taken[cmd.Type]++
			c = got
			if rng.IntN(10) == 0 {
				cmd.ID = fmt.Sprintf("command-%04d", b.n)
				if again, err := b.do(who, c, cmd); err != nil || again.Rev != c.Rev {
					t.Fatalf("the same %s again: rev %d after %d, %v", cmd.Type, again.Rev, c.Rev, err)
				}
			}
			if got := describe(c); got != m.describe() {
				t.Fatalf("case %d after %s by %s: %s, the model says %s", n, cmd.Type, who.Account, got, m.describe())
			}
		}
		lines, err := b.Canonical(t.Context(), c.ID)
		if err == nil {
			err = tasks.VerifyChain(lines)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, s := range everything {
		if taken[s] == 0 {
			t.Errorf("%s happened %d times only", s, taken[s])
		}
	}
}

var everything = []tasks.EventType{tasks.Dispatched, tasks.Accepted, tasks.Onscene, tasks.Handling, tasks.Objected, tasks.Upheld, tasks.Dismissed,
	tasks.Cosign, tasks.Agreed, tasks.Opposed, tasks.Withdrawn, tasks.Claimed, tasks.Checked, tasks.Rework, tasks.Suspended, tasks.Resumed,
	tasks.Ordered, tasks.Taken, tasks.Declined, tasks.Done, tasks.Waived, tasks.Closed, tasks.Archived, tasks.Filed}

var crowd = []identity.Principal{dispatcher, desk2, lead, other, es, pm, fr}

// anything is a step that somebody tries: half of the time one that is offered.
func anything(rng *rand.Rand, c tasks.Case) (identity.Principal, tasks.Command) {
	departments := []string{"", "", "ES", "PM", "FR"}
	cmd := tasks.Command{Type: everything[rng.IntN(len(everything))], Order: rng.IntN(4), Department: departments[rng.IntN(5)]}
	if rng.IntN(2) == 0 {
		var offered []tasks.EventType
		for _, s := range append(c.Next, tasks.Taken, tasks.Done, tasks.Waived) {
			if slices.Contains(everything, s) {
				offered = append(offered, s)
			}
		}
		cmd.Type = offered[rng.IntN(len(offered))]
	}
	if rng.IntN(3) > 0 {
		cmd.Why = "because"
	}
	switch cmd.Type {
	case tasks.Dispatched:
		cmd.Department, cmd.Assignee = "", []identity.PersonID{"p-017", "p-018", "p-017", ""}[rng.IntN(4)]
	case tasks.Ordered:
		cmd.Assignee = []identity.PersonID{"", "p-es", "p-fr"}[rng.IntN(3)]
		if cmd.Department == "" {
			cmd.Assignee = ""
		}
	case tasks.Cosign:
		cmd.Department = ""
	}
	if len(c.Orders) > 3 && cmd.Type == tasks.Ordered && cmd.Order == 0 {
		cmd.Order = 1
	}
	if rng.IntN(4) == 0 {
		if who, help := onward(rng, c); help.Type != "" {
			return who, help
		}
	}
	if n := len(c.Orders); n > 0 && rng.IntN(3) == 0 { // who has an order does something with it
		o := c.Orders[rng.IntN(n)]
		who := map[string]identity.Principal{"ES": es, "PM": pm, "FR": fr}[o.Department]
		if o.Assignee != "" {
			who = hand(string(o.Assignee))
		}
		return who, tasks.Command{Type: []tasks.EventType{tasks.Taken, tasks.Done, tasks.Declined}[rng.IntN(3)], Order: o.N, Why: cmd.Why}
	}
	if slices.Contains([]tasks.EventType{tasks.Ordered, tasks.Waived, tasks.Upheld, tasks.Dismissed}, cmd.Type) && rng.IntN(3) > 0 {
		return []identity.Principal{dispatcher, desk2}[rng.IntN(2)], cmd
	}
	if c.Assignee != "" && rng.IntN(2) == 0 {
		return hand(string(c.Assignee)), cmd
	}
	return crowd[rng.IntN(len(crowd))], cmd
}

// onward is a step that brings the case nearer to its end.
func onward(rng *rand.Rand, c tasks.Case) (identity.Principal, tasks.Command) {
	lead := hand(string(c.Assignee))
	for i, o := range c.Orders {
		if o.Open() && c.State == tasks.Claimed {
			return dispatcher, tasks.Command{Type: tasks.Waived, Order: i + 1, Why: "because"}
		}
	}
	if rng.IntN(3) == 0 && (c.State == tasks.Dispatched || c.State == tasks.Accepted) {
		return lead, tasks.Command{Type: tasks.Objected, Why: "because"}
	}
	switch c.State {
	case tasks.Dispatched:
		return lead, tasks.Command{Type: tasks.Accepted}
	case tasks.Accepted, tasks.Enroute:
		return lead, tasks.Command{Type: tasks.Onscene}
	case tasks.Onscene, tasks.Handling, tasks.Rework:
		if c.Round != nil && c.Round.State == tasks.RoundPassed {
			return lead, tasks.Command{Type: tasks.Claimed}
		}
		return lead, tasks.Command{Type: tasks.Cosign}
	case tasks.Cosign:
		return []identity.Principal{es, pm, fr}[rng.IntN(3)], tasks.Command{Type: tasks.Agreed}
	case tasks.Objected:
		return desk2, tasks.Command{Type: []tasks.EventType{tasks.Upheld, tasks.Dismissed}[rng.IntN(2)], Why: "because"}
	case tasks.Claimed:
		return dispatcher, tasks.Command{Type: tasks.Checked}
	case tasks.Checked:
		return dispatcher, tasks.Command{Type: []tasks.EventType{tasks.Rework, tasks.Closed}[rng.IntN(2)]}
	case tasks.Closed:
		return dispatcher, tasks.Command{Type: []tasks.EventType{tasks.Archived, tasks.Filed}[rng.IntN(2)]}
	case tasks.Archived:
		return dispatcher, tasks.Command{Type: tasks.Filed}
	}
	return dispatcher, tasks.Command{}
}

func (m *model) describe() string {
	out := []string{m.state, m.person, m.round}
	for _, o := range m.orders {
		out = append(out, o.dept+" "+o.person+" "+o.state)
	}
	return strings.Join(out, "; ")
}

func describe(c tasks.Case) string {
	round := ""
	if c.Round != nil {
		round = map[string]string{tasks.RoundOpen: "open", tasks.RoundPassed: "passed"}[c.Round.State]
		if round == "" {
			round = "over"
		}
	}
	out := []string{string(c.State), string(c.Assignee), round}
	for _, o := range c.Orders {
		out = append(out, o.Department+" "+string(o.Assignee)+" "+string(o.State))
	}
	return strings.Join(out, "; ")
}
