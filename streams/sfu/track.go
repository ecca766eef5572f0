package sfu

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"
)

// track is one published medium of one peer. It outlives the connection it
// came over: a publisher who reconnects goes on in the same numbering, so
// subscribers notice a pause and nothing else.
type track struct {
	id    string
	owner *peer
	kind  webrtc.RTPCodecType
	ring  *ring
	ask   *refresh
	subs  atomic.Pointer[fanout]
	// out is where the subscribers' packets leave, to be corked.
	out *sockets
	fed bool // by a Feed: nobody can be asked for a key frame
	// dropped counts packets that a writer left out because it was behind.
	dropped *atomic.Uint64
	// arrived is called after each packet; nil: nobody wants to know.
	arrived func()

	mu    sync.Mutex
	codec webrtc.RTPCodecCapability
	open  bool
	in    ingress
	sr    clock
}

// ingress maps the numbering of one incoming stream to the track's own.
type ingress struct {
	pc      *webrtc.PeerConnection
	ssrc    webrtc.SSRC
	started bool
	raw     uint16 // newest sequence number as sent
	seq     uint64 // and as numbered here
	first   uint64 // older than the stream's first packet is not of this stream
	shift   uint32 // added to every timestamp
	ts      uint32 // of the newest packet, shifted
	at      time.Time
}

// clock is the newest moment at which the publisher tied its own clock to
// its RTP timestamps.
type clock struct {
	ntp uint64
	rtp uint32 // shifted like the packets
	ok  bool
}

func newTrack(id string, owner *peer, kind webrtc.RTPCodecType, codec webrtc.RTPCodecCapability, dropped *atomic.Uint64) *track {
	t := &track{id: id, owner: owner, kind: kind, codec: codec, dropped: dropped}
	if kind == webrtc.RTPCodecTypeVideo {
		t.ring = newRing(videoPackets, videoBytes)
	} else {
		t.ring = newRing(audioPackets, videoBytes)
	}
	t.in.seq = 1 << 16 // room below for what arrives out of order
	t.ask = &refresh{send: t.sendPLI}
	t.subs.Store(&fanout{})
	return t
}

// begin makes the stream ssrc of pc the source of the track.
func (t *track) begin(pc *webrtc.PeerConnection, ssrc webrtc.SSRC) {
	t.mu.Lock()
	t.in.pc, t.in.ssrc, t.in.started = pc, ssrc, false
	t.sr = clock{} // of the former stream
	t.mu.Unlock()
	if t.kind == webrtc.RTPCodecTypeVideo {
		t.ask.anew()
	}
}

// gate opens or closes the track. A closed track drops what arrives and
// hides what it had: nothing said behind a closed gate is heard later.
func (t *track) gate(open bool) {
	t.mu.Lock()
	changed := t.open != open
	t.open = open
	t.mu.Unlock()
	switch {
	case changed && !open:
		t.ring.hide()
	case changed && t.kind == webrtc.RTPCodecTypeVideo:
		t.ask.ask()
	}
}

// receive takes one RTP packet of the stream ssrc and hands it to every
// subscriber. b is reused by the caller.
func (t *track) receive(ssrc webrtc.SSRC, b []byte, now time.Time) {
	var in rtp.Packet
	if in.Unmarshal(b) != nil {
		return
	}
	p, ok := t.number(ssrc, &in, now)
	if !ok {
		return
	}
	p, at := t.ring.push(p)
	t.deliver(p, at)
	if t.arrived != nil {
		t.arrived()
	}
}

// number gives the packet its place in the track, or refuses it.
func (t *track) number(ssrc webrtc.SSRC, in *rtp.Packet, now time.Time) (packet, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if ssrc != t.in.ssrc || !t.open {
		return packet{}, false
	}
	begins := !t.in.started
	if begins {
		t.in.start(in, now, t.codec.ClockRate)
	}
	seq := t.in.seq + uint64(int64(int16(in.SequenceNumber-t.in.raw)))
	if seq < t.in.first {
		return packet{}, false
	}
	ts := in.Timestamp + t.in.shift
	if seq >= t.in.seq {
		t.in.seq, t.in.raw, t.in.ts, t.in.at = seq, in.SequenceNumber, ts, now
	}
	return packet{
		seq: seq, ts: ts, marker: in.Marker, begins: begins, arrived: now, payload: in.Payload,
		key: t.kind == webrtc.RTPCodecTypeVideo && startsKeyFrame(t.codec.MimeType, in.Payload),
	}, true
}

// start continues the numbering one packet after the last stream, and the
// timestamps by the time that has passed since.
func (i *ingress) start(in *rtp.Packet, now time.Time, clock uint32) {
	if i.at.IsZero() {
		i.ts = in.Timestamp
	} else {
		i.ts += max(1, uint32(now.Sub(i.at).Seconds()*float64(clock)))
	}
	i.seq++
	i.first, i.raw, i.shift, i.started = i.seq, in.SequenceNumber, i.ts-in.Timestamp, true
}

// reported takes the publisher's sender report and passes it on.
func (t *track) reported(sr *rtcp.SenderReport) {
	t.mu.Lock()
	if webrtc.SSRC(sr.SSRC) != t.in.ssrc || !t.in.started {
		t.mu.Unlock()
		return
	}
	t.sr = clock{ntp: sr.NTPTime, rtp: sr.RTPTime + t.in.shift, ok: true}
	now := t.sr
	t.mu.Unlock()
	for _, s := range t.subs.Load().slots {
		s.report(t, now)
	}
}

func (t *track) lastReport() clock {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.sr
}

func (t *track) sendPLI() {
	t.mu.Lock()
	pc, ssrc := t.in.pc, t.in.ssrc
	t.mu.Unlock()
	if pc != nil {
		// A publisher that is gone gets no request; its return asks again.
		_ = pc.WriteRTCP([]rtcp.Packet{&rtcp.PictureLossIndication{MediaSSRC: uint32(ssrc)}})
	}
}

// mime is the codec the track carries now.
func (t *track) mime() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.codec.MimeType
}
