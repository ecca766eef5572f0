package journal_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

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

func TestWritersShareCommits(t *testing.T) {
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
	if s := j.Stats(); s.Commits >= s.Records {
		t.Errorf("%d commits for %d records: nothing was grouped", s.Commits, s.Records)
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
