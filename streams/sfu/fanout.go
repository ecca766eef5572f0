package sfu

import (
	"math"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/pion/webrtc/v4"
)

// Up to inlineSlots subscribers are written to by the goroutine that reads
// the publisher. Beyond, about the square root of their number of writers
// share the work, so that the reader keeps pace with its publisher; but no
// more than processors, for a writer waits for nobody, and few that are woken
// late pass on several packets at once.
const inlineSlots = 16

// writerQueue is how many packets one writer may be behind. When it is full
// the rest of the frame is left out for that writer's subscribers, who ask
// for it again or for a key frame; the reader never waits.
const writerQueue = 1024

// fanout is who gets the packets of a track: everybody, inline or shared out
// among writers. It is replaced whole, never changed.
type fanout struct {
	slots   []*slot
	writers []*writer // none: inline
}

// writer serves a share of a track's subscribers from the track's ring.
type writer struct {
	track *track
	slots atomic.Pointer[[]*slot]
	queue chan uint64 // arrival indices; closed never, see quit
	quit  chan struct{}
	skips atomic.Bool // until the end of the frame
}

// deliver hands the packet at arrival index at to every subscriber.
func (t *track) deliver(p packet, at uint64) {
	f := t.subs.Load()
	if len(f.writers) == 0 {
		t.out.cork()
		defer t.out.uncork()
		for _, s := range f.slots {
			s.write(t, p, at)
		}
		return
	}
	for _, w := range f.writers {
		w.offer(p, at)
	}
}

func (w *writer) offer(p packet, at uint64) {
	if w.skips.Load() {
		w.track.dropped.Add(1)
		w.skips.Store(!p.marker)
		return
	}
	select {
	case w.queue <- at:
	default:
		w.track.dropped.Add(1)
		w.skips.Store(!p.marker)
	}
}

// frameWait is how long a writer waits for the rest of a frame of which it has
// a part. What an encoder made at once mostly comes at once, and a frame that
// leaves together costs half of what its packets do; a publisher who spreads
// them further pays this in delay, once per burst.
const frameWait = time.Millisecond

// run waits for a packet and takes with it what belongs to the same frame or
// has come meanwhile, so that each subscriber is written to once for several.
func (w *writer) run() {
	var batch [maxCars]waiting
	rest := time.NewTimer(0)
	defer rest.Stop()
	for {
		select {
		case <-w.quit:
			return
		case at := <-w.queue:
			rest.Reset(frameWait)
			w.pass(w.gather(batch[:0], at, rest.C))
			clear(batch[:]) // the ring may forget them
		}
	}
}

// waiting is a packet on its way to the subscribers.
type waiting struct {
	packet
	at uint64
}

// gather fills batch with the packet at and those behind it in the queue,
// until the batch is full, or late says that a frame takes too long to end.
func (w *writer) gather(batch []waiting, at uint64, late <-chan time.Time) []waiting {
	for {
		p, ok := w.track.ring.get(at)
		if ok {
			batch = append(batch, waiting{p, at})
		} else {
			w.track.dropped.Add(1) // the ring went round or was emptied
		}
		if len(batch) == cap(batch) {
			return batch
		}
		select {
		case at = <-w.queue:
			continue
		default:
		}
		if !ok || p.marker || w.track.kind == webrtc.RTPCodecTypeAudio {
			return batch
		}
		select {
		case at = <-w.queue:
		case <-late:
			return batch
		case <-w.quit:
			return batch
		}
	}
}

func (w *writer) pass(batch []waiting) {
	w.track.out.cork()
	defer w.track.out.uncork()
	for _, s := range *w.slots.Load() {
		for i := range batch {
			s.write(w.track, batch[i].packet, batch[i].at)
		}
	}
}

// serve makes slots the subscribers of the track. Called under room.mu.
func (t *track) serve(slots []*slot) {
	old := t.subs.Load()
	want := 0
	if len(slots) > inlineSlots {
		want = min(int(math.Ceil(math.Sqrt(float64(len(slots))))), runtime.GOMAXPROCS(0))
	}
	writers := append([]*writer(nil), old.writers[:min(want, len(old.writers))]...)
	for len(writers) < want {
		writers = append(writers, &writer{track: t, queue: make(chan uint64, writerQueue), quit: make(chan struct{})})
	}
	for i, w := range writers {
		var share []*slot
		for j := i; j < len(slots); j += want {
			share = append(share, slots[j])
		}
		w.slots.Store(&share)
		if i >= len(old.writers) {
			go w.run()
		}
	}
	t.subs.Store(&fanout{slots: slots, writers: writers})
	for _, w := range old.writers[min(len(writers), len(old.writers)):] {
		close(w.quit)
	}
}

// subscribe and unsubscribe are called under room.mu.
func (t *track) subscribe(s *slot) {
	t.serve(append(append([]*slot(nil), t.subs.Load().slots...), s))
}

func (t *track) unsubscribe(s *slot) {
	var slots []*slot
	for _, other := range t.subs.Load().slots {
		if other != s {
			slots = append(slots, other)
		}
	}
	t.serve(slots)
}
