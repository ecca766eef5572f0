package radio_test

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"

	"gridhub/streams/radio"
	"gridhub/streams/sfu"
	"gridhub/streams/sfu/sfutest"
	"gridhub/streams/talk"
)

const cleaners talk.Group = "dept/cleaners"

// street is everything around the service that a test needs.
type street struct {
	t       testing.TB
	service *radio.Service
	stop    func()

	mu      sync.Mutex
	members map[talk.Person]talk.Priority
	phones  map[string]*phone
	kept    map[talk.Group]*kept
}

// kept is what a store holds of one group.
type kept struct {
	snapshot []byte
	upto     uint64
	events   []talk.Event
	tapes    []radio.Tape
}

func open(t testing.TB, members ...talk.Person) *street {
	t.Helper()
	s := &street{t: t, members: map[talk.Person]talk.Priority{"centre": talk.Emergency}, phones: map[string]*phone{}, kept: map[talk.Group]*kept{}}
	for _, p := range members {
		s.members[p] = talk.Normal
	}
	s.boot(radio.Default())
	return s
}

// boot starts media and groups, with what was kept before.
func (s *street) boot(c radio.Config) {
	s.t.Helper()
	media, stopMedia := sfutest.StartStop(s.t, nil)
	service, err := radio.New(c, media, s, s, s.send, sfutest.Log(s.t))
	if err != nil {
		s.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- service.Run(ctx) }()
	s.service = service
	s.stop = sync.OnceFunc(func() { cancel(); <-done; stopMedia() })
	s.t.Cleanup(s.stop)
}

func (s *street) send(device string, payload []byte) {
	s.mu.Lock()
	p := s.phones[device]
	s.mu.Unlock()
	if p != nil {
		p.got(payload)
	}
}

func (s *street) Groups(_ context.Context, person string) ([]radio.Group, error) {
	g, err := s.Group(context.Background(), cleaners)
	if _, in := g.Members[talk.Person(person)]; !in {
		return nil, err
	}
	return []radio.Group{g}, err
}

func (s *street) Group(_ context.Context, id talk.Group) (radio.Group, error) {
	if id != cleaners {
		return radio.Group{}, errors.New("no such group")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return radio.Group{ID: id, Kind: "department", ZH: "环卫", EN: "Cleaners", Members: s.members}, nil
}

func (s *street) Devices(person string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []string
	for name, p := range s.phones {
		if p.person == person {
			all = append(all, name)
		}
	}
	return all
}

func (s *street) of(g talk.Group) *kept {
	if s.kept[g] == nil {
		s.kept[g] = &kept{}
	}
	return s.kept[g]
}

func (s *street) Load(_ context.Context, g talk.Group) ([]byte, []talk.Event, []radio.Tape, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	k := s.of(g)
	return k.snapshot, slices.Clone(k.events), slices.Clone(k.tapes), nil
}

func (s *street) Record(_ context.Context, e talk.Event) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.of(e.Group).events = append(s.of(e.Group).events, e)
	return nil
}

func (s *street) Snapshot(_ context.Context, g talk.Group, number uint64, snapshot []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	k := s.of(g)
	k.snapshot, k.upto = snapshot, number
	k.events = slices.DeleteFunc(k.events, func(e talk.Event) bool { return e.Number <= number })
	return nil
}

func (s *street) Keep(_ context.Context, t radio.Tape) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.of(t.Group).tapes = append(s.of(t.Group).tapes, t)
	return nil
}

func (s *street) Drop(_ context.Context, g talk.Group, oldest uint64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.of(g).tapes = slices.DeleteFunc(s.of(g).tapes, func(t radio.Tape) bool { return t.Burst < oldest })
	return nil
}

// message is a message of the hub as a client reads it.
type message struct {
	Type    string
	Group   string
	Re      uint64
	State   *state
	SDP     string
	Burst   uint64
	Person  string
	Unheard int
	Code    string
	Groups  []radio.Group
	Sound   []struct {
		N    uint64
		At   uint32
		Data []byte
	}
}

type state struct {
	Present []string
	Speaker *struct {
		Person   string
		Burst    uint64
		Priority int
	}
	Queue   []string
	Speaks  bool
	Waits   int
	Ended   string
	Unheard []struct{ Burst uint64 }
	Said    []struct {
		Burst uint64
		Heard []string
	}
}

// phone is one device of one person, with a real connection for its sound.
type phone struct {
	s      *street
	name   string
	person string
	inbox  chan message
	mic    *webrtc.TrackLocalStaticRTP
	ear    *sfutest.Sink
	said   atomic.Uint32 // packets of sound sent
}

var sequence atomic.Uint64

func (s *street) phone(name, person string) *phone {
	p := &phone{s: s, name: name, person: person, inbox: make(chan message, 4096)}
	s.mu.Lock()
	s.phones[name] = p
	s.mu.Unlock()
	return p
}

func (p *phone) got(payload []byte) {
	var m message
	if err := json.Unmarshal(payload, &m); err != nil {
		p.s.t.Errorf("%s got %s", p.name, payload)
	}
	select {
	case p.inbox <- m:
	default:
		p.s.t.Errorf("%s does not read its messages", p.name)
	}
}

// say sends a request and returns its number.
func (p *phone) say(verb string, with map[string]any) uint64 {
	seq := sequence.Add(1)
	m := map[string]any{"v": 1, "type": "talk." + verb, "group": cleaners, "seq": seq}
	for k, v := range with {
		m[k] = v
	}
	b, err := json.Marshal(m)
	if err != nil {
		p.s.t.Fatal(err)
	}
	p.s.service.Handle(p.person, p.name, b)
	return seq
}

// await returns the next message that is wanted; others are read and gone.
func (p *phone) await(what string, wanted func(message) bool) message {
	p.s.t.Helper()
	limit := time.After(sfutest.Patience)
	for {
		select {
		case m := <-p.inbox:
			if wanted(m) {
				return m
			}
		case <-limit:
			p.s.t.Fatalf("%s waits in vain: %s", p.name, what)
		}
	}
}

// ask sends a request and returns the reply to it.
func (p *phone) ask(verb string, with map[string]any) message {
	p.s.t.Helper()
	seq := p.say(verb, with)
	return p.await("the reply to "+verb, func(m message) bool { return m.Re == seq })
}

// sees waits for a state.
func (p *phone) sees(what string, wanted func(*state) bool) *state {
	p.s.t.Helper()
	return p.await(what, func(m message) bool { return m.Type == "talk.state" && wanted(m.State) }).State
}

func (p *phone) negotiate(kind string) sfutest.Negotiate {
	return func(offer string) (string, error) {
		m := p.ask(kind, map[string]any{"sdp": offer})
		if m.Type != "talk.answer" {
			return "", errors.New(m.Code)
		}
		return m.SDP, nil
	}
}

// join enters the group, with a microphone and an ear.
func (p *phone) join() *state {
	p.s.t.Helper()
	m := p.ask("join", nil)
	if m.State == nil {
		p.s.t.Fatalf("%s: %+v", p.name, m)
	}
	pc := sfutest.Connection(p.s.t)
	p.ear = sfutest.Subscribe(p.s.t, pc, 1, 0, p.negotiate("subscribe"))
	out := sfutest.Connection(p.s.t)
	source := sfutest.NewSource(out)
	p.mic = source.Add(p.s.t, webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeOpus, ClockRate: 48000, Channels: 2})
	sfutest.Exchange(p.s.t, out, p.negotiate("publish"))
	sfutest.Connected(p.s.t, out)
	sfutest.Connected(p.s.t, pc)
	return m.State
}

// speak opens the microphone until the returned function is called: 20 ms
// after 20 ms of numbered sound.
func (p *phone) speak() (hush func()) {
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for {
			n := p.said.Load()
			_ = p.mic.WriteRTP(&rtp.Packet{Header: rtp.Header{Version: 2, SequenceNumber: uint16(n), Timestamp: n * 960}, Payload: word(n)})
			p.said.Add(1)
			select {
			case <-stop:
				return
			case <-tick.C:
			}
		}
	}()
	return sync.OnceFunc(func() { close(stop); <-done })
}

// saidBy waits until n packets in all have left the microphone.
func (p *phone) reaches(n uint32) {
	for p.said.Load() < n {
		time.Sleep(5 * time.Millisecond) // paced by the microphone's own clock
	}
}

func word(n uint32) []byte { return binary.BigEndian.AppendUint32([]byte{0xfc, 1}, n) }

// words are the numbers of what was heard so far, in the order of the stream.
func (p *phone) words() []uint32 {
	got := p.ear.Got("audio")
	slices.SortStableFunc(got, func(a, b rtp.Packet) int { return int(int16(a.SequenceNumber - b.SequenceNumber)) })
	var all []uint32
	for _, pkt := range got {
		if len(pkt.Payload) == 6 {
			all = append(all, binary.BigEndian.Uint32(pkt.Payload[2:]))
		}
	}
	return all
}

// hears waits until the packet n has come, and checks that everything from
// first on came before it, once each, in order.
func (p *phone) hears(first, n uint32) {
	p.s.t.Helper()
	limit := time.After(sfutest.Patience)
	for {
		all := p.words()
		if len(all) > 0 && slices.Contains(all, n) {
			at := slices.Index(all, first)
			if at < 0 {
				p.s.t.Fatalf("%s hears from %d on, want %d", p.name, all[0], first)
			}
			for i, w := range all[at:] {
				if w != first+uint32(i) {
					p.s.t.Fatalf("%s hears %v, want every packet from %d on", p.name, all[at:at+i+1], first)
				}
				if w == n {
					return
				}
			}
		}
		select {
		case <-limit:
			p.s.t.Fatalf("%s hears %v, want up to %d", p.name, all, n)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

var _ radio.Log = (*street)(nil)
var _ = sfu.Frame{}
