package sfutest

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"
)

// Source publishes one audio and one video track. Packet n of either has
// timestamp n×480 (audio) or n×900 (video), and n as its last byte.
type Source struct {
	PC           *webrtc.PeerConnection
	Audio, Video *webrtc.TrackLocalStaticRTP
	// KeyFrames gets a value for each key-frame request.
	KeyFrames chan struct{}
	// Arrived gets the newest packet number that the SFU reports to have.
	Arrived chan uint32
}

// Publish negotiates a Source over pc.
func Publish(t testing.TB, pc *webrtc.PeerConnection, with Negotiate) *Source {
	t.Helper()
	s := NewSource(pc)
	s.Audio = s.Add(t, webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeOpus, ClockRate: 48000, Channels: 2})
	s.Video = s.Add(t, webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeVP8, ClockRate: 90000})
	Exchange(t, pc, with)
	return s
}

// NewSource is a source without tracks; see Add.
func NewSource(pc *webrtc.PeerConnection) *Source {
	return &Source{PC: pc, KeyFrames: make(chan struct{}, 100), Arrived: make(chan uint32, 100)}
}

// Add adds a track to send, before the negotiation.
func (s *Source) Add(t testing.TB, c webrtc.RTPCodecCapability) *webrtc.TrackLocalStaticRTP {
	t.Helper()
	track, err := webrtc.NewTrackLocalStaticRTP(c, c.MimeType[:5], "camera")
	if err != nil {
		t.Fatal(err)
	}
	tr, err := s.PC.AddTransceiverFromTrack(track, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionSendonly})
	if err != nil {
		t.Fatal(err)
	}
	go s.hear(tr.Sender())
	return track
}

// hear follows what the SFU says about a stream.
func (s *Source) hear(sender *webrtc.RTPSender) {
	for {
		packets, _, err := sender.ReadRTCP()
		if err != nil {
			return
		}
		for _, p := range packets {
			switch p := p.(type) {
			case *rtcp.PictureLossIndication:
				tell(s.KeyFrames, struct{}{})
			case *rtcp.ReceiverReport:
				for _, report := range p.Reports {
					tell(s.Arrived, report.LastSequenceNumber)
				}
			}
		}
	}
}

// tell drops what nobody reads.
func tell[T any](to chan T, v T) {
	select {
	case to <- v:
	default:
	}
}

// Play sends audio and video every 10 ms until ctx ends; every tenth frame
// of video is a key frame.
func (s *Source) Play(ctx context.Context) {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for n := uint16(0); ; n++ {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		_ = s.Audio.WriteRTP(Packet(n, uint32(n)*480, []byte{0xfc, byte(n)}))
		_ = s.Video.WriteRTP(Packet(n, uint32(n)*900, Frame(n%10 == 0, byte(n))))
	}
}

// Packet is an RTP packet that ends its frame.
func Packet(n uint16, ts uint32, payload []byte) *rtp.Packet {
	return &rtp.Packet{
		Header:  rtp.Header{Version: 2, Marker: true, SequenceNumber: n, Timestamp: ts},
		Payload: payload,
	}
}

// Frame is a VP8 payload: descriptor with S set, frame header with the
// inverse key-frame bit (RFC 6386, 9.1), and a mark.
func Frame(key bool, mark byte) []byte {
	if key {
		return []byte{0x10, 0x00, mark}
	}
	return []byte{0x10, 0x01, mark}
}

// Sink subscribes, and keeps what comes.
type Sink struct {
	PC *webrtc.PeerConnection

	mu   sync.Mutex
	got  map[string][]rtp.Packet // by kind
	kick chan struct{}
}

// Subscribe negotiates a Sink with so many sections of each kind over pc.
func Subscribe(t testing.TB, pc *webrtc.PeerConnection, audio, video int, with Negotiate) *Sink {
	t.Helper()
	s := &Sink{PC: pc, got: map[string][]rtp.Packet{}, kick: make(chan struct{}, 1)}
	pc.OnTrack(s.read)
	s.Places(t, audio, video)
	Exchange(t, pc, with)
	return s
}

// Places adds sections to receive in, for the next Exchange.
func (s *Sink) Places(t testing.TB, audio, video int) {
	t.Helper()
	for i := range audio + video {
		kind := webrtc.RTPCodecTypeAudio
		if i >= audio {
			kind = webrtc.RTPCodecTypeVideo
		}
		if _, err := s.PC.AddTransceiverFromKind(kind, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionRecvonly}); err != nil {
			t.Fatal(err)
		}
	}
}

func (s *Sink) read(remote *webrtc.TrackRemote, _ *webrtc.RTPReceiver) {
	kind := remote.Kind().String()
	for {
		p, _, err := remote.ReadRTP()
		if err != nil {
			return
		}
		s.mu.Lock()
		s.got[kind] = append(s.got[kind], *p)
		s.mu.Unlock()
		tell(s.kick, struct{}{})
	}
}

// Got is what has come so far of kind, "audio" or "video".
func (s *Sink) Got(kind string) []rtp.Packet {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]rtp.Packet(nil), s.got[kind]...)
}

// Wait returns what has come of kind when it is at least n packets.
func (s *Sink) Wait(t testing.TB, kind string, n int) []rtp.Packet {
	t.Helper()
	limit := time.After(Patience)
	for {
		if got := s.Got(kind); len(got) >= n {
			return got
		}
		select {
		case <-s.kick:
		case <-limit:
			t.Fatalf("%d %s packets arrived, want %d", len(s.Got(kind)), kind, n)
		}
	}
}

// More waits for n more packets of each kind.
func (s *Sink) More(t testing.TB, n int) {
	t.Helper()
	audio, video := len(s.Got("audio")), len(s.Got("video"))
	s.Wait(t, "audio", audio+n)
	s.Wait(t, "video", video+n)
}
