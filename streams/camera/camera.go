// Package camera brings the pictures of RTSP cameras into rooms of the media
// plane, without decoding them.
//
// It owns the connections to cameras: one for each camera that somebody looks
// at, made when the first one does and ended a while after the last one left. It
// promises that a camera whose pictures no browser can show is refused with the
// setting that must be changed, and that a camera which is away is tried again,
// with growing pauses, for as long as somebody waits for it. It passes H.264 on
// as it comes, cut into packets that fit. It leaves out sound, who may look, and
// where cameras stand.
package camera

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"sync"
	"time"

	"gridhub/streams/sfu"
)

// Source is one camera.
type Source struct {
	ID       string
	URL      string // rtsp or rtsps, without user and password
	User     string
	Password string
	UDP      bool // the camera sends over UDP; else everything goes through the RTSP connection
	Push     bool // it sends by itself and is not connected to: see Sends
}

// Validate reports an address that cannot be a camera's.
func (s Source) Validate() error {
	u, err := url.Parse(s.URL)
	switch {
	case s.Push:
		return nil
	case err != nil || u.Host == "" || u.Scheme != "rtsp" && u.Scheme != "rtsps":
		return fmt.Errorf("url: %q: want rtsp://HOST/PATH or rtsps://HOST/PATH", redacted(s.URL))
	case u.User != nil:
		return errors.New("url: user and password do not belong into the address: give them apart, they would be shown")
	}
	return nil
}

// redacted is an address without the password that somebody put into it.
func redacted(address string) string {
	if u, err := url.Parse(address); err == nil {
		return u.Redacted()
	}
	return "(not an address)"
}

// Phase says how far a camera is.
type Phase string

// The phases.
const (
	Idle       Phase = "idle"       // nobody looks
	Connecting Phase = "connecting" // also after a fault, until it is tried again
	Live       Phase = "live"
	Failed     Phase = "failed" // see Fault; tried again all the same
)

// State is how a camera is now.
type State struct {
	Phase   Phase
	Since   time.Time
	Viewers int
	Fault   *Fault // why it failed, the newest time; nil: it did not, or it is live
}

// How long a camera goes on without viewers, and how long until it is tried
// again: doubled each time.
const (
	linger    = 20 * time.Second
	firstWait = time.Second
	longWait  = 30 * time.Second
)

// Wall holds the cameras of a street. Safe for concurrent use.
type Wall struct {
	media   *sfu.SFU
	log     *slog.Logger
	changed func(id string, s State)
	linger  time.Duration

	mu      sync.Mutex
	cameras map[string]*set
	closed  bool
	work    sync.WaitGroup
}

// set is one camera and who looks at it.
type set struct {
	source Source
	room   string
	state  State
	cancel context.CancelFunc // nil: not connected
	idle   *time.Timer        // ends the connection; nil: somebody looks
}

// ErrUnknown says that there is no such camera.
var ErrUnknown = errors.New("no such camera")

// NewWall takes the cameras of a street. changed is told of each change of a
// state; it must not block, and may be nil.
func NewWall(media *sfu.SFU, sources []Source, changed func(id string, s State), log *slog.Logger) (*Wall, error) {
	w := &Wall{media: media, log: log, changed: changed, linger: linger, cameras: map[string]*set{}}
	if changed == nil {
		w.changed = func(string, State) {}
	}
	for _, s := range sources {
		if err := s.Validate(); err != nil {
			return nil, fmt.Errorf("camera %s: %w", s.ID, err)
		}
		if w.cameras[s.ID] != nil {
			return nil, fmt.Errorf("camera %s stands there twice", s.ID)
		}
		w.cameras[s.ID] = &set{source: s, room: Room(s.ID), state: State{Phase: Idle}}
	}
	return w, nil
}

// Room is the name of the room that a camera's pictures come into.
func Room(id string) string { return "camera/" + id }

// State is how a camera is.
func (w *Wall) State(id string) (State, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	c := w.cameras[id]
	if c == nil {
		return State{}, fmt.Errorf("%s: %w", id, ErrUnknown)
	}
	return c.state, nil
}

// Look connects the camera, unless it is, and keeps it until release is called.
// It does not wait for the first picture. The viewer joins the room by itself.
func (w *Wall) Look(id string) (release func(), err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	c := w.cameras[id]
	if c == nil || w.closed {
		return nil, fmt.Errorf("%s: %w", id, ErrUnknown)
	}
	if c.idle != nil {
		c.idle.Stop()
		c.idle = nil
	}
	if c.cancel == nil && !c.source.Push {
		if err := w.connect(c); err != nil {
			return nil, err
		}
	}
	c.state.Viewers++
	w.changed(id, c.state)
	return sync.OnceFunc(func() { w.leave(c) }), nil
}

// Sends says that a camera that pushes sends now, until it is over.
func (w *Wall) Sends(id string) (over func(), err error) {
	w.mu.Lock()
	c := w.cameras[id]
	w.mu.Unlock()
	if c == nil || !c.source.Push {
		return nil, fmt.Errorf("%s: %w", id, ErrUnknown)
	}
	w.tell(c, Live, nil)
	return sync.OnceFunc(func() { w.tell(c, Idle, nil) }), nil
}

func (w *Wall) leave(c *set) {
	w.mu.Lock()
	defer w.mu.Unlock()
	c.state.Viewers--
	w.changed(c.source.ID, c.state)
	if c.state.Viewers == 0 && c.cancel != nil {
		c.idle = time.AfterFunc(w.linger, func() { w.disconnect(c) })
	}
}

// disconnect ends a camera that nobody looks at.
func (w *Wall) disconnect(c *set) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if c.state.Viewers == 0 && c.cancel != nil {
		c.cancel()
	}
}

// connect starts the work on a camera. Called under w.mu.
func (w *Wall) connect(c *set) error {
	room, err := w.media.Room(c.room)
	if err != nil {
		return fmt.Errorf("camera %s: %w", c.source.ID, err)
	}
	feed, err := room.Feed(sfu.Member{ID: "camera", Person: c.source.ID}, mimeH264)
	if err != nil {
		return fmt.Errorf("camera %s: %w", c.source.ID, err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	c.cancel = cancel
	c.state.Phase, c.state.Since, c.state.Fault = Connecting, time.Now(), nil
	w.work.Go(func() {
		w.keep(ctx, c, feed)
		room.Leave("camera")
		w.mu.Lock()
		c.cancel, c.idle = nil, nil
		again := c.state.Viewers > 0 && !w.closed // somebody came while it ended
		c.state.Phase, c.state.Since, c.state.Fault = Idle, time.Now(), nil
		if again {
			if err := w.connect(c); err != nil {
				w.log.Warn("camera", "camera", c.source.ID, "error", err)
			}
		}
		if !again {
			room.Close() // under the lock, so that nobody connects in between
		}
		w.changed(c.source.ID, c.state)
		w.mu.Unlock()
	})
	return nil
}

// keep pulls until ctx ends, again after each fault.
func (w *Wall) keep(ctx context.Context, c *set, feed *sfu.Feed) {
	wait := firstWait
	for ctx.Err() == nil {
		started := time.Now()
		live := false
		err := pull(ctx, c.source, feed, func() { live = true; w.tell(c, Live, nil) })
		if ctx.Err() != nil {
			return
		}
		fault := diagnose(err)
		w.tell(c, Failed, fault)
		w.log.Warn("camera", "camera", c.source.ID, "fault", fault.Code, "error", err)
		if live && time.Since(started) > longWait {
			wait = firstWait
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
		wait = min(2*wait, longWait)
	}
}

func (w *Wall) tell(c *set, p Phase, f *Fault) {
	w.mu.Lock()
	defer w.mu.Unlock()
	c.state.Phase, c.state.Since, c.state.Fault = p, time.Now(), f
	w.changed(c.source.ID, c.state)
}

// Close ends all connections and waits for them.
func (w *Wall) Close() {
	w.mu.Lock()
	w.closed = true
	for _, c := range w.cameras {
		if c.cancel != nil {
			c.cancel()
		}
	}
	w.mu.Unlock()
	w.work.Wait()
}
