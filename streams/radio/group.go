package radio

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"gridhub/streams/sfu"
	"gridhub/streams/talk"
)

// inboxSize is how many orders one group may have waiting. A device that
// overfills it is told to try again; the server's own orders wait.
const inboxSize = 64

// maxNotes is how many notes of a deck may wait to be told; they inform, and
// what is more is dropped.
const maxNotes = 256

// group is one talk group in use: its goroutine alone touches the floor.
type group struct {
	service *Service
	id      talk.Group
	inbox   chan order
	deck    *deck
	letters letters
	closed  bool // guarded by service.mu

	roomMu sync.Mutex
	room   *sfu.Room // nil until loaded

	noteMu sync.Mutex
	notes  []note
	noted  chan struct{} // capacity 1: notes wait, or the deck's clock has changed

	// owned by run
	floor    *talk.Floor
	info     Group
	learned  time.Time
	devices  map[string]*device
	holder   string // the device that has the floor
	ended    map[talk.Person]string
	snapshot uint64 // number of the newest event in the kept snapshot
	idle     time.Time
}

// device is one device that is in the group.
type device struct {
	person  talk.Person
	seq     uint64
	pressed time.Time // newest request for the floor
	away    time.Time // its connection ended then; zero: it has one
}

// order is one thing to do.
type order struct {
	verb   string
	person talk.Person
	device string
	re     request
}

func newGroup(s *Service, id talk.Group) *group {
	g := &group{service: s, id: id, inbox: make(chan order, inboxSize), deck: newDeck(), noted: make(chan struct{}, 1),
		devices: map[string]*device{}, ended: map[talk.Person]string{}}
	g.deck.note, g.deck.later = g.take, g.kick
	g.letters.post = func(device string, all []sound) { s.tell(device, reply{Type: askSound, Group: id, Sound: all}) }
	return g
}

// offer queues an order of a device, or fails.
func (g *group) offer(o order) error {
	g.service.mu.Lock()
	defer g.service.mu.Unlock()
	if g.closed {
		return errClosed
	}
	select {
	case g.inbox <- o:
		return nil
	default:
		return errBusy
	}
}

// must queues an order of the server, and waits where the queue is full.
func (g *group) must(o order) {
	select {
	case g.inbox <- o:
	case <-g.service.stop:
	}
}

// take notes what the deck says, to be told by the group's goroutine.
func (g *group) take(n note) {
	g.letters.flush(n.device)
	g.noteMu.Lock()
	if len(g.notes) < maxNotes {
		g.notes = append(g.notes, n)
	}
	g.noteMu.Unlock()
	g.kick()
}

func (g *group) kick() {
	select {
	case g.noted <- struct{}{}:
	default:
	}
}

func (g *group) run() {
	if err := g.open(); err != nil {
		g.service.log.Error("talk group cannot be used", "group", g.id, "err", err)
		g.refuse(err)
		return
	}
	defer g.room.Close()
	clock := time.NewTimer(0)
	defer clock.Stop()
	for {
		select {
		case <-g.service.stop:
			g.close(time.Now())
			return
		case o := <-g.inbox:
			g.carryOut(o, time.Now())
		case <-g.noted:
		case <-clock.C:
		}
		now := time.Now()
		g.happened(g.floor.Expire(now), "", 0, now)
		g.tellNotes()
		g.partAway(now)
		if g.unused(now) {
			if g.close(now); g.service.forget(g) {
				return
			}
			g.idle = now
		}
		clock.Reset(time.Until(g.next(now)))
	}
}

// refuse answers what waits for a group that cannot be opened.
func (g *group) refuse(err error) {
	for {
		if g.service.forget(g) {
			return
		}
		o := <-g.inbox
		g.service.tell(o.device, failure(o.re, err))
	}
}

// open brings the floor and the tapes back.
func (g *group) open() error {
	ctx, cancel := context.WithTimeout(context.Background(), storeWithin)
	defer cancel()
	kept, events, tapes, err := g.service.store.Load(ctx, g.id)
	if err != nil {
		return err
	}
	if g.floor, err = talk.Resume(g.id, kept, events...); err != nil {
		return err
	}
	g.snapshot = g.floor.Number()
	for _, k := range tapes {
		t, err := k.play()
		if err != nil {
			g.service.log.Error("tape cannot be played", "group", g.id, "burst", k.Burst, "err", err)
			continue
		}
		g.deck.tapes = append(g.deck.tapes, t)
	}
	// Never the name of the room that was closed just now.
	room, err := g.service.media.Room("talk/" + string(g.id) + "/" + rand.Text())
	if err != nil {
		return err
	}
	room.Booth(func(device string) { g.deck.heard(device, time.Now()) })
	g.deck.voice = room.Voice
	g.deck.play = g.play
	g.roomMu.Lock()
	g.room = room
	g.roomMu.Unlock()
	now := time.Now()
	g.idle = now
	for p := range g.floor.Present { // nobody's connection outlives the process
		g.apply(talk.Command{Verb: talk.DoLeave, Person: p, Sequence: g.floor.After(p)}, "", 0, now)
	}
	return nil
}

// close keeps what was being said and how things stand.
func (g *group) close(now time.Time) {
	for p := range g.floor.Present {
		g.apply(talk.Command{Verb: talk.DoLeave, Person: p, Sequence: g.floor.After(p)}, "", 0, now)
	}
	for device := range g.devices {
		g.service.note(device, g.id, false)
	}
	g.keepSnapshot()
}

func (g *group) keepSnapshot() {
	if g.floor.Number() == g.snapshot {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), storeWithin)
	defer cancel()
	if err := g.service.store.Snapshot(ctx, g.id, g.floor.Number(), g.floor.Snapshot()); err != nil {
		g.service.log.Error("talk group not kept", "group", g.id, "err", err)
		return
	}
	g.snapshot = g.floor.Number()
}

// unused reports whether nobody has been here for a while.
func (g *group) unused(now time.Time) bool {
	if len(g.devices) > 0 {
		g.idle = now
	}
	return now.Sub(g.idle) >= idleAfter
}

// next is when the clock is needed.
func (g *group) next(now time.Time) time.Time {
	at := now.Add(idleAfter)
	for _, d := range g.devices {
		if due := d.away.Add(keepAway); !d.away.IsZero() && due.Before(at) {
			at = due
		}
	}
	if due, ok := g.floor.Next(); ok && due.Before(at) {
		at = due
	}
	if due, ok := g.deck.tick(now); ok && due.Before(at) {
		at = due
	}
	return at
}

// learn asks who belongs to the group, when what is known is old.
func (g *group) learn(now time.Time) error {
	if now.Sub(g.learned) < memberAge {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), storeWithin)
	defer cancel()
	info, err := g.service.directory.Group(ctx, g.id)
	if err != nil {
		return fmt.Errorf("%w: %w", errRight, err)
	}
	g.info, g.learned = info, now
	g.expect(now)
	for _, p := range g.floor.Knows() {
		if _, stays := info.Members[p]; !stays {
			g.exclude(p, now)
		}
	}
	return nil
}

// expect lets the floor know the members. There may be hundreds: they are kept
// together, as a snapshot.
func (g *group) expect(now time.Time) {
	before := g.floor.Number()
	for p := range g.info.Members {
		if _, err := g.floor.Apply(talk.Command{Verb: talk.DoExpect, Person: p}, now); err != nil {
			g.service.log.Warn("a member is not waited for", "group", g.id, "person", p, "err", err)
		}
	}
	if g.floor.Number() != before {
		g.keepSnapshot()
	}
}

// exclude ends everything of somebody who no longer belongs here.
func (g *group) exclude(p talk.Person, now time.Time) {
	for name, d := range g.devices {
		if d.person == p {
			g.part(name, now)
			g.service.tell(name, failure(request{Group: g.id}, fmt.Errorf("%w: no longer a member", errRight)))
		}
	}
	g.apply(talk.Command{Verb: talk.DoForget, Person: p}, "", 0, now)
}

// carryOut does what a device wants.
func (g *group) carryOut(o order, now time.Time) {
	err := g.learn(now)
	if err == nil {
		err = g.admit(o)
	}
	if err == nil {
		err = g.do(o, now)
	}
	if err != nil {
		g.service.tell(o.device, failure(o.re, err))
	}
}

// admit checks that the device may want anything here.
func (g *group) admit(o order) error {
	d := g.devices[o.device]
	switch {
	case o.verb == askLeave, o.verb == gone:
		return nil
	case o.verb == askJoin:
		if _, ok := g.info.Members[o.person]; !ok {
			return fmt.Errorf("%w: not a member", errRight)
		}
		return nil
	case d == nil || d.person != o.person:
		return talk.ErrNotPresent
	case o.re.Seq < d.seq && o.verb != askSound:
		return talk.ErrStale
	}
	return nil
}

func (g *group) do(o order, now time.Time) error {
	d := g.devices[o.device]
	repeated := d != nil && o.re.Seq == d.seq && o.verb != askSound
	if d != nil && o.verb != askLeave && o.verb != gone {
		d.seq = max(d.seq, o.re.Seq)
	}
	switch {
	case repeated:
	case o.verb == askJoin:
		if err := g.join(o, now); err != nil {
			return err
		}
	case o.verb == askLeave:
		g.part(o.device, now)
		return nil
	case o.verb == gone:
		g.lost(o.device, now)
		return nil
	case o.verb == askPress:
		return g.press(o, now)
	case o.verb == askRelease:
		return g.release(o, now)
	case o.verb == askHeard:
		return g.hear(o, now)
	case o.verb == askSkip:
		g.deck.skip(o.device, now)
		if h := g.heardUpTo(o.device, g.newest()); h > 0 {
			return g.command(talk.Command{Verb: talk.DoHeard, Burst: h}, o, now)
		}
	case o.verb == askRevoke:
		if g.info.Members[o.person] < talk.Urgent {
			return fmt.Errorf("%w: only the centre takes the floor from somebody", errRight)
		}
		g.service.log.Info("floor revoked", "group", g.id, "by", o.person, "reason", o.re.Reason)
		g.apply(talk.Command{Verb: talk.DoRevoke}, o.device, o.re.Seq, now)
	case o.verb == askSound:
		for _, f := range o.re.Sound {
			g.deck.sound(o.device, sfu.Frame{Seq: f.N, TS: f.At, Arrived: now, Payload: f.Data}, now)
		}
		return nil
	}
	g.show(o.device, o.re.Seq, now)
	return nil
}

// command gives the floor a command of the person whose order it is.
func (g *group) command(c talk.Command, o order, now time.Time) error {
	c.Person, c.Sequence = o.person, g.floor.After(o.person)
	events, err := g.floor.Apply(c, now)
	g.happened(events, o.device, o.re.Seq, now)
	if err == nil && len(events) == 0 {
		g.show(o.device, o.re.Seq, now)
	}
	return err
}

// apply is command for what the server itself wants.
func (g *group) apply(c talk.Command, device string, re uint64, now time.Time) {
	events, err := g.floor.Apply(c, now)
	if err != nil {
		g.service.log.Warn("not on the floor", "group", g.id, "verb", c.Verb, "person", c.Person, "err", err)
	}
	g.happened(events, device, re, now)
}

// join lets a device hear, and its person be there.
func (g *group) join(o order, now time.Time) error {
	if d := g.devices[o.device]; d != nil {
		d.away = time.Time{} // is back, and goes on where it was
		return nil
	}
	err := g.room.Join(sfu.Member{ID: o.device, Person: string(o.person)})
	if err == nil {
		err = g.room.Gate(o.device, sfu.Gate{Send: true, Receive: true})
	}
	if err != nil {
		return err
	}
	waits := g.floor.Unheard(o.person)
	g.devices[o.device] = &device{person: o.person, seq: o.re.Seq}
	g.letters.take(o.device, o.re.ByMessage)
	g.service.note(o.device, g.id, true)
	if !g.floor.Present[o.person] {
		events, err := g.floor.Apply(talk.Command{Verb: talk.DoJoin, Person: o.person, Sequence: g.floor.After(o.person)}, now)
		if err != nil {
			g.part(o.device, now)
			return err
		}
		waits = g.floor.Unheard(o.person)
		g.happened(events, "", 0, now)
	}
	g.deck.admit(o.device, o.person, waits, now)
	g.deck.tick(now)
	return nil
}

// part takes a device out, and its person when that was the last.
func (g *group) part(name string, now time.Time) {
	d := g.devices[name]
	if d == nil {
		return
	}
	if g.holder == name {
		g.apply(talk.Command{Verb: talk.DoRelease, Person: d.person, Sequence: g.floor.After(d.person)}, "", 0, now)
	}
	delete(g.devices, name)
	g.deck.dismiss(name)
	g.letters.take(name, false)
	g.room.Leave(name)
	g.service.note(name, g.id, false)
	if !slices.ContainsFunc(g.people(), func(p talk.Person) bool { return p == d.person }) {
		g.apply(talk.Command{Verb: talk.DoLeave, Person: d.person, Sequence: g.floor.After(d.person)}, "", 0, now)
	}
}

// keepAway is for how long a device whose connection has ended is waited for:
// its media may go on, and what it was hearing with it.
const keepAway = 20 * time.Second

// lost says that a device's connection has ended. Nobody waits for the end of
// what it was saying.
func (g *group) lost(name string, now time.Time) {
	d := g.devices[name]
	if d == nil {
		return
	}
	d.away = now
	if g.holder == name {
		g.apply(talk.Command{Verb: talk.DoRelease, Person: d.person, Sequence: g.floor.After(d.person)}, "", 0, now)
	}
}

func (g *group) partAway(now time.Time) {
	for name, d := range g.devices {
		if !d.away.IsZero() && now.Sub(d.away) >= keepAway {
			g.part(name, now)
		}
	}
}

func (g *group) people() []talk.Person {
	var all []talk.Person
	for _, d := range g.devices {
		all = append(all, d.person)
	}
	return all
}

// press asks for the floor, as high as is wanted and permitted. The microphone
// is closed until the press, so what came in the pre-roll was said since.
func (g *group) press(o order, now time.Time) error {
	if h := g.floor.Holder; h != nil && h.Person == o.person && g.holder != o.device {
		return fmt.Errorf("%w: you speak from another device", talk.ErrFull)
	}
	g.devices[o.device].pressed = now
	delete(g.ended, o.person)
	return g.command(talk.Command{Verb: talk.DoRequest, Priority: min(o.re.Priority, g.info.Members[o.person]), Held: talk.PreRoll}, o, now)
}

func (g *group) release(o order, now time.Time) error {
	if h := g.floor.Holder; h != nil && h.Person == o.person && g.holder != o.device {
		g.show(o.device, o.re.Seq, now)
		return nil // it is another device of the person that speaks
	}
	return g.command(talk.Command{Verb: talk.DoRelease}, o, now)
}

func (g *group) hear(o order, now time.Time) error {
	h := g.heardUpTo(o.device, o.re.Burst)
	if h == 0 {
		g.show(o.device, o.re.Seq, now)
		return nil
	}
	return g.command(talk.Command{Verb: talk.DoHeard, Burst: h}, o, now)
}

// heardUpTo is the highest burst, up to burst, before which nothing waits to be
// played: an emergency that was heard first does not make older ones heard.
func (g *group) heardUpTo(device string, burst uint64) uint64 {
	for _, waits := range g.deck.waiting(device) {
		if waits <= burst {
			burst = waits - 1
		}
	}
	return burst
}

func (g *group) newest() uint64 {
	if n := len(g.floor.Past); n > 0 {
		return g.floor.Past[n-1].Number
	}
	return 0
}

// answer answers an offer; it runs beside the group's goroutine.
func (g *group) answer(device string, m request) reply {
	ctx, cancel := context.WithTimeout(context.Background(), negotiateWithin)
	defer cancel()
	g.roomMu.Lock()
	room := g.room
	g.roomMu.Unlock()
	if room == nil {
		return failure(m, talk.ErrNotPresent)
	}
	with := room.Publish
	if m.Type == askSubscribe {
		with = room.Subscribe
	}
	sdp, err := with(ctx, device, m.SDP)
	if err != nil {
		return failure(m, err)
	}
	g.kick() // somebody may be reachable now
	return reply{Type: Prefix + "answer", Group: g.id, Re: m.Seq, Of: m.Type, SDP: sdp}
}

// stores keeps an event; false: it could not.
func (g *group) stores(e talk.Event) bool {
	ctx, cancel := context.WithTimeout(context.Background(), storeWithin)
	defer cancel()
	if err := g.service.store.Record(ctx, e); err != nil && !errors.Is(err, context.Canceled) {
		g.service.log.Error("talk event not stored", "group", g.id, "event", e.Kind, "number", e.Number, "err", err)
		return false
	}
	return true
}
