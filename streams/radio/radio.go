// Package radio runs talk groups: who holds the floor of each (streams/talk),
// what is said there (streams/sfu), and who has yet to hear it.
//
// It owns one goroutine and one booth per group in use, the tapes of what was
// said lately, and a place on them for every device: who is there hears at
// once, who comes late hears the running burst from its beginning, who was
// away hears what was kept. It promises that only members talk and hear, that
// what happens on a floor is stored before anybody is told, and that a restart
// loses nothing but the burst being said. The messages are documented in
// ../signaling/PROTOCOL.md, which carries them.
// It leaves out who belongs to a group and where things are kept: it asks
// Directory and Log.
package radio

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"gridhub/streams/sfu"
	"gridhub/streams/talk"
)

// Group is who may talk to whom.
type Group struct {
	ID   talk.Group `json:"id"`
	Kind string     `json:"kind"` // department, grid, case or all
	ZH   string     `json:"zh"`
	EN   string     `json:"en"`
	// Members may hear and speak here, each up to a priority.
	Members map[talk.Person]talk.Priority `json:"-"`
}

// Directory knows people and their groups.
type Directory interface {
	// Groups lists the groups that person belongs to.
	Groups(ctx context.Context, person string) ([]Group, error)
	// Group is one group as it is now.
	Group(ctx context.Context, id talk.Group) (Group, error)
	// Devices lists the devices of person that are reachable now.
	Devices(person string) []string
}

// Log keeps what happens on floors, and what is said. Doing the same twice
// must be harmless.
type Log interface {
	// Load is the newest snapshot of a group's floor (nil: none), the events
	// after it, and the tapes that are kept, oldest first.
	Load(ctx context.Context, g talk.Group) (snapshot []byte, events []talk.Event, tapes []Tape, err error)
	Record(ctx context.Context, e talk.Event) error
	// Snapshot replaces the last one, and all events up to number.
	Snapshot(ctx context.Context, g talk.Group, number uint64, snapshot []byte) error
	Keep(ctx context.Context, t Tape) error
	// Drop forgets the tapes of bursts below oldest.
	Drop(ctx context.Context, g talk.Group, oldest uint64) error
}

// Send queues payload for a device and returns at once.
type Send func(device string, payload []byte)

// Config bounds what is served at once and what is kept.
type Config struct {
	MaxGroups int `yaml:"max_groups"` // in use at once; more are refused
	// KeepBytes and KeepFor bound the tapes of one group: what is more or older
	// goes, the oldest first. A minute of speech takes some 240,000 bytes.
	KeepBytes int           `yaml:"keep_bytes"`
	KeepFor   time.Duration `yaml:"keep_for"`
}

// Default is what the shipped configuration says.
func Default() Config { return Config{MaxGroups: 128, KeepBytes: 4 << 20, KeepFor: 24 * time.Hour} }

// Validate reports every mistake at once.
func (c Config) Validate() error {
	var errs []error
	if c.MaxGroups < 1 || c.MaxGroups > 10_000 {
		errs = append(errs, fmt.Errorf("max_groups: %d: want 1 to 10000", c.MaxGroups))
	}
	if c.KeepBytes < 64<<10 || c.KeepBytes > 1<<30 {
		errs = append(errs, fmt.Errorf("keep_bytes: %d: want 65536 to 1073741824", c.KeepBytes))
	}
	if c.KeepFor < time.Minute || c.KeepFor > 30*24*time.Hour {
		errs = append(errs, fmt.Errorf("keep_for: %v: want 1m to 720h", c.KeepFor))
	}
	return errors.Join(errs...)
}

const (
	// maxNegotiations run at once in the process; more are told to try again.
	maxNegotiations = 32
	negotiateWithin = 5 * time.Second
	// storeWithin bounds how long a slow store may hold up a floor.
	storeWithin = 2 * time.Second
	// memberAge is how old what is known of a group's members may be.
	memberAge = 15 * time.Second
	// idleAfter is how long a group that nobody is in is kept in memory.
	idleAfter = time.Minute
	// snapshotEvery is after how many events a floor is kept as a snapshot.
	snapshotEvery = 256
)

// Service runs the groups in use. Safe for concurrent use.
type Service struct {
	config       Config
	media        *sfu.SFU
	directory    Directory
	store        Log
	send         Send
	log          *slog.Logger
	boot         string
	work         sync.WaitGroup
	stop         chan struct{}
	negotiations chan struct{}

	mu      sync.Mutex
	running bool
	groups  map[talk.Group]*group
	in      map[string]map[talk.Group]bool // by device: the groups it is in
}

// New wires a service. Groups may be used at once; Run must follow: it is what
// ends their goroutines.
func New(c Config, media *sfu.SFU, d Directory, l Log, send Send, log *slog.Logger) (*Service, error) {
	if err := c.Validate(); err != nil {
		return nil, fmt.Errorf("radio: %w", err)
	}
	return &Service{config: c, media: media, directory: d, store: l, send: send, log: log, boot: rand.Text(), running: true,
		stop: make(chan struct{}), negotiations: make(chan struct{}, maxNegotiations),
		groups: map[talk.Group]*group{}, in: map[string]map[talk.Group]bool{}}, nil
}

// Run serves until ctx ends and returns when every group's goroutine has. What
// is being said then is kept up to there.
func (s *Service) Run(ctx context.Context) error {
	<-ctx.Done()
	s.mu.Lock()
	s.running = false
	s.mu.Unlock()
	close(s.stop)
	s.work.Wait()
	return nil
}

// Handle takes one message of a device on which person is signed in.
func (s *Service) Handle(person, device string, raw []byte) {
	m, err := parse(raw)
	if err == nil {
		err = s.dispatch(person, device, m)
	}
	if err != nil {
		s.log.Debug("talk message refused", "device", device, "group", m.Group, "err", err)
		s.tell(device, failure(m, err))
	}
}

// Connected does nothing: a device says itself which groups it wants to be in.
func (s *Service) Connected(_, _ string) {}

// Gone says that a device's connection has ended. It leaves every group, unless
// it is back soon.
func (s *Service) Gone(_, device string) {
	s.mu.Lock()
	var all []*group
	for id := range s.in[device] {
		if g := s.groups[id]; g != nil {
			all = append(all, g)
		}
	}
	s.mu.Unlock()
	for _, g := range all {
		g.must(order{verb: gone, device: device})
	}
}

func (s *Service) dispatch(person, device string, m request) error {
	switch m.Type {
	case askGroups:
		return s.list(person, device)
	case askPublish, askSubscribe:
		return s.negotiate(device, m)
	}
	o := order{verb: m.Type, person: talk.Person(person), device: device, re: m}
	for range 3 { // a group may close between being found and being asked
		g, err := s.group(m.Group, m.Type == askJoin)
		if err != nil {
			return err
		}
		if err := g.offer(o); !errors.Is(err, errClosed) {
			return err
		}
	}
	return errBusy
}

// group is the group in use called id; open brings one into use.
func (s *Service) group(id talk.Group, open bool) (*group, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if g := s.groups[id]; g != nil {
		return g, nil
	}
	switch {
	case !open:
		return nil, talk.ErrNotPresent
	case !s.running:
		return nil, fmt.Errorf("%w: not serving", errBusy)
	case len(s.groups) >= s.config.MaxGroups:
		return nil, fmt.Errorf("%w: %d groups in use", errBusy, len(s.groups))
	}
	g := newGroup(s, id)
	s.groups[id] = g
	s.work.Go(g.run)
	return g, nil
}

// forget takes g out of use, unless something has come for it.
func (s *Service) forget(g *group) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(g.inbox) > 0 {
		return false
	}
	g.closed = true
	delete(s.groups, g.id)
	return true
}

// note remembers which groups a device is in.
func (s *Service) note(device string, id talk.Group, in bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case in && s.in[device] == nil:
		s.in[device] = map[talk.Group]bool{id: true}
	case in:
		s.in[device][id] = true
	default:
		if delete(s.in[device], id); len(s.in[device]) == 0 {
			delete(s.in, device)
		}
	}
}

func (s *Service) tell(device string, r reply) { s.send(device, r.bytes()) }

// list tells a device the groups of its person.
func (s *Service) list(person, device string) error {
	ctx, cancel := context.WithTimeout(context.Background(), storeWithin)
	defer cancel()
	groups, err := s.directory.Groups(ctx, person)
	if err != nil {
		return err
	}
	if groups == nil {
		groups = []Group{}
	}
	s.tell(device, reply{Type: "talk.groups", Groups: groups})
	return nil
}

// negotiate answers an offer in the background. Being in the group is what
// permits it, and only the group's goroutine grants that.
func (s *Service) negotiate(device string, m request) error {
	g, err := s.group(m.Group, false)
	if err != nil {
		return err
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
		s.tell(device, g.answer(device, m))
	})
	return nil
}
