package uplink

import (
	"slices"
	"sync"
	"time"
)

const (
	// maxOutstanding is how many batches of backlog may be unacknowledged; live
	// ones may be twice as many. Full: the lane waits.
	maxOutstanding = 100
	// maxResend is the longest time between two sendings of one batch.
	maxResend = 5 * time.Minute
)

// outstanding is what one stream sent in this session and the hub has not
// acknowledged.
type outstanding struct {
	stream *stream
	resend time.Duration

	mu   sync.Mutex
	list []flight
}

// flight is one run of numbers on its way.
type flight struct {
	first, last uint64
	due         time.Time     // when it counts as lost
	wait        time.Duration // until then; doubles
}

// add notes first to last as sent. What is sent again has its place already.
func (o *outstanding) add(first, last uint64, now time.Time) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, f := range o.list {
		if f.first <= first && last <= f.last {
			return
		}
	}
	o.list = append(o.list, flight{first, last, now.Add(o.resend), o.resend})
}

// count drops what is acknowledged and returns how many batches are not.
func (o *outstanding) count() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.settle()
	return len(o.list)
}

// overdue returns the runs to send again, each later the next time.
func (o *outstanding) overdue(now time.Time) (runs [][2]uint64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.settle()
	for i := range o.list {
		f := &o.list[i]
		if now.Before(f.due) {
			continue
		}
		f.wait = min(2*f.wait, maxResend)
		f.due = now.Add(f.wait)
		for at := f.first; at <= f.last; {
			from, to, ok := o.stream.open(at, f.last)
			if !ok {
				break
			}
			runs = append(runs, [2]uint64{from, to})
			at = to + 1
		}
	}
	return runs
}

// settle forgets what is acknowledged. The caller holds mu.
func (o *outstanding) settle() {
	o.list = slices.DeleteFunc(o.list, func(f flight) bool {
		_, _, open := o.stream.open(f.first, f.last)
		return !open
	})
}
