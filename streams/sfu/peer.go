package sfu

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/webrtc/v4"
)

// maxWaiting negotiations of one member may be under way; more are refused,
// so that one member cannot take the places of all others.
const maxWaiting = 4

// readMTU is the longest RTP packet taken from a publisher, in bytes.
const readMTU = 1500

// peer is one member: its two connections, what it publishes and where it
// receives.
type peer struct {
	Member
	room *Room

	// guarded by room.mu
	gate   Gate
	tracks map[string]*track // by media section of the publishing connection
	slots  []*slot
	view   View
	voice  *track // what it hears in a booth, else nil

	// waiting counts the negotiations of this member, of which one runs.
	waiting atomic.Int32
	// negotiating is held over a whole negotiation: one at a time per member.
	negotiating sync.Mutex
	closed      bool
	pub, sub    connection
}

// connection is a peer connection and the client's name for its end of it.
type connection struct {
	pc      *webrtc.PeerConnection
	session uint64
}

// publish answers an offer to send.
func (p *peer) publish(ctx context.Context, o offer) (string, error) {
	p.negotiating.Lock()
	defer p.negotiating.Unlock()
	pc, fresh, err := p.connect(p.pub, o, p.room.sfu.engines.publish)
	if err != nil {
		return "", err
	}
	if fresh {
		pc.OnTrack(func(remote *webrtc.TrackRemote, receiver *webrtc.RTPReceiver) {
			p.read(pc, remote, receiver)
		})
	}
	answer, err := p.answer(ctx, pc, o, func() error { return p.accept(pc) })
	p.pub = p.keep(p.pub, connection{pc, o.session}, fresh, err)
	return answer, err
}

// subscribe answers an offer to receive.
func (p *peer) subscribe(ctx context.Context, o offer) (string, error) {
	p.negotiating.Lock()
	defer p.negotiating.Unlock()
	pc, fresh, err := p.connect(p.sub, o, p.room.sfu.engines.subscribe)
	if err != nil {
		return "", err
	}
	var before []*slot
	if fresh {
		before = p.change(nil)
	}
	answer, err := p.answer(ctx, pc, o, func() error { return p.addSlots(pc) })
	if fresh && err != nil {
		p.change(before)
	}
	p.sub = p.keep(p.sub, connection{pc, o.session}, fresh, err)
	return answer, err
}

// connect returns the connection that the offer continues, or a new one.
func (p *peer) connect(now connection, o offer, api *webrtc.API) (pc *webrtc.PeerConnection, fresh bool, err error) {
	if p.closed {
		return nil, false, ErrNotMember
	}
	if now.pc != nil && now.session == o.session && now.pc.ConnectionState() != webrtc.PeerConnectionStateFailed &&
		now.pc.ConnectionState() != webrtc.PeerConnectionStateClosed {
		return now.pc, false, nil
	}
	pc, err = api.NewPeerConnection(webrtc.Configuration{})
	if err != nil {
		return nil, false, fmt.Errorf("peer connection: %w", err)
	}
	pc.OnConnectionStateChange(func(s webrtc.PeerConnectionState) { p.state(pc, s) })
	return pc, true, nil
}

// keep decides which connection stays after a negotiation: a fresh one that
// failed never replaces the one that works.
func (p *peer) keep(old, next connection, fresh bool, err error) connection {
	switch {
	case !fresh:
		return old
	case err != nil:
		p.room.sfu.hangUp(next.pc)
		return old
	default:
		p.room.sfu.hangUp(old.pc)
		return next
	}
}

// answer applies the offer, lets prepare shape the reply, and returns it with
// the server's candidates. A description that makes the library panic is
// refused like any other that makes no sense.
func (p *peer) answer(ctx context.Context, pc *webrtc.PeerConnection, o offer, prepare func() error) (sdp string, err error) {
	defer func() {
		if r := recover(); r != nil {
			p.room.sfu.log.Error("offer made the media library panic", "call", p.room.id, "person", p.Person, "panic", r, "stack", string(debug.Stack()))
			err = fmt.Errorf("%w: %v", ErrOffer, r)
		}
	}()
	if err := pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeOffer, SDP: o.sdp}); err != nil {
		return "", fmt.Errorf("%w: %w", ErrOffer, err)
	}
	if err := prepare(); err != nil {
		return "", err
	}
	reply, err := pc.CreateAnswer(nil)
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrOffer, err)
	}
	gathered := webrtc.GatheringCompletePromise(pc)
	if err := pc.SetLocalDescription(reply); err != nil {
		return "", fmt.Errorf("%w: %w", ErrOffer, err)
	}
	select {
	case <-gathered:
		return pc.LocalDescription().SDP, nil
	case <-ctx.Done():
		return "", fmt.Errorf("gathering addresses: %w", ctx.Err())
	}
}

// accept settles on one codec for each section that sends, so that what a
// track carries is known before its first packet. A section that no longer
// sends takes its track with it.
func (p *peer) accept(pc *webrtc.PeerConnection) error {
	sending := map[string]bool{}
	for _, t := range pc.GetTransceivers() {
		if t.Direction() != webrtc.RTPTransceiverDirectionRecvonly || t.Receiver() == nil {
			continue
		}
		codec, ok := preferred(t.Receiver().GetParameters().Codecs)
		if !ok {
			return fmt.Errorf("%w: media section %s offers neither Opus, VP8 nor H.264 baseline", ErrOffer, t.Mid())
		}
		if err := t.SetCodecPreferences([]webrtc.RTPCodecParameters{codec}); err != nil {
			return fmt.Errorf("%w: %w", ErrOffer, err)
		}
		if err := p.room.publishing(p, t.Mid(), t.Kind(), codec.RTPCodecCapability); err != nil {
			return err
		}
		sending[t.Mid()] = true
	}
	p.room.retain(p, sending)
	return nil
}

// preferred takes VP8 before H.264: every browser sends it without a licence
// or a hardware encoder.
func preferred(offered []webrtc.RTPCodecParameters) (webrtc.RTPCodecParameters, bool) {
	for _, mime := range []string{mimeOpus, mimeVP8, mimeH264} {
		for _, c := range offered {
			if c.MimeType == mime {
				if mime == mimeOpus {
					c.SDPFmtpLine = opusWanted // not what the client said of itself
				}
				return c, true
			}
		}
	}
	return webrtc.RTPCodecParameters{}, false
}

// read receives one stream of a publisher until it ends.
func (p *peer) read(pc *webrtc.PeerConnection, remote *webrtc.TrackRemote, receiver *webrtc.RTPReceiver) {
	p.room.mu.Lock()
	t := p.tracks[receiver.RTPTransceiver().Mid()]
	p.room.mu.Unlock()
	if t == nil {
		return
	}
	t.begin(pc, remote.SSRC())
	go p.readReports(t, receiver)
	buf := make([]byte, readMTU)
	for {
		n, _, err := remote.Read(buf)
		if err != nil {
			return
		}
		t.receive(remote.SSRC(), buf[:n], time.Now())
	}
}

func (p *peer) readReports(t *track, receiver *webrtc.RTPReceiver) {
	for {
		packets, _, err := receiver.ReadRTCP()
		if err != nil {
			return
		}
		for _, packet := range packets {
			if sr, ok := packet.(*rtcp.SenderReport); ok {
				t.reported(sr)
			}
		}
	}
}

// state follows one of the member's connections.
func (p *peer) state(pc *webrtc.PeerConnection, s webrtc.PeerConnectionState) {
	switch s {
	case webrtc.PeerConnectionStateConnected:
		p.room.mu.Lock()
		for _, slot := range p.slots {
			if slot.pc == pc {
				slot.setReady()
			}
		}
		p.room.mu.Unlock()
		p.room.sfu.watching().PeerState(p.room.id, p.ID, true)
	case webrtc.PeerConnectionStateFailed:
		p.room.sfu.log.Info("media lost", "call", p.room.id, "person", p.Person)
		p.room.sfu.watching().PeerState(p.room.id, p.ID, false)
	case webrtc.PeerConnectionStateClosed:
		go p.closedBy(pc) // whoever closes it may hold what is asked for
	}
}

// closedBy tells that the member closed a connection that was in use; one that
// was closed here is not in use any more.
func (p *peer) closedBy(pc *webrtc.PeerConnection) {
	p.negotiating.Lock()
	used := !p.closed && (p.pub.pc == pc || p.sub.pc == pc)
	p.negotiating.Unlock()
	if used {
		p.room.sfu.watching().peerClosed(p.room.id, p.ID)
	}
}

// close ends both connections; the member is out of the room already.
func (p *peer) close() {
	p.negotiating.Lock()
	defer p.negotiating.Unlock()
	p.closed = true
	p.room.sfu.hangUp(p.pub.pc)
	p.room.sfu.hangUp(p.sub.pc)
}

// Retryable reports whether the same request may succeed later.
func Retryable(err error) bool {
	return !errors.Is(err, ErrOffer) && !errors.Is(err, ErrNotMember)
}
