package broker

import (
	"maps"
	"sync"
	"sync/atomic"
)

// Stats counts what happened since the broker was made. Read it through
// Broker.Stats.
type Stats struct {
	Connections     atomic.Int64 // open now, strangers included
	Accepted        atomic.Int64
	Turned          atomic.Int64 // away at the door, over a limit on connections
	AcceptErrors    atomic.Int64
	ConnectsRefused atomic.Int64
	Takeovers       atomic.Int64
	SessionsExpired atomic.Int64
	Published       atomic.Int64
	Repeated        atomic.Int64 // QoS 2 publishes seen before
	SinkFailed      atomic.Int64
	Wills           atomic.Int64
	Sent            atomic.Int64
	Unsent          atomic.Int64 // Send returned an error
	Dropped         atomic.Int64 // by the library, conformance realm
	Panics          atomic.Int64

	mu      sync.Mutex
	byCause map[string]int64 // guarded: "end/<cause>", "refused/<what>"
}

func (s *Stats) ended(cause string)  { s.count("end/" + cause) }
func (s *Stats) refused(what string) { s.count("refused/" + what) }

func (s *Stats) count(key string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.byCause == nil {
		s.byCause = map[string]int64{}
	}
	s.byCause[key]++ // keys are ours: the map cannot grow without end
}

// Stats returns all counters by name; "end/<cause>" counts connections by why
// they ended, "refused/<what>" what clients were denied.
func (b *Broker) Stats() map[string]int64 {
	s := &b.stats
	s.mu.Lock()
	m := maps.Clone(s.byCause)
	s.mu.Unlock()
	if m == nil {
		m = map[string]int64{}
	}
	for name, v := range map[string]*atomic.Int64{
		"connections": &s.Connections, "accepted": &s.Accepted, "turned": &s.Turned,
		"accept_errors": &s.AcceptErrors, "connects_refused": &s.ConnectsRefused,
		"takeovers": &s.Takeovers, "sessions_expired": &s.SessionsExpired,
		"published": &s.Published, "repeated": &s.Repeated, "sink_failed": &s.SinkFailed,
		"wills": &s.Wills, "sent": &s.Sent, "unsent": &s.Unsent, "dropped": &s.Dropped,
		"panics": &s.Panics,
	} {
		m[name] = v.Load()
	}
	m["inflight_bytes"] = b.budget.used.Load()
	m["queued_bytes"] = b.queued.Load()
	return m
}
