package uplink

import (
	"context"
	"errors"
	"sync"
)

// settling counts the records of one stream on their way to the disk. A journal
// settles what it took in the order in which it took it, so when as many have
// settled as were put before somebody began to wait, those are among them. What
// a journal refuses settles at once, out of order: whoever waits then is told
// that something was lost, which may be another's record.
type settling struct {
	mu      sync.Mutex
	put     uint64
	settled uint64
	lost    uint64 // of settled: those that are not on disk
	waiting []*settler
}

// settler waits until a number has settled.
type settler struct {
	upto, lost uint64
	done       chan error // capacity 1
}

var errNotStored = errors.New("a record could not be stored")

func (s *settling) begin() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.put++
}

func (s *settling) end(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.settled++
	if err != nil {
		s.lost++
	}
	kept := s.waiting[:0]
	for _, w := range s.waiting {
		if w.upto > s.settled {
			kept = append(kept, w)
			continue
		}
		w.done <- w.verdict(s.lost)
	}
	clear(s.waiting[len(kept):])
	s.waiting = kept
}

// mark is where a wait begins to look for losses.
func (s *settling) mark() (lost uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.lost
}

// wait returns when all that was put before is on disk, and an error when some
// of what was on its way at the mark, or put since, is not.
func (s *settling) wait(ctx context.Context, mark uint64) error {
	s.mu.Lock()
	w := &settler{upto: s.put, lost: mark, done: make(chan error, 1)}
	if s.settled >= s.put {
		err := w.verdict(s.lost)
		s.mu.Unlock()
		return err
	}
	s.waiting = append(s.waiting, w) // one for each connection that waits: bounded by their number
	s.mu.Unlock()
	select {
	case err := <-w.done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (w *settler) verdict(lost uint64) error {
	if lost != w.lost {
		return errNotStored
	}
	return nil
}
