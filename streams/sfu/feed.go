package sfu

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"
)

// feedAge is the oldest key frame of a feed that a newcomer is given. A camera
// cannot be asked for a fresh one, and sends one every few seconds.
const feedAge = ringAge

// Feed is video that comes over no peer connection: a camera's. Write is for one
// goroutine at a time.
type Feed struct {
	track *track
	ssrc  webrtc.SSRC
}

// Feed publishes a video track in the name of m, who needs no seat of its own:
// what is written to the feed reaches every member whose gate lets it receive.
// Leave ends it.
func (r *Room) Feed(m Member, mime string) (*Feed, error) {
	codec := webrtc.RTPCodecCapability{MimeType: mime, ClockRate: 90000}
	if err := r.Join(m); err != nil {
		return nil, err
	}
	r.mu.Lock()
	p := r.peers[m.ID]
	if p == nil || len(p.tracks) > 0 {
		r.mu.Unlock()
		return nil, fmt.Errorf("%s in room %s is fed already: %w", m.ID, r.id, ErrFull)
	}
	p.gate.Send = true
	r.tracks++
	t := newTrack(fmt.Sprintf("t%d", r.tracks), p, webrtc.RTPCodecTypeVideo, codec, &r.sfu.dropped)
	t.open, t.fed, t.out = true, true, r.sfu.sockets
	p.tracks["feed"] = t
	changed := r.assign()
	r.mu.Unlock()
	r.tell(changed)
	f := &Feed{track: t}
	f.Begin()
	return f, nil
}

// Begin says that what is written from here on is another stream, with numbers
// and timestamps of its own: the source connected anew.
func (f *Feed) Begin() {
	f.ssrc = webrtc.SSRC(rand.Uint32())
	f.track.begin(nil, f.ssrc)
}

// Write passes on one packet, at most 1,200 bytes of payload. The payload may be
// used again when Write returns.
func (f *Feed) Write(in *rtp.Packet, now time.Time) {
	p, ok := f.track.number(f.ssrc, in, now)
	if !ok {
		return
	}
	p, at := f.track.ring.push(p)
	f.track.deliver(p, at)
}

// freshness is the oldest key frame that a newcomer to the track is given.
func (t *track) freshness() time.Duration {
	if t.fed {
		return feedAge
	}
	return replayAge
}
