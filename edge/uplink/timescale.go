package uplink

import (
	"context"
	"encoding/json"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"gridhub/devices/telemetry"
	"gridhub/devices/wire"
	"gridhub/streams/journal/fsx"
)

// Machine is where a gateway reads its clocks. Wall may be wrong and may be
// set at any time; Up runs evenly from the machine's start and counts sleep.
type Machine struct {
	Wall func() time.Time
	Up   func() time.Duration
	Boot string // another after each start of the machine
}

// mark says when something was, in the time that nobody can set: so long
// after the start of that boot. The zero mark is unknown.
type mark struct {
	boot uint64
	up   telemetry.Millis
}

// boot is one run of the machine, as far as it was seen.
type boot struct {
	Number uint64           `json:"number"`
	ID     string           `json:"id"`
	Zero   telemetry.Millis `json:"zero"` // what the clock would have shown at its start; 0 = it was never set
	Up     telemetry.Millis `json:"up"`   // when it was last seen
}

// timescale is the gateway's own time, kept over steps of the clock and over
// restarts. A record is marked with the boot and how long it had been running;
// when it is sent, its stamp is what the clock, as it is set now, would have
// shown then. So what was read in 1970 stands where it belongs as soon as the
// clock is right, whether it was set meanwhile or only the hub knows better.
//
// Of a boot that ended before its clock was ever set, nobody knows when it was.
// It is taken to have ended when the next one began, which is the latest that
// it can have been, and its records are called uncertain. So is one whose clock
// was so far ahead that it would have ended later than that.
type timescale struct {
	machine Machine
	path    string
	log     *slog.Logger
	since   time.Duration // the machine's, when the program started
	saving  sync.Mutex    // held while the file is written; before mu

	mu     sync.Mutex
	boots  []boot           // the present one last, at most maxBoots
	steps  uint64           // how often the clock was set while we ran
	set    telemetry.Millis // the machine's age when it last was
	looked bool             // the clock was read before
	right  chan struct{}    // closed when the clock was set, or the hub told the time
}

const (
	neverSet  = telemetry.Millis(1_420_070_400_000) // 2015-01-01: an earlier clock was never set
	maxBoots  = 32                                  // more than that many starts without a hub: the oldest keep the stamps they had
	keepBoots = time.Minute                         // how often the present boot's age is saved
	drift     = 10_000                              // one in so many is what a quartz may be off by
	lostClock = "clock-lost"                        // cause of a record whose time is only known to be the latest possible
)

// openTimescale reads what is known of earlier boots. A file that cannot be
// read is started anew: their records then keep the stamps they were given.
func openTimescale(dir string, m Machine, log *slog.Logger) *timescale {
	t := &timescale{machine: m, path: filepath.Join(dir, "boots.json"), log: log, since: m.Up(), right: make(chan struct{})}
	if b, err := os.ReadFile(t.path); err == nil {
		if err := json.Unmarshal(b, &t.boots); err != nil {
			log.Warn("record of earlier starts cannot be read and begins anew", "error", err)
			t.boots = nil
		}
	}
	n := uint64(0)
	if len(t.boots) > 0 {
		n = t.boots[len(t.boots)-1].Number
	}
	if n == 0 || t.boots[len(t.boots)-1].ID != m.Boot {
		t.boots = append(t.boots, boot{Number: n + 1, ID: m.Boot})
		t.boots = t.boots[max(0, len(t.boots)-maxBoots):]
	}
	t.save() // no number is given twice, whatever happens next
	return t
}

// look reads the clocks into the present boot. The caller holds mu.
func (t *timescale) look() (up telemetry.Millis) {
	b := &t.boots[len(t.boots)-1]
	wall := telemetry.At(t.machine.Wall())
	b.Up = t.age()
	defer func() { t.looked = true }()
	if wall < neverSet {
		return b.Up // not set yet, or lost since: what was known of it holds on
	}
	zero := wall - b.Up
	if d := zero.Sub(b.Zero); d > telemetry.Trusted || d < -telemetry.Trusted {
		if b.Zero != 0 || t.looked {
			t.steps++
			t.set = b.Up
			t.log.Warn("the clock was set", "by", d)
		}
	}
	b.Zero = zero
	return b.Up
}

// known returns a channel that is closed as soon as somebody has set the clock
// of this boot, or the hub told the time.
func (t *timescale) known() <-chan struct{} {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.look()
	select {
	case <-t.right:
	default:
		if t.boots[len(t.boots)-1].Zero != 0 {
			close(t.right)
		}
	}
	return t.right
}

// zeros returns, for each boot, what the present clock would have shown at its
// start, and whether that is more than a guess. The caller holds mu.
func (t *timescale) zeros() (zero []telemetry.Millis, sure []bool) {
	n := len(t.boots)
	zero, sure = make([]telemetry.Millis, n), make([]bool, n)
	floor := neverSet // a clock that was never set begins where the last boot ended
	for i, b := range t.boots {
		zero[i], sure[i] = b.Zero, b.Zero != 0
		if !sure[i] {
			zero[i] = floor
		}
		floor = zero[i] + b.Up
	}
	set := sure[n-1]
	sure[n-1] = true // the present clock is what all is told by
	for i := n - 2; i >= 0; i-- {
		if zero[i]+t.boots[i].Up > zero[i+1]+telemetry.Millis(telemetry.Trusted.Milliseconds()) {
			sure[i] = false // no boot ends after the next began: its clock was ahead
		}
		if !sure[i] {
			zero[i] = zero[i+1] - t.boots[i].Up
		}
		sure[i] = sure[i] && set // else the hub moves them with the present, whose distance nobody knows
	}
	return zero, sure
}

// told takes what the hub's clock showed when it sent something that has just
// come. A clock that nobody has set goes by it; the way only makes it late, so
// the latest is the best.
func (t *timescale) told(now telemetry.Millis) {
	if now < neverSet {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	up := t.look()
	b := &t.boots[len(t.boots)-1]
	if telemetry.At(t.machine.Wall()) < neverSet {
		b.Zero = max(b.Zero, now-up)
	}
	select {
	case <-t.right:
	default:
		close(t.right)
	}
}

// mark returns the mark of something that the wall clock showed at, within the
// last minute; unknown if it did not and was not set in between.
func (t *timescale) mark(at telemetry.Millis) mark {
	t.mu.Lock()
	defer t.mu.Unlock()
	up := t.look()
	ago := telemetry.At(t.machine.Wall()).Sub(at)
	if ago < 0 || ago > time.Minute {
		if at >= neverSet && up.Sub(t.set) > time.Minute {
			return mark{}
		}
		ago = 0 // the clock was set in between
	}
	return mark{t.boots[len(t.boots)-1].Number, up.Add(-ago)}
}

// ClockStatus tells how the gateway's clock stands.
type ClockStatus struct {
	Set   bool   // somebody has set it, or the hub told the time; else stamps only keep their distances
	Steps uint64 // how often it was set by more than telemetry.Trusted since the program started
}

func (t *timescale) status() ClockStatus {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.look()
	return ClockStatus{Set: t.boots[len(t.boots)-1].Zero != 0, Steps: t.steps}
}

// scale translates stamps at one moment.
type scale struct {
	now   telemetry.Millis
	first uint64 // number of the oldest boot that is known
	zero  []telemetry.Millis
	sure  []bool
}

// scale reads the clock once, so that what one message says fits together.
func (t *timescale) scale() scale {
	t.mu.Lock()
	defer t.mu.Unlock()
	up := t.look()
	zero, sure := t.zeros()
	return scale{now: zero[len(zero)-1] + up, first: t.boots[0].Number, zero: zero, sure: sure}
}

// stamp gives records the stamps that fit now.
func (s scale) stamp(all []reading) []wire.Record {
	out := make([]wire.Record, len(all))
	for i, r := range all {
		sure := true
		if r.At, sure = s.at(r.mark, r.At); !sure && r.Lost == 0 {
			r.Quality = max(r.Quality, telemetry.Uncertain)
			if r.Cause == "" {
				r.Cause = lostClock
			}
		}
		out[i] = r.Record
	}
	return out
}

// at returns the stamp of what was marked m and stamped at, and whether it is
// sure. A difference that a quartz may have made is left alone: the older
// stamp is the better one then.
func (s scale) at(m mark, at telemetry.Millis) (telemetry.Millis, bool) {
	i := m.boot - s.first
	if m.boot < s.first || i >= uint64(len(s.zero)) {
		if at < neverSet {
			return max(s.now-telemetry.Millis(time.Second.Milliseconds()), neverSet), false // of a start that is forgotten
		}
		return at, true
	}
	right := s.zero[i] + m.up
	spare := telemetry.Millis(telemetry.Trusted.Milliseconds()) + m.up/drift
	if d := right - at; at >= neverSet && d <= spare && d >= -spare {
		return at, s.sure[i]
	}
	return right, s.sure[i]
}

// ages returns how long the program and the machine have been up.
func (t *timescale) ages() (program, machine time.Duration) {
	up := t.machine.Up()
	return up - t.since, up
}

// age is how long the machine has been up.
func (t *timescale) age() telemetry.Millis {
	return telemetry.Millis(t.machine.Up().Milliseconds())
}

// keep saves the present boot's age until ctx ends.
func (t *timescale) keep(ctx context.Context) {
	for {
		t.save()
		sleep(ctx, keepBoots)
		if ctx.Err() != nil {
			return
		}
	}
}

// save writes what is known of all boots, durably, whole or not at all: the
// boots are what the marks of all records mean. What is lost with a power cut
// is the last minute's age.
func (t *timescale) save() {
	t.saving.Lock()
	defer t.saving.Unlock()
	t.mu.Lock()
	t.look()
	b, err := json.Marshal(t.boots)
	t.mu.Unlock()
	if err == nil {
		err = fsx.Replace(t.path, b)
	}
	if err != nil {
		t.log.Warn("age of this start cannot be saved", "error", err)
	}
}
