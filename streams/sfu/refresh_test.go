package sfu

import (
	"testing"
	"testing/synctest"
	"time"
)

func TestRefreshIsJoinedAndNeverLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sent := make(chan time.Time, 100)
		r := &refresh{send: func() { sent <- time.Now() }}
		began := time.Now()
		for range 100 { // one second of a hundred viewers asking
			r.ask()
			time.Sleep(10 * time.Millisecond)
		}
		time.Sleep(time.Minute)
		if len(sent) != 3 {
			t.Fatalf("%d requests, want at 0, 0.5 and 1 s", len(sent))
		}
		for i := range 3 {
			if got, want := (<-sent).Sub(began), time.Duration(i)*refreshEvery; got != want {
				t.Errorf("request %d after %v, want %v", i, got, want)
			}
		}
		r.ask()
		time.Sleep(refreshEvery / 10)
		r.ask()
		r.anew() // a new source: the one that waits goes out at once
		time.Sleep(refreshEvery / 10)
		if len(sent) != 2 {
			t.Errorf("a new source was asked %d times", len(sent)-1)
		}
		time.Sleep(time.Minute)
		<-sent
		<-sent
		r.ask()
		r.stop()
		r.ask()
		time.Sleep(time.Minute)
		if len(sent) > 0 {
			t.Errorf("asked after stop")
		}
	})
}
