package signaling

import (
	"context"
	"strings"

	"gridhub/streams/call"
	"gridhub/streams/sfu"
)

// id is the member's name in the room. Persons and devices hold no NUL: both
// come from the identity that signed in.
func (m member) id() string { return string(m.person) + "\x00" + m.device }

func memberOf(id string) member {
	person, device, _ := strings.Cut(id, "\x00")
	return member{call.Person(person), device}
}

// negotiate answers an offer in the background. Membership of the room is
// what permits it, and only the call's runner grants that.
func (s *Service) negotiate(from, device string, m request) error {
	r := s.find(m.Call)
	if r == nil {
		return errUnknown
	}
	select {
	case s.negotiations <- struct{}{}:
	default:
		return errBusy
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.running {
		<-s.negotiations
		return errBusy
	}
	s.work.Go(func() {
		defer func() { <-s.negotiations }()
		s.deliver(device, r.answer(member{call.Person(from), device}, m))
	})
	return nil
}

func (r *runner) answer(who member, m request) reply {
	ctx, cancel := context.WithTimeout(context.Background(), negotiateWithin)
	defer cancel()
	with := r.room.Publish
	if m.Type == askSubscribe {
		with = r.room.Subscribe
	}
	sdp, err := with(ctx, who.id(), m.SDP)
	if err != nil {
		r.service.log.Debug("offer refused", "call", r.id, "device", who.device, "err", err)
		return failure(m, err)
	}
	a := reply{Type: "answer", Call: m.Call, Re: m.Seq, Of: m.Type, SDP: sdp}
	if v, err := r.room.View(who.id()); err == nil && m.Type == askSubscribe {
		a.Tracks = &v
	}
	return a
}

// observer turns what the media plane sees into messages and commands.
type observer struct{ s *Service }

// TracksChanged implements sfu.Observer.
func (o observer) TracksChanged(room, peer string) {
	r := o.s.find(call.ID(room))
	if r == nil {
		return
	}
	if v, err := r.room.View(peer); err == nil {
		o.s.deliver(memberOf(peer).device, reply{Type: "tracks", Call: r.id, Tracks: &v})
	}
}

// PeerState implements sfu.Observer: media that stopped is a lost connection,
// also where messages still come through.
func (o observer) PeerState(room, peer string, connected bool) {
	r := o.s.find(call.ID(room))
	if r == nil || connected {
		return
	}
	m := memberOf(peer)
	r.send(order{cmd: call.Command{Verb: call.DoAway, Person: m.person, Device: m.device, Reason: "media lost"}})
}

var _ sfu.Observer = observer{}
