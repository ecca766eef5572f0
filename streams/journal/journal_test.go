package journal_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"gridhub/streams/journal"
	"gridhub/streams/journal/fsx"
)

var background = context.Background()

// open opens a journal in memory and closes it with the test.
func open(t testing.TB, fs journal.FS, o journal.Options) *journal.Journal {
	t.Helper()
	o.FS = fs
	j, err := journal.Open("j", o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { j.Close() })
	return j
}

func mustAppend(t testing.TB, j *journal.Journal, recs ...string) uint64 {
	t.Helper()
	var b [][]byte
	for _, r := range recs {
		b = append(b, []byte(r))
	}
	n, err := j.Append(background, b...)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// readAll reads from number from up to Next, copying.
func readAll(t testing.TB, j *journal.Journal, from uint64) []journal.Record {
	t.Helper()
	r := j.Reader(from)
	defer r.Close()
	var all []journal.Record
	for at := from; at < j.Next(); {
		recs, err := r.Next(background, 7, 1<<20)
		if err != nil {
			t.Fatal(err)
		}
		for _, rec := range recs {
			rec.Data = append([]byte(nil), rec.Data...)
			if rec.Number != at {
				t.Fatalf("record %d follows where %d was due", rec.Number, at)
			}
			at++
			if rec.Kind == journal.Gap {
				at = rec.Number + rec.Lost
			}
			all = append(all, rec)
		}
	}
	return all
}

// show writes records as "1=a 2=b gap3+4".
func show(recs []journal.Record) string {
	var parts []string
	for _, r := range recs {
		if r.Kind == journal.Gap {
			parts = append(parts, fmt.Sprintf("gap%d+%d", r.Number, r.Lost))
		} else {
			parts = append(parts, fmt.Sprintf("%d=%s", r.Number, r.Data))
		}
	}
	return strings.Join(parts, " ")
}

func TestAppendAndReadAgain(t *testing.T) {
	m := fsx.NewMemory()
	j := open(t, m, journal.Options{Epoch: 42})
	if n := mustAppend(t, j, "a", "b"); n != 1 {
		t.Errorf("first number %d, want 1", n)
	}
	if n := mustAppend(t, j, "", "d"); n != 3 {
		t.Errorf("second append got %d, want 3", n)
	}
	const want = "1=a 2=b 3= 4=d"
	if got := show(readAll(t, j, 1)); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	for range 3 {
		j.Close()
		j = open(t, m, journal.Options{Epoch: 7})
		if got := show(readAll(t, j, 1)); got != want {
			t.Errorf("after reopening: got %q, want %q", got, want)
		}
		if j.Epoch() != 42 || j.Next() != 5 || j.First() != 1 {
			t.Errorf("epoch %d first %d next %d, want 42 1 5", j.Epoch(), j.First(), j.Next())
		}
	}
	if s := j.Stats(); s.Segments != 2 && s.Segments != 3 {
		t.Errorf("%d segments after idle restarts, want no growth", s.Segments)
	}
}

func TestManyWriters(t *testing.T) {
	j := open(t, fsx.NewMemory(), journal.Options{SegmentBytes: 8 << 10})
	const writers, each = 50, 40
	var mu sync.Mutex
	got := map[uint64]string{}
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for i := range each {
				rec := fmt.Sprintf("%d/%d", w, i)
				n, err := j.Append(background, []byte(rec))
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				got[n] = rec
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	recs := readAll(t, j, 1)
	if len(recs) != writers*each || len(got) != writers*each {
		t.Fatalf("%d records, %d numbers, want %d", len(recs), len(got), writers*each)
	}
	for _, r := range recs {
		if got[r.Number] != string(r.Data) {
			t.Fatalf("number %d is %q, its writer was told that of %q", r.Number, r.Data, got[r.Number])
		}
	}
}

// Whatever is queued while a sync is under way shares the next one.
func TestWaitingAppendsShareOneSync(t *testing.T) {
	m := fsx.NewMemory()
	j := open(t, m, journal.Options{})
	syncing, release := make(chan struct{}), make(chan struct{})
	var once sync.Once
	syncs := 0
	m.SetFail(func(op fsx.Op) error {
		if op.Kind == "sync" {
			syncs++
			once.Do(func() { close(syncing); <-release })
		}
		return nil
	})
	var answered sync.WaitGroup
	answer := func(_ uint64, err error) {
		if err != nil {
			t.Error(err)
		}
		answered.Done()
	}
	for i := range 50 {
		answered.Add(1)
		if err := j.AppendAsync([][]byte{{byte(i)}}, answer); err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			<-syncing // the first is on its way, the others wait
		}
	}
	close(release)
	answered.Wait()
	if s := j.Stats(); s.Commits != 2 || syncs != 2 || s.Records != 50 {
		t.Errorf("%d commits, %d syncs for %d records, want 2 for 50", s.Commits, syncs, s.Records)
	}
}

func TestAsyncAnswersInOrder(t *testing.T) {
	j := open(t, fsx.NewMemory(), journal.Options{QueueBytes: 2 << 10})
	var order []uint64 // only the commit goroutine appends
	buf := make([]byte, 100)
	for i := range 500 {
		buf[0] = byte(i)
		err := j.AppendAsync([][]byte{buf, buf}, func(first uint64, err error) {
			if err != nil {
				t.Error(err)
			}
			order = append(order, first)
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	j.Close()
	if len(order) != 500 {
		t.Fatalf("%d answers, want 500", len(order))
	}
	for i, n := range order {
		if n != uint64(2*i+1) {
			t.Fatalf("answer %d is number %d, want %d", i, n, 2*i+1)
		}
	}
	if err := j.AppendAsync([][]byte{buf}, nil); !errors.Is(err, journal.ErrClosed) {
		t.Errorf("append after Close: %v, want ErrClosed", err)
	}
}

func TestSecondOwnerIsRefused(t *testing.T) {
	dir := t.TempDir()
	j, err := journal.Open(dir, journal.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := journal.Open(dir, journal.Options{}); !errors.Is(err, journal.ErrLocked) {
		t.Errorf("second Open: %v, want ErrLocked", err)
	}
	j.Close()
	again, err := journal.Open(dir, journal.Options{})
	if err != nil {
		t.Fatalf("after Close: %v", err)
	}
	again.Close()
}

func TestReaderWaitsForTheNextRecord(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := open(t, fsx.NewMemory(), journal.Options{})
		mustAppend(t, j, "a")
		r := j.Reader(3) // not yet there
		defer r.Close()
		got := make(chan string, 1)
		go func() {
			recs, err := r.Next(background, 10, 1000)
			got <- fmt.Sprint(show(recs), err)
		}()
		mustAppend(t, j, "b")
		synctest.Wait()
		select {
		case s := <-got:
			t.Fatalf("number 3 does not exist, got %q", s)
		default:
		}
		mustAppend(t, j, "c")
		if s := <-got; s != "3=c<nil>" {
			t.Errorf("got %q", s)
		}

		ctx, cancel := context.WithCancel(background)
		cancel()
		if _, err := r.Next(ctx, 10, 1000); !errors.Is(err, context.Canceled) {
			t.Errorf("cancelled: %v", err)
		}
		go func() {
			_, err := r.Next(background, 10, 1000)
			got <- fmt.Sprint(errors.Is(err, journal.ErrClosed))
		}()
		synctest.Wait()
		j.Close()
		if s := <-got; s != "true" {
			t.Error("a waiting reader does not learn of Close")
		}
	})
}

// A full queue makes callers wait, not fail, until the commit under way ends;
// the caller's context ends that.
func TestFullQueueBlocks(t *testing.T) {
	m := fsx.NewMemory()
	j := open(t, m, journal.Options{QueueBytes: 100})
	syncing, release := make(chan struct{}), make(chan struct{})
	var once sync.Once
	m.SetFail(func(op fsx.Op) error {
		if op.Kind == "sync" {
			once.Do(func() { close(syncing); <-release })
		}
		return nil
	})
	async := func() {
		if err := j.AppendAsync([][]byte{make([]byte, 60)}, func(uint64, error) {}); err != nil {
			t.Error(err)
		}
	}
	async()
	<-syncing
	async() // waits in the queue, which has no room for another
	ctx, cancel := context.WithCancel(background)
	cancel()
	if _, err := j.Append(ctx, make([]byte, 60)); !errors.Is(err, context.Canceled) {
		t.Errorf("full queue, ended context: %v", err)
	}
	close(release)
	if n := mustAppend(t, j, "then"); n != 3 {
		t.Errorf("number %d, want 3: what was refused must not be there", n)
	}
}

func TestJournalMadeAnewHasAHigherEpoch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := fsx.NewMemory()
		j := open(t, m, journal.Options{})
		mustAppend(t, j, "a")
		c, err := j.Cursor("hub")
		if err == nil {
			err = c.Commit(2, []byte("s"))
		}
		if err != nil {
			t.Fatal(err)
		}
		old := j.Epoch()
		j.Close()
		for _, name := range m.Names("j") { // somebody removes the segments, not the cursors
			if strings.HasSuffix(name, ".seg") {
				if err := m.Remove(name); err != nil {
					t.Fatal(err)
				}
			}
		}
		j = open(t, m, journal.Options{Now: func() time.Time { return time.Unix(0, 0) }}) // and the clock is lost
		if j.Epoch() <= old || j.Next() != 1 {
			t.Errorf("epoch %d after %d, next %d", j.Epoch(), old, j.Next())
		}
		if c, err = j.Cursor("hub"); err != nil || c.Position() != 1 || c.State() != nil || c.Damage() == nil {
			t.Errorf("cursor at %d with %q, %v, %v: want a start from 1 that says so", c.Position(), c.State(), c.Damage(), err)
		}
		j.Close()
	})
}

func BenchmarkAppendAsync(b *testing.B) {
	j := open(b, fsx.Slow(fsx.NewMemory(), 0), journal.Options{MaxBytes: 8 << 20})
	recs := [][]byte{make([]byte, 100)}
	done := func(uint64, error) {}
	b.ReportAllocs()
	for b.Loop() {
		if err := j.AppendAsync(recs, done); err != nil {
			b.Fatal(err)
		}
	}
}

// What is not urgent waits for company and shares one commit; an Append, a
// queue half full and Close end the wait.
func TestDelay(t *testing.T) {
	const never = time.Hour
	open := func(t *testing.T, delay time.Duration) *journal.Journal {
		j, err := journal.Open(t.TempDir(), journal.Options{Delay: delay, QueueBytes: 4 << 10})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { j.Close() })
		return j
	}
	queue := func(t *testing.T, j *journal.Journal, n, size int) <-chan uint64 {
		done := make(chan uint64, n)
		for range n {
			if err := j.AppendAsync([][]byte{make([]byte, size)}, func(first uint64, err error) {
				if err != nil {
					t.Error(err)
				}
				done <- first
			}); err != nil {
				t.Fatal(err)
			}
		}
		return done
	}
	t.Run("together", func(t *testing.T) {
		j := open(t, 50*time.Millisecond)
		before := j.Stats().Commits
		done := queue(t, j, 10, 10)
		for range 10 {
			<-done
		}
		if n := j.Stats().Commits - before; n > 2 { // two, if the machine stood still between two appends
			t.Errorf("%d commits for ten appends, want one", n)
		}
	})
	t.Run("append", func(t *testing.T) {
		j := open(t, never)
		done := queue(t, j, 1, 10)
		if n, err := j.Append(t.Context(), []byte("now")); n != 2 || err != nil || <-done != 1 {
			t.Errorf("append got %d, %v", n, err)
		}
	})
	t.Run("full queue", func(t *testing.T) {
		j := open(t, never)
		done := queue(t, j, 20, 500) // more than the queue holds: some would block for ever
		for range 16 {
			<-done
		}
	})
	t.Run("close", func(t *testing.T) {
		j := open(t, never)
		done := queue(t, j, 1, 10)
		if err := j.Close(); err != nil || <-done != 1 {
			t.Errorf("close: %v", err)
		}
	})
}
