package uplink

import (
	"maps"
	"slices"
	"sync"

	"gridhub/devices/telemetry"
	"gridhub/devices/wire"
)

// maxElsewhere bounds the numbers whose hour is remembered because their stamps
// were moved. Full: what is sent then is counted by the scale of the tally,
// which is wrong only if the clock is set again before it is acknowledged.
const maxElsewhere = 1 << 16

// filing remembers under which hour each number went to the hub first. The hub
// counts a reading by the copy that came first; a copy that is sent after the
// clock was set has another stamp, and nobody knows which of them arrived. So
// the first one settles the hour, and later ones name it.
type filing struct {
	mu        sync.Mutex
	settled   uint64                      // numbers below it are forgotten
	sent      acked                       // numbers that were sent at least once
	elsewhere map[uint64]telemetry.Millis // of sent: the hour, where it is not that of the stored stamp
}

func newFiling(settled uint64) *filing {
	return &filing{settled: settled, sent: acked{upto: settled - 1}, elsewhere: map[uint64]telemetry.Millis{}}
}

// file notes the hours of what is about to be sent: stored as it lies on disk,
// out as it goes to the hub. What was sent under another hour says so.
func (f *filing) file(stored []reading, out []wire.Record) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for i := range out {
		r := &out[i]
		hour := hourOf(r.At)
		switch first, known := f.look(r.Seq, stored[i].At); {
		case r.Lost > 0 || r.Seq < f.settled:
		case known && first != hour:
			r.Hour = first
		case !known:
			f.note(r.Seq, hour, hour != hourOf(stored[i].At))
		}
	}
}

// note notes that number is sent under hour; moved: it is not that of the
// stored stamp. mu is held.
func (f *filing) note(number uint64, hour telemetry.Millis, moved bool) {
	if moved {
		if len(f.elsewhere) >= maxElsewhere {
			return
		}
		f.elsewhere[number] = hour
	}
	f.sent.add(number, number)
}

// of returns the hour under which a number was sent first; false if it was not,
// or nobody remembers.
func (f *filing) of(number uint64, stored telemetry.Millis) (hour telemetry.Millis, known bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.look(number, stored)
}

// look is of; mu is held.
func (f *filing) look(number uint64, stored telemetry.Millis) (hour telemetry.Millis, known bool) {
	if _, _, open := f.sent.open(number, number); open || number < f.settled {
		return 0, false
	}
	if hour, moved := f.elsewhere[number]; moved {
		return hour, true
	}
	return hourOf(stored), true
}

// forget lets go of the numbers below settled.
func (f *filing) forget(settled uint64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if settled <= f.settled {
		return
	}
	f.settled = settled
	f.sent.add(1, settled-1)
	maps.DeleteFunc(f.elsewhere, func(number uint64, _ telemetry.Millis) bool { return number < settled })
}

// filed is what a checkpoint keeps of a filing.
type filed struct {
	Sent      [][2]uint64                 `json:"sent,omitempty"`      // runs of numbers, first and last
	Elsewhere map[uint64]telemetry.Millis `json:"elsewhere,omitempty"` // number to hour
}

func (f *filing) saved() filed {
	f.mu.Lock()
	defer f.mu.Unlock()
	runs := slices.Clone(f.sent.islands)
	if f.sent.upto >= f.settled {
		runs = append(runs, [2]uint64{f.settled, f.sent.upto})
	}
	return filed{runs, maps.Clone(f.elsewhere)}
}

func (f *filing) restore(s filed) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, run := range s.Sent {
		f.sent.add(run[0], run[1])
	}
	for number, hour := range s.Elsewhere {
		if number >= f.settled && len(f.elsewhere) < maxElsewhere {
			f.elsewhere[number] = hour
		}
	}
}
