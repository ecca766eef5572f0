package poll

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"gridhub/devices"
	"gridhub/devices/telemetry"
	"gridhub/devices/wire"
	"gridhub/edge/driver"
)

// polling runs a scheduler until stop is called, which returns all records.
func polling(t *testing.T, l *line, ts []Task, o Options) (s *Scheduler, stop func() []wire.Record) {
	var all []wire.Record
	s = New("bus", l, ts, func(r wire.Record, _ bool) { all = append(all, r) }, o)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- s.Run(ctx) }()
	return s, func() []wire.Record {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("run: %v", err)
		}
		return all
	}
}

// seven is a command after which ch4 is 7.
func seven(context.Context, driver.Line, driver.Station) (driver.Reading, error) {
	return driver.Reading{Values: []telemetry.Field{{Metric: "ch4", Value: 7}}}, nil
}

// TestTurnAtOnce holds that a command waits for the reading at hand and the
// line's pause, and for no reading that is not due; and that what the device
// said is a record, which disturbs none of the others.
func TestTurnAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLine()
		l.takes = 400 * time.Millisecond
		s, stop := polling(t, l, tasks(time.Minute, 1), Options{Pause: 50 * time.Millisecond})
		start := time.Now()
		for _, tt := range []struct{ asked, done time.Duration }{
			{350 * time.Millisecond, 450 * time.Millisecond}, // the first reading is on the line
			{30 * time.Second, 30 * time.Second},
		} {
			time.Sleep(tt.asked - time.Since(start))
			if r, err := s.Turn(t.Context(), "dev-0", seven); err != nil || r.Values[0].Value != 7 {
				t.Errorf("%+v, %v", r, err)
			}
			if took := time.Since(start); took != tt.done {
				t.Errorf("turn ended after %v, want %v", took, tt.done)
			}
		}
		time.Sleep(5 * time.Minute)
		all := stop()
		told := slices.DeleteFunc(slices.Clone(all), func(r wire.Record) bool { return r.Values["ch4"] != 7 })
		if len(told) != 2 || len(all) != 2+6 {
			t.Errorf("%d records, %d of them of commands, want 8 and 2", len(all), len(told))
		}
		if st := s.Stats()["dev-0"]; st.Polls != 8 || st.Failed != 0 {
			t.Errorf("stats %+v", st)
		}
	})
}

// TestTurnsQueue holds that commands wait for one another, let a due reading
// in between, and are refused when too many wait.
func TestTurnsQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLine()
		s, stop := polling(t, l, tasks(100*time.Millisecond, 2), Options{})
		time.Sleep(time.Second)
		var mu sync.Mutex
		var order []int
		var waiting sync.WaitGroup
		busy := 0
		for n := range maxTurns + 2 {
			waiting.Go(func() {
				_, err := s.Turn(t.Context(), "dev-0", func(ctx context.Context, _ driver.Line, _ driver.Station) (driver.Reading, error) {
					sleep(ctx, time.Second)
					mu.Lock()
					defer mu.Unlock()
					order = append(order, n)
					return driver.Reading{}, nil
				})
				mu.Lock()
				defer mu.Unlock()
				if errors.Is(err, ErrBusy) {
					busy++
				} else if err != nil {
					t.Errorf("turn %d: %v", n, err)
				}
			})
			if n == 0 {
				time.Sleep(100 * time.Millisecond) // it is at work
			}
			synctest.Wait() // one after the other
		}
		l.set(func() { l.asked = map[devices.ID][]time.Time{} })
		waiting.Wait()
		stop()
		if !slices.IsSorted(order) || len(order) != maxTurns+1 || busy != 1 {
			t.Errorf("order %v, %d were refused", order, busy)
		}
		if n := len(l.asked["dev-0"]) + len(l.asked["dev-1"]); n < maxTurns-1 {
			t.Errorf("%d readings between %d commands", n, maxTurns)
		}
	})
}

// TestTurnEnds holds that nobody waits for a line that is not read any more,
// and that what is not wanted any more is not begun.
func TestTurnEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, stop := polling(t, newLine(), tasks(time.Minute, 1), Options{})
		if _, err := s.Turn(t.Context(), "dev-9", seven); !errors.Is(err, ErrUnknown) {
			t.Errorf("a stranger: %v", err)
		}
		gone, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := s.Turn(gone, "dev-0", seven); !errors.Is(err, context.Canceled) {
			t.Errorf("nobody wants it any more: %v", err)
		}
		var waiting sync.WaitGroup
		for range 2 {
			waiting.Go(func() {
				_, err := s.Turn(t.Context(), "dev-0", func(ctx context.Context, _ driver.Line, _ driver.Station) (driver.Reading, error) {
					<-ctx.Done()
					return driver.Reading{}, context.Cause(ctx)
				})
				if !errors.Is(err, ErrStopped) {
					t.Errorf("the line stopped: %v", err)
				}
			})
		}
		synctest.Wait()
		stop()
		waiting.Wait()
		if _, err := s.Turn(t.Context(), "dev-0", seven); !errors.Is(err, ErrStopped) {
			t.Errorf("after the end: %v", err)
		}
	})
}
