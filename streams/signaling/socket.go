package signaling

import (
	"context"
	"net/http"
	"time"

	"github.com/coder/websocket"
)

const (
	// socketQueue is how many messages may wait for one WebSocket. One that
	// cannot keep up is closed: it comes back and is told how things stand.
	socketQueue = 256
	// pingEvery and pongWithin bound how long a vanished browser goes
	// unnoticed: 15 s.
	pingEvery   = 10 * time.Second
	pongWithin  = 5 * time.Second
	writeWithin = 5 * time.Second
)

// Identify tells who opened a WebSocket: the signed-in person, and a name for
// this connection (a browser tab) that is the same after a reconnect and
// unlike that of any other device.
type Identify func(*http.Request) (person, device string, err error)

// socket is one connected WebSocket.
type socket struct {
	person string
	out    chan []byte
	cancel context.CancelFunc
}

// Handler serves the WebSocket of the centre: one JSON message per text frame,
// both ways.
func (s *Service) Handler(identify Identify) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		person, device, err := identify(req)
		if err != nil || person == "" || device == "" {
			http.Error(w, "not signed in", http.StatusUnauthorized)
			return
		}
		if !s.serves() {
			http.Error(w, "not serving", http.StatusServiceUnavailable)
			return
		}
		conn, err := websocket.Accept(w, req, &websocket.AcceptOptions{OriginPatterns: s.config.Origins})
		if err != nil {
			return // Accept has answered
		}
		conn.SetReadLimit(MaxMessage)
		s.attend(req.Context(), conn, person, device)
	})
}

// attend reads and writes one WebSocket until either side ends it.
func (s *Service) attend(ctx context.Context, conn *websocket.Conn, person, device string) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	own := &socket{person: person, out: make(chan []byte, socketQueue), cancel: cancel}
	if !s.attach(device, own) {
		_ = conn.Close(websocket.StatusTryAgainLater, "not serving")
		return
	}
	defer s.work.Done()
	written := make(chan struct{})
	go func() { defer close(written); own.write(ctx, conn); cancel() }()
	s.Connected(person, device)
	for {
		_, raw, err := conn.Read(ctx)
		if err != nil {
			break
		}
		s.Handle(person, device, raw)
	}
	cancel()
	<-written
	_ = conn.CloseNow()
	if s.detach(device, own) {
		s.Gone(person, device)
	}
}

// write sends what is queued, and pings so that a peer that vanished without
// a word is noticed.
func (own *socket) write(ctx context.Context, conn *websocket.Conn) {
	ping := time.NewTicker(pingEvery)
	defer ping.Stop()
	for {
		var err error
		select {
		case <-ctx.Done():
			return
		case b := <-own.out:
			err = within(ctx, writeWithin, func(ctx context.Context) error {
				return conn.Write(ctx, websocket.MessageText, b)
			})
		case <-ping.C:
			err = within(ctx, pongWithin, conn.Ping)
		}
		if err != nil {
			return
		}
	}
}

func within(ctx context.Context, d time.Duration, do func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	return do(ctx)
}

func (own *socket) send(b []byte) {
	select {
	case own.out <- b:
	default:
		own.cancel()
	}
}

// attach makes own the device's connection; an older one ends. It reports
// false once the service no longer runs.
func (s *Service) attach(device string, own *socket) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.running {
		return false
	}
	if old := s.sockets[device]; old != nil {
		old.cancel()
	}
	s.sockets[device] = own
	s.work.Add(1)
	return true
}

func (s *Service) serves() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.running
}

// detach reports whether own was still the device's connection.
func (s *Service) detach(device string, own *socket) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.sockets[device] != own {
		return false
	}
	delete(s.sockets, device)
	return true
}
