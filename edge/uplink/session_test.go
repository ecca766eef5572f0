package uplink

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// TestMostUrgentFirst fills every lane and looks in which order the sender
// takes them: all of alarm before data, in each fresh before again before
// backlog.
func TestMostUrgentFirst(t *testing.T) {
	s := &session{wake: make(chan struct{}, 1)}
	for range 2 * lanes {
		s.ready = append(s.ready, make(chan batch, 1))
	}
	for _, stream := range []int{1, 0} {
		for _, lane := range []int{backlog, again, live} {
			if err := s.offer(t.Context(), lane, batch{stream: stream, first: uint64(lane)}); err != nil {
				t.Fatal(err)
			}
		}
	}
	for i := range 2 * lanes {
		b, err := s.take(t.Context())
		if err != nil || b.stream != i/lanes || b.first != uint64(i%lanes) {
			t.Fatalf("turn %d: lane %d of stream %d, %v", i, b.first, b.stream, err)
		}
	}
}

// TestOfferWaits holds that a lane prepares one batch ahead, no more.
func TestOfferWaits(t *testing.T) {
	s := &session{wake: make(chan struct{}, 1), ready: []chan batch{make(chan batch, 1)}}
	if err := s.offer(t.Context(), 0, batch{}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.offer(ctx, 0, batch{}); err == nil {
		t.Error("a second batch found room")
	}
}

// TestResendSlowsDown holds that what is not acknowledged is sent again after
// the configured time, then ever later, and not once it is acknowledged.
func TestResendSlowsDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := &stream{}
		o := &outstanding{stream: st, resend: 20 * time.Second}
		begin := time.Now()
		o.add(1, 10, begin)
		st.acked.add(3, 4)
		var sent []int // seconds
		for range 600 {
			time.Sleep(time.Second)
			runs := o.overdue(time.Now())
			if len(runs) == 0 {
				continue
			}
			if len(runs) != 2 || runs[0] != [2]uint64{1, 2} || runs[1] != [2]uint64{5, 10} {
				t.Fatalf("runs %v, want 1-2 and 5-10", runs)
			}
			sent = append(sent, int(time.Since(begin).Seconds()))
		}
		if want := []int{20, 60, 140, 300, 600}; !slices.Equal(sent, want) { // 20, 40, 80, 160, then the longest
			t.Errorf("sent again after %v seconds, want %v", sent, want)
		}
		st.acked.add(1, 10)
		if o.count() != 0 {
			t.Error("an acknowledged batch is still outstanding")
		}
	})
}

// TestBackoff holds the limits of the pause between connections.
func TestBackoff(t *testing.T) {
	for failures := range 100 {
		most := min(firstBackoff<<min(failures, 16), longestBackoff)
		for range 20 {
			if d := backoff(failures); d < most/2 || d > most {
				t.Fatalf("pause %v after %d failures, want %v to %v", d, failures, most/2, most)
			}
		}
	}
}
