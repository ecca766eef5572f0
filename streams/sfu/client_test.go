package sfu_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/pion/ice/v4"
	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"

	"gridhub/streams/sfu"
)

// start runs an SFU on loopback until the test ends, and fails the test when
// it does not end cleanly.
func start(t testing.TB, change func(*sfu.Config)) *sfu.SFU {
	t.Helper()
	c := sfu.Default()
	c.Address, c.Loopback = "127.0.0.1:0", true
	if change != nil {
		change(&c)
	}
	s, err := sfu.New(c, quiet(t))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil && !errors.Is(err, io.ErrClosedPipe) {
			t.Errorf("Run: %v", err)
		}
	})
	return s
}

// quiet logs what somebody should know of.
func quiet(t testing.TB) *slog.Logger {
	return slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn}))
}

func room(t testing.TB, s *sfu.SFU, id string, members ...string) *sfu.Room {
	t.Helper()
	r, err := s.Room(id)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range members {
		if err := r.Join(sfu.Member{ID: m, Person: "person " + m}); err != nil {
			t.Fatal(err)
		}
		if err := r.Gate(m, sfu.Gate{Send: true, Receive: true}); err != nil {
			t.Fatal(err)
		}
	}
	return r
}

// newPC is a real pion peer with default codecs and interceptors, on loopback.
func newPC(t testing.TB) *webrtc.PeerConnection {
	t.Helper()
	var e webrtc.SettingEngine
	e.SetIncludeLoopbackCandidate(true)
	e.SetICEMulticastDNSMode(ice.MulticastDNSModeDisabled)
	return connection(t, e)
}

func connection(t testing.TB, e webrtc.SettingEngine) *webrtc.PeerConnection {
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

type negotiation func(ctx context.Context, id, offer string) (string, error)

func negotiate(t testing.TB, pc *webrtc.PeerConnection, id string, with negotiation) {
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
	answer, err := with(t.Context(), id, pc.LocalDescription().SDP)
	if err != nil {
		t.Fatal(err)
	}
	if err := pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: answer}); err != nil {
		t.Fatal(err)
	}
}

// source is a publisher of numbered packets. The payload's last byte tells
// the packet's number; every tenth video packet is a key frame.
type source struct {
	pc    *webrtc.PeerConnection
	audio *webrtc.TrackLocalStaticRTP
	video *webrtc.TrackLocalStaticRTP
	plis  chan struct{}
	// arrived is the newest packet number that the SFU reports to have.
	arrived chan uint32
}

func publish(t testing.TB, r *sfu.Room, id string) *source {
	t.Helper()
	s := &source{pc: newPC(t), plis: make(chan struct{}, 100), arrived: make(chan uint32, 100)}
	s.audio = s.track(t, webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeOpus, ClockRate: 48000, Channels: 2}, "a")
	s.video = s.track(t, webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeVP8, ClockRate: 90000}, "v")
	negotiate(t, s.pc, id, r.Publish)
	return s
}

func (s *source) track(t testing.TB, c webrtc.RTPCodecCapability, id string) *webrtc.TrackLocalStaticRTP {
	t.Helper()
	track, err := webrtc.NewTrackLocalStaticRTP(c, id, "camera")
	if err != nil {
		t.Fatal(err)
	}
	tr, err := s.pc.AddTransceiverFromTrack(track, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionSendonly})
	if err != nil {
		t.Fatal(err)
	}
	go s.hear(tr.Sender())
	return track
}

// hear follows what the SFU says about a stream.
func (s *source) hear(sender *webrtc.RTPSender) {
	for {
		packets, _, err := sender.ReadRTCP()
		if err != nil {
			return
		}
		for _, p := range packets {
			switch p := p.(type) {
			case *rtcp.PictureLossIndication:
				select {
				case s.plis <- struct{}{}:
				default:
				}
			case *rtcp.ReceiverReport:
				for _, report := range p.Reports {
					select {
					case s.arrived <- report.LastSequenceNumber:
					default:
					}
				}
			}
		}
	}
}

// play sends audio and video every 10 ms until ctx ends.
func (s *source) play(ctx context.Context) {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for n := uint16(0); ; n++ {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		_ = s.audio.WriteRTP(packetOf(n, uint32(n)*480, []byte{0xfc, byte(n)}))
		_ = s.video.WriteRTP(packetOf(n, uint32(n)*900, frame(n%10 == 0, byte(n))))
	}
}

func packetOf(n uint16, ts uint32, payload []byte) *rtp.Packet {
	return &rtp.Packet{
		Header:  rtp.Header{Version: 2, Marker: true, SequenceNumber: n, Timestamp: ts},
		Payload: payload,
	}
}

// frame is a VP8 payload: descriptor with S set, frame header with the
// inverse key-frame bit (RFC 6386, 9.1), and a mark.
func frame(key bool, mark byte) []byte {
	if key {
		return []byte{0x10, 0x00, mark}
	}
	return []byte{0x10, 0x01, mark}
}

// sink is a subscriber that remembers what came over each media section.
type sink struct {
	pc *webrtc.PeerConnection

	mu   sync.Mutex
	got  map[string][]rtp.Packet // by kind
	kick chan struct{}
}

func subscribe(t testing.TB, r *sfu.Room, id string, audio, video int) *sink {
	t.Helper()
	return subscribeFrom(t, r, id, audio, video, newPC(t))
}

func subscribeFrom(t testing.TB, r *sfu.Room, id string, audio, video int, pc *webrtc.PeerConnection) *sink {
	t.Helper()
	s := &sink{pc: pc, got: map[string][]rtp.Packet{}, kick: make(chan struct{}, 1)}
	s.pc.OnTrack(s.read)
	recv := webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionRecvonly}
	for i := range audio + video {
		kind := webrtc.RTPCodecTypeAudio
		if i >= audio {
			kind = webrtc.RTPCodecTypeVideo
		}
		if _, err := s.pc.AddTransceiverFromKind(kind, recv); err != nil {
			t.Fatal(err)
		}
	}
	negotiate(t, s.pc, id, r.Subscribe)
	return s
}

func (s *sink) read(remote *webrtc.TrackRemote, _ *webrtc.RTPReceiver) {
	for {
		p, _, err := remote.ReadRTP()
		if err != nil {
			return
		}
		s.mu.Lock()
		kind := remote.Kind().String()
		s.got[kind] = append(s.got[kind], *p)
		s.mu.Unlock()
		select {
		case s.kick <- struct{}{}:
		default:
		}
	}
}

// wait returns the first n packets of kind.
func (s *sink) wait(t testing.TB, kind string, n int) []rtp.Packet {
	t.Helper()
	limit := time.After(20 * time.Second)
	for {
		s.mu.Lock()
		got := append([]rtp.Packet(nil), s.got[kind]...)
		s.mu.Unlock()
		if len(got) >= n {
			return got
		}
		select {
		case <-s.kick:
		case <-limit:
			t.Fatalf("%d %s packets arrived, want %d", len(got), kind, n)
		}
	}
}
