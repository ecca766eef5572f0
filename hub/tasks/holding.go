package tasks

import (
	"slices"
	"time"

	"gridhub/devices/telemetry"
)

// Desk holds what no department does: a case that is to be taken in, filed,
// dispatched, reviewed, checked or closed.
const Desk = "desk"

// Stay is a time during which one department, or the desk, kept a case waiting.
type Stay struct {
	Department string           `json:"department"`
	From       telemetry.Millis `json:"from"`
	To         telemetry.Millis `json:"to"` // 0: still
}

// Held is how long a department kept a case waiting altogether: the stays that
// ended, and since when it has the case again.
type Held struct {
	Department string           `json:"department"`
	For        int64            `json:"for_ms"`
	Since      telemetry.Millis `json:"since,omitempty"` // its move since then; 0: not now
}

// Until is how long the department kept the case waiting up to now.
func (h Held) Until(now telemetry.Millis) time.Duration {
	sum := time.Duration(h.For) * time.Millisecond
	if h.Since != 0 {
		sum += max(0, now.Sub(h.Since))
	}
	return sum
}

// Stays lists who held the case when, up to now. Several may hold a case at
// once, and none twice at a time. Nobody holds one that is suspended or ended;
// the lead rests while others sign, and after its claim those are waited for
// whose orders are open. Time does not go back where a handheld's clock did.
func (c *Case) Stays(now telemetry.Millis) []Stay {
	out := slices.Clone(c.stays.all)
	for i := range out {
		if out[i].To == 0 {
			out[i].To = max(now, out[i].From)
		}
	}
	return out
}

// held sums the stays of each department, in the order in which they began.
func (c *Case) held() []Held {
	var out []Held
	for _, s := range c.stays.all {
		i := slices.IndexFunc(out, func(h Held) bool { return h.Department == s.Department })
		if i < 0 {
			i, out = len(out), append(out, Held{Department: s.Department})
		}
		if s.To == 0 {
			out[i].Since = s.From
		} else {
			out[i].For += int64(s.To - s.From)
		}
	}
	return out
}

// stays collects who held a case; those that last have no end.
type stays struct {
	all  []Stay
	at   telemetry.Millis
	room []string // for holders, again and again
}

// see ends the stays of those who hold the case no longer, and begins others.
func (s *stays) see(c *Case, at telemetry.Millis) {
	s.at = max(s.at, at)
	holders := c.holders(s.room[:0])
	s.room = holders
	for i := range s.all {
		if s.all[i].To != 0 {
			continue
		}
		if k := slices.Index(holders, s.all[i].Department); k >= 0 {
			holders = slices.Delete(holders, k, k+1)
		} else {
			s.all[i].To = s.at
		}
	}
	for _, d := range holders {
		s.all = append(s.all, Stay{Department: d, From: s.at})
	}
}

// holders appends those whose move it is, each once.
func (c *Case) holders(out []string) []string {
	if !c.Open() || c.State == Suspended {
		return out
	}
	add := func(d string) {
		if !slices.Contains(out, d) {
			out = append(out, d)
		}
	}
	switch c.State {
	case Dispatched, Accepted, Enroute, Onscene, Handling, Rework:
		add(c.Department)
	case Cosign:
		for _, d := range c.Round.pending() {
			add(d)
		}
	case Claimed:
		if len(c.waiting()) == 0 {
			add(Desk)
		}
	default:
		add(Desk)
	}
	for i := range c.Orders {
		switch o := &c.Orders[i]; o.State {
		case Ordered, Taken:
			add(o.Department)
		case Declined:
			add(Desk)
		}
	}
	return out
}

// Pass is one time that a department gave a case, or a co-handler's order, out
// of its hands (推诿 when it did so without a review that agreed).
type Pass struct {
	Order int              `json:"order,omitempty"` // 0: the lead's
	Kind  EventType        `json:"kind"`            // returned, declined, upheld, dismissed; dispatched or ordered: a desk moved it
	From  string           `json:"from"`
	To    string           `json:"to,omitempty"`
	Got   telemetry.Millis `json:"got"`            // when From had got it; of an objection that was dismissed: when it was raised
	Gave  telemetry.Millis `json:"gave"`           // when From gave it back
	On    telemetry.Millis `json:"on,omitempty"`   // when the next one had it; 0: not yet
	Back  bool             `json:"back,omitempty"` // to another that had had it before: to and fro
}

// Lost is the time that a pass cost: from when the department had got the case
// until the next one had it.
func (p Pass) Lost(now telemetry.Millis) time.Duration {
	end := p.On
	if end == 0 {
		end = now
	}
	return max(0, end.Sub(p.Got))
}

// Passed reports whether the department passed the buck: it gave back on its own
// authority, or its objection was dismissed. A move by the desk, and an objection
// that was upheld, are none.
func (p Pass) Passed() bool {
	return p.Kind == Returned || p.Kind == Declined || p.Kind == Dismissed
}

// thread is the way of one order from department to department.
type thread struct {
	has  string // who has it, empty once given back
	had  []string
	got  telemetry.Millis
	open int              // index of the pass that nobody has taken up yet, -1: none
	said telemetry.Millis // of the objection
}

// pass follows an order through the hands.
func (c *Case) pass(e *Event) {
	switch e.Type {
	case Dispatched:
		c.sent(e, 0, c.Department)
	case Ordered:
		if n := e.Body.Order; n >= 1 && n <= len(c.Orders) {
			c.sent(e, n, e.Body.Department)
		}
	case Returned, Upheld, Declined:
		if t := c.threads[e.Body.Order]; t != nil && t.has != "" {
			t.open = len(c.Passes)
			c.Passes = append(c.Passes, Pass{Order: e.Body.Order, Kind: e.Type, From: t.has, Got: t.got, Gave: e.At})
			t.has = ""
		}
	case Waived:
		if t := c.threads[e.Body.Order]; t != nil && t.open >= 0 {
			c.Passes[t.open].On, t.open = e.At, -1
		}
	case Objected:
		if t := c.threads[0]; t != nil {
			t.said = e.At
		}
	case Dismissed:
		if t := c.threads[0]; t != nil && t.has != "" {
			c.Passes = append(c.Passes, Pass{Kind: Dismissed, From: t.has, To: t.has, Got: t.said, Gave: t.said, On: e.At})
		}
	}
}

// sent notes who has got an order, and what became of the pass before it.
func (c *Case) sent(e *Event, n int, to string) {
	t := c.threads[n]
	if t == nil {
		if c.threads == nil {
			c.threads = map[int]*thread{}
		}
		t = &thread{open: -1}
		c.threads[n] = t
	}
	back := slices.Contains(t.had, to)
	switch {
	case t.open >= 0:
		p := &c.Passes[t.open]
		p.To, p.On, p.Back = to, e.At, back && to != p.From
		t.open = -1
	case t.has != "" && t.has != to:
		c.Passes = append(c.Passes, Pass{Order: n, Kind: e.Type, From: t.has, To: to, Got: t.got, Gave: e.At, On: e.At, Back: back})
	case t.has == to:
		return // another person of the same department
	}
	t.has, t.got = to, e.At
	if !back {
		t.had = append(t.had, to)
	}
}
