package sfu

import (
	"context"
	"fmt"
	"sort"
	"strconv"
	"sync"

	"github.com/pion/webrtc/v4"
)

// Room is a set of members who may hear each other. Safe for concurrent use.
type Room struct {
	id  string
	sfu *SFU

	mu     sync.Mutex
	peers  map[string]*peer
	tracks int    // ever published, for names
	booth  *booth // nil: members hear each other
	closed bool
}

// Member names one connection in a room.
type Member struct {
	ID     string // unique in the room: the device or browser tab
	Person string // told to the others
}

// Gate says what passes for a member.
type Gate struct {
	Send    bool // what it publishes reaches the room
	Receive bool // what the room publishes reaches it
}

func newRoom(s *SFU, id string) *Room {
	return &Room{id: id, sfu: s, peers: map[string]*peer{}}
}

// Join admits a member with both gates closed. Joining twice changes nothing.
func (r *Room) Join(m Member) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return ErrClosed
	}
	if r.peers[m.ID] != nil {
		return nil
	}
	if len(r.peers) >= r.sfu.config.MaxPeers {
		return fmt.Errorf("room %s: %d members: %w", r.id, len(r.peers), ErrFull)
	}
	p := &peer{Member: m, room: r, tracks: map[string]*track{}}
	r.enter(p)
	r.peers[m.ID] = p
	return nil
}

// Leave ends a member's connections and everything it published.
func (r *Room) Leave(id string) {
	r.mu.Lock()
	p := r.peers[id]
	delete(r.peers, id)
	if p == nil {
		r.mu.Unlock()
		return
	}
	for _, s := range p.slots {
		s.plug(nil)
	}
	for _, t := range p.tracks {
		t.withdraw()
	}
	changed := r.assign()
	r.mu.Unlock()
	p.close()
	r.tell(changed)
}

// Close ends the room for everybody.
func (r *Room) Close() {
	r.mu.Lock()
	r.closed = true
	ids := make([]string, 0, len(r.peers))
	for id := range r.peers {
		ids = append(ids, id)
	}
	r.mu.Unlock()
	for _, id := range ids {
		r.Leave(id)
	}
	r.sfu.forget(r)
}

// Gate opens or closes a member's gates.
func (r *Room) Gate(id string, g Gate) error {
	r.mu.Lock()
	p := r.peers[id]
	if p == nil {
		r.mu.Unlock()
		return fmt.Errorf("%s in room %s: %w", id, r.id, ErrNotMember)
	}
	p.gate = g
	for _, t := range p.tracks {
		t.gate(g.Send)
	}
	for _, s := range p.slots {
		s.setOpen(g.Receive)
	}
	changed := r.assign()
	r.mu.Unlock()
	r.tell(changed)
	return nil
}

// Publish answers a member's offer to send media. A description from another
// RTCPeerConnection than the last replaces that; its tracks go on under their
// old names. The answer holds the server's addresses; nothing trickles.
func (r *Room) Publish(ctx context.Context, id, sdp string) (answer string, err error) {
	return r.negotiate(ctx, id, sdp, (*peer).publish)
}

// Subscribe answers a member's offer of receive-only media sections. Each
// becomes a place for one track of the room; View says which plays where.
func (r *Room) Subscribe(ctx context.Context, id, sdp string) (answer string, err error) {
	return r.negotiate(ctx, id, sdp, (*peer).subscribe)
}

func (r *Room) negotiate(ctx context.Context, id, sdp string, with func(*peer, context.Context, offer) (string, error)) (string, error) {
	r.mu.Lock()
	p := r.peers[id]
	r.mu.Unlock()
	if p == nil {
		return "", fmt.Errorf("%s in room %s: %w", id, r.id, ErrNotMember)
	}
	o, err := readOffer(sdp)
	if err != nil {
		return "", err
	}
	defer p.waiting.Add(-1)
	if p.waiting.Add(1) > maxWaiting {
		return "", fmt.Errorf("%s in room %s: %d offers at once: %w", id, r.id, maxWaiting, ErrFull)
	}
	answer, err := with(p, ctx, o)
	r.mu.Lock()
	changed := r.assign() // also after an error, which may have put things back
	r.mu.Unlock()
	r.tell(changed)
	return answer, err
}

// Playing is one track in one of a member's media sections.
type Playing struct {
	Mid    string `json:"mid"`
	Track  string `json:"track"`
	Person string `json:"person"`
	Kind   string `json:"kind"` // audio or video
}

// View is what a member receives and what it has no media section for.
type View struct {
	Version      uint64    `json:"version"` // grows with every change
	Playing      []Playing `json:"playing"`
	MissingAudio int       `json:"missingAudio"`
	MissingVideo int       `json:"missingVideo"`
}

// View tells what member id receives now.
func (r *Room) View(id string) (View, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	p := r.peers[id]
	if p == nil {
		return View{}, fmt.Errorf("%s in room %s: %w", id, r.id, ErrNotMember)
	}
	return p.view, nil
}

// publishing makes or finds the track for p's media section mid.
func (r *Room) publishing(p *peer, mid string, kind webrtc.RTPCodecType, codec webrtc.RTPCodecCapability) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if t := p.tracks[mid]; t != nil && t.kind == kind {
		t.mu.Lock()
		t.codec = codec
		t.mu.Unlock()
		return nil
	}
	if r.peers[p.ID] != p {
		return ErrNotMember
	}
	if len(p.tracks) >= r.sfu.config.MaxTracks {
		return fmt.Errorf("%w: %d tracks: %w", ErrOffer, len(p.tracks)+1, ErrFull)
	}
	r.tracks++
	t := newTrack("t"+strconv.Itoa(r.tracks), p, kind, codec, &r.sfu.dropped)
	t.open, t.out = p.gate.Send, r.sfu.sockets
	r.overhear(p, t)
	if old := p.tracks[mid]; old != nil { // of the other kind
		old.withdraw()
	}
	p.tracks[mid] = t
	return nil
}

// retain withdraws what p published from other media sections than these.
func (r *Room) retain(p *peer, sections map[string]bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for mid, t := range p.tracks {
		if !sections[mid] {
			delete(p.tracks, mid)
			t.withdraw()
		}
	}
}

// withdraw ends a track for everybody. Called under room.mu.
func (t *track) withdraw() {
	t.ask.stop()
	for _, s := range t.subs.Load().slots {
		s.plug(nil)
	}
}

// assign plugs every track into a free slot of every other member, and
// returns the members for whom something changed. Called under r.mu.
func (r *Room) assign() (changed []string) {
	tracks := r.published()
	for id, p := range r.peers {
		if v := p.take(r.audible(p, tracks)); !v.equal(p.view) {
			v.Version = p.view.Version + 1
			p.view = v
			changed = append(changed, id)
		}
	}
	return changed
}

// published lists the tracks in the order they were first published.
func (r *Room) published() []*track {
	var all []*track
	for _, p := range r.peers {
		for _, t := range p.tracks {
			all = append(all, t)
		}
	}
	sort.Slice(all, func(i, j int) bool {
		if len(all[i].id) != len(all[j].id) {
			return len(all[i].id) < len(all[j].id)
		}
		return all[i].id < all[j].id
	})
	return all
}

func (r *Room) tell(changed []string) {
	o := r.sfu.watching()
	for _, id := range changed {
		o.TracksChanged(r.id, id)
	}
}
