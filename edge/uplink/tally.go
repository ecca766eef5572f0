package uplink

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"
	"time"

	"gridhub/devices"
	"gridhub/devices/telemetry"
	"gridhub/devices/wire"
	"gridhub/streams/journal"
	"gridhub/streams/journal/fsx"
)

const (
	// tallyKept is how long an hour stays in the tally after it changed last, by
	// the time that nobody sets: clocks that go wrong by a day are put right
	// before that, and go on in hours that were counted already.
	tallyKept = 30 * telemetry.Millis(time.Hour/time.Millisecond)
	// tallySaved is how often the tally is written; what is newer is counted
	// again from the journal.
	tallySaved = 5 * time.Minute

	hourMillis = telemetry.Millis(time.Hour / time.Millisecond)
)

// tally is one stream's part of the gateway's own ledger: for each device and
// hour, how many numbers were issued, how many of them the hub has not
// acknowledged, and how many were given up. The journal is the truth: a saved
// tally is a checkpoint, and what lies behind it is counted from the records.
//
// Hours are those of the stamps that the hub gets. What is settled stands in
// the hour under which it was sent; what is pending in the one that it had by
// scale, and is counted anew when the clock was set.
type tally struct {
	file    string
	journal *journal.Journal
	filing  *filing
	up      func() telemetry.Millis // the machine's age

	walking sync.Mutex // held while the journal is read; before mu
	place   place

	mu      sync.Mutex
	counted uint64 // numbers below it are in issued
	settled uint64 // numbers below it are delivered or lost
	adrift  uint64 // of these, damaged ones: nobody knows their device
	hours   map[cell]*sums
	scale   scale           // by which what is pending is counted
	next    scale           // by which it is being counted anew
	anew    map[cell]uint64 // by next; nil when that is not under way
}

// cell names one device and hour, by the gateway's clock.
type cell struct {
	device devices.ID
	hour   telemetry.Millis
}

// sums are one cell's counts.
type sums struct {
	issued, pending, lost uint64
	news                  bool             // not told to the hub yet
	touched               telemetry.Millis // the machine's age when they changed last; negative: in an earlier run of it
}

// savedTally is the file's content.
type savedTally struct {
	Epoch   uint64      `json:"epoch"`
	Counted uint64      `json:"counted"`
	Settled uint64      `json:"settled"`
	Adrift  uint64      `json:"adrift,omitempty"`
	Hours   []savedHour `json:"hours"`
	Scale   savedScale  `json:"scale"`
	Filed   filed       `json:"filed"`
}

// savedHour is one cell.
type savedHour struct {
	wire.AccountHour
	Idle telemetry.Millis `json:"idle,omitempty"` // how long it has not changed
}

// openTally reads the checkpoint and counts what was issued since. Without a
// sound one it counts all that the journal still has, by the scale as it is.
func openTally(file string, j *journal.Journal, clock *timescale) (*tally, error) {
	t := &tally{file: file, journal: j, counted: j.First(), settled: j.First(), hours: map[cell]*sums{}, scale: clock.scale(), up: clock.age}
	saved, err := readTally(file)
	switch {
	case err != nil:
		return nil, err
	case saved.Epoch == j.Epoch() && saved.Settled <= saved.Counted && saved.Counted <= j.Next():
		t.take(saved)
	}
	t.filing = newFiling(t.settled)
	t.filing.restore(saved.Filed)
	err = t.walk(t.counted, j.Next(), func(number uint64, h heading) { t.issue(number, h) }, func(upto, _ uint64) { t.counted = upto })
	return t, err
}

func readTally(file string) (s savedTally, err error) {
	text, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return s, nil
	}
	if err != nil {
		return s, fmt.Errorf("tally: %w", err)
	}
	if json.Unmarshal(text, &s) != nil {
		return savedTally{}, nil // damaged: the journal tells
	}
	return s, nil
}

func (t *tally) take(s savedTally) {
	t.counted, t.settled, t.adrift = s.Counted, s.Settled, s.Adrift
	if s.Counted > s.Settled {
		t.scale = s.Scale.scale()
	}
	for _, h := range s.Hours {
		t.hours[cell{h.Device, h.Hour}] = &sums{issued: h.Polled, pending: h.Pending, lost: h.Lost, news: true, touched: t.up() - h.Idle}
	}
}

// issued notes that r got a number. It is called in the order of numbers.
func (t *tally) issued(number uint64, r reading) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.issue(number, heading{r.Device, r.mark, r.At})
}

func hourOf(at telemetry.Millis) telemetry.Millis { return at - at%hourMillis }

// issue is issued; mu is held.
func (t *tally) issue(number uint64, h heading) {
	if number < t.counted {
		return
	}
	s := t.touch(h.cell(t.scale))
	s.issued++
	s.pending++
	t.counted = number + 1
	if t.anew != nil {
		t.anew[h.cell(t.next)]++
	}
}

// touch returns the sums of c, which are about to change. mu is held.
func (t *tally) touch(c cell) *sums {
	s := t.hours[c]
	if s == nil {
		s = &sums{}
		t.hours[c] = s
	}
	s.news, s.touched = true, t.up()
	return s
}

// deliver notes that everything below upto is acknowledged.
func (t *tally) deliver(upto uint64) error {
	return t.settle(upto, func(uint64) bool { return true })
}

// settle notes that nothing below upto is pending any more: acknowledged says
// of each number whether it was delivered; else it is lost.
func (t *tally) settle(upto uint64, acknowledged func(uint64) bool) error {
	t.walking.Lock()
	defer t.walking.Unlock()
	t.mu.Lock()
	from := t.settled
	upto = min(upto, t.counted)
	t.mu.Unlock()
	err := t.walk(from, upto, func(number uint64, h heading) {
		delivered := acknowledged(number)
		hour, sent := t.filing.of(number, h.at)
		t.mu.Lock()
		defer t.mu.Unlock()
		counted := h.cell(t.scale)
		if !sent {
			hour = counted.hour
		}
		t.leave(counted, hour, delivered)
		t.settled = number + 1
	}, func(upto, n uint64) {
		t.mu.Lock()
		defer t.mu.Unlock()
		t.adrift += n
		t.settled = upto
	})
	t.mu.Lock()
	defer t.mu.Unlock()
	t.filing.forget(t.settled)
	t.resolve()
	return err
}

// leave takes one number out of what is pending in c, and counts it in the hour
// under which it was sent. mu is held.
func (t *tally) leave(c cell, hour telemetry.Millis, delivered bool) {
	if s := t.hours[c]; s == nil || s.pending == 0 {
		return
	}
	s := t.touch(c)
	s.pending--
	if hour != c.hour {
		s.issued--
		s = t.touch(cell{c.device, hour})
		s.issued++
	}
	if !delivered {
		s.lost++
	}
}

// resolve finds out, when nothing is under way, whose the damaged numbers were:
// of those who still miss some. mu is held.
func (t *tally) resolve() {
	if t.adrift == 0 || t.settled != t.counted {
		return
	}
	t.adrift = 0
	for c, s := range t.hours {
		if s.pending > 0 {
			s = t.touch(c)
			s.lost, s.pending = s.lost+s.pending, 0
		}
	}
}

// walk reads the records from number from up to upto: each that is there goes
// to one, each run of n that is not goes to none, with the number behind it.
func (t *tally) walk(from, upto uint64, one func(uint64, heading), none func(upto, n uint64)) error {
	for from < upto {
		records, err := t.place.at(t.journal, from).Next(context.Background(), int(min(upto-from, 4096)), 1<<20)
		if err != nil {
			return fmt.Errorf("tally: %w", err)
		}
		for _, r := range records {
			end := r.Number + max(r.Lost, 1)
			if h, ok := headingOf(r); ok {
				one(r.Number, h)
			} else {
				end = min(end, upto)
				none(end, end-r.Number)
			}
			from = end
		}
		t.place.next = from
	}
	return nil
}

// release lets go of the segment that was read last: one that is removed frees
// no room while it is open.
func (t *tally) release() {
	t.walking.Lock()
	defer t.walking.Unlock()
	t.place.leave()
}

// heading is what a spooled record begins with: whose it is and from when.
type heading struct {
	device devices.ID
	mark   mark
	at     telemetry.Millis // as it is stored
}

// headingOf reads the heading of a journal's record.
func headingOf(r journal.Record) (h heading, ok bool) {
	if r.Kind != journal.Data || len(r.Data) < 2 || r.Data[0] < 1 || r.Data[0] > recordFormat {
		return h, false
	}
	d := scanner{rest: r.Data[2:]}
	h.at = telemetry.Millis(d.varint())
	d.varint() // its own clock
	if r.Data[0] > 1 {
		h.mark = mark{d.uvarint(), telemetry.Millis(d.varint())}
	}
	h.device = devices.ID(d.text())
	return h, !d.bad
}

// cell is where h counts by a scale.
func (h heading) cell(by scale) cell {
	at, _ := by.at(h.mark, h.at)
	return cell{h.device, hourOf(at)}
}

// save writes the checkpoint and forgets hours that rest, are over and told.
func (t *tally) save(now telemetry.Millis) error {
	up := t.up()
	t.mu.Lock()
	s := savedTally{Epoch: t.journal.Epoch(), Counted: t.counted, Settled: t.settled, Adrift: t.adrift, Scale: t.scale.saved(), Filed: t.filing.saved()}
	for c, n := range t.hours {
		if n.pending == 0 && !n.news && (n.issued == 0 || c.hour < now && up-n.touched > tallyKept) {
			delete(t.hours, c)
			continue
		}
		s.Hours = append(s.Hours, savedHour{n.account(c), up - n.touched})
	}
	t.mu.Unlock()
	text, err := json.Marshal(s)
	if err != nil {
		return fmt.Errorf("tally: %w", err)
	}
	return fsx.Replace(t.file, text)
}

func (s *sums) account(c cell) wire.AccountHour {
	return wire.AccountHour{Device: c.device, Hour: c.hour, Polled: s.issued, Pending: s.pending, Lost: s.lost}
}

// waits reports whether anything of device is pending, or not counted yet.
func (t *tally) waits(device devices.ID) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	for c, s := range t.hours {
		if c.device == device && s.pending > 0 {
			return true
		}
	}
	return t.counted < t.journal.Next()
}
