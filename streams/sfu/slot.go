package sfu

import (
	"sync"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"
)

const (
	// replayAge is the oldest key frame a newcomer is given: an older one
	// would show the past for longer than a fresh one takes to come.
	replayAge = 1500 * time.Millisecond
	// askAgain is how long a subscriber waits for a key frame before it asks
	// once more.
	askAgain = time.Second
	// nackAge is how far back a lost packet is worth sending again.
	nackAge = time.Second
	// nackBudget is how many packets per second one subscriber may have sent
	// again; what is beyond is left to the next key frame.
	nackBudget = 500
)

// slot is one media section of a subscriber: a stream with an SSRC and a
// numbering of its own, into which the room plugs one track after another
// without negotiating again. It implements webrtc.TrackLocal.
type slot struct {
	id   string
	kind webrtc.RTPCodecType
	pc   *webrtc.PeerConnection

	mid   string // guarded by room.mu
	plays *track // what the room plugged in; guarded by room.mu

	mu      sync.Mutex
	codecs  []webrtc.RTPCodecParameters
	ssrc    webrtc.SSRC
	w       webrtc.TrackLocalWriter // nil until bound
	ready   bool                    // DTLS is up
	open    bool                    // the gate
	track   *track
	payload webrtc.PayloadType
	started bool
	asked   time.Time
	after   uint64 // arrival index below which everything was sent by replay
	out     numbering
	budget  budget
	sent    uint32 // packets, for the sender report
	octets  uint32
}

// numbering maps a track's numbers to the subscriber's.
type numbering struct {
	first uint64 // oldest sequence number of the track that may pass
	seq   uint64 // newest sent, extended; 0 before anything was
	shift uint64 // sent = track + shift
	tsAdd uint32
	ts    uint32
	at    time.Time
}

// ID, RID, StreamID and Kind implement webrtc.TrackLocal.
func (s *slot) ID() string                { return s.id }
func (s *slot) RID() string               { return "" }
func (s *slot) StreamID() string          { return s.id }
func (s *slot) Kind() webrtc.RTPCodecType { return s.kind }

// Bind implements webrtc.TrackLocal: from here on packets can be written.
func (s *slot) Bind(ctx webrtc.TrackLocalContext) (webrtc.RTPCodecParameters, error) {
	codecs := ctx.CodecParameters()
	if len(codecs) == 0 {
		return webrtc.RTPCodecParameters{}, webrtc.ErrUnsupportedCodec
	}
	s.change(func() { s.codecs, s.ssrc, s.w = codecs, ctx.SSRC(), ctx.WriteStream() })
	return codecs[0], nil
}

// Unbind implements webrtc.TrackLocal.
func (s *slot) Unbind(webrtc.TrackLocalContext) error {
	s.change(func() { s.w = nil })
	return nil
}

func (s *slot) setReady()         { s.change(func() { s.ready = true }) }
func (s *slot) setOpen(open bool) { s.change(func() { s.open = open }) }
func (s *slot) setTrack(t *track) { s.change(func() { s.track = t; s.started = false }) }
func (s *slot) live() bool        { return s.w != nil && s.ready && s.open && s.track != nil }

// change applies f and, where that lets media flow, starts it.
func (s *slot) change(f func()) {
	s.mu.Lock()
	before := s.live() && s.started
	f()
	if !s.live() {
		s.started = false
	}
	ask := s.live() && !(before && s.started) && s.start()
	t := s.track
	s.mu.Unlock()
	if ask {
		t.ask.ask()
	}
}

// start picks the payload type and replays from the newest key frame. It
// reports whether a fresh key frame is needed instead.
func (s *slot) start() (needsKeyFrame bool) {
	if !s.choose(s.track.mime()) {
		return false
	}
	if s.kind == webrtc.RTPCodecTypeAudio {
		return false
	}
	from, to, ok := s.track.ring.sinceKey(time.Now(), s.track.freshness())
	if !ok {
		s.asked = time.Now()
		return true
	}
	s.track.out.cork()
	defer s.track.out.uncork()
	for at := from; at < to; at++ {
		if p, ok := s.track.ring.get(at); ok {
			s.send(p)
		}
	}
	s.after = to
	return false
}

// choose finds the payload type the subscriber knows the codec by.
func (s *slot) choose(mime string) bool {
	for _, c := range s.codecs {
		if c.MimeType == mime {
			s.payload = c.PayloadType
			return true
		}
	}
	s.payload = 0
	return false
}

// write passes on one packet of t that has arrived.
func (s *slot) write(t *track, p packet, at uint64) {
	s.mu.Lock()
	ask := false
	switch {
	case s.track != t || !s.live() || s.payload == 0 || at < s.after:
	case s.started || s.kind == webrtc.RTPCodecTypeAudio || p.key:
		s.send(p)
	case p.arrived.Sub(s.asked) > askAgain:
		s.asked, ask = p.arrived, true
	}
	s.mu.Unlock()
	if ask {
		t.ask.ask()
	}
}

// send numbers p for this subscriber and writes it.
func (s *slot) send(p packet) {
	if !s.started {
		s.begin(p)
	}
	if p.seq < s.out.first {
		return
	}
	seq := p.seq + s.out.shift
	if seq > s.out.seq {
		s.out.seq, s.out.ts, s.out.at = seq, p.ts+s.out.tsAdd, p.arrived
	}
	s.emit(p)
}

// begin continues the subscriber's numbering with p as the next packet.
func (s *slot) begin(p packet) {
	o := &s.out
	if o.seq == 0 {
		o.seq, o.ts = 1<<16, p.ts
	} else {
		clock := 90000.0
		if s.kind == webrtc.RTPCodecTypeAudio {
			clock = 48000
		}
		o.ts += max(1, uint32(max(0, p.arrived.Sub(o.at).Seconds())*clock))
	}
	o.first, o.shift, o.tsAdd = p.seq, o.seq+1-p.seq, o.ts-p.ts
	s.started = true
	if r := s.track.lastReport(); r.ok {
		go s.report(s.track, r)
	}
}

// emit writes p under the numbering in force. Errors are the connection's to
// report: a packet that cannot be sent is a lost packet.
func (s *slot) emit(p packet) {
	h := rtp.Header{
		Version:        2,
		Marker:         p.marker,
		PayloadType:    uint8(s.payload),
		SequenceNumber: uint16(p.seq + s.out.shift),
		Timestamp:      p.ts + s.out.tsAdd,
		SSRC:           uint32(s.ssrc),
	}
	if _, err := s.w.WriteRTP(&h, p.payload); err == nil {
		s.sent++
		s.octets += uint32(len(p.payload))
	}
}

// resend answers a NACK from the track's ring.
func (s *slot) resend(missing []uint16, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.live() || !s.started {
		return
	}
	for _, m := range missing {
		seq := s.out.seq + uint64(int64(int16(m-uint16(s.out.seq)))) - s.out.shift
		p, ok := s.track.ring.find(seq)
		if !ok || seq < s.out.first || now.Sub(p.arrived) > nackAge {
			continue
		}
		if !s.budget.take(now) {
			return
		}
		s.emit(p)
	}
}

// report sends the publisher's own tie between its clock and its timestamps,
// so that sound and picture of one publisher stay together.
func (s *slot) report(t *track, r clock) {
	s.mu.Lock()
	if s.track != t || !s.live() || !s.started {
		s.mu.Unlock()
		return
	}
	sr := &rtcp.SenderReport{
		SSRC: uint32(s.ssrc), NTPTime: r.ntp, RTPTime: r.rtp + s.out.tsAdd,
		PacketCount: s.sent, OctetCount: s.octets,
	}
	s.mu.Unlock()
	_ = s.pc.WriteRTCP([]rtcp.Packet{sr}) // the next report repeats it
}

// feedback drains what the subscriber says about this stream until the
// connection closes.
func (s *slot) feedback(sender *webrtc.RTPSender) {
	for {
		packets, _, err := sender.ReadRTCP()
		if err != nil {
			return
		}
		for _, p := range packets {
			s.hear(p)
		}
	}
}

func (s *slot) hear(p rtcp.Packet) {
	switch p := p.(type) {
	case *rtcp.TransportLayerNack:
		for _, pair := range p.Nacks {
			s.resend(pair.PacketList(), time.Now())
		}
	case *rtcp.PictureLossIndication, *rtcp.FullIntraRequest:
		s.mu.Lock()
		t := s.track
		live := s.live()
		s.mu.Unlock()
		if live && s.kind == webrtc.RTPCodecTypeVideo {
			t.ask.ask()
		}
	}
}

// budget is a bucket of nackBudget packets, refilled each second.
type budget struct {
	second time.Time
	used   int
}

func (b *budget) take(now time.Time) bool {
	if now.Sub(b.second) >= time.Second {
		b.second, b.used = now, 0
	}
	b.used++
	return b.used <= nackBudget
}
