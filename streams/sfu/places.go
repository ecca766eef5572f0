package sfu

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/pion/webrtc/v4"
)

// maxSlots bounds the media sections one subscriber may have.
const maxSlots = 64

// addSlots fills every receive-only section of the client's that has no slot.
func (p *peer) addSlots(pc *webrtc.PeerConnection) error {
	for _, t := range pc.GetTransceivers() {
		if t.Sender() != nil || t.Direction() != webrtc.RTPTransceiverDirectionSendonly {
			continue
		}
		s := &slot{kind: t.Kind(), mid: t.Mid(), pc: pc}
		s.ready = pc.ConnectionState() == webrtc.PeerConnectionStateConnected
		if err := p.addSlot(s); err != nil {
			return err
		}
		sender, err := pc.AddTrack(s)
		if err != nil {
			return fmt.Errorf("%w: %w", ErrOffer, err)
		}
		if t.Sender() != sender {
			return fmt.Errorf("%w: media section %s cannot receive", ErrOffer, t.Mid())
		}
		go s.feedback(sender)
	}
	return nil
}

func (p *peer) addSlot(s *slot) error {
	p.room.mu.Lock()
	defer p.room.mu.Unlock()
	if len(p.slots) >= maxSlots {
		return fmt.Errorf("%w: %d media sections: %w", ErrOffer, len(p.slots), ErrFull)
	}
	s.id = string(s.kind.String()[0]) + strconv.Itoa(len(p.slots))
	s.open = p.gate.Receive
	p.slots = append(p.slots, s)
	return nil
}

// change replaces all slots, unplugged, and returns the former ones.
func (p *peer) change(slots []*slot) (former []*slot) {
	p.room.mu.Lock()
	defer p.room.mu.Unlock()
	former = p.slots
	for _, s := range former {
		s.plug(nil)
	}
	p.slots = slots
	return former
}

// plug makes t what the slot plays. Called under room.mu.
func (s *slot) plug(t *track) {
	if s.plays == t {
		return
	}
	if s.plays != nil {
		s.plays.unsubscribe(s)
	}
	s.plays = t
	if t != nil {
		t.subscribe(s) // first, so that nothing falls between replay and live
	}
	s.setTrack(t)
}

// take plugs what p may hear into its slots and says what plays where.
// Called under room.mu.
func (p *peer) take(tracks []*track) View {
	var v View
	for _, t := range tracks {
		if t.owner == p {
			continue
		}
		s := p.slotFor(t)
		switch {
		case s != nil:
			s.plug(t)
			v.Playing = append(v.Playing, Playing{Mid: s.mid, Track: t.id, Person: t.owner.Person, Kind: t.kind.String()})
		case t.kind == webrtc.RTPCodecTypeAudio:
			v.MissingAudio++
		default:
			v.MissingVideo++
		}
	}
	return v
}

// slotFor is the slot that plays t, else a free one of its kind, else nil.
func (p *peer) slotFor(t *track) *slot {
	var free *slot
	for _, s := range p.slots {
		if s.plays == t {
			return s
		}
		if free == nil && s.plays == nil && s.kind == t.kind {
			free = s
		}
	}
	return free
}

func (v View) equal(w View) bool {
	return v.MissingAudio == w.MissingAudio && v.MissingVideo == w.MissingVideo && slices.Equal(v.Playing, w.Playing)
}
