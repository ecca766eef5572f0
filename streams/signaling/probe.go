package signaling

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"gridhub/streams/sfu"
)

// probePrefix begins the type of every message about a test of the way to the
// hub's media.
const probePrefix = "path."

const (
	// probeFor is how long a test connection is kept: long enough to be made
	// and measured, on a poor network too.
	probeFor = 20 * time.Second
	// maxProbes may be under way at once; more are told to try again.
	maxProbes = 64
)

// probes are connections that carry nothing: a device finds out by them which
// ways lead to the hub's media. A device has one at a time.
type probes struct {
	service *Service

	mu    sync.Mutex
	rooms map[string]*sfu.Room // by device
	made  int                  // ever, for names
}

type probeMessage struct {
	V       int    `json:"v"`
	Type    string `json:"type"`
	Seq     uint64 `json:"seq,omitempty"`
	Re      uint64 `json:"re,omitempty"`
	SDP     string `json:"sdp,omitempty"`
	Code    string `json:"code,omitempty"`
	Message string `json:"message,omitempty"`
}

// Handle implements Companion.
func (p *probes) Handle(_, device string, raw []byte) {
	var m probeMessage
	err := json.Unmarshal(raw, &m)
	switch {
	case err != nil:
		err = fmt.Errorf("%w: %w", errMessage, err)
	case m.V != Version || m.Type != probePrefix+"offer" || m.Seq == 0:
		err = fmt.Errorf("%w: want path.offer with seq and sdp", errMessage)
	default:
		err = p.begin(device, m)
	}
	if err != nil {
		p.refuse(device, m, err)
	}
}

// begin answers in the background, like any negotiation.
func (p *probes) begin(device string, m probeMessage) error {
	s := p.service
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
		sdp, err := p.answer(device, m.SDP)
		if err != nil {
			p.refuse(device, m, err)
			return
		}
		p.send(device, probeMessage{Type: probePrefix + "answer", Re: m.Seq, SDP: sdp})
	})
	return nil
}

func (p *probes) answer(device, sdp string) (string, error) {
	room, err := p.room(device)
	if err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(context.Background(), negotiateWithin)
	defer cancel()
	return room.Subscribe(ctx, device, sdp)
}

// room is a fresh room for the device alone, which is closed by itself.
func (p *probes) room(device string) (*sfu.Room, error) {
	p.mu.Lock()
	if len(p.rooms) >= maxProbes && p.rooms[device] == nil {
		p.mu.Unlock()
		return nil, fmt.Errorf("%w: %d tests at once", errBusy, maxProbes)
	}
	p.made++
	room, err := p.service.media.Room(fmt.Sprint("path/", p.made))
	last := p.rooms[device]
	if err == nil {
		p.rooms[device] = room
	}
	p.mu.Unlock()
	if err != nil {
		return nil, err
	}
	if last != nil {
		last.Close()
	}
	time.AfterFunc(probeFor, func() { p.end(device, room) })
	return room, room.Join(sfu.Member{ID: device})
}

func (p *probes) end(device string, room *sfu.Room) {
	p.mu.Lock()
	if p.rooms[device] == room {
		delete(p.rooms, device)
	}
	p.mu.Unlock()
	room.Close()
}

func (p *probes) refuse(device string, m probeMessage, err error) {
	r := failure(request{Seq: m.Seq}, err)
	p.send(device, probeMessage{Type: probePrefix + "error", Re: m.Seq, Code: r.Code, Message: r.Message})
}

func (p *probes) send(device string, m probeMessage) {
	m.V = Version
	b, err := json.Marshal(m)
	if err != nil {
		panic(err) // plain data: cannot fail
	}
	p.service.Send(device, b)
}

// Connected and Gone implement Companion: a test ends by itself.
func (p *probes) Connected(_, _ string) {}
func (p *probes) Gone(_, _ string)      {}
