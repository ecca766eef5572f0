package journal_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"gridhub/streams/journal"
	"gridhub/streams/journal/fsx"
)

// fill appends records of 100 bytes until one fails or n are in.
func fill(j *journal.Journal, n int) (int, error) {
	for i := range n {
		if _, err := j.Append(background, bytes.Repeat([]byte{1}, 100)); err != nil {
			return i, err
		}
	}
	return n, nil
}

func TestSizeRetentionRemovesWhatNobodyNeeds(t *testing.T) {
	j := open(t, fsx.NewMemory(), journal.Options{MaxBytes: 20 << 10, SegmentBytes: 4 << 10})
	if _, err := fill(j, 1000); err != nil {
		t.Fatal(err)
	}
	s := j.Stats()
	if s.Size > 20<<10 || s.First == 1 || s.Dropped != 0 {
		t.Errorf("size %d first %d dropped %d, want within the limit, nothing counted as dropped", s.Size, s.First, s.Dropped)
	}
	recs := readAll(t, j, 1)
	if g := recs[0]; g.Kind != journal.Gap || g.Number != 1 || g.Lost != s.First-1 || g.Cause != "removed by retention" {
		t.Errorf("first record is %+v, want a gap up to %d", g, s.First)
	}
}

func TestRefuseKeepsWhatACursorNeeds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := open(t, fsx.NewMemory(), journal.Options{MaxBytes: 20 << 10, SegmentBytes: 4 << 10})
		c, err := j.Cursor("slow")
		if err != nil {
			t.Fatal(err)
		}
		n, err := fill(j, 1000)
		if !errors.Is(err, journal.ErrFull) || !errors.Is(j.Healthy(), journal.ErrFull) {
			t.Fatalf("append: %v, healthy: %v, want ErrFull", err, j.Healthy())
		}
		if j.First() != 1 || len(readAll(t, j, 1)) != n {
			t.Fatalf("first %d: something that the cursor needs is gone", j.First())
		}
		if err := c.Commit(j.Next(), nil); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if err := j.Healthy(); err != nil {
			t.Fatalf("cursor moved, but: %v", err)
		}
		mustAppend(t, j, "again")
		if j.First() == 1 {
			t.Error("nothing was removed")
		}
		j.Close()
	})
}

func TestDropOldestTellsWhatIsGone(t *testing.T) {
	m := fsx.NewMemory()
	o := journal.Options{MaxBytes: 20 << 10, SegmentBytes: 4 << 10, Overrun: journal.DropOldest}
	j := open(t, m, o)
	c, err := j.Cursor("slow")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := fill(j, 100); err != nil {
		t.Fatal(err)
	}
	if err := c.Commit(11, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := fill(j, 900); err != nil {
		t.Fatal(err)
	}
	first := j.First()
	if s := j.Stats(); s.Dropped != first-11 {
		t.Errorf("dropped %d, want what the cursor lost: %d to %d", s.Dropped, 11, first)
	}
	for range 2 {
		g := readAll(t, j, c.Position())[0]
		if g.Kind != journal.Gap || g.Number != 11 || g.Lost != j.First()-11 || !strings.Contains(g.Cause, "size limit") {
			t.Errorf("got %+v, want a gap from 11 that names the limit", g)
		}
		j.Close()
		j = open(t, m, o)
		if c, err = j.Cursor("slow"); err != nil {
			t.Fatal(err)
		}
	}
}

func TestAgeRetention(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var jump atomic.Int64
		j := open(t, fsx.NewMemory(), journal.Options{
			MaxAge: 8 * time.Hour,
			Now:    func() time.Time { return time.Now().Add(time.Duration(jump.Load())) },
		})
		c, err := j.Cursor("slow")
		if err != nil {
			t.Fatal(err)
		}
		mustAppend(t, j, "old")
		time.Sleep(7 * time.Hour)
		mustAppend(t, j, "new")

		for _, by := range []time.Duration{25 * time.Hour, -time.Hour, -50 * 365 * 24 * time.Hour} {
			jump.Store(int64(by))
			time.Sleep(2 * time.Second)
			mustAppend(t, j, fmt.Sprint(by))
		}
		if j.First() != 1 {
			t.Fatal("a wall clock that jumps removed records")
		}
		time.Sleep(2 * time.Hour)
		if j.First() != 1 {
			t.Fatal("age removed what a cursor needs")
		}
		if err := c.Commit(j.Next(), nil); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Second)
		if j.First() != 2 {
			t.Fatalf("first is %d, want 2: the old record gone, the new one kept", j.First())
		}
		j.Close()
	})
}

func TestFullDiskResumesByItself(t *testing.T) {
	for name, o := range map[string]journal.Options{
		"reserve":          {SegmentBytes: 64 << 10, Reserve: 100 << 10},
		"to the last byte": {SegmentBytes: 64 << 10},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := fsx.NewMemory()
				m.SetCapacity(500 << 10)
				j := open(t, m, o)
				n, err := fill(j, 100000)
				if !errors.Is(err, journal.ErrDiskFull) || !errors.Is(j.Healthy(), journal.ErrDiskFull) {
					t.Fatalf("append: %v, healthy: %v, want ErrDiskFull", err, j.Healthy())
				}
				time.Sleep(10 * time.Second)
				if j.Healthy() == nil {
					t.Fatal("healthy although nothing was freed")
				}
				if got := len(readAll(t, j, 1)); got != n {
					t.Fatalf("%d records readable, %d acknowledged", got, n)
				}
				m.SetCapacity(1 << 20)
				time.Sleep(2 * time.Second)
				if err := j.Healthy(); err != nil {
					t.Fatalf("space is back, but: %v", err)
				}
				if got := mustAppend(t, j, "again"); got != uint64(n)+1 {
					t.Errorf("number %d, want %d", got, n+1)
				}
				j.Close()
			})
		})
	}
}

func TestFullDiskDropsOldest(t *testing.T) {
	for _, reserve := range []int64{0, 50 << 10} {
		m := fsx.NewMemory()
		m.SetCapacity(200 << 10)
		j := open(t, m, journal.Options{SegmentBytes: 16 << 10, Overrun: journal.DropOldest, Reserve: reserve})
		if _, err := j.Cursor("slow"); err != nil {
			t.Fatal(err)
		}
		if n, err := fill(j, 5000); err != nil {
			t.Fatalf("reserve %d: append %d: %v", reserve, n, err)
		}
		if s := j.Stats(); s.Dropped == 0 || s.First == 1 {
			t.Errorf("reserve %d: dropped %d, first %d", reserve, s.Dropped, s.First)
		}
	}
}

func TestOpenOnAFullDiskServesWhatIsThere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := fsx.NewMemory()
		j := open(t, m, journal.Options{})
		mustAppend(t, j, "a")
		mustAppend(t, j, "b")
		j.Close()
		m.SetCapacity(1)
		j = open(t, m, journal.Options{})
		if err := j.Healthy(); !errors.Is(err, journal.ErrDiskFull) {
			t.Errorf("healthy: %v, want ErrDiskFull", err)
		}
		if got := show(readAll(t, j, 1)); got != "1=a" {
			t.Errorf("got %q, want all but the last commit, which is not known to be durable", got)
		}
		m.SetCapacity(0)
		time.Sleep(2 * time.Second)
		if got := show(readAll(t, j, 1)); got != "1=a 2=b" {
			t.Errorf("space is back: got %q", got)
		}
		j.Close()
	})
}

// What can never fit is refused at once and does not make the journal fail.
func TestTooLargeIsTheCallersFault(t *testing.T) {
	j := open(t, fsx.NewMemory(), journal.Options{MaxBytes: 20 << 10, Overrun: journal.DropOldest})
	mustAppend(t, j, "a")
	for _, rec := range [][]byte{make([]byte, 20<<10), make([]byte, journal.MaxRecord+1)} {
		if _, err := j.Append(background, rec); !errors.Is(err, journal.ErrTooLarge) {
			t.Errorf("%d bytes: %v, want ErrTooLarge", len(rec), err)
		}
	}
	if got := show(readAll(t, j, 1)); got != "1=a" || j.Healthy() != nil {
		t.Errorf("got %q, healthy: %v", got, j.Healthy())
	}
	mustAppend(t, j, strings.Repeat("x", 17<<10)) // fits alone
	if got := readAll(t, j, 2); len(got) != 1 || len(got[0].Data) != 17<<10 {
		t.Errorf("the large record is not served")
	}
}

// A burst that fills the queue of a small journal fits it.
func TestBurstFitsASmallJournal(t *testing.T) {
	j := open(t, fsx.NewMemory(), journal.Options{MaxBytes: 20 << 10, Overrun: journal.DropOldest})
	rec := [][]byte{make([]byte, 100)}
	for range 2000 {
		err := j.AppendAsync(rec, func(_ uint64, err error) {
			if err != nil {
				t.Error(err)
			}
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	j.Close()
}
