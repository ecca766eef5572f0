package sfu

import (
	"fmt"
	"time"

	"github.com/pion/webrtc/v4"
)

// boothPackets is what the voice of one member of a booth remembers for lost
// packets: more than nackAge of sound.
const boothPackets = 128

// Frame is one packet of sound: what a codec made of some 20 ms.
type Frame struct {
	Seq     uint64 // continuous over a stream; a hole is a lost packet
	TS      uint32 // in samples at 48 kHz
	Arrived time.Time
	Begins  bool   // after a pause
	Payload []byte // shared: never written again
}

// booth is what a room is in which nobody hears another: what is said there is
// taken by Voice, and what somebody hears is what Play gives.
type booth struct {
	heard func(member string)
	stage *peer // owns what is played
}

// Booth makes a booth of the room: its caller decides, packet by packet, who
// hears what. heard is told of each packet of sound that a member with an open
// gate sent, one call at a time for each member; it must not wait. To be called
// before the first Join.
func (r *Room) Booth(heard func(member string)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.booth = &booth{heard: heard, stage: &peer{room: r}}
}

// enter gives a member of a booth the one track that it hears. Called under
// r.mu.
func (r *Room) enter(p *peer) {
	if r.booth == nil {
		return
	}
	opus := webrtc.RTPCodecCapability{MimeType: mimeOpus, ClockRate: 48000, Channels: 2}
	p.voice = newTrack("voice", r.booth.stage, webrtc.RTPCodecTypeAudio, opus, &r.sfu.dropped)
	p.voice.ring, p.voice.out = newRing(boothPackets, videoBytes), r.sfu.sockets
}

// audible are the tracks that p may hear out of all. Called under r.mu.
func (r *Room) audible(p *peer, all []*track) []*track {
	if r.booth != nil {
		return []*track{p.voice}
	}
	return all
}

// overhear has the booth told of what arrives on t, a new track of p's. Called
// under r.mu.
func (r *Room) overhear(p *peer, t *track) {
	if b := r.booth; b != nil && t.kind == webrtc.RTPCodecTypeAudio {
		t.arrived = func() { b.heard(p.ID) }
	}
}

// Voice reads what a member says, from a moment that may have passed.
type Voice struct {
	ring *ring
	next uint64
}

// Voice reads what member id has said since from, as far as it is remembered,
// and goes on saying. False: the member sends no sound yet.
func (r *Room) Voice(id string, from time.Time) (*Voice, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if p := r.peers[id]; p != nil {
		for _, t := range p.tracks {
			if t.kind == webrtc.RTPCodecTypeAudio {
				return &Voice{t.ring, t.ring.since(from)}, true
			}
		}
	}
	return nil, false
}

// Next is the next packet; false: none has come yet. What the ring has lost
// before it was read is passed over.
func (v *Voice) Next() (Frame, bool) {
	p, at, ok := v.ring.from(v.next)
	if !ok {
		return Frame{}, false
	}
	v.next = at + 1
	return Frame{Seq: p.seq, TS: p.ts, Arrived: p.arrived, Begins: p.marker, Payload: p.payload}, true
}

// Play sends a frame to a member of a booth. Seq and TS must go upwards over
// everything played to it, but for packets that came late. False: the member
// cannot be reached now, and nothing was sent.
func (r *Room) Play(id string, f Frame) (bool, error) {
	r.mu.Lock()
	p := r.peers[id]
	r.mu.Unlock()
	if p == nil || p.voice == nil {
		return false, fmt.Errorf("%s in room %s: %w", id, r.id, ErrNotMember)
	}
	if !p.voice.reaches() {
		return false, nil
	}
	pkt, at := p.voice.ring.push(packet{seq: f.Seq, ts: f.TS, marker: f.Begins, arrived: f.Arrived, payload: f.Payload})
	p.voice.deliver(pkt, at)
	return true, nil
}

// reaches reports whether any subscriber gets what is delivered now.
func (t *track) reaches() bool {
	for _, s := range t.subs.Load().slots {
		s.mu.Lock()
		live := s.live() && s.payload != 0
		s.mu.Unlock()
		if live {
			return true
		}
	}
	return false
}

// since is the arrival index of the oldest packet kept that arrived at t or
// later.
func (r *ring) since(t time.Time) uint64 {
	r.mu.RLock()
	defer r.mu.RUnlock()
	at := r.next
	for at > r.first && !r.slots[(at-1)%uint64(len(r.slots))].arrived.Before(t) {
		at--
	}
	return at
}

// from is the packet with arrival index at, or the first that is kept after
// it.
func (r *ring) from(at uint64) (packet, uint64, bool) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	at = max(at, r.first)
	if at >= r.next {
		return packet{}, 0, false
	}
	return r.slots[at%uint64(len(r.slots))], at, true
}
