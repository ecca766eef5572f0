package uplink

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"gridhub/devices/wire"
	"gridhub/streams/journal"
)

// cursorName is the hub's place in each journal.
const cursorName = "hub"

// stream is one journal and what the hub acknowledged of it.
type stream struct {
	name    string
	journal *journal.Journal
	cursor  *journal.Cursor
	tally   *tally
	time    *timescale
	log     *slog.Logger
	once    sync.Once     // of close
	dirty   chan struct{} // capacity 1: acked changed since the cursor was saved

	settling settling

	mu      sync.Mutex
	acked   acked
	refused uint64
	foreign error         // the hub claims numbers that were never given out
	more    chan struct{} // closed and renewed when acked changes
}

func openStream(dir, name string, o journal.Options, t *timescale, log *slog.Logger) (*stream, error) {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	var ready atomic.Pointer[stream] // the journal may make room while it opens
	o.Dropping = func(upto uint64) {
		if s := ready.Load(); s != nil {
			s.giveUp(upto)
		}
	}
	j, err := journal.Open(dir, o)
	if err != nil {
		return nil, err
	}
	c, err := j.Cursor(cursorName)
	if err != nil {
		j.Close()
		return nil, err
	}
	s := &stream{name: name, journal: j, time: t, cursor: c, log: log.With("stream", name), dirty: make(chan struct{}, 1), more: make(chan struct{})}
	s.acked = restore(max(c.Position(), 1)-1, c.State())
	if s.tally, err = openTally(filepath.Join(dir, "tally.json"), j, t); err != nil {
		j.Close()
		return nil, err
	}
	ready.Store(s)
	return s, nil
}

// put appends without waiting for the disk.
func (s *stream) put(rec wire.Record) {
	s.settling.begin()
	r := reading{rec, s.time.mark(rec.At)}
	settled := func(number uint64, err error) {
		if err != nil {
			s.refuse(rec, err)
		}
		s.settling.end(err)
		if err == nil {
			s.tally.issued(number, r)
		}
	}
	if err := s.journal.AppendAsync([][]byte{encode(r)}, settled); err != nil {
		settled(0, err)
	}
}

func (s *stream) refuse(rec wire.Record, err error) {
	s.mu.Lock()
	s.refused++
	n := s.refused
	s.mu.Unlock()
	if n&(n-1) == 0 { // 1, 2, 4, 8, …: a full disk must not fill the log too
		s.log.Error("record could not be stored and is lost", "device", rec.Device, "refused", n, "error", err)
	}
}

// acknowledge takes over what the hub says is durable.
func (s *stream) acknowledge(a wire.Acknowledgement) {
	if a.Epoch != s.journal.Epoch() {
		s.stranger(a)
		return
	}
	given := s.journal.Next() - 1
	highest := a.Upto
	for _, r := range a.Ranges {
		highest = max(highest, r[1])
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if highest > given {
		// An older copy of the spool was put back: numbers would be used twice,
		// and the hub would take new records for old ones.
		s.foreign = fmt.Errorf("the hub has %s records up to %d, this spool gave out %d: it is an old copy, move it aside", s.name, highest, given)
		s.log.Error("spool is older than what the hub has", "error", s.foreign)
		return
	}
	if errors.Is(s.foreign, errTwin) {
		s.foreign = nil
	}
	s.acked.add(1, a.Upto)
	for _, r := range a.Ranges {
		s.acked.add(r[0], r[1])
	}
	close(s.more)
	s.more = make(chan struct{})
	select {
	case s.dirty <- struct{}{}:
	default:
	}
}

// errTwin is told while it lasts: an acknowledgement of ours ends it.
var errTwin = errors.New("the hub speaks of a newer spool than this one: another gateway uses this id, or this is an old copy")

// stranger notes an acknowledgement of another epoch. The hub speaks of the one
// that it heard last: an older one than ours is of a spool that was lost; a newer
// one was begun by somebody else under this identity.
func (s *stream) stranger(a wire.Acknowledgement) {
	s.log.Info("acknowledgement of another epoch", "epoch", a.Epoch, "own", s.journal.Epoch())
	s.mu.Lock()
	defer s.mu.Unlock()
	if a.Epoch > s.journal.Epoch() && s.foreign == nil {
		s.foreign = errTwin
		s.log.Error("another gateway uses this identity", "error", errTwin)
	}
}

// saveEvery is the shortest time between two savings of what is acknowledged.
const saveEvery = time.Second

// keep saves acknowledgements until ctx ends. Several that come within a second
// are saved together; those that a crash forgets are sent once more.
func (s *stream) keep(ctx context.Context) {
	count := time.NewTicker(tallySaved)
	defer count.Stop()
	for {
		select {
		case <-s.dirty:
			s.save()
			sleep(ctx, saveEvery)
		case <-count.C:
			s.saveTally()
		case <-ctx.Done():
			s.save()
			return
		}
	}
}

func (s *stream) save() {
	s.mu.Lock()
	upto, state := s.acked.upto, s.acked.state()
	s.mu.Unlock()
	if err := s.cursor.Commit(upto+1, state); err != nil {
		s.log.Error("acknowledgement could not be saved, records will be sent again", "error", err)
	}
	if err := s.tally.deliver(upto + 1); err != nil {
		s.log.Error("ledger could not follow the acknowledgement", "error", err)
	}
}

// saveTally writes the checkpoint of the gateway's own ledger. Without it only
// more is counted again at the next start.
func (s *stream) saveTally() {
	if err := s.tally.save(s.time.scale().now); err != nil {
		s.log.Warn("ledger could not be saved", "error", err)
	}
}

// stamped returns what stored records look like on their way, and notes that
// they are sent so.
func (s *stream) stamped(by scale, stored []reading) []wire.Record {
	out := by.stamp(stored)
	s.tally.filing.file(stored, out)
	return out
}

// recount puts what is pending into the hours that it has now, if the clock was
// set since they were counted.
func (s *stream) recount() {
	changed, err := s.tally.recount(s.time.scale())
	if err != nil {
		s.log.Error("ledger could not follow the clock", "error", err)
	} else if changed {
		s.saveTally()
	}
}

// giveUp notes whose records the journal is about to drop.
func (s *stream) giveUp(upto uint64) {
	err := s.tally.settle(upto, func(n uint64) bool {
		_, _, open := s.open(n, n)
		return !open
	})
	s.tally.release()
	if err != nil {
		s.log.Error("ledger could not follow what was dropped", "error", err)
	}
}

// floor is the lowest number that is not acknowledged.
func (s *stream) floor() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.acked.upto + 1
}

// open returns the first run within first to last that is not acknowledged.
func (s *stream) open(first, last uint64) (from, to uint64, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.acked.open(first, last)
}

// changed returns a channel that is closed at the next acknowledgement.
func (s *stream) changed() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.more
}

func (s *stream) statusNow() StreamStatus {
	stats := s.journal.Stats()
	s.mu.Lock()
	defer s.mu.Unlock()
	st := StreamStatus{
		Stream: s.name, Epoch: s.journal.Epoch(), First: s.journal.First(), Next: s.journal.Next(),
		Floor: s.acked.upto + 1, Refused: s.refused, Bytes: stats.Size, Err: s.foreign,
	}
	if err := s.journal.Healthy(); err != nil {
		st.Err = err
	}
	return st
}

func (s *stream) close() (err error) {
	s.once.Do(func() {
		s.save()
		err = s.journal.Close()
		s.saveTally()
		s.tally.release()
	})
	return err
}
