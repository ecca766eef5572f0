package journal_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"gridhub/streams/journal"
	"gridhub/streams/journal/fsx"
)

var crashSeeds = flag.Int("crashes", 300, "how many random power cuts to survive")

// world is what must still hold after any number of power cuts.
type world struct {
	t    *testing.T
	rng  *rand.Rand
	disk *fsx.Memory

	mu        sync.Mutex
	submitted map[string]bool
	acked     map[uint64]string // by Append
	seen      map[uint64]string // by a reader
	committed uint64            // cursor position that Commit acknowledged
	attempted []uint64          // and those tried since
	epoch     uint64
}

// TestRandomPowerCuts writes, reads and commits cursors on a disk that fails
// now and then and loses power at an arbitrary operation, again and again.
func TestRandomPowerCuts(t *testing.T) {
	for seed := range int64(*crashSeeds) {
		w := &world{
			t: t, rng: rand.New(rand.NewSource(seed)), disk: fsx.NewMemory(),
			submitted: map[string]bool{}, acked: map[uint64]string{}, seen: map[uint64]string{},
		}
		for round := range 5 {
			w.live(fmt.Sprintf("%d.%d", seed, round))
			if w.rng.Intn(2) == 0 {
				w.disk = w.disk.Restart() // only the process died
				w.examine()
			}
			w.disk = w.disk.Crash(w.rng)
			w.examine()
			if t.Failed() {
				t.Fatalf("seed %d round %d", seed, round)
			}
		}
	}
}

func (w *world) options() journal.Options {
	return journal.Options{FS: w.disk, SegmentBytes: 1024 + int64(w.rng.Intn(4000))}
}

// faults fails operations at random, and all of them from one on.
func (w *world) faults() func(fsx.Op) error {
	rng := rand.New(rand.NewSource(w.rng.Int63()))
	left, odds := rng.Intn(200), rng.Intn(60)
	return func(op fsx.Op) error { // called under the disk's lock
		left--
		switch {
		case left < 0:
			return fsx.ErrHalted
		case op.Kind == "read" || op.Kind == "open" || rng.Intn(100) >= odds/6:
			return nil
		case rng.Intn(2) == 0:
			return syscall.ENOSPC
		}
		return syscall.EIO
	}
}

// live runs writers, a reader and a cursor until the power goes.
func (w *world) live(name string) {
	w.disk.SetFail(w.faults())
	j, err := journal.Open("j", w.options())
	if err != nil {
		return // power went, or the disk failed, while it was opening
	}
	ctx, cancel := context.WithCancel(background)
	var follower, writers sync.WaitGroup
	follower.Go(func() { w.follow(ctx, j) })
	for i := range 3 {
		seed := w.rng.Int63()
		writers.Go(func() { w.write(j, fmt.Sprintf("%s.%d", name, i), seed) })
	}
	writers.Wait()
	cancel()
	follower.Wait()
	j.Close()
}

func (w *world) write(j *journal.Journal, name string, seed int64) {
	rng := rand.New(rand.NewSource(seed))
	for i := range 40 {
		var recs [][]byte
		w.mu.Lock()
		for k := range 1 + rng.Intn(3) {
			rec := fmt.Sprintf("%s.%d.%d %s", name, i, k, strings.Repeat("\x00z", rng.Intn(700)))
			recs = append(recs, []byte(rec))
			w.submitted[rec] = true
		}
		w.mu.Unlock()
		first, err := j.Append(background, recs...)
		if err != nil {
			return
		}
		w.mu.Lock()
		for k, rec := range recs {
			w.note(w.acked, first+uint64(k), string(rec))
		}
		w.mu.Unlock()
	}
}

// note enters a number into a ledger. It must always stand for the same bytes.
func (w *world) note(ledger map[uint64]string, n uint64, rec string) {
	for _, l := range []map[uint64]string{w.acked, w.seen} {
		if old, ok := l[n]; ok && old != rec {
			w.t.Errorf("number %d was %.20q, now %.20q", n, old, rec)
		}
	}
	ledger[n] = rec
}

// follow reads behind the writers and commits its place.
func (w *world) follow(ctx context.Context, j *journal.Journal) {
	c, err := j.Cursor("hub")
	if err != nil {
		return
	}
	r := j.Reader(c.Position())
	defer r.Close()
	for {
		recs, err := r.Next(ctx, 5, 2000)
		if err != nil {
			return
		}
		w.mu.Lock()
		next := w.account(recs)
		w.attempted = append(w.attempted, next)
		w.mu.Unlock()
		if err := c.Commit(next, []byte(fmt.Sprint(next))); err == nil {
			w.mu.Lock()
			w.committed, w.attempted = next, nil
			w.mu.Unlock()
		}
	}
}

// account checks records that were served, and returns the number behind them.
func (w *world) account(recs []journal.Record) (next uint64) {
	for _, r := range recs {
		if next = r.Number + 1; r.Kind == journal.Gap {
			next = r.Number + r.Lost
			for n := r.Number; n < next; n++ {
				if rec, ok := w.acked[n]; ok {
					w.t.Errorf("number %d is a gap (%s) but %.20q was acknowledged", n, r.Cause, rec)
				}
			}
			continue
		}
		if !w.submitted[string(r.Data)] {
			w.t.Errorf("number %d is %.20q, which nobody wrote", r.Number, r.Data)
		}
		w.note(w.seen, r.Number, string(r.Data))
	}
	return next
}

// examine opens what the power cut left, on a disk that works.
func (w *world) examine() {
	j, err := journal.Open("j", w.options())
	if err != nil {
		w.t.Fatal(err)
	}
	defer j.Close()
	if w.epoch == 0 || j.Next() == 1 && len(w.acked) == 0 {
		w.epoch = j.Epoch()
	}
	if j.Epoch() != w.epoch {
		w.t.Errorf("epoch %d became %d", w.epoch, j.Epoch())
	}
	there := map[uint64]bool{}
	for _, r := range readAll(w.t, j, 1) {
		w.account([]journal.Record{r})
		there[r.Number] = r.Kind == journal.Data
	}
	for _, l := range []map[uint64]string{w.acked, w.seen} {
		for n, rec := range l {
			if !there[n] {
				w.t.Errorf("number %d (%.20q) was acknowledged or served, and is gone", n, rec)
			}
		}
	}
	w.examineCursor(j)
}

func (w *world) examineCursor(j *journal.Journal) {
	if w.committed == 0 {
		return
	}
	c, err := j.Cursor("hub")
	if err != nil {
		w.t.Fatal(err)
	}
	if p := c.Position(); p != w.committed && !slices.Contains(w.attempted, p) {
		w.t.Errorf("cursor is at %d, committed was %d, tried since %d", p, w.committed, w.attempted)
	}
	if string(c.State()) != fmt.Sprint(c.Position()) {
		w.t.Errorf("cursor at %d has the state %q", c.Position(), c.State())
	}
	w.committed, w.attempted = c.Position(), nil
}

// A sync that fails once: its records go to a new segment, and the old one's
// end is not served twice.
func TestFailedSyncMovesToANewSegment(t *testing.T) {
	m := fsx.NewMemory()
	j := open(t, m, journal.Options{})
	mustAppend(t, j, "a", "b")
	failed := 0
	m.SetFail(func(op fsx.Op) error {
		if op.Kind == "sync" && failed == 0 {
			failed++
			return syscall.EIO
		}
		return nil
	})
	if n := mustAppend(t, j, "c"); n != 3 || failed != 1 {
		t.Fatalf("number %d after %d failed syncs", n, failed)
	}
	if s := j.Stats(); s.Segments != 2 || j.Healthy() != nil {
		t.Errorf("%d segments, healthy: %v", s.Segments, j.Healthy())
	}
	m.SetFail(nil)
	for _, disk := range []*fsx.Memory{m.Clone(), m.Crash(rand.New(rand.NewSource(1)))} {
		j := open(t, disk, journal.Options{})
		if got := show(readAll(t, j, 1)); got != "1=a 2=b 3=c" {
			t.Errorf("got %q", got)
		}
	}
}

// A disk whose syncs all fail: nothing is acknowledged and Healthy says so.
func TestNoSyncNoAcknowledgement(t *testing.T) {
	m := fsx.NewMemory()
	j := open(t, m, journal.Options{})
	m.SetFail(func(op fsx.Op) error {
		if op.Kind == "sync" {
			return syscall.EIO
		}
		return nil
	})
	if _, err := j.Append(background, []byte("x")); !errors.Is(err, syscall.EIO) {
		t.Errorf("append: %v, want EIO", err)
	}
	if err := j.Healthy(); !errors.Is(err, syscall.EIO) {
		t.Errorf("healthy: %v, want EIO", err)
	}
	if j.Next() != 1 {
		t.Errorf("next is %d, want 1", j.Next())
	}
}
