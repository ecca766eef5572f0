package signaling_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/pion/ice/v4"
	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"
)

// phone is the media of one device: a pion peer that sends numbered audio
// and video packets and counts what it receives.
type phone struct {
	pub, sub     *webrtc.PeerConnection
	audio, video *webrtc.TrackLocalStaticRTP

	stop context.CancelFunc

	mu   sync.Mutex
	got  map[string]int
	kick chan struct{}
}

func peerConnection(t testing.TB) *webrtc.PeerConnection {
	t.Helper()
	var e webrtc.SettingEngine
	e.SetIncludeLoopbackCandidate(true)
	e.SetICEMulticastDNSMode(ice.MulticastDNSModeDisabled)
	return peerConnectionWith(t, e)
}

func peerConnectionWith(t testing.TB, e webrtc.SettingEngine) *webrtc.PeerConnection {
	t.Helper()
	m := &webrtc.MediaEngine{}
	if err := m.RegisterDefaultCodecs(); err != nil {
		t.Fatal(err)
	}
	pc, err := webrtc.NewAPI(webrtc.WithSettingEngine(e), webrtc.WithMediaEngine(m)).NewPeerConnection(webrtc.Configuration{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = pc.GracefulClose() })
	return pc
}

// media negotiates both connections over d's messages and starts sending.
func (d *device) media(call string) *phone {
	d.street.t.Helper()
	return d.mediaOver(call, peerConnection(d.street.t), peerConnection(d.street.t))
}

func (d *device) mediaOver(call string, pub, sub *webrtc.PeerConnection) *phone {
	t := d.street.t
	t.Helper()
	p := &phone{pub: pub, sub: sub, got: map[string]int{}, kick: make(chan struct{}, 1)}
	p.audio = p.send(t, webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeOpus, ClockRate: 48000, Channels: 2})
	p.video = p.send(t, webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeVP8, ClockRate: 90000})
	p.sub.OnTrack(p.read)
	for _, kind := range []webrtc.RTPCodecType{webrtc.RTPCodecTypeAudio, webrtc.RTPCodecTypeVideo} {
		if _, err := p.sub.AddTransceiverFromKind(kind, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionRecvonly}); err != nil {
			t.Fatal(err)
		}
	}
	d.negotiate(p.pub, "publish", call)
	d.negotiate(p.sub, "subscribe", call)
	ctx, cancel := context.WithCancel(t.Context())
	p.stop = cancel
	go p.play(ctx)
	return p
}

func (p *phone) close() {
	p.stop()
	_, _ = p.pub.GracefulClose(), p.sub.GracefulClose()
}

func (p *phone) send(t testing.TB, c webrtc.RTPCodecCapability) *webrtc.TrackLocalStaticRTP {
	t.Helper()
	track, err := webrtc.NewTrackLocalStaticRTP(c, c.MimeType[:5], "camera")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.pub.AddTransceiverFromTrack(track, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionSendonly}); err != nil {
		t.Fatal(err)
	}
	return track
}

func (p *phone) read(remote *webrtc.TrackRemote, _ *webrtc.RTPReceiver) {
	for {
		if _, _, err := remote.ReadRTP(); err != nil {
			return
		}
		p.mu.Lock()
		p.got[remote.Kind().String()]++
		p.mu.Unlock()
		select {
		case p.kick <- struct{}{}:
		default:
		}
	}
}

func (p *phone) play(ctx context.Context) {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for n := uint16(0); ; n++ {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		inter := byte(1) // the VP8 header's inverse key-frame bit
		if n%10 == 0 {
			inter = 0
		}
		h := rtp.Header{Version: 2, Marker: true, SequenceNumber: n}
		h.Timestamp = uint32(n) * 480
		_ = p.audio.WriteRTP(&rtp.Packet{Header: h, Payload: []byte{0xfc, byte(n)}})
		h.Timestamp = uint32(n) * 900
		_ = p.video.WriteRTP(&rtp.Packet{Header: h, Payload: []byte{0x10, inter, byte(n)}})
	}
}

func (p *phone) count(kind string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.got[kind]
}

// receives waits for n more packets of each kind.
func (p *phone) receives(t testing.TB, n int) {
	t.Helper()
	limit := time.After(20 * time.Second)
	for _, kind := range []string{"audio", "video"} {
		for want := p.count(kind) + n; p.count(kind) < want; {
			select {
			case <-p.kick:
			case <-limit:
				t.Fatalf("%d %s packets, want %d", p.count(kind), kind, want)
			}
		}
	}
}

// offer makes pc's offer, complete with candidates.
func offer(t testing.TB, pc *webrtc.PeerConnection) string {
	t.Helper()
	o, err := pc.CreateOffer(nil)
	if err != nil {
		t.Fatal(err)
	}
	gathered := webrtc.GatheringCompletePromise(pc)
	if err := pc.SetLocalDescription(o); err != nil {
		t.Fatal(err)
	}
	<-gathered
	return pc.LocalDescription().SDP
}

func (d *device) negotiate(pc *webrtc.PeerConnection, kind, call string) {
	t := d.street.t
	t.Helper()
	seq := d.send(message{Type: kind, Call: call, SDP: offer(t, pc)})
	a := d.await("answer", func(m message) bool { return m.Re == seq })
	if a.Type != "answer" || a.Of != kind {
		t.Fatalf("%s: %+v", kind, a)
	}
	if err := pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: a.SDP}); err != nil {
		t.Fatal(err)
	}
}
