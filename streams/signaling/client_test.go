package signaling_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coder/websocket"

	"gridhub/streams/call"
	"gridhub/streams/sfu"
	"gridhub/streams/signaling"
)

// street is everything around the service that a test needs: who is online,
// who may call, what was stored, and the field's message bus.
type street struct {
	t       testing.TB
	service *signaling.Service
	media   *sfu.SFU
	web     *httptest.Server

	mu      sync.Mutex
	devices map[string]*device // field devices by id
	stored  []call.Event
	failing bool
}

func (s *street) Devices(person string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var ids []string
	for id, d := range s.devices {
		if d.person == person {
			ids = append(ids, id)
		}
	}
	return ids
}

func (s *street) Permit(from, to, _ string) error {
	if from == "mallory" || to == "mallory" {
		return errors.New("mallory is on leave")
	}
	return nil
}

func (s *street) Record(_ context.Context, e call.Event) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failing {
		return errors.New("disk full")
	}
	s.stored = append(s.stored, e)
	return nil
}

func (s *street) Send(to string, payload []byte) error {
	s.mu.Lock()
	d := s.devices[to]
	s.mu.Unlock()
	if d == nil {
		return errors.New("offline")
	}
	d.got(payload)
	return nil
}

func (s *street) events() []call.Event {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]call.Event(nil), s.stored...)
}

// kinds writes the stored events as "kind kind …".
func (s *street) kinds() string {
	var out []string
	for _, e := range s.events() {
		out = append(out, string(e.Kind))
	}
	return strings.Join(out, " ")
}

// open runs a service until stop is called, or the test ends.
func open(t testing.TB, media *sfu.SFU, restored ...[]call.Event) (s *street, stop func()) {
	t.Helper()
	s = &street{t: t, media: media, devices: map[string]*device{}}
	log := slog.New(slog.DiscardHandler)
	var err error
	c := signaling.Default()
	if _, fuzzes := t.(*testing.F); fuzzes {
		c.MaxMessages = math.MaxInt
	}
	if s.service, err = signaling.New(c, media, s, s, s, log); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	s.service.Restore(restored...)
	go func() { done <- s.service.Run(ctx) }()
	stop = sync.OnceFunc(func() { cancel(); <-done })
	t.Cleanup(stop)
	return s, stop
}

// serve opens the centre's WebSocket endpoint.
func (s *street) serve() {
	s.web = httptest.NewServer(s.service.Handler(func(r *http.Request) (string, string, error) {
		return r.URL.Query().Get("person"), r.URL.Query().Get("device"), nil
	}))
	s.t.Cleanup(s.web.Close)
}

// message is what a client sends and receives, as PROTOCOL.md has it.
type message struct {
	V       int      `json:"v"`
	Type    string   `json:"type"`
	Call    string   `json:"call,omitempty"`
	Seq     uint64   `json:"seq,omitempty"`
	Epoch   uint64   `json:"epoch,omitempty"`
	Reason  string   `json:"reason,omitempty"`
	Task    string   `json:"task,omitempty"`
	Callees []string `json:"callees,omitempty"`
	Mode    string   `json:"mode,omitempty"`
	Media   string   `json:"media,omitempty"`
	SDP     string   `json:"sdp,omitempty"`

	Re    uint64 `json:"re,omitempty"`
	Of    string `json:"of,omitempty"`
	Into  string `json:"into,omitempty"`
	Code  string `json:"code,omitempty"`
	Retry bool   `json:"retry,omitempty"`
	State struct {
		Phase  string `json:"phase"`
		Self   string `json:"self"`
		Reason string `json:"reason"`
		Caller string `json:"caller"`
		Task   string `json:"task"`
	} `json:"state,omitzero"`
	Tracks *sfu.View `json:"tracks,omitempty"`
}

// device is one connected client: over the bus, or over a WebSocket.
type device struct {
	street     *street
	person, id string
	conn       *websocket.Conn // nil: over the bus

	mu   sync.Mutex
	log  []message
	kick chan struct{}
}

func (s *street) newDevice(person, id string) *device {
	return &device{street: s, person: person, id: id, kick: make(chan struct{}, 1)}
}

// field puts a terminal of person online.
func (s *street) field(person, id string) *device {
	d := s.newDevice(person, id)
	s.mu.Lock()
	s.devices[id] = d
	s.mu.Unlock()
	return d
}

// dial opens a WebSocket for a browser tab of person.
func (s *street) dial(person, id string) *device {
	s.t.Helper()
	d := s.newDevice(person, id)
	url := "ws" + strings.TrimPrefix(s.web.URL, "http") + "?person=" + person + "&device=" + id
	conn, _, err := websocket.Dial(s.t.Context(), url, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	conn.SetReadLimit(signaling.MaxMessage)
	d.conn = conn
	go func() {
		for {
			_, raw, err := conn.Read(context.Background())
			if err != nil {
				return
			}
			d.got(raw)
		}
	}()
	s.t.Cleanup(func() { _ = conn.CloseNow() })
	return d
}

func (d *device) got(raw []byte) {
	var m message
	if err := json.Unmarshal(raw, &m); err != nil {
		panic(err)
	}
	d.mu.Lock()
	d.log = append(d.log, m)
	d.mu.Unlock()
	select {
	case d.kick <- struct{}{}:
	default:
	}
}

// numbers grow over all devices, as a clock's would over a reload of a page.
var numbers atomic.Uint64

// send gives m the next number and returns it.
func (d *device) send(m message) uint64 {
	m.V, m.Seq = 1, numbers.Add(1)
	raw, err := json.Marshal(m)
	if err != nil {
		panic(err)
	}
	d.sendRaw(raw)
	return m.Seq
}

func (d *device) sendRaw(raw []byte) {
	if d.conn == nil {
		d.street.service.Handle(d.person, d.id, raw)
		return
	}
	if err := d.conn.Write(context.Background(), websocket.MessageText, raw); err != nil {
		d.street.t.Error(err)
	}
}

// await returns the first message, old or new, for which is holds.
func (d *device) await(what string, is func(message) bool) message {
	d.street.t.Helper()
	limit := time.After(20 * time.Second)
	for {
		d.mu.Lock()
		for _, m := range d.log {
			if is(m) {
				d.mu.Unlock()
				return m
			}
		}
		d.mu.Unlock()
		select {
		case <-d.kick:
		case <-limit:
			d.street.t.Fatalf("%s waits for %s in vain, got %s", d.id, what, d.all())
		}
	}
}

func (d *device) all() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return fmt.Sprintf("%+v", d.log)
}

// self waits until the server shows this device standing as status.
func (d *device) self(status string) message {
	d.street.t.Helper()
	return d.await("self "+status, func(m message) bool { return m.Type == "state" && m.State.Self == status })
}

func (d *device) ended(reason string) message {
	d.street.t.Helper()
	return d.await("end "+reason, func(m message) bool { return m.State.Phase == "ended" && m.State.Reason == reason })
}

func (d *device) refused(seq uint64, code string) {
	d.street.t.Helper()
	m := d.await("refusal of "+fmt.Sprint(seq), func(m message) bool { return m.Re == seq && m.Type == "error" })
	if m.Code != code {
		d.street.t.Errorf("%s: reply %+v, want error %s", d.id, m, code)
	}
}

func (d *device) call(id string, callees ...string) uint64 {
	return d.send(message{Type: "invite", Call: id, Callees: callees, Mode: "one", Media: "video", Task: "case-7", Epoch: 1})
}
