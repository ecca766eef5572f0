package poll

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"gridhub/devices/wire"
	"gridhub/edge/driver"
)

// slow takes its time for every reading.
type slow struct{ reading chan bool }

func (s slow) Read(ctx context.Context, _ driver.Station) (driver.Reading, error) {
	s.reading <- true
	sleep(ctx, time.Second)
	return driver.Reading{}, ctx.Err()
}

func (slow) Close() error { return nil }

// TestRetireFinishesTheReadingAtHand holds that a line which is to end between
// two readings reports the one that it has begun, and begins no other.
func TestRetireFinishesTheReadingAtHand(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := slow{make(chan bool)}
		var reported int
		s := New("bus", l, tasks(10*time.Second, 3), func(wire.Record, bool) { reported++ }, Options{})
		ended := make(chan error)
		go func() { ended <- s.Run(t.Context()) }()
		<-l.reading
		began := time.Now()
		s.Retire()
		s.Retire()
		if err := <-ended; err != nil || reported != 1 || time.Since(began) != time.Second {
			t.Errorf("ended with %v after %s and %d records, want one record when its second is over", err, time.Since(began), reported)
		}
	})
}
