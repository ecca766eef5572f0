package uplink

import (
	"fmt"
	"log/slog"
	"math/rand/v2"
	"testing"
	"time"

	"gridhub/devices/telemetry"
	"gridhub/devices/wire"
)

// box is a gateway's machine whose wall clock anybody may set.
type box struct {
	t     testing.TB
	dir   string
	truth time.Time     // what a right clock shows
	error time.Duration // the wall clock minus that
	up    time.Duration
	boots int
	*timescale
	kept []reading
	was  []telemetry.Millis // the right time of each
}

func newBox(t testing.TB, wall time.Time) *box {
	b := &box{t: t, dir: t.TempDir(), truth: time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)}
	b.boot(0, wall)
	return b
}

// boot starts the machine after it was off, with this on its wall clock.
func (b *box) boot(off time.Duration, wall time.Time) {
	if b.timescale != nil {
		b.save()
	}
	b.truth, b.up, b.boots = b.truth.Add(off), 0, b.boots+1
	b.set(wall)
	b.restart()
}

// restart starts the program only.
func (b *box) restart() {
	b.timescale = openTimescale(b.dir, Machine{Wall: func() time.Time { return b.truth.Add(b.error) },
		Up: func() time.Duration { return b.up }, Boot: fmt.Sprint("boot ", b.boots)}, slog.New(slog.DiscardHandler))
}

func (b *box) set(wall time.Time) { b.error = wall.Sub(b.truth) }

func (b *box) pass(d time.Duration) { b.truth, b.up = b.truth.Add(d), b.up+d }

// poll reads a device, as the scheduler and the spool do.
func (b *box) poll() {
	at := telemetry.At(b.truth.Add(b.error))
	b.was = append(b.was, telemetry.At(b.truth))
	b.pass(40 * time.Millisecond) // the answer takes its time
	r, err := decode(encode(reading{wire.Record{Device: "d", At: at, Values: map[string]float64{"v": 1}}, b.mark(at)}))
	if err != nil {
		b.t.Fatal(err)
	}
	b.kept = append(b.kept, r)
}

// landed is when the hub, whose clock is right, takes each record to have been
// made: it moves the stamps by what `now` is off.
func (b *box) landed() (at []telemetry.Millis, sent []wire.Record) {
	s := b.scale()
	offset := telemetry.At(b.truth) - s.now
	if d := offset.Sub(0); d <= telemetry.Trusted && d >= -telemetry.Trusted {
		offset = 0
	}
	sent = s.stamp(b.kept)
	for _, r := range sent {
		if r.At < 0 {
			b.t.Errorf("a stamp of %d cannot be sent", r.At)
		}
		at = append(at, r.At+offset)
	}
	return at, sent
}

// right checks that every record lands within a second of when it was made.
func (b *box) right(what string) {
	b.t.Helper()
	at, sent := b.landed()
	for i := range at {
		if d := at[i].Sub(b.was[i]); d > time.Second || d < -time.Second || sent[i].Quality != telemetry.Good {
			b.t.Errorf("%s: record %d lands %v from where it belongs, %s", what, i, d, sent[i].Quality)
		}
	}
}

func TestClockSetInTheMiddleOfABacklog(t *testing.T) {
	epoch := time.Unix(8, 0)
	b := newBox(t, epoch)
	for range 5 {
		b.poll()
		b.pass(10 * time.Second)
	}
	b.right("before the clock was ever set, the hub knows better")
	b.restart()
	b.set(b.truth) // fifty-six years at once
	b.poll()
	b.right("set by the network")
	for _, jump := range []time.Duration{25 * time.Hour, -time.Hour, 0} {
		b.pass(time.Minute)
		b.set(b.truth.Add(jump))
		b.poll()
		b.right("jumped by " + jump.String())
	}
	b.set(epoch)
	b.poll()
	b.right("fell back to 1970")
	b.set(b.truth)
	b.pass(time.Hour)
	b.right("and was set again")
	if b.steps < 4 {
		t.Errorf("%d steps counted", b.steps)
	}
}

func TestRestartOfAMachineWithAClock(t *testing.T) {
	b := newBox(t, time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC))
	b.poll()
	b.boot(3*time.Hour, b.truth.Add(3*time.Hour))
	b.poll()
	b.right("the battery kept the time")
	b.set(time.Unix(8, 0))
	b.right("its clock was lost later")
}

// Two starts without a clock, the network only then: when the first was is known
// from one side only. Its records keep their distances, are taken to have ended
// when the second began, and are called uncertain.
func TestTwoStartsWithoutAClock(t *testing.T) {
	b := newBox(t, time.Unix(8, 0))
	b.poll()
	b.pass(30 * time.Second)
	b.poll()
	const off = 7 * time.Minute
	b.boot(off, time.Unix(8, 0))
	began := telemetry.At(b.truth)
	b.pass(5 * time.Second)
	b.poll()
	check := func(when string) {
		t.Helper()
		at, sent := b.landed()
		if d := at[1].Sub(at[0]) - b.was[1].Sub(b.was[0]); d > time.Second || d < -time.Second {
			t.Errorf("%s: the distance is off by %v", when, d)
		}
		if at[1] > began || began.Sub(at[1]) > time.Second {
			t.Errorf("%s: the last of the first start is %v before the second", when, began.Sub(at[1]))
		}
		if sent[0].Quality != telemetry.Uncertain || sent[1].Cause != lostClock {
			t.Errorf("%s: %+v", when, sent)
		}
		if d := at[2].Sub(b.was[2]); d > time.Second || d < -time.Second || sent[2].Quality != telemetry.Good {
			t.Errorf("%s: what was read since lands %v away, %s", when, d, sent[2].Quality)
		}
	}
	check("only the hub knows the time")
	b.told(telemetry.At(b.truth) - 200)
	check("the hub told the time")
	b.set(b.truth)
	check("the network told the time")
}

// A start whose clock showed 2106, where 32 bits end, cannot have ended after the
// next one began with a right clock: its records are brought back, uncertainly.
func TestAClockThatWasFarAhead(t *testing.T) {
	b := newBox(t, time.Unix(1<<32+5, 0))
	b.poll()
	b.right("the hub knows better")
	b.boot(time.Hour, b.truth.Add(time.Hour))
	began := telemetry.At(b.truth)
	b.poll()
	at, sent := b.landed()
	if at[0] > began || began.Sub(at[0]) > time.Second || sent[0].Quality != telemetry.Uncertain {
		t.Errorf("what was read in 2106 lands at %v, %s", at[0].Time(), sent[0].Quality)
	}
	if d := at[1].Sub(b.was[1]); d > time.Second || d < -time.Second || sent[1].Quality != telemetry.Good {
		t.Errorf("what was read since lands %v away, %s", d, sent[1].Quality)
	}
}

// A quartz that runs free is set by a little when the network returns. What was
// read while it was right is not moved for it.
func TestDriftMovesNothing(t *testing.T) {
	b := newBox(t, time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC))
	b.poll()
	for range 7 * 24 {
		b.pass(time.Hour)
		b.error -= 150 * time.Millisecond
	}
	b.set(b.truth)
	if got := b.scale().stamp(b.kept)[0].At; got != b.was[0] {
		t.Errorf("moved by %v", got.Sub(b.was[0]))
	}
}

func TestStampsOfOldSpoolsStay(t *testing.T) {
	b := newBox(t, time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC))
	old := wire.Record{At: 1_700_000_000_123}
	if got := b.scale().stamp([]reading{{Record: old}})[0]; got.At != old.At || got.Quality != 0 {
		t.Errorf("%+v", got)
	}
}

// Whatever happens to the clock and the machine, order within one start is kept,
// nothing lands in the future, and what is called sure is right.
func TestAnythingHappensToTheClock(t *testing.T) {
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 70))
		b := newBox(t, time.Unix(8, 0))
		for range 40 {
			switch r.IntN(7) {
			case 6:
				b.told(telemetry.At(b.truth) - telemetry.Millis(r.IntN(300)))
			case 0:
				b.set(time.Unix(int64(r.IntN(1000)), 0))
			case 1:
				b.set(b.truth)
			case 2:
				b.boot(time.Duration(r.IntN(600))*time.Second, time.Unix(8, 0))
			case 3:
				b.restart()
			default:
				b.poll()
			}
			b.pass(time.Duration(1+r.IntN(120)) * time.Second)
		}
		at, sent := b.landed()
		for i := range at {
			wrong := at[i].Sub(b.was[i])
			if sent[i].Quality == telemetry.Good && (wrong > time.Second || wrong < -time.Second) {
				t.Fatalf("seed %d: record %d is called sure and is %v off", seed, i, wrong)
			}
			if at[i] > telemetry.At(b.truth) {
				t.Fatalf("seed %d: record %d is in the future", seed, i)
			}
			if i > 0 && at[i] < at[i-1] {
				t.Fatalf("seed %d: records %d and %d changed places", seed, i-1, i)
			}
		}
	}
}
