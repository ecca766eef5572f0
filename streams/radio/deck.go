package radio

import (
	"slices"
	"sync"
	"time"

	"gridhub/streams/sfu"
	"gridhub/streams/talk"
)

const (
	// ahead is how much sound a listener is given before its time: the
	// pre-roll leaves at once, and a hiccup of the hub is not heard. A
	// browser's jitter buffer holds several times as much.
	ahead = talk.PreRoll
	// pause lies between two bursts that are played one after the other.
	pause = 200 * time.Millisecond
	// late is how far behind the speaker somebody is for whom silence is
	// shortened to shortened, to catch up.
	late      = time.Second
	shortened = 60 * clockRate / 1000
)

// deck keeps the bursts of one group and plays them: to each listener all that
// it has yet to hear, from the beginning, one after the other. Who has nothing
// left is live. Safe for concurrent use; it has no goroutine: whoever brings a
// packet plays it on, and whoever runs the clock calls pump.
type deck struct {
	play  func(device string, f sfu.Frame) bool // false: cannot be reached now
	voice func(device string, from time.Time) (*sfu.Voice, bool)
	// note is told, under the deck's lock, that a listener begins to hear a
	// burst or has heard it.
	note func(note)
	// later is told that tick has something to do, sooner than it said.
	later func()

	mu        sync.Mutex
	tapes     []*tape // kept, oldest first, the running one included
	running   *tape
	speaks    *sfu.Voice           // of the running tape; nil: nothing came yet
	since     time.Time            // from when it is read
	spoke     map[string]time.Time // until when a device's sound was taken
	listeners map[string]*listener
}

// note says how far a device is with a burst.
type note struct {
	device string
	burst  uint64
	person talk.Person
	behind time.Duration
	over   bool
}

// listener is a device that hears.
type listener struct {
	person talk.Person
	queue  []*tape // yet to be played, in order
	now    *tape   // being played
	next   int     // the frame of it that is next
	began  time.Time
	cut    int64 // samples of silence left out
	left   int64 // packets of silence left out
	seen   int   // the frame before which silence was last looked for
	dark   bool  // cannot be reached: the tape waits
	free   time.Time
	out    sfu.Frame // where its stream stands
	base   sfu.Frame // where the tape being played begins in its stream
}

func newDeck() *deck {
	return &deck{spoke: map[string]time.Time{}, listeners: map[string]*listener{}}
}

// admit lets a device hear; what of the bursts named is kept is played first.
func (d *deck) admit(device string, p talk.Person, unheard []talk.Burst, now time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	l := &listener{person: p, free: now, out: sfu.Frame{Seq: 1 << 16, TS: 1 << 16, Arrived: now}}
	for _, t := range d.tapes {
		if slices.ContainsFunc(unheard, func(b talk.Burst) bool { return b.Number == t.burst }) {
			l.queue = append(l.queue, t)
		}
	}
	d.listeners[device] = l
}

func (d *deck) dismiss(device string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.listeners, device)
	delete(d.spoke, device)
}

// skip leaves out what waits, but for the running burst.
func (d *deck) skip(device string, now time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	l := d.listeners[device]
	if l == nil {
		return
	}
	l.queue = slices.DeleteFunc(l.queue, func(t *tape) bool { return t.done })
	if l.now != nil && l.now.done {
		l.now, l.free = nil, now
	}
}

// begin opens the tape of a burst that a device says from now on, and lets all
// others hear it. An emergency is heard at once, before what waits.
func (d *deck) begin(b talk.Burst, device string, now time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.finish(now)
	t := &tape{burst: b.Number, person: b.Person, device: device, emergency: b.Priority == talk.Emergency, from: b.From}
	d.running, d.speaks, d.since = t, nil, b.From
	if said := d.spoke[device]; said.After(d.since) {
		d.since = said // its last burst is not played again
	}
	d.tapes = append(d.tapes, t)
	for _, l := range d.listeners {
		switch {
		case l.person == b.Person:
		case t.emergency:
			l.interrupt(t, now)
		default:
			l.queue = append(l.queue, t)
		}
	}
	d.read(now)
}

// interrupt plays t first, and then again from its beginning what it broke.
func (l *listener) interrupt(t *tape, now time.Time) {
	if l.now != nil {
		l.queue = append([]*tape{l.now}, l.queue...)
		l.now, l.free = nil, now
	}
	l.queue = append([]*tape{t}, l.queue...)
}

// end closes the running tape and returns it.
func (d *deck) end(now time.Time) *tape {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.finish(now)
}

func (d *deck) finish(now time.Time) *tape {
	t := d.running
	if t == nil {
		return nil
	}
	d.read(now)
	t.done, d.running, d.speaks = true, nil, nil
	if d.listeners[t.device] != nil {
		d.spoke[t.device] = now
	}
	d.pump(now)
	return t
}

// heard says that a device sent sound.
func (d *deck) heard(device string, now time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.running != nil && d.running.device == device {
		d.read(now)
	}
}

// sound takes a packet that came by message.
func (d *deck) sound(device string, f sfu.Frame, now time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.running != nil && d.running.device == device {
		d.running.add(f)
		d.passOn(now)
	}
}

// read takes onto the running tape what its speaker has said. Called under mu.
func (d *deck) read(now time.Time) {
	if d.speaks == nil {
		v, ok := d.voice(d.running.device, d.since)
		if !ok {
			return
		}
		d.speaks = v
	}
	for f, ok := d.speaks.Next(); ok; f, ok = d.speaks.Next() {
		d.running.add(f)
	}
	d.passOn(now)
}

// passOn plays what just came, and has the clock called where somebody is not
// live. Called under mu.
func (d *deck) passOn(now time.Time) {
	if _, waits := d.pump(now); waits {
		d.later()
	}
}

// tick plays what is due and says when more will be. False: nothing waits for
// the clock.
func (d *deck) tick(now time.Time) (next time.Time, ok bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.pump(now)
}

func (d *deck) pump(now time.Time) (next time.Time, ok bool) {
	for device, l := range d.listeners {
		if at, waits := d.feed(device, l, now); waits && (!ok || at.Before(next)) {
			next, ok = at, true
		}
	}
	return next, ok
}

// feed plays to one listener what is due.
func (d *deck) feed(device string, l *listener, now time.Time) (next time.Time, ok bool) {
	for {
		if l.now == nil {
			if len(l.queue) == 0 || !l.queue[0].begun() {
				return next, false
			}
			if now.Before(l.free) {
				return l.free, true
			}
			l.load(now)
			d.note(note{device: device, burst: l.now.burst, person: l.now.person, behind: l.behind(now)})
		}
		if at, waits := d.pass(device, l, now); waits {
			return at, true
		}
		if !l.now.done {
			return next, false
		}
		d.note(note{device: device, burst: l.now.burst, person: l.now.person, over: true})
		l.eject(now)
	}
}

// pass plays what is due of one tape. True: there is more, to be played at the
// time that is returned.
func (d *deck) pass(device string, l *listener, now time.Time) (next time.Time, more bool) {
	for ; l.next < len(l.now.frames); l.next++ {
		if l.hurry(now); l.next == len(l.now.frames) {
			break
		}
		due := l.due()
		if l.dark {
			l.began, l.dark, due = l.began.Add(now.Sub(due)), false, now
		}
		if due.Add(-ahead).After(now) {
			return due.Add(-ahead), true
		}
		f := l.frame(now)
		if !d.play(device, f) {
			l.dark = true
			return now.Add(ahead), true
		}
		if f.Seq > l.out.Seq {
			l.out = f
		}
	}
	return next, false
}

// begun reports whether there is something on the tape, or never will be.
func (t *tape) begun() bool { return len(t.frames) > 0 || t.done }

// load takes up the next tape.
func (l *listener) load(now time.Time) {
	l.now, l.queue = l.queue[0], l.queue[1:]
	l.next, l.began, l.cut, l.left, l.seen = 0, now, 0, 0, 0
	idle := max(1, int64(now.Sub(l.out.Arrived).Seconds()*clockRate))
	l.base = sfu.Frame{Seq: l.out.Seq + 1, TS: l.out.TS + uint32(idle)}
}

// eject ends a tape that was played to its end.
func (l *listener) eject(now time.Time) {
	l.free = now
	if n := len(l.now.frames); n > 0 {
		if end := l.began.Add(samples(l.now.at(n-1) - l.cut)).Add(pause); end.After(now) {
			l.free = end
		}
	}
	l.now = nil
}

// hurry shortens the silence before the next frame for somebody who is behind:
// packets of silence are left out, and so is most of the time in which an
// encoder sent none.
func (l *listener) hurry(now time.Time) {
	t := l.now
	for i := l.next; i > l.seen && i < len(t.frames) && l.behind(now) > late; i = l.next {
		step := max(0, t.at(i)-t.at(i-1))
		l.seen = i
		if len(t.frames[i].Payload) > silent {
			l.cut += max(0, step-shortened)
			return
		}
		l.cut, l.left, l.next = l.cut+step, l.left+1, i+1
	}
}

// due is when the next frame is to be heard.
func (l *listener) due() time.Time { return l.began.Add(samples(l.now.at(l.next) - l.cut)) }

// behind is how long ago what is heard next was said.
func (l *listener) behind(now time.Time) time.Duration {
	if l.now == nil || l.next >= len(l.now.frames) || l.now.frames[l.next].Arrived.IsZero() {
		return 0
	}
	return now.Sub(l.now.frames[l.next].Arrived)
}

// frame is the next frame as it stands in the listener's stream.
func (l *listener) frame(now time.Time) sfu.Frame {
	return sfu.Frame{Seq: l.base.Seq + uint64(l.now.seq(l.next)-l.left), TS: l.base.TS + uint32(l.now.at(l.next)-l.cut),
		Arrived: now, Begins: l.next == 0, Payload: l.now.frames[l.next].Payload}
}

func samples(n int64) time.Duration { return time.Duration(n) * time.Second / clockRate }

// waiting lists what a device has yet to hear, the burst being played first.
func (d *deck) waiting(device string) []uint64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	l := d.listeners[device]
	if l == nil {
		return nil
	}
	var all []uint64
	if l.now != nil {
		all = append(all, l.now.burst)
	}
	for _, t := range l.queue {
		all = append(all, t.burst)
	}
	return all
}

// keeps reports whether there is a tape of the burst.
func (d *deck) keeps(burst uint64) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.ContainsFunc(d.tapes, func(t *tape) bool { return t.burst == burst })
}

// trim forgets the oldest tapes beyond the bounds, and returns the number of
// the oldest that is kept. Who is hearing one of them hears it to its end.
func (d *deck) trim(bytes int, before time.Time) (oldest uint64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	sum := 0
	for i := len(d.tapes) - 1; i >= 0; i-- {
		t := d.tapes[i]
		if sum += t.bytes; t.done && (sum > bytes || t.from.Before(before)) {
			return d.cutBelow(i + 1)
		}
	}
	return d.cutBelow(0)
}

func (d *deck) cutBelow(i int) (oldest uint64) {
	if i == len(d.tapes) && i > 0 {
		oldest = d.tapes[i-1].burst + 1
	}
	for _, gone := range d.tapes[:i] {
		for _, l := range d.listeners {
			l.queue = slices.DeleteFunc(l.queue, func(t *tape) bool { return t == gone })
		}
	}
	d.tapes = slices.Delete(d.tapes, 0, i)
	if len(d.tapes) > 0 {
		oldest = d.tapes[0].burst
	}
	return oldest
}
