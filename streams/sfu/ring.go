package sfu

import (
	"sync"
	"time"
)

// What one published track remembers. Whichever bound is met first drops the
// oldest packet; nothing ever waits for a reader.
const (
	ringAge      = 30 * time.Second
	audioPackets = 2048
	videoPackets = 8192
	videoBytes   = 8 << 20
	slabBytes    = 64 << 10
)

// packet is one RTP packet as the room knows it: numbered without wrap-around,
// stripped of the publisher's header. payload is never written again, so it
// may be read without a lock for as long as somebody holds it.
type packet struct {
	seq     uint64 // extended sequence number, continuous over a publisher's reconnects
	ts      uint32
	marker  bool
	key     bool // belongs to the start of a key frame
	begins  bool // the first of a stream
	arrived time.Time
	payload []byte
}

// ring holds the newest packets of one track in the order of arrival, found
// by arrival index or by sequence number. Safe for concurrent use.
type ring struct {
	maxBytes int

	mu     sync.RWMutex
	slots  []packet
	bySeq  []uint64 // seq modulo capacity -> arrival index
	first  uint64   // arrival index of the oldest packet kept
	shown  uint64   // and of the oldest that members may still be sent
	next   uint64   // arrival index of the next packet
	bytes  int
	keyAt  uint64 // arrival index of the newest key frame's first packet
	keyTS  uint32
	hasKey bool
	slab   []byte
}

func newRing(packets, maxBytes int) *ring {
	return &ring{maxBytes: maxBytes, slots: make([]packet, packets), bySeq: make([]uint64, packets)}
}

// push stores p with a copy of its payload and returns what was stored and
// its arrival index.
func (r *ring) push(p packet) (packet, uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	p.payload = r.keep(p.payload)
	size := uint64(len(r.slots))
	at := r.next
	if at-r.first == size {
		r.dropOldest()
	}
	r.slots[at%size] = p
	r.bySeq[p.seq%size] = at
	r.next++
	r.bytes += len(p.payload)
	for r.first < at && (r.bytes > r.maxBytes || p.arrived.Sub(r.slots[r.first%size].arrived) > ringAge) {
		r.dropOldest()
	}
	if p.key && (!r.hasKey || p.ts != r.keyTS) {
		r.keyAt, r.keyTS, r.hasKey = at, p.ts, true
	}
	return p, at
}

// keep copies b into a shared slab, so that a packet costs no allocation of
// its own. A slab is freed when its last packet is.
func (r *ring) keep(b []byte) []byte {
	if len(b) > len(r.slab) {
		r.slab = make([]byte, max(slabBytes, len(b)))
	}
	out := r.slab[:len(b):len(b)]
	copy(out, b)
	r.slab = r.slab[len(b):]
	return out
}

func (r *ring) dropOldest() {
	p := &r.slots[r.first%uint64(len(r.slots))]
	r.bytes -= len(p.payload)
	*p = packet{}
	r.first++
}

// find returns the packet with the extended sequence number seq.
func (r *ring) find(seq uint64) (packet, bool) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	size := uint64(len(r.slots))
	at := r.bySeq[seq%size]
	if at < max(r.first, r.shown) || at >= r.next {
		return packet{}, false
	}
	p := r.slots[at%size]
	return p, p.seq == seq
}

// get returns the packet with arrival index at.
func (r *ring) get(at uint64) (packet, bool) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if at < max(r.first, r.shown) || at >= r.next {
		return packet{}, false
	}
	return r.slots[at%uint64(len(r.slots))], true
}

// sinceKey returns the arrival indices [from, to) of everything since the
// newest key frame, when that is younger than age and nothing is missing.
func (r *ring) sinceKey(now time.Time, age time.Duration) (from, to uint64, ok bool) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	size := uint64(len(r.slots))
	if !r.hasKey || r.keyAt < r.first || now.Sub(r.slots[r.keyAt%size].arrived) > age {
		return 0, 0, false
	}
	start := r.slots[r.keyAt%size].seq
	newest, count := start, uint64(0)
	for at := r.keyAt; at < r.next; at++ {
		if seq := r.slots[at%size].seq; seq >= start {
			newest, count = max(newest, seq), count+1
		}
	}
	return r.keyAt, r.next, newest-start+1 == count
}

// hide ends what members are sent: what was said before a gate closed is not
// replayed after it opens again. Who taps the track reads it all the same, as
// it was said with the gate open.
func (r *ring) hide() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.shown, r.hasKey = r.next, false
}
