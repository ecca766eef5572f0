package sfu

import (
	"fmt"
	"net"
	"time"

	"github.com/pion/dtls/v3"
	"github.com/pion/ice/v4"
	"github.com/pion/interceptor"
	"github.com/pion/interceptor/pkg/nack"
	"github.com/pion/interceptor/pkg/report"
	"github.com/pion/interceptor/pkg/twcc"
	"github.com/pion/logging"
	"github.com/pion/sdp/v3"
	"github.com/pion/webrtc/v4"
)

const (
	mimeOpus = webrtc.MimeTypeOpus
	mimeVP8  = webrtc.MimeTypeVP8
	mimeH264 = webrtc.MimeTypeH264
)

// opusWanted is what a client is asked to send: what is lost is mended from the
// next packet, and silence is not sent (RFC 7587, 6.1), so that sound is the
// last to suffer on a poor network.
const opusWanted = "minptime=10;useinbandfec=1;usedtx=1"

// How long silence lasts before a peer is taken for gone.
const (
	iceDisconnected = 5 * time.Second
	iceFailed       = 10 * time.Second // after iceDisconnected
	iceKeepalive    = 2 * time.Second
)

// engines are the two ways a peer connection is set up: one that receives
// from a publisher, one that sends to a subscriber.
type engines struct {
	publish   *webrtc.API
	subscribe *webrtc.API
}

func newEngines(c Config, s *sockets, logs logging.LoggerFactory) (engines, error) {
	var e engines
	settings, err := settings(c, s, logs)
	if err != nil {
		return e, err
	}
	if e.publish, err = publishEngine(settings); err != nil {
		return e, err
	}
	e.subscribe, err = subscribeEngine(settings)
	return e, err
}

func settings(c Config, s *sockets, logs logging.LoggerFactory) (webrtc.SettingEngine, error) {
	e := webrtc.SettingEngine{LoggerFactory: logs}
	e.SetICEUDPMux(s.udp)
	if s.tcp != nil {
		e.SetICETCPMux(s.tcp)
	}
	e.SetNetworkTypes(s.networks())
	e.SetIPFilter(func(ip net.IP) bool { return s.offers(ip) })
	e.SetIncludeLoopbackCandidate(true) // the filter above decides
	e.SetICEMulticastDNSMode(ice.MulticastDNSModeDisabled)
	e.SetICETimeouts(iceDisconnected, iceFailed, iceKeepalive)
	e.SetLite(c.Lite)
	e.DisableActiveTCP(true)
	e.SetSRTPProtectionProfiles(dtls.SRTP_AEAD_AES_128_GCM, dtls.SRTP_AES128_CM_HMAC_SHA1_80)
	if len(c.Advertise) > 0 {
		if err := e.SetICEAddressRewriteRules(webrtc.ICEAddressRewriteRule{
			External:        c.Advertise,
			AsCandidateType: webrtc.ICECandidateTypeHost,
			Mode:            webrtc.ICEAddressRewriteReplace,
		}); err != nil {
			return e, fmt.Errorf("advertise: %w", err)
		}
	}
	return e, nil
}

// publishEngine reports back to the sender of media: what is missing (NACK),
// how it arrives (receiver reports) and when (transport-wide feedback, from
// which a browser works out how much it may send).
func publishEngine(s webrtc.SettingEngine) (*webrtc.API, error) {
	m, err := codecs(webrtc.RTCPFeedback{Type: webrtc.TypeRTCPFBTransportCC})
	if err != nil {
		return nil, err
	}
	if err := midExtension(m); err != nil {
		return nil, err
	}
	missing, err := nack.NewGeneratorInterceptor(nack.GeneratorSize(1024), nack.GeneratorMaxNacksPerPacket(10),
		nack.WithGeneratorLoggerFactory(s.LoggerFactory))
	if err != nil {
		return nil, err
	}
	receiver, err := report.NewReceiverInterceptor(report.WithReceiverLoggerFactory(s.LoggerFactory))
	if err != nil {
		return nil, err
	}
	r := &interceptor.Registry{}
	r.Add(missing)
	r.Add(receiver)
	if err := webrtc.ConfigureTWCCSenderWithOptions(m, r, twcc.WithLoggerFactory(s.LoggerFactory)); err != nil {
		return nil, err
	}
	return webrtc.NewAPI(webrtc.WithMediaEngine(m), webrtc.WithInterceptorRegistry(r), webrtc.WithSettingEngine(s)), nil
}

// subscribeEngine runs no interceptors: loss, reports and pacing are answered
// from the track's own ring.
func subscribeEngine(s webrtc.SettingEngine) (*webrtc.API, error) {
	m, err := codecs()
	if err != nil {
		return nil, err
	}
	return webrtc.NewAPI(webrtc.WithMediaEngine(m),
		webrtc.WithInterceptorRegistry(&interceptor.Registry{}), webrtc.WithSettingEngine(s)), nil
}

// midExtension lets a packet say its media section, for clients that do not
// declare SSRCs in their offer.
func midExtension(m *webrtc.MediaEngine) error {
	for _, kind := range []webrtc.RTPCodecType{webrtc.RTPCodecTypeAudio, webrtc.RTPCodecTypeVideo} {
		if err := m.RegisterHeaderExtension(webrtc.RTPHeaderExtensionCapability{URI: sdp.SDESMidURI}, kind); err != nil {
			return err
		}
	}
	return nil
}

// codecs are the three every browser and handset speaks: Opus, VP8, and H.264
// constrained baseline.
func codecs(extra ...webrtc.RTCPFeedback) (*webrtc.MediaEngine, error) {
	m := &webrtc.MediaEngine{}
	audio := webrtc.RTPCodecCapability{
		MimeType: mimeOpus, ClockRate: 48000, Channels: 2,
		SDPFmtpLine:  opusWanted,
		RTCPFeedback: append([]webrtc.RTCPFeedback{{Type: webrtc.TypeRTCPFBNACK}}, extra...),
	}
	if err := m.RegisterCodec(webrtc.RTPCodecParameters{RTPCodecCapability: audio, PayloadType: 111}, webrtc.RTPCodecTypeAudio); err != nil {
		return nil, err
	}
	feedback := append([]webrtc.RTCPFeedback{
		{Type: webrtc.TypeRTCPFBNACK},
		{Type: webrtc.TypeRTCPFBNACK, Parameter: "pli"},
		{Type: webrtc.TypeRTCPFBCCM, Parameter: "fir"},
	}, extra...)
	video := []webrtc.RTPCodecParameters{
		{PayloadType: 96, RTPCodecCapability: webrtc.RTPCodecCapability{MimeType: mimeVP8}},
		{PayloadType: 102, RTPCodecCapability: webrtc.RTPCodecCapability{
			MimeType:    mimeH264,
			SDPFmtpLine: "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f",
		}},
	}
	for _, p := range video {
		p.ClockRate, p.RTCPFeedback = 90000, feedback
		if err := m.RegisterCodec(p, webrtc.RTPCodecTypeVideo); err != nil {
			return nil, err
		}
	}
	return m, nil
}
