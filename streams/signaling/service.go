// Package signaling lets devices make calls: it takes their messages, runs
// the calls they are about (streams/call), opens and closes the media gates
// (streams/sfu) and tells everybody concerned.
//
// It owns the live calls, one goroutine each, and the WebSocket of the
// centre; the field's messages come and go over MQTT through its caller. It
// promises that an event is stored before anybody is told of it, that nobody
// publishes into or hears a call without a seat in it, and that calls outlive
// a restart of the process. The messages are documented in PROTOCOL.md.
// It leaves out who may call whom and where events are kept: it asks
// Directory and Log.
package signaling

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"gridhub/streams/call"
	"gridhub/streams/sfu"
)

// Directory knows people and their rights.
type Directory interface {
	// Devices lists the devices of person that are reachable now, those of
	// this package's own WebSockets not included.
	Devices(person string) []string
	// Permit returns nil when from may call to about task (which may be ""),
	// else the reason, which the caller is shown.
	Permit(from, to, task string) error
}

// Log stores what happens in calls on the task they belong to.
type Log interface {
	// Record stores e durably. Recording an event twice (same call and
	// number) must be harmless.
	Record(ctx context.Context, e call.Event) error
}

// Outbox delivers to devices that are not on this package's own WebSockets.
type Outbox interface {
	// Send queues payload for a device and returns at once; an error means
	// that it will not arrive.
	Send(to string, payload []byte) error
}

// Config bounds what is served at once.
type Config struct {
	// MaxCalls in all and MaxCallsPerPerson for one caller; more are refused.
	MaxCalls          int `yaml:"max_calls"`
	MaxCallsPerPerson int `yaml:"max_calls_per_person"`
	// MaxMessages is how many messages a device may send within 10 s; more
	// are refused unread. A call takes a client about ten.
	MaxMessages int `yaml:"max_messages"`
	// Origins are host patterns from which browsers may open the WebSocket,
	// besides the hub's own host.
	Origins []string `yaml:"origins"`
}

// Default is what the shipped configuration says.
func Default() Config { return Config{MaxCalls: 500, MaxCallsPerPerson: 8, MaxMessages: 200} }

// Validate reports every mistake at once.
func (c Config) Validate() error {
	var errs []error
	if c.MaxCalls < 1 || c.MaxCalls > 100_000 {
		errs = append(errs, fmt.Errorf("max_calls: %d: want 1 to 100000", c.MaxCalls))
	}
	if c.MaxCallsPerPerson < 1 || c.MaxCallsPerPerson > 1000 {
		errs = append(errs, fmt.Errorf("max_calls_per_person: %d: want 1 to 1000", c.MaxCallsPerPerson))
	}
	if c.MaxMessages < 10 {
		errs = append(errs, fmt.Errorf("max_messages: %d: want 10 or more", c.MaxMessages))
	}
	return errors.Join(errs...)
}

const (
	// maxNegotiations run at once in the process; more are told to try again.
	maxNegotiations = 32
	negotiateWithin = 5 * time.Second
	// recordWithin bounds how long a slow store may hold up a call.
	recordWithin = 2 * time.Second
	// maxOver ended calls are remembered, so that an invitation that is
	// delivered again, late, does not ring again.
	maxOver = 4096
)

// Service runs calls. Safe for concurrent use.
type Service struct {
	config    Config
	media     *sfu.SFU
	directory Directory
	store     Log
	outbox    Outbox
	log       *slog.Logger
	boot      string // told to clients, unlike that of any other start
	announce  func(call.ID) string

	work         sync.WaitGroup
	stop         chan struct{} // closed when Run ends
	negotiations chan struct{} // one token per negotiation under way

	mu      sync.Mutex
	running bool
	quota   quota
	calls   map[call.ID]*runner
	seats   map[call.Person]map[*runner]call.Status // present and pending ones
	sockets map[string]*socket                      // by device
	alias   func(name string) ([]string, error)     // nil: names are persons
	beside  map[string]Companion                    // by the prefix of its messages
	over    map[call.ID]bool                        // the newest ended calls, see maxOver
	overs   []call.ID                               // the same, oldest first
}

// New wires a service and makes it the observer of media. Calls may begin at
// once; Run must follow: it is what ends their goroutines.
func New(c Config, media *sfu.SFU, d Directory, l Log, o Outbox, log *slog.Logger) (*Service, error) {
	if err := c.Validate(); err != nil {
		return nil, fmt.Errorf("signaling: %w", err)
	}
	s := &Service{
		config: c, media: media, directory: d, store: l, outbox: o, log: log, boot: rand.Text(),
		announce:     func(call.ID) string { return "" },
		running:      true,
		quota:        quota{most: c.MaxMessages},
		stop:         make(chan struct{}),
		negotiations: make(chan struct{}, maxNegotiations),
		calls:        map[call.ID]*runner{},
		seats:        map[call.Person]map[*runner]call.Status{},
		sockets:      map[string]*socket{},
		beside:       map[string]Companion{},
		over:         map[call.ID]bool{},
	}
	media.Observe(observer{s})
	s.Accompany(probePrefix, &probes{service: s, rooms: map[string]*sfu.Room{}})
	return s, nil
}

// Announce names who says what a call's members are told about its being
// recorded; see the state's field. Call it before the first message.
func (s *Service) Announce(f func(call.ID) string) { s.announce = f }

// Restore brings back the calls that had not ended when the process did, each
// from its stored events; everybody who was in one is now resuming. Call it
// before the first message is handled.
func (s *Service) Restore(stored ...[]call.Event) {
	for _, events := range stored {
		s.restore(events)
	}
}

// Run serves until ctx ends and returns when every call's goroutine has. The
// calls themselves are not ended: they go on by Restore.
func (s *Service) Run(ctx context.Context) error {
	<-ctx.Done()
	s.mu.Lock()
	s.running = false
	for _, own := range s.sockets {
		own.cancel()
	}
	s.mu.Unlock()
	close(s.stop)
	s.work.Wait()
	return nil
}

// restore is tolerant: one call that cannot be read must not keep the others
// from coming back.
func (s *Service) restore(events []call.Event) {
	c, err := call.New(events...)
	if err != nil {
		s.log.Error("call not restored", "err", err)
		return
	}
	if c.Phase == call.Ended || c.ID == "" {
		return
	}
	r, err := s.start(c)
	if err != nil {
		s.log.Error("call not restored", "call", c.ID, "err", err)
		return
	}
	r.send(order{cmd: call.Command{Verb: call.DoRestart}})
}

// Handle takes one message of a device on which person from is signed in.
// Replies, errors included, go out through the Outbox or the WebSocket.
func (s *Service) Handle(from, device string, raw []byte) {
	if err := s.welcome(device); err != nil {
		s.deliver(device, failure(request{}, err))
		return
	}
	if c := s.companion(raw); c != nil {
		c.Handle(from, device, raw)
		return
	}
	m, err := parse(raw)
	if err == nil {
		err = s.dispatch(from, device, m)
	}
	if err != nil {
		s.log.Debug("call message refused", "device", device, "call", m.Call, "err", err)
		s.deliver(device, failure(m, err))
	}
}

// welcome reports why no message of the device is taken now.
func (s *Service) welcome(device string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case !s.running:
		return fmt.Errorf("%w: not serving", errBusy)
	case !s.quota.take(device, time.Now()):
		return fmt.Errorf("%w: more than %d messages in %v", errBusy, s.config.MaxMessages, quotaWindow)
	}
	return nil
}

func (s *Service) dispatch(from, device string, m request) error {
	switch m.Type {
	case askHello:
		s.Connected(from, device)
		return nil
	case askPublish, askSubscribe:
		return s.negotiate(from, device, m)
	case "invite":
		return s.invite(from, device, m)
	}
	r := s.find(m.Call)
	if r == nil {
		return errUnknown
	}
	return r.offer(order{cmd: m.command(from, device), device: device, re: m})
}

// invite makes the call, or finds the one that it repeats or meets.
func (s *Service) invite(from, device string, m request) error {
	cmd := m.command(from, device)
	if r := s.find(m.Call); r != nil {
		return r.offer(order{cmd: cmd, device: device, re: m})
	}
	if err := s.resolve(cmd.Person, cmd.Invite); err != nil {
		return fmt.Errorf("%w: %w", errUnreached, err)
	}
	for _, to := range cmd.Invite.Callees {
		if err := s.directory.Permit(from, string(to), cmd.Invite.Task); err != nil {
			return fmt.Errorf("%w: %s may not call %.64s: %w", errRight, from, to, err)
		}
	}
	if older := s.meets(cmd); older != nil {
		s.deliver(device, reply{Type: "merged", Call: m.Call, Re: m.Seq, Into: older.id})
		cmd.Verb, cmd.Call, cmd.Invite = call.DoAccept, older.id, nil
		return older.offer(order{cmd: cmd, device: device, re: m})
	}
	c := &call.Call{}
	events, err := c.Apply(cmd, time.Now())
	if err != nil {
		return err
	}
	r, err := s.start(c)
	if err != nil {
		return err
	}
	return r.offer(order{begun: events, device: device, re: m})
}

// meets finds the older call that a new one crosses: each wants to talk to
// the other, so they do.
func (s *Service) meets(cmd call.Command) *runner {
	if cmd.Invite.Mode != call.One || len(cmd.Invite.Callees) != 1 {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for r, status := range s.seats[cmd.Person] {
		if status.Pending() && r.caller == cmd.Invite.Callees[0] && r.mode == call.One {
			return r
		}
	}
	return nil
}

// start gives the call a room and a goroutine.
func (s *Service) start(c *call.Call) (*runner, error) {
	room, err := s.media.Room(string(c.ID))
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.admit(c); err != nil {
		if s.calls[c.ID] == nil {
			go room.Close()
		}
		return nil, err
	}
	r := newRunner(s, c, room)
	s.calls[c.ID] = r
	s.index(r, c)
	s.work.Go(r.run)
	return r, nil
}

// admit checks the bounds. Called under s.mu.
func (s *Service) admit(c *call.Call) error {
	own := 0
	for r := range s.seats[c.Caller] {
		if r.caller == c.Caller {
			own++
		}
	}
	switch {
	case !s.running:
		return fmt.Errorf("%w: not serving", errBusy)
	case s.over[c.ID]:
		return errUnknown
	case s.calls[c.ID] != nil:
		return fmt.Errorf("%w: call %s exists", call.ErrState, c.ID)
	case len(s.calls) >= s.config.MaxCalls:
		return fmt.Errorf("%w: %d calls", errBusy, len(s.calls))
	case own >= s.config.MaxCallsPerPerson:
		return fmt.Errorf("%w: %d calls of %s", errBusy, own, c.Caller)
	}
	return nil
}

// index notes who has a seat in the call. Called under s.mu.
func (s *Service) index(r *runner, c *call.Call) {
	for _, seat := range c.Seats {
		if c.Phase != call.Ended && (seat.Status.Present() || seat.Status.Pending()) {
			if s.seats[seat.Person] == nil {
				s.seats[seat.Person] = map[*runner]call.Status{}
			}
			s.seats[seat.Person][r] = seat.Status
			continue
		}
		delete(s.seats[seat.Person], r)
		if len(s.seats[seat.Person]) == 0 {
			delete(s.seats, seat.Person)
		}
	}
}

// engaged reports whether p talks in another call than r.
func (s *Service) engaged(p call.Person, r *runner) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for other, status := range s.seats[p] {
		if other != r && status.Present() {
			return true
		}
	}
	return false
}

func (s *Service) find(id call.ID) *runner {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls[id]
}

func (s *Service) forget(r *runner, c *call.Call) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.calls, r.id)
	s.index(r, c)
	s.over[r.id] = true
	if s.overs = append(s.overs, r.id); len(s.overs) > maxOver {
		delete(s.over, s.overs[0])
		s.overs = s.overs[1:]
	}
}

// callsOf lists the calls in which person has a seat.
func (s *Service) callsOf(person string) []*runner {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []*runner
	for r := range s.seats[call.Person(person)] {
		all = append(all, r)
	}
	return all
}

// Connected tells a device that came online of every call its person has a
// seat in: what rings, what it may resume.
func (s *Service) Connected(person, device string) {
	for _, r := range s.callsOf(person) {
		r.send(order{show: true, person: call.Person(person), device: device})
	}
	for _, c := range s.companions() {
		c.Connected(person, device)
	}
}

// Gone says that a device's connection has ended: where it is in a call, its
// seat is kept for a while.
func (s *Service) Gone(person, device string) {
	for _, r := range s.callsOf(person) {
		r.send(order{cmd: call.Command{Verb: call.DoAway, Person: call.Person(person), Device: device}})
	}
	for _, c := range s.companions() {
		c.Gone(person, device)
	}
}

// deliver sends to one device, over its WebSocket where it has one.
func (s *Service) deliver(device string, m reply) {
	s.Send(device, m.bytes())
}

// Send queues a message for one device, and returns at once. One that cannot be
// reached does not get it.
func (s *Service) Send(device string, b []byte) {
	s.mu.Lock()
	own := s.sockets[device]
	s.mu.Unlock()
	if own != nil {
		own.send(b)
		return
	}
	if err := s.outbox.Send(device, b); err != nil {
		s.log.Debug("message not sent", "device", device, "err", err)
	}
}

func (s *Service) devices(person call.Person) []string { return s.Devices(string(person)) }

// Devices lists where person can be reached now.
func (s *Service) Devices(person string) []string {
	all := s.directory.Devices(person)
	s.mu.Lock()
	defer s.mu.Unlock()
	for device, own := range s.sockets {
		if own.person == person {
			all = append(all, device)
		}
	}
	return all
}
