// Package whip opens rooms of the media plane to programs that speak nothing but
// HTTP: players watch (WHEP, draft-ietf-wish-whep) and encoders send (WHIP, RFC
// 9725).
//
// It owns the sessions: one for each POST, ended by DELETE, by media that is lost
// or never came, or with the process. It promises that a session's address is a
// secret, that a restart of ICE by PATCH is answered only to who knows the newest
// entity tag, and that nobody sends into or hears a room to which the Door did
// not admit the request. It leaves out who may do what, and where rooms come
// from.
package whip

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"gridhub/streams/sfu"
)

// Way says in which direction a session goes.
type Way int

// The ways.
const (
	Watch Way = iota // WHEP
	Send             // WHIP
)

// Visit is what a Door admits a request to. Leave is called once, when the
// session is over.
type Visit struct {
	Room   string
	Person string // told to the others in the room
	Leave  func()
}

// Refusal is an error of a Door with the status that it deserves.
type Refusal struct {
	Status int
	Reason string
}

func (r *Refusal) Error() string { return r.Reason }

// Door says who may enter.
type Door func(r *http.Request, way Way) (Visit, error)

// Bounds of what is served at once. More is refused.
const (
	maxSessions = 500
	maxBody     = sfu.MaxSDP
	answerIn    = 5 * time.Second
	// connectIn is how long media may take to flow after the answer.
	connectIn = 30 * time.Second
)

// Service runs the sessions. Safe for concurrent use.
type Service struct {
	media *sfu.SFU
	door  Door
	links func(*http.Request) []string // Link headers: relays
	log   *slog.Logger

	mu       sync.Mutex
	sessions map[string]*session
}

// session is one connection of a player or an encoder.
type session struct {
	id    string
	way   Way
	visit Visit
	room  *sfu.Room

	mu     sync.Mutex // over a negotiation
	offer  string     // the newest that was answered
	tag    int        // of the newest answer
	silent *time.Timer
	over   sync.Once
}

// New makes a service and lets it hear what becomes of its sessions. links may be
// nil.
func New(media *sfu.SFU, door Door, links func(*http.Request) []string, log *slog.Logger) *Service {
	s := &Service{media: media, door: door, links: links, log: log, sessions: map[string]*session{}}
	media.Observe(watcher{s})
	return s
}

// Endpoint answers the requests that open a session; they go on at Session's
// path, which is the endpoint's own with the session's name behind it.
func (s *Service) Endpoint(way Way) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost {
			w.Header().Set("Allow", "POST")
			http.Error(w, "POST an offer", http.StatusMethodNotAllowed)
			return
		}
		offer, err := body(w, r, "application/sdp")
		if err != nil {
			refuse(w, err)
			return
		}
		visit, err := s.door(r, way)
		if err != nil {
			refuse(w, err)
			return
		}
		ses, answer, err := s.begin(r.Context(), way, visit, offer)
		if err != nil {
			refuse(w, err)
			return
		}
		if s.links != nil {
			for _, l := range s.links(r) {
				w.Header().Add("Link", l)
			}
		}
		w.Header().Set("Location", strings.TrimSuffix(r.URL.Path, "/")+"/"+ses.id)
		w.Header().Set("ETag", ses.etag())
		w.Header().Set("Content-Type", "application/sdp")
		w.Header().Set("Cache-Control", "no-store")
		w.WriteHeader(http.StatusCreated)
		_, _ = io.WriteString(w, answer) // the reader left; media will not come and end the session
	})
}

// begin admits a visitor to the room and answers the offer.
func (s *Service) begin(ctx context.Context, way Way, v Visit, offer string) (*session, string, error) {
	ses := &session{id: rand.Text(), way: way, visit: v, offer: offer, tag: 1}
	err := s.admit(ses)
	if err != nil {
		v.Leave()
		return nil, "", err
	}
	answer, err := ses.enter(ctx)
	if err != nil {
		s.end(ses, "refused")
		return nil, "", err
	}
	return ses, answer, nil
}

// admit finds the room and keeps the session; media has some time to come.
func (s *Service) admit(ses *session) (err error) {
	if ses.room, err = s.media.Room(ses.visit.Room); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.sessions) >= maxSessions {
		return &Refusal{http.StatusServiceUnavailable, fmt.Sprintf("%d sessions are open, more are not served", maxSessions)}
	}
	ses.silent = time.AfterFunc(connectIn, func() { s.end(ses, "no media") })
	s.sessions[ses.id] = ses
	return nil
}

func (ses *session) enter(ctx context.Context) (string, error) {
	if err := ses.room.Join(sfu.Member{ID: ses.id, Person: ses.visit.Person}); err != nil {
		return "", err
	}
	if err := ses.room.Gate(ses.id, sfu.Gate{Send: ses.way == Send, Receive: ses.way == Watch}); err != nil {
		return "", err
	}
	return ses.negotiate(ctx, ses.offer)
}

func (ses *session) negotiate(ctx context.Context, offer string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, answerIn)
	defer cancel()
	if ses.way == Send {
		return ses.room.Publish(ctx, ses.id, offer)
	}
	return ses.room.Subscribe(ctx, ses.id, offer)
}

func (ses *session) etag() string { return `"` + strconv.Itoa(ses.tag) + `"` }

// end closes a session, once.
func (s *Service) end(ses *session, why string) {
	ses.over.Do(func() {
		s.mu.Lock()
		delete(s.sessions, ses.id)
		s.mu.Unlock()
		ses.silent.Stop()
		ses.room.Leave(ses.id)
		ses.visit.Leave()
		s.log.Debug("media session ended", "room", ses.visit.Room, "person", ses.visit.Person, "why", why)
	})
}

// Close ends all sessions.
func (s *Service) Close() {
	s.mu.Lock()
	all := make([]*session, 0, len(s.sessions))
	for _, ses := range s.sessions {
		all = append(all, ses)
	}
	s.mu.Unlock()
	for _, ses := range all {
		s.end(ses, "closing")
	}
}

// Open counts the sessions.
func (s *Service) Open() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.sessions)
}

func (s *Service) find(id string) *session {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.sessions[id]
}

// watcher hears what becomes of the media of sessions.
type watcher struct{ s *Service }

// TracksChanged implements sfu.Observer: a player is told nothing, its media
// sections are filled as tracks come and go.
func (watcher) TracksChanged(string, string) {}

// PeerState implements sfu.Observer.
func (w watcher) PeerState(_, peer string, connected bool) {
	ses := w.s.find(peer)
	switch {
	case ses == nil:
	case connected:
		ses.silent.Stop()
	default:
		go w.s.end(ses, "media lost")
	}
}

// PeerClosed implements sfu.Farewell: a program that ends need not say DELETE.
func (w watcher) PeerClosed(_, peer string) {
	if ses := w.s.find(peer); ses != nil {
		go w.s.end(ses, "the client closed")
	}
}

var (
	_ sfu.Observer = watcher{}
	_ sfu.Farewell = watcher{}
)

// body reads a request of one media type.
func body(w http.ResponseWriter, r *http.Request, want string) (string, error) {
	if kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); kind != want {
		return "", &Refusal{http.StatusUnsupportedMediaType, "want " + want}
	}
	b, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	var long *http.MaxBytesError
	if errors.As(err, &long) {
		return "", &Refusal{http.StatusRequestEntityTooLarge, fmt.Sprintf("more than %d bytes", maxBody)}
	}
	return string(b), err
}

// refuse answers with the status that an error deserves.
func refuse(w http.ResponseWriter, err error) {
	var r *Refusal
	status := http.StatusInternalServerError
	switch {
	case errors.As(err, &r):
		status = r.Status
	case errors.Is(err, sfu.ErrOffer):
		status = http.StatusBadRequest
	case errors.Is(err, sfu.ErrFull), errors.Is(err, sfu.ErrClosed), errors.Is(err, context.DeadlineExceeded):
		w.Header().Set("Retry-After", "5")
		status = http.StatusServiceUnavailable
	}
	http.Error(w, err.Error(), status)
}
