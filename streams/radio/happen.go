package radio

import (
	"context"
	"maps"
	"slices"
	"time"

	"gridhub/streams/sfu"
	"gridhub/streams/talk"
)

const (
	maxSaid    = 5  // own bursts that somebody is shown, with who heard them
	maxUnheard = 50 // bursts that somebody is shown to have yet to hear
)

// happened stores events, lets them act on the tapes, and tells everybody who
// is there.
func (g *group) happened(events []talk.Event, device string, re uint64, now time.Time) {
	for _, e := range events {
		if !g.stores(e) {
			g.snapshot = 0 // a gap among the events: only a snapshot mends it
		}
		g.act(e, now)
	}
	if len(events) == 0 {
		return
	}
	if g.floor.Number()-g.snapshot >= snapshotEvery {
		g.keepSnapshot()
	}
	for name := range g.devices {
		if name == device {
			g.show(name, re, now)
		} else {
			g.show(name, 0, now)
		}
	}
}

// act is what an event means for what is heard.
func (g *group) act(e talk.Event, now time.Time) {
	switch e.Kind {
	case talk.Granted:
		g.holder = g.device(e.Person)
		g.deck.begin(talk.Burst{Number: e.Burst, Person: e.Person, Priority: e.Priority, From: e.From}, g.holder, now)
	case talk.Released:
		g.holder = ""
		g.ended[e.Person] = e.Reason
		if t := g.deck.end(now); t != nil {
			g.keepTape(t, now)
		}
		g.alertAbsent(e)
	}
}

// device is the one from which p speaks: the one that asked last.
func (g *group) device(p talk.Person) string {
	newest, at := "", time.Time{}
	for name, d := range g.devices {
		if d.person == p && d.pressed.After(at) {
			newest, at = name, d.pressed
		}
	}
	return newest
}

// keepTape stores what was said, for those who are away, within the bounds.
func (g *group) keepTape(t *tape, now time.Time) {
	ctx, cancel := context.WithTimeout(context.Background(), storeWithin)
	defer cancel()
	if len(t.frames) > 0 {
		if err := g.service.store.Keep(ctx, Tape{g.id, t.burst, t.person, t.from, t.encode()}); err != nil {
			g.service.log.Error("burst not kept", "group", g.id, "burst", t.burst, "err", err)
		}
	}
	oldest := g.deck.trim(g.service.config.KeepBytes, now.Add(-g.service.config.KeepFor))
	if err := g.service.store.Drop(ctx, g.id, oldest); err != nil {
		g.service.log.Error("old bursts not dropped", "group", g.id, "err", err)
	}
}

// alertAbsent tells the devices of those who are not here that something waits
// for them.
func (g *group) alertAbsent(e talk.Event) {
	for p := range g.info.Members {
		if g.floor.Present[p] {
			continue
		}
		n := len(g.floor.Unheard(p))
		for _, name := range g.service.directory.Devices(string(p)) {
			g.service.tell(name, reply{Type: Prefix + "unheard", Group: g.id, Person: string(e.Person), Burst: e.Burst, Unheard: n})
		}
	}
}

// play sends a frame to a device, over the way that it has.
func (g *group) play(name string, f sfu.Frame) bool {
	if g.letters.add(name, f) {
		return true
	}
	sent, err := g.room.Play(name, f)
	return err == nil && sent
}

// tellNotes tells devices how far they are.
func (g *group) tellNotes() {
	g.noteMu.Lock()
	notes := g.notes
	g.notes = nil
	g.noteMu.Unlock()
	for _, n := range notes {
		r := reply{Type: Prefix + "playing", Group: g.id, Burst: n.burst, Person: string(n.person), Behind: n.behind.Milliseconds()}
		if n.over {
			r.Type = Prefix + "played"
		}
		g.service.tell(n.device, r)
	}
}

// show draws the group for one device.
func (g *group) show(name string, re uint64, now time.Time) {
	d := g.devices[name]
	if d == nil {
		return
	}
	s := &state{Boot: g.service.boot, Now: now, Present: slices.Sorted(maps.Keys(g.floor.Present)), Members: len(g.info.Members),
		Queue: []talk.Person{}, May: g.info.Members[d.person], Unheard: []unheard{}, Said: []said{}, Ended: g.ended[d.person]}
	if h := g.floor.Holder; h != nil {
		s.Speaker = &speaker{h.Person, h.Number, h.Priority, h.From}
		s.Speaks = g.holder == name
	}
	for i, w := range g.floor.Queue {
		s.Queue = append(s.Queue, w.Person)
		if w.Person == d.person {
			s.Waits = i + 1
		}
	}
	for _, b := range g.floor.Unheard(d.person) {
		if len(s.Unheard) < maxUnheard && g.deck.keeps(b.Number) {
			s.Unheard = append(s.Unheard, unheard{b.Number, b.Person, b.From})
		}
	}
	for i := len(g.floor.Past) - 1; i >= 0 && len(s.Said) < maxSaid; i-- {
		if b := g.floor.Past[i]; b.Person == d.person {
			s.Said = append(s.Said, said{b.Number, b.From, g.hearers(b.Number)})
		}
	}
	g.service.tell(name, reply{Type: Prefix + "state", Group: g.id, Re: re, State: s})
}

func (g *group) hearers(burst uint64) []talk.Person {
	if all := g.floor.HeardBy(burst); all != nil {
		return all
	}
	return []talk.Person{}
}
