package sfu

import (
	"testing"
	"testing/synctest"
	"time"
)

func TestRefreshIsJoinedAndNeverLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var sent []time.Time
		r := &refresh{send: func() { sent = append(sent, time.Now()) }}
		began := time.Now()
		for range 100 { // one second of a hundred viewers asking
			r.ask()
			time.Sleep(10 * time.Millisecond)
		}
		time.Sleep(time.Minute)
		if len(sent) != 3 {
			t.Fatalf("%d requests, want at 0, 0.5 and 1 s", len(sent))
		}
		for i, at := range sent {
			if want := time.Duration(i) * refreshEvery; at.Sub(began) != want {
				t.Errorf("request %d after %v, want %v", i, at.Sub(began), want)
			}
		}
		r.ask()
		r.stop()
		r.ask()
		time.Sleep(time.Minute)
		if len(sent) > 4 {
			t.Errorf("asked after stop")
		}
	})
}
