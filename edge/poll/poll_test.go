package poll

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"gridhub/devices"
	"gridhub/devices/profile"
	"gridhub/devices/telemetry"
	"gridhub/devices/wire"
	"gridhub/edge/driver"
)

// line is a line whose devices answer, are silent for a timeout, or fail as
// the test says. The bubble's clock makes silence cost nothing.
type line struct {
	mu     sync.Mutex
	takes  time.Duration
	fail   map[devices.ID]error
	value  float64
	asked  map[devices.ID][]time.Time
	closed bool
}

func newLine() *line {
	return &line{takes: 10 * time.Millisecond, fail: map[devices.ID]error{}, asked: map[devices.ID][]time.Time{}}
}

func silent(id devices.ID) error {
	return &driver.ReadError{Device: id, Cause: driver.Timeout, Retry: true, Err: errors.New("no answer")}
}

func (l *line) Read(ctx context.Context, s driver.Station) (driver.Reading, error) {
	l.mu.Lock()
	err, takes := l.fail[s.ID], l.takes
	l.asked[s.ID] = append(l.asked[s.ID], time.Now())
	value := l.value
	l.mu.Unlock()
	if err != nil && driver.Cause(err) == driver.Timeout {
		takes = time.Second
	}
	sleep(ctx, takes)
	if ctx.Err() != nil {
		return driver.Reading{}, ctx.Err()
	}
	return driver.Reading{Values: []telemetry.Field{{Metric: "ch4", Value: value}}}, err
}

func (l *line) Close() error {
	l.closed = true
	return nil
}

func (l *line) set(f func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	f()
}

var gas = &profile.Profile{Name: "gas", Version: 1, Metrics: []profile.Metric{{Name: "ch4", Alarm: &profile.Threshold{Above: new(float64)}}}}

func tasks(every time.Duration, n int) []Task {
	var ts []Task
	for i := range n {
		ts = append(ts, Task{driver.Station{ID: devices.ID(fmt.Sprintf("dev-%d", i)), Profile: gas}, every})
	}
	return ts
}

// got is what reached the sink.
type got struct {
	rec    wire.Record
	urgent bool
}

// run polls for a while in a bubble and returns all records.
func run(t *testing.T, l *line, ts []Task, o Options, during func(), lasts time.Duration) (all []got, s *Scheduler) {
	s = New("bus", l, ts, func(r wire.Record, urgent bool) { all = append(all, got{r, urgent}) }, o)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- s.Run(ctx) }()
	if during != nil {
		during()
	}
	time.Sleep(lasts)
	cancel()
	if err := <-done; err != nil {
		t.Errorf("run: %v", err)
	}
	if !l.closed {
		t.Error("the line was left open")
	}
	return all, s
}

func of(all []got, id devices.ID) (some []got) {
	for _, g := range all {
		if g.rec.Device == id {
			some = append(some, g)
		}
	}
	return some
}

func TestPeriod(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ts := tasks(10*time.Second, 3)
		ts[1].Every = time.Second
		all, s := run(t, newLine(), ts, Options{}, nil, 61*time.Second)
		if n := len(of(all, "dev-0")); n != 7 {
			t.Errorf("dev-0 every 10 s: %d readings in 61 s, want 7", n)
		}
		if n := len(of(all, "dev-1")); n != 61 {
			t.Errorf("dev-1 every second: %d readings in 61 s, want 61", n)
		}
		for i, g := range of(all, "dev-1")[1:] {
			if gap := g.rec.At.Sub(of(all, "dev-1")[i].rec.At); gap < 980*time.Millisecond || gap > 1020*time.Millisecond {
				t.Errorf("reading %d came after %v, want a second", i, gap)
			}
		}
		if st := s.Stats()["dev-1"]; st.Polls != 61 || st.Failed != 0 {
			t.Errorf("stats %+v", st)
		}
	})
}

// TestSpread holds that devices of one period do not all speak at once: after
// the beginning their readings are spread over the whole period.
func TestSpread(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLine()
		start := time.Now()
		run(t, l, tasks(time.Minute, 10), Options{}, nil, 5*time.Minute)
		perSlot := map[int]int{}
		for _, asked := range l.asked {
			if first := asked[0].Sub(start); first > spread {
				t.Errorf("a device waited %v for its first reading", first)
			}
			for _, at := range asked {
				if age := at.Sub(start); age > 2*time.Minute && age < 4*time.Minute {
					perSlot[int((age+time.Second)/(6*time.Second))]++
				}
			}
		}
		for slot, n := range perSlot {
			if n != 1 {
				t.Errorf("%d readings in the six seconds from %d s on", n, 6*slot)
			}
		}
		if len(perSlot) < 19 {
			t.Errorf("readings fall in %d of 20 slots", len(perSlot))
		}
	})
}

// TestDeadDeviceStarvesNobody has five of eight devices dead, each costing a
// second of timeout; the healthy ones keep their second.
func TestDeadDeviceStarvesNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLine()
		for i := range 5 {
			id := devices.ID(fmt.Sprintf("dev-%d", i))
			l.fail[id] = silent(id)
		}
		all, _ := run(t, l, tasks(5*time.Second, 8), Options{Retries: 2}, nil, 10*time.Minute)
		for i := 5; i < 8; i++ {
			if n := len(of(all, devices.ID(fmt.Sprintf("dev-%d", i)))); n < 115 {
				t.Errorf("dev-%d: %d readings in 10 minutes, want about 120", i, n)
			}
		}
		for _, g := range of(all, "dev-0") {
			if g.rec.Quality != telemetry.Bad || g.rec.Cause != driver.Timeout || g.rec.Values != nil {
				t.Errorf("a dead device gave %+v", g.rec)
			}
		}
		if n := len(of(all, "dev-0")); n < 10 || n > 20 {
			t.Errorf("a dead device was asked %d times in 10 minutes, want about once a minute", n)
		}
		if n := len(l.asked["dev-0"]); n != len(of(all, "dev-0"))+2 {
			t.Errorf("%d attempts for %d records: want 2 retries, only while it was healthy", n, len(of(all, "dev-0")))
		}
	})
}

// TestSilentDevicesAreNotForgotten fills the line with healthy devices: one
// that failed once must still get its turn.
func TestSilentDevicesAreNotForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLine()
		l.takes = 400 * time.Millisecond // 4 devices a second: more than fits
		l.fail["dev-0"] = silent("dev-0")
		all, _ := run(t, l, tasks(time.Second, 4), Options{}, func() {
			time.Sleep(10 * time.Second)
			l.set(func() { delete(l.fail, "dev-0") })
		}, 2*time.Minute)
		good := 0
		for _, g := range of(all, "dev-0") {
			if g.rec.Quality == telemetry.Good {
				good++
			}
		}
		if good < 20 {
			t.Errorf("%d good readings after it came back, want it read like the others", good)
		}
	})
}

func TestRecovers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLine()
		l.fail["dev-0"] = silent("dev-0")
		all, s := run(t, l, tasks(time.Second, 1), Options{MaxBackoff: 16 * time.Second}, func() {
			time.Sleep(5 * time.Minute)
			l.set(func() { delete(l.fail, "dev-0") })
		}, 30*time.Second)
		some := of(all, "dev-0")
		tail := some[len(some)-1]
		if tail.rec.Quality != telemetry.Good || s.Stats()["dev-0"].Cause != "" {
			t.Errorf("not back after the longest pause: %+v", tail.rec)
		}
	})
}

// TestRetryOnlyWhereItHelps counts attempts for a refusal that stays.
func TestRetryOnlyWhereItHelps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLine()
		l.fail["dev-0"] = &driver.ReadError{Device: "dev-0", Cause: driver.Exception + "2", Err: errors.New("illegal address")}
		all, _ := run(t, l, tasks(time.Minute, 1), Options{Retries: 2}, nil, 30*time.Second)
		if len(all) != 1 || len(l.asked["dev-0"]) != 1 || all[0].rec.Cause != "exception-2" {
			t.Errorf("%d records, %d attempts: %+v", len(all), len(l.asked["dev-0"]), all)
		}
	})
}

// TestLineDownIsNoFaultOfTheDevice keeps the rhythm, so that a cable plugged
// in again is noticed within a period.
func TestLineDownIsNoFaultOfTheDevice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLine()
		down := &driver.ReadError{Device: "dev-0", Cause: driver.LineDown, Err: errors.New("unplugged")}
		l.fail["dev-0"], l.fail["dev-1"] = down, down
		all, _ := run(t, l, tasks(time.Second, 2), Options{Retries: 2}, nil, 60*time.Second)
		if n := len(of(all, "dev-1")); n < 58 {
			t.Errorf("%d records in a minute, want one a second", n)
		}
	})
}

// TestUrgent holds that a dangerous reading is urgent, and the first that is
// safe again.
func TestUrgent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLine()
		all, _ := run(t, l, tasks(time.Second, 1), Options{}, func() {
			time.Sleep(2500 * time.Millisecond)
			l.set(func() { l.value = 7 })
			time.Sleep(2 * time.Second)
			l.set(func() { l.value = -1 })
		}, 2*time.Second)
		want := []bool{false, false, false, true, true, true, false}
		for i, g := range all {
			if i >= len(want) || g.urgent != want[i] {
				t.Fatalf("reading %d urgent %v in %+v, want %v", i, g.urgent, all, want)
			}
		}
	})
}

// TestOverrun holds that a slow line skips slots and makes no bursts.
// A line that was busy reads a device late; the slot that follows at once would
// give the same instant twice.
func TestALateReadingIsNotRepeatedAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLine()
		l.takes = 0
		all, _ := run(t, l, tasks(time.Second, 2), Options{}, func() {
			time.Sleep(400 * time.Millisecond)
			l.set(func() { l.takes = 1_499_500 * time.Microsecond }) // dev-1, due at 0.5 s
			time.Sleep(time.Second)
			l.set(func() { l.takes = 0 }) // dev-0 follows at 1.9995 s, its slot is 1 s
		}, 5*time.Second)
		readings := of(all, "dev-0")
		for i := 1; i < len(readings); i++ {
			if gap := readings[i].rec.At.Sub(readings[i-1].rec.At); gap < 500*time.Millisecond {
				t.Errorf("two readings within %v", gap)
			}
		}
		if len(readings) < 5 {
			t.Errorf("%d readings in 6 s, want 5 or more", len(readings))
		}
	})
}

func TestOverrun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLine()
		l.takes = 2500 * time.Millisecond
		all, _ := run(t, l, tasks(time.Second, 1), Options{}, nil, 30*time.Second)
		if n := len(all); n < 9 || n > 12 {
			t.Errorf("%d readings of 2.5 s in 30 s, want about one every 3 s", n)
		}
	})
}
