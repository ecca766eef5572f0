package sfu

import (
	"sync"
	"time"
)

// refreshEvery is the least time between two key-frame requests for a track:
// a key frame is several times the size of any other, and fifty viewers who
// lose the same packet all ask at once.
const refreshEvery = 500 * time.Millisecond

// refresh joins the requests for key frames of one track. A request within
// refreshEvery of the last is not lost: one more goes out when that time ends.
type refresh struct {
	send func()

	mu      sync.Mutex
	last    time.Time
	planned *time.Timer // nil: none waits
	stopped bool
}

func (r *refresh) ask() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.stopped || r.planned != nil {
		return
	}
	r.planned = time.AfterFunc(max(0, refreshEvery-time.Since(r.last)), r.fire)
}

// anew asks at once, whatever was asked before: the track has a new source,
// which has heard none of it.
func (r *refresh) anew() {
	r.mu.Lock()
	r.last = time.Time{}
	if r.planned != nil && r.planned.Stop() {
		r.planned = nil
	}
	r.mu.Unlock()
	r.ask()
}

func (r *refresh) fire() {
	r.mu.Lock()
	r.planned, r.last = nil, time.Now()
	stopped := r.stopped
	r.mu.Unlock()
	if !stopped {
		r.send()
	}
}

func (r *refresh) stop() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.stopped = true
	if r.planned != nil {
		r.planned.Stop()
	}
}
