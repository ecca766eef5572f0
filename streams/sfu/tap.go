package sfu

import (
	"time"

	"github.com/pion/webrtc/v4"
)

// Packet is one RTP packet of a track, as who taps it reads it.
type Packet struct {
	Seq     uint64 // extended, continuous over a publisher's reconnects
	TS      uint32 // likewise
	Marker  bool
	Begins  bool // the first of a connection of its publisher
	Arrived time.Time
	Payload []byte // never written again
}

// Report ties a publisher's own clock to the timestamps of one of its tracks.
type Report struct {
	NTP uint64 // 32.32 fixed-point seconds, RFC 5905
	TS  uint32 // as in Packet
	OK  bool   // false: the publisher has not said it yet
}

// Source is one published track, read from its ring: whoever reads it delays
// nobody. It stays readable after the track is withdrawn. Sources of the same
// track are equal. Safe for concurrent use.
type Source struct{ t *track }

// Sources lists what is published in a room now; none where there is no such
// room.
func (s *SFU) Sources(room string) []Source {
	s.mu.Lock()
	r := s.rooms[room]
	s.mu.Unlock()
	if r == nil {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	var all []Source
	for _, t := range r.published() {
		all = append(all, Source{t})
	}
	return all
}

// Track names the track within its room.
func (s Source) Track() string { return s.t.id }

// Person is whose track it is.
func (s Source) Person() string { return s.t.owner.Person }

// Codec is the media type that the track carries now, as in "video/VP8".
func (s Source) Codec() string { return s.t.mime() }

// Read appends to into what has arrived since index from, in the order of
// arrival, and returns the index to go on from. missed counts the packets that
// the ring had dropped before anybody read them.
func (s Source) Read(from uint64, into []Packet) (got []Packet, next, missed uint64) {
	r := s.t.ring
	r.mu.RLock()
	defer r.mu.RUnlock()
	if from < r.first {
		missed, from = r.first-from, r.first
	}
	for ; from < r.next; from++ {
		p := &r.slots[from%uint64(len(r.slots))]
		into = append(into, Packet{Seq: p.seq, TS: p.ts, Marker: p.marker, Begins: p.begins, Arrived: p.arrived, Payload: p.payload})
	}
	return into, from, missed
}

// Oldest is the index from which Read misses nothing that is still there.
func (s Source) Oldest() uint64 {
	s.t.ring.mu.RLock()
	defer s.t.ring.mu.RUnlock()
	return s.t.ring.first
}

// Next is the index of the next packet that will arrive.
func (s Source) Next() uint64 {
	s.t.ring.mu.RLock()
	defer s.t.ring.mu.RUnlock()
	return s.t.ring.next
}

// Report is the newest report of the publisher.
func (s Source) Report() Report {
	c := s.t.lastReport()
	return Report{NTP: c.ntp, TS: c.rtp, OK: c.ok}
}

// AskKeyFrame asks the publisher of a video track for a key frame; many
// requests become few.
func (s Source) AskKeyFrame() {
	if s.t.kind == webrtc.RTPCodecTypeVideo {
		s.t.ask.ask()
	}
}
