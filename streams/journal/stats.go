package journal

import (
	"maps"
	"slices"
	"time"
)

// Stats is a snapshot of what the journal holds and did since Open.
type Stats struct {
	First, Next uint64
	Segments    int
	Size        int64     // bytes of all segments
	Oldest      time.Time // when the oldest segment was begun

	Commits uint64
	Records uint64 // made durable
	Bytes   uint64 // made durable, with record heads
	Sync    Timing // write and sync together, per commit

	Damaged     int      // segments of which only a part can be served
	Quarantined []string // files put aside because their header is damaged
	Dropped     uint64   // numbers that DropOldest took from cursors
	LastError   error
	Cursors     []CursorStats // sorted by name
}

// CursorStats says how far one consumer is.
type CursorStats struct {
	Name     string
	Position uint64
	Lag      uint64 // durable records that it has not committed
	Damage   error  // why it lost its place at Open, if it did
}

// timingBounds are the upper bounds of a Timing's buckets but the last.
var timingBounds = [...]time.Duration{
	100 * time.Microsecond, 300 * time.Microsecond, time.Millisecond, 3 * time.Millisecond,
	10 * time.Millisecond, 30 * time.Millisecond, 100 * time.Millisecond, 300 * time.Millisecond, time.Second,
}

// Timing is a histogram of durations.
type Timing struct {
	Count   uint64
	Sum     time.Duration
	Max     time.Duration
	Buckets [len(timingBounds) + 1]uint64 // not cumulative; see TimingBounds
}

// TimingBounds are the upper bounds of the buckets; the last has none.
func TimingBounds() []time.Duration { return append([]time.Duration(nil), timingBounds[:]...) }

func (t *Timing) observe(d time.Duration) {
	t.Count++
	t.Sum += d
	t.Max = max(t.Max, d)
	i := 0
	for i < len(timingBounds) && d > timingBounds[i] {
		i++
	}
	t.Buckets[i]++
}

// Stats returns a snapshot.
func (j *Journal) Stats() Stats {
	size := j.total()
	j.mu.RLock()
	defer j.mu.RUnlock()
	s := j.stats
	s.First, s.Next, s.Segments, s.Size = j.firstLocked(), j.next, len(j.segments), size
	s.Quarantined = slices.Clone(s.Quarantined)
	if len(j.segments) > 0 {
		s.Oldest = millis(j.segments[0].created)
	}
	for _, seg := range j.segments {
		if seg.damaged {
			s.Damaged++
		}
	}
	for _, name := range slices.Sorted(maps.Keys(j.cursors)) {
		c := j.cursors[name]
		s.Cursors = append(s.Cursors, CursorStats{
			Name: name, Position: c.position, Lag: j.next - min(j.next, c.position), Damage: c.damage,
		})
	}
	return s
}

// Extent is a segment's file, and how much of it is durable.
type Extent struct {
	Name string
	Size int64 // bytes
}

// Extents lists the segments, oldest first. Their files up to these sizes, with
// cursors that were copied before, are a journal as a crash could have left it.
func (j *Journal) Extents() []Extent {
	j.mu.RLock()
	defer j.mu.RUnlock()
	all := make([]Extent, len(j.segments))
	for i, s := range j.segments {
		all[i] = Extent{s.name, s.end}
	}
	return all
}
