package signaling

import "time"

// quotaWindow is the time over which a device's messages are counted.
const quotaWindow = 10 * time.Second

// quota counts messages by device in fixed windows. What it remembers is
// thrown away with each window, so it needs no bound of its own beyond the
// devices that can sign in. Not safe for concurrent use.
type quota struct {
	most  int
	since time.Time
	used  map[string]int
}

// take reports whether device may send one more message now.
func (q *quota) take(device string, now time.Time) bool {
	if now.Sub(q.since) >= quotaWindow {
		q.since, q.used = now, map[string]int{}
	}
	q.used[device]++
	return q.used[device] <= q.most
}
