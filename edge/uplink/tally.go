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
	// tallyKept is how long an hour stays in the tally that has nothing pending:
	// longer than clocks are set back.
	tallyKept = 6 * telemetry.Millis(time.Hour/time.Millisecond)
	// tallySaved is how often the tally is written; what is newer is counted
	// again from the journal.
	tallySaved = 5 * time.Minute

	hourMillis = telemetry.Millis(time.Hour / time.Millisecond)
)

// tally is one stream's part of the gateway's own ledger: for each device and
// hour, how many numbers were issued, how many of them the hub has not
// acknowledged, and how many were given up. The journal is the truth: a saved
// tally is a checkpoint, and what lies behind it is counted from the records.
type tally struct {
	file    string
	journal *journal.Journal

	walking sync.Mutex // held while the journal is read; before mu
	place   place

	mu      sync.Mutex
	counted uint64 // numbers below it are in issued
	settled uint64 // numbers below it are delivered or lost
	adrift  uint64 // of these, damaged ones: nobody knows their device
	hours   map[cell]*sums
}

// cell names one device and hour, by the gateway's clock.
type cell struct {
	device devices.ID
	hour   telemetry.Millis
}

// sums are one cell's counts.
type sums struct {
	issued, pending, lost uint64
	news                  bool // not told to the hub yet
}

// savedTally is the file's content.
type savedTally struct {
	Epoch   uint64             `json:"epoch"`
	Counted uint64             `json:"counted"`
	Settled uint64             `json:"settled"`
	Adrift  uint64             `json:"adrift,omitempty"`
	Hours   []wire.AccountHour `json:"hours"`
}

// openTally reads the checkpoint and counts what was issued since. Without a
// sound one it counts all that the journal still has.
func openTally(file string, j *journal.Journal) (*tally, error) {
	t := &tally{file: file, journal: j, counted: j.First(), settled: j.First(), hours: map[cell]*sums{}}
	saved, err := readTally(file)
	switch {
	case err != nil:
		return nil, err
	case saved.Epoch == j.Epoch() && saved.Settled <= saved.Counted && saved.Counted <= j.Next():
		t.take(saved)
	}
	err = t.walk(t.counted, j.Next(), func(number uint64, c cell) { t.issue(number, c) }, func(upto, _ uint64) { t.counted = upto })
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
	for _, h := range s.Hours {
		t.hours[cell{h.Device, h.Hour}] = &sums{issued: h.Polled, pending: h.Pending, lost: h.Lost, news: true}
	}
}

// issued notes that rec got a number. It is called in the order of numbers.
func (t *tally) issued(number uint64, rec wire.Record) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.issue(number, cellOf(rec.Device, rec.At))
}

func cellOf(id devices.ID, at telemetry.Millis) cell { return cell{id, at - at%hourMillis} }

func (t *tally) issue(number uint64, c cell) {
	if number < t.counted {
		return
	}
	s := t.hours[c]
	if s == nil {
		s = &sums{}
		t.hours[c] = s
	}
	s.issued++
	s.pending++
	s.news = true
	t.counted = number + 1
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
	err := t.walk(from, upto, func(number uint64, c cell) {
		delivered := acknowledged(number)
		t.mu.Lock()
		defer t.mu.Unlock()
		t.leave(c, delivered)
		t.settled = number + 1
	}, func(upto, n uint64) {
		t.mu.Lock()
		defer t.mu.Unlock()
		t.adrift += n
		t.settled = upto
	})
	t.mu.Lock()
	defer t.mu.Unlock()
	t.resolve()
	return err
}

// leave takes one number of c out of what is pending. mu is held.
func (t *tally) leave(c cell, delivered bool) {
	s := t.hours[c]
	if s == nil || s.pending == 0 {
		return
	}
	s.pending--
	if !delivered {
		s.lost++
	}
	s.news = true
}

// resolve finds out, when nothing is under way, whose the damaged numbers were:
// of those who still miss some. mu is held.
func (t *tally) resolve() {
	if t.adrift == 0 || t.settled != t.counted {
		return
	}
	t.adrift = 0
	for _, s := range t.hours {
		if s.pending > 0 {
			s.lost, s.pending, s.news = s.lost+s.pending, 0, true
		}
	}
}

// walk reads the records from number from up to upto: each that is there goes
// to one, each run of n that is not goes to none, with the number behind it.
func (t *tally) walk(from, upto uint64, one func(uint64, cell), none func(upto, n uint64)) error {
	for from < upto {
		records, err := t.place.at(t.journal, from).Next(context.Background(), int(min(upto-from, 4096)), 1<<20)
		if err != nil {
			return fmt.Errorf("tally: %w", err)
		}
		for _, r := range records {
			end := r.Number + max(r.Lost, 1)
			if c, ok := heading(r); ok {
				one(r.Number, c)
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

// heading returns whose a journal's record is.
func heading(r journal.Record) (cell, bool) {
	if r.Kind != journal.Data || len(r.Data) < 2 || r.Data[0] < 1 || r.Data[0] > recordFormat {
		return cell{}, false
	}
	d := scanner{rest: r.Data[2:]}
	at := telemetry.Millis(d.varint())
	d.varint() // its own clock
	if r.Data[0] > 1 {
		d.uvarint() // the mark
		d.varint()
	}
	id := devices.ID(d.text())
	return cellOf(id, at), !d.bad
}

// save writes the checkpoint and forgets hours that are long over and told.
func (t *tally) save(now telemetry.Millis) error {
	t.mu.Lock()
	s := savedTally{Epoch: t.journal.Epoch(), Counted: t.counted, Settled: t.settled, Adrift: t.adrift}
	for c, n := range t.hours {
		if n.pending == 0 && !n.news && c.hour < now-tallyKept {
			delete(t.hours, c)
			continue
		}
		s.Hours = append(s.Hours, n.account(c))
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
