package tasks

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"gridhub/devices/telemetry"
)

// order adds a step of one of up to two orders, such as may follow.
func (s *story) order() {
	state := map[int]EventType{}
	for _, e := range s.events {
		if e.Body.Order > 0 && e.Type != Extended {
			state[e.Body.Order] = e.Type
		}
	}
	n := 1 + s.rng.IntN(2)
	if len(state) < n {
		n = len(state) + 1
		s.add(Ordered, Body{Order: n, Must: s.rng.IntN(3) > 0, Department: []string{"ES", "PM", "HC"}[s.rng.IntN(3)]})
		return
	}
	may := map[EventType][]EventType{Ordered: {Taken, Taken, Declined, Ordered, Waived, Extended}, Taken: {Done, Done, Declined, Waived, Extended, Ordered},
		Declined: {Ordered, Waived}, Done: {Ordered}, Waived: {Ordered}}[state[n]]
	b := Body{Order: n}
	t := may[s.rng.IntN(len(may))]
	switch t {
	case Ordered:
		b.Must, b.Department = s.rng.IntN(3) > 0, []string{"ES", "PM", "HC"}[s.rng.IntN(3)]
	case Extended:
		b.Until = telemetry.At(s.at.Add(time.Duration(s.rng.IntN(5000)) * time.Minute))
	}
	s.add(t, b)
}

// join takes another case in, which was known before or since and may have
// rested, and now and then lets it go.
func (s *story) join() {
	ago := func(most int) telemetry.Millis {
		return telemetry.At(s.at.Add(-time.Duration(1+s.rng.IntN(most)) * time.Minute))
	}
	b := Body{Other: "other", Since: ago(4000)}
	if s.rng.IntN(3) > 0 {
		b.Starts = map[EventType]telemetry.Millis{Dispatched: ago(3000)}
		if s.rng.IntN(2) == 0 {
			r := Rest{From: b.Starts[Dispatched] + 60_000*telemetry.Millis(s.rng.IntN(300))}
			if s.rng.IntN(3) > 0 {
				r.To = r.From + 60_000*telemetry.Millis(1+s.rng.IntN(500))
			}
			b.Rests = []Rest{r}
		}
	}
	for i, e := range s.events {
		if e.Type == Joined && !parted(s.events, i) {
			return
		}
	}
	s.add(Joined, b)
	if s.rng.IntN(4) == 0 {
		s.pass(700)
		s.add(Parted, Body{Other: "other"})
	}
}

// sign asks two for their signatures, of which one is enough; it says whether
// both have answered.
func (s *story) sign() bool {
	s.add(Cosign, Body{Signers: []string{"FR", "ES"}, Quorum: 1})
	s.pass(400)
	s.add(Opposed, Body{Department: "FR"})
	if s.rng.IntN(3) == 0 {
		return false
	}
	s.pass(400)
	s.add(Agreed, Body{Department: "ES"})
	return true
}

func parted(events []Event, i int) bool {
	for _, e := range events[i:] {
		if e.Type == Parted && e.Body.Other == events[i].Body.Other {
			return true
		}
	}
	return false
}

// ready says whether after these events the check has everything.
func ready(events []Event) bool {
	claimed, open := false, map[int]bool{}
	for _, e := range events {
		switch e.Type {
		case Claimed:
			claimed = true
		case Rework, Dispatched:
			claimed = false
		case Ordered:
			open[e.Body.Order] = e.Body.Must
		case Done, Waived:
			open[e.Body.Order] = false
		}
	}
	return claimed && !slices.Contains(slices.Collect(maps.Values(open)), true)
}

// beside compares the clocks of each order, and who held the case, with the
// minutes.
func (b *brute) beside(m Matter, s *story, cal Calendar, now int) string {
	c := Fold(s.events)
	m.Describe(&c, s.events, cal, s.at)
	for _, o := range c.Orders {
		for _, l := range m.Limits {
			if l.From != Ordered && l.From != Taken {
				continue
			}
			i := slices.IndexFunc(o.Clocks, func(k Clock) bool { return k.Name == l.Name })
			begin, end := -1, -1
			for _, e := range s.events {
				switch at := minute(e.At); {
				case e.Body.Order != o.N:
				case e.Type == l.From:
					begin, end = at, -1
				case e.Type == Ordered:
					begin, end = -1, -1
				case begin >= 0 && end < 0 && (e.Type == l.Until || e.Type == Declined || e.Type == Done || e.Type == Waived):
					end = at
				}
			}
			if (begin >= 0) != (i >= 0) {
				return fmt.Sprintf("order %d, %s: clock %v, want %v\n%v", o.N, l.Name, i >= 0, begin >= 0, s.events)
			}
			if begin < 0 {
				continue
			}
			want := counted{due: -1, stopped: end >= 0}
			if end < 0 {
				end = now
			}
			if b.count(&want, l, o.N, s.events, begin, end); want.length > minutesOf(l) {
				b.seen.Store("order extended", true)
			}
			if fault := b.same(fmt.Sprintf("order %d, %s", o.N, l.Name), o.Clocks[i], want, s.events); fault != "" {
				return fault
			}
		}
	}
	b.tell(s)
	return b.held(c, s, now)
}

// tell notes what the story was about.
func (b *brute) tell(s *story) {
	for i, e := range s.events {
		if len(e.Body.Rests) > 0 && !parted(s.events, i) {
			b.seen.Store("rested", true)
		}
		if e.Type == Claimed && !ready(s.events[:i+1]) {
			b.seen.Store("checked late", true)
		}
	}
}

// held counts for each minute who holds the case.
func (b *brute) held(c Case, s *story, now int) string {
	events := s.events
	want := map[string]int64{}
	holders := map[string]bool{}
	next, run := 0, int64(0)
	for m := minute(events[0].At); m <= now; m++ {
		if m == now || next < len(events) && minute(events[next].At) <= m {
			for d := range holders {
				want[d] += run
			}
			for next < len(events) && minute(events[next].At) <= m {
				next++
			}
			holders, run = holding(events[:next]), 0
		}
		run++
	}
	maps.DeleteFunc(want, func(_ string, n int64) bool { return n == 0 })
	got := map[string]int64{}
	for _, h := range c.Held {
		if n := int64(h.Until(telemetry.At(s.at)) / time.Minute); n > 0 {
			got[h.Department] = n
		}
	}
	if !maps.Equal(got, want) {
		return fmt.Sprintf("held for %v, by minutes %v\n%v", got, want, events)
	}
	return ""
}

// holding says who holds a case after its events, from the newest that counts.
func holding(events []Event) map[string]bool {
	out := map[string]bool{}
	lead, resting, signing := Desk, false, false
	must, who := map[int]bool{}, map[int]string{}
	silent := map[string]bool{}
	for _, e := range events {
		switch e.Type {
		case Dispatched, Onscene, Rework:
			lead, signing = "", false
		case Closed:
			resting = true // nobody has it
		case Filed:
			lead, resting = Desk, false
		case Claimed:
			lead = "check"
		case Checked:
			lead = Desk
		case Suspended:
			resting = true
		case Resumed:
			resting = false
		case Cosign:
			signing, silent = true, map[string]bool{"FR": true, "ES": true}
		case Opposed, Agreed:
			delete(silent, e.Body.Department)
			signing = signing && e.Type == Opposed // one of two is enough
		case Ordered:
			must[e.Body.Order], who[e.Body.Order] = e.Body.Must, e.Body.Department
		case Declined:
			who[e.Body.Order] = Desk
		case Done, Waived:
			delete(must, e.Body.Order)
			delete(who, e.Body.Order)
		}
	}
	if resting {
		return out
	}
	for _, d := range who {
		out[d] = true
	}
	switch {
	case signing:
		for d := range silent {
			out[d] = true
		}
	case lead != "check":
		out[lead] = true
	case !slices.Contains(slices.Collect(maps.Values(must)), true):
		out[Desk] = true
	}
	return out
}
