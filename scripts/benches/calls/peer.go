package main

import (
	"context"
	"errors"
	"math/rand/v2"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/ice/v4"
	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"
)

var (
	video = webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeVP8, ClockRate: 90000}
	audio = webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeOpus, ClockRate: 48000, Channels: 2}
)

// connection is a client with every codec and interceptor of the library's
// defaults. lossy, where there is one, carries its packets.
func connection(lossy *lossyConn) (*webrtc.PeerConnection, error) {
	var e webrtc.SettingEngine
	e.SetIncludeLoopbackCandidate(true)
	e.SetIPFilter(func(ip net.IP) bool { return ip.IsLoopback() })
	e.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeUDP4})
	e.SetICEMulticastDNSMode(ice.MulticastDNSModeDisabled)
	if lossy != nil {
		e.SetICEUDPMux(ice.NewUDPMuxDefault(ice.UDPMuxParams{UDPConn: lossy}))
	}
	m := &webrtc.MediaEngine{}
	if err := m.RegisterDefaultCodecs(); err != nil {
		return nil, err
	}
	return webrtc.NewAPI(webrtc.WithSettingEngine(e), webrtc.WithMediaEngine(m)).NewPeerConnection(webrtc.Configuration{})
}

// offer is pc's offer, complete with candidates.
func offer(ctx context.Context, pc *webrtc.PeerConnection) (string, error) {
	o, err := pc.CreateOffer(nil)
	if err != nil {
		return "", err
	}
	return local(ctx, pc, o)
}

func local(ctx context.Context, pc *webrtc.PeerConnection, d webrtc.SessionDescription) (string, error) {
	gathered := webrtc.GatheringCompletePromise(pc)
	if err := pc.SetLocalDescription(d); err != nil {
		return "", err
	}
	select {
	case <-gathered:
		return pc.LocalDescription().SDP, nil
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

func answered(pc *webrtc.PeerConnection, sdp string) error {
	return pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: sdp})
}

// connected waits until pc can carry media.
func connected(ctx context.Context, pc *webrtc.PeerConnection) error {
	up := make(chan struct{})
	once := sync.OnceFunc(func() { close(up) })
	pc.OnConnectionStateChange(func(s webrtc.PeerConnectionState) {
		if s == webrtc.PeerConnectionStateConnected {
			once()
		}
	})
	if pc.ConnectionState() == webrtc.PeerConnectionStateConnected {
		return nil
	}
	select {
	case <-up:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// A camera publishes one picture.
type camera struct {
	track *webrtc.TrackLocalStaticRTP
	asked chan struct{} // a key-frame request each
}

func newCamera(pc *webrtc.PeerConnection) (*camera, error) {
	track, err := webrtc.NewTrackLocalStaticRTP(video, "video", "camera")
	if err != nil {
		return nil, err
	}
	tr, err := pc.AddTransceiverFromTrack(track, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionSendonly})
	if err != nil {
		return nil, err
	}
	c := &camera{track: track, asked: make(chan struct{}, 16)}
	go c.hear(tr.Sender())
	return c, nil
}

func (c *camera) hear(s *webrtc.RTPSender) {
	for {
		packets, _, err := s.ReadRTCP()
		if err != nil {
			return
		}
		for _, p := range packets {
			if _, ok := p.(*rtcp.PictureLossIndication); ok {
				select {
				case c.asked <- struct{}{}:
				default: // one that waits is as good
				}
			}
		}
	}
}

// film sends 30 frames a second of 5 packets each, 1.5 Mbit/s; a frame is a
// key frame when one was asked for.
func (c *camera) film(ctx context.Context) {
	tick := time.NewTicker(time.Second / 30)
	defer tick.Stop()
	for seq, n := uint16(0), uint32(0); ; n++ {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		inter := byte(1)
		select {
		case <-c.asked:
			inter = 0
		default:
		}
		for i := range 5 {
			payload := make([]byte, 1250)
			payload[1] = inter // of the frame header (RFC 6386, 9.1)
			if i == 0 {
				payload[0] = 0x10 // the frame starts here (RFC 7741, 4.2)
			}
			h := rtp.Header{Version: 2, Marker: i == 4, SequenceNumber: seq, Timestamp: n * 3000}
			_ = c.track.WriteRTP(&rtp.Packet{Header: h, Payload: payload}) // a lost packet
			seq++
		}
	}
}

// lossyConn leaves out a share of the media that arrives, by a rule that is
// the same in every run.
type lossyConn struct {
	*net.UDPConn
	rate   float64
	random *rand.Rand

	newest  map[uint32]uint16 // by SSRC, of what came; only the reader's
	dropped atomic.Int64      // the first time they came
}

func newLossyConn(rate float64, seed uint64) (*lossyConn, error) {
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		return nil, err
	}
	return &lossyConn{UDPConn: conn, rate: rate, random: rand.New(rand.NewPCG(seed, 2)), newest: map[uint32]uint16{}}, nil
}

func (c *lossyConn) ReadFrom(b []byte) (int, net.Addr, error) {
	for {
		n, from, err := c.UDPConn.ReadFrom(b)
		if err != nil || !isMedia(b[:n]) || c.random.Float64() >= c.rate {
			if err == nil && isMedia(b[:n]) {
				c.fresh(b)
			}
			return n, from, err
		}
		if c.fresh(b) {
			c.dropped.Add(1)
		}
	}
}

// fresh reports whether the packet is newer than all before it.
func (c *lossyConn) fresh(b []byte) bool {
	ssrc := uint32(b[8])<<24 | uint32(b[9])<<16 | uint32(b[10])<<8 | uint32(b[11])
	seq := uint16(b[2])<<8 | uint16(b[3])
	last, known := c.newest[ssrc]
	if known && int16(seq-last) <= 0 {
		return false
	}
	c.newest[ssrc] = seq
	return true
}

// isMedia tells RTP from RTCP, DTLS and STUN (RFC 7983, RFC 5761).
func isMedia(b []byte) bool {
	return len(b) >= 12 && b[0]>>6 == 2 && (b[1] < 192 || b[1] > 223)
}

var errNoMedia = errors.New("no media arrived in time")
