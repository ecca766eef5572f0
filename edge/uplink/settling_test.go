package uplink

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"

	"gridhub/devices/wire"
)

// TestSettle holds that who waits is told when what was put is on disk: what
// the journal then has is all of it.
func TestSettle(t *testing.T) {
	s, err := OpenSpool(t.TempDir(), DefaultSpool(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	var putting sync.WaitGroup
	for line := range 8 {
		putting.Go(func() {
			for range 50 {
				settled := s.Settle()
				s.Put(wire.Record{Device: "dev-1", At: 1}, line%2 == 0)
				if err := settled(t.Context()); err != nil {
					t.Errorf("line %d: %v", line, err)
				}
			}
		})
	}
	putting.Wait()
	for _, st := range s.Status() {
		if st.Next != 201 {
			t.Errorf("%s: the next number is %d, want 201", st.Stream, st.Next)
		}
	}
}

// TestSettlingLoss holds that what the journal refuses, at once or later, is
// told to who waits, and to nobody who puts afterwards.
func TestSettlingLoss(t *testing.T) {
	full := errors.New("disk full")
	for name, refuse := range map[string]func(s *settling){
		"at once":              func(s *settling) { s.begin(); s.end(full) },
		"while another waits":  func(s *settling) { s.begin(); s.begin(); s.end(full); go s.end(nil) },
		"in the commit's turn": func(s *settling) { s.begin(); go s.end(full) },
	} {
		synctest.Test(t, func(t *testing.T) {
			var s settling
			mark := s.mark()
			refuse(&s)
			if err := s.wait(t.Context(), mark); err == nil {
				t.Errorf("%s: a lost record was called durable", name)
			}
			mark = s.mark()
			s.begin()
			go s.end(nil)
			if err := s.wait(t.Context(), mark); err != nil {
				t.Errorf("%s: the next: %v", name, err)
			}
		})
	}
}

// TestSettlingWaits holds that nobody is told before the disk has it, and that
// a wait ends with its context.
func TestSettlingWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s settling
		ctx, stop := context.WithCancel(t.Context())
		said := make(chan string, 2)
		s.begin()
		go func() { said <- fmt.Sprint("first ", s.wait(t.Context(), 0)) }()
		s.begin()
		go func() { said <- fmt.Sprint("second ", s.wait(ctx, 0)) }()
		synctest.Wait()
		if len(said) != 0 {
			t.Errorf("told early: %s", <-said)
		}
		stop()
		if got := <-said; got != "second context canceled" {
			t.Error(got)
		}
		s.end(nil)
		s.end(nil)
		if got := <-said; got != "first <nil>" {
			t.Error(got)
		}
	})
}
