package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/pprof"
	"os"
	"runtime"
	"sync"

	"github.com/pion/interceptor"
	"github.com/pion/rtcp"
	"github.com/pion/webrtc/v4"

	"gridhub/scripts/rig"
	"gridhub/streams/call"
	"gridhub/streams/sfu"
	"gridhub/streams/signaling"
)

// street is what signaling asks of a hub: everybody may call everybody, and
// nothing is kept.
type street struct{}

func (street) Devices(string) []string                  { return nil }
func (street) Permit(_, _, _ string) error              { return nil }
func (street) Record(context.Context, call.Event) error { return nil }
func (street) Send(string, []byte) error                { return errors.New("nobody is on MQTT") }

// serveOurs is a process with the media plane and its signalling, and nothing
// else of the hub.
func serveOurs(ctx context.Context, address string) error {
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	c := sfu.Default()
	c.Address, c.Loopback, c.MaxPeers = "127.0.0.1:0", true, 1000
	media, err := sfu.New(c, log)
	if err != nil {
		return err
	}
	calls := signaling.Default()
	calls.MaxMessages = 1 << 20
	service, err := signaling.New(calls, media, street{}, street{}, street{}, log)
	if err != nil {
		return err
	}
	room, err := media.Room("picture")
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/publish", negotiate(room, room.Publish))
	mux.HandleFunc("/subscribe", negotiate(room, room.Subscribe))
	mux.HandleFunc("/leave", func(_ http.ResponseWriter, q *http.Request) { room.Leave(q.URL.Query().Get("id")) })
	mux.HandleFunc("/state", state)
	mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
	mux.Handle("/calls", service.Handler(func(q *http.Request) (string, string, error) {
		return q.URL.Query().Get("person"), q.URL.Query().Get("device"), nil
	}))
	var all sync.WaitGroup
	all.Go(func() { _ = service.Run(ctx); _ = media.Run(ctx) })
	defer all.Wait()
	return listen(ctx, address, mux)
}

func listen(ctx context.Context, address string, h http.Handler) error {
	s := &http.Server{Addr: address, Handler: h}
	stop := context.AfterFunc(ctx, func() { _ = s.Close() })
	defer stop()
	if err := s.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// negotiate answers an offer in the name of a member who may do everything.
func negotiate(r *sfu.Room, with func(ctx context.Context, id, offer string) (string, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, q *http.Request) {
		id := q.URL.Query().Get("id")
		err := errors.Join(r.Join(sfu.Member{ID: id}), r.Gate(id, sfu.Gate{Send: true, Receive: true}))
		offer, readErr := io.ReadAll(q.Body)
		answer := ""
		if err = errors.Join(err, readErr); err == nil {
			answer, err = with(q.Context(), id, string(offer))
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		_, _ = io.WriteString(w, answer)
	}
}

// state tells how many goroutines there are and, after a collection, the kB of
// memory held.
func state(w http.ResponseWriter, _ *http.Request) {
	runtime.GC()
	kb, err := rig.MemoryOf(os.Getpid())
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	_, _ = fmt.Fprintln(w, runtime.NumGoroutine(), kb)
}

// plain is the shortest forwarder: one track of the library's own for all, its
// default interceptors, one socket.
type plain struct {
	api   *webrtc.API
	track *webrtc.TrackLocalStaticRTP

	mu   sync.Mutex
	pub  *webrtc.PeerConnection
	ssrc webrtc.SSRC
}

func servePlain(ctx context.Context, address string) error {
	m, r := &webrtc.MediaEngine{}, &interceptor.Registry{}
	if err := errors.Join(m.RegisterDefaultCodecs(), webrtc.RegisterDefaultInterceptors(m, r)); err != nil {
		return err
	}
	socket, err := newLossyConn(0, 0)
	if err != nil {
		return err
	}
	var e webrtc.SettingEngine
	e.SetIncludeLoopbackCandidate(true)
	e.SetICEUDPMux(webrtc.NewICEUDPMux(nil, socket.UDPConn))
	track, err := webrtc.NewTrackLocalStaticRTP(video, "video", "camera")
	if err != nil {
		return err
	}
	p := &plain{api: webrtc.NewAPI(webrtc.WithMediaEngine(m), webrtc.WithInterceptorRegistry(r), webrtc.WithSettingEngine(e)), track: track}
	mux := http.NewServeMux()
	mux.HandleFunc("/publish", p.serve(p.receive))
	mux.HandleFunc("/subscribe", p.serve(p.send))
	return listen(ctx, address, mux)
}

func (p *plain) serve(prepare func(*webrtc.PeerConnection) error) http.HandlerFunc {
	return func(w http.ResponseWriter, q *http.Request) {
		answer, err := p.answer(q, prepare)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		_, _ = io.WriteString(w, answer)
	}
}

func (p *plain) answer(q *http.Request, prepare func(*webrtc.PeerConnection) error) (string, error) {
	sdp, err := io.ReadAll(q.Body)
	if err != nil {
		return "", err
	}
	pc, err := p.api.NewPeerConnection(webrtc.Configuration{})
	if err != nil {
		return "", err
	}
	if err := prepare(pc); err != nil {
		return "", err
	}
	if err := pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeOffer, SDP: string(sdp)}); err != nil {
		return "", err
	}
	reply, err := pc.CreateAnswer(nil)
	if err != nil {
		return "", err
	}
	return local(q.Context(), pc, reply)
}

func (p *plain) receive(pc *webrtc.PeerConnection) error {
	pc.OnTrack(func(remote *webrtc.TrackRemote, _ *webrtc.RTPReceiver) {
		p.mu.Lock()
		p.pub, p.ssrc = pc, remote.SSRC()
		p.mu.Unlock()
		b := make([]byte, 1500)
		for {
			n, _, err := remote.Read(b)
			if err != nil {
				return
			}
			_, _ = p.track.Write(b[:n]) // one viewer's trouble is not the others'
		}
	})
	return nil
}

func (p *plain) send(pc *webrtc.PeerConnection) error {
	sender, err := pc.AddTrack(p.track)
	if err != nil {
		return err
	}
	go func() {
		b := make([]byte, 1500)
		for {
			if _, _, err := sender.Read(b); err != nil {
				return
			}
		}
	}()
	pc.OnConnectionStateChange(func(s webrtc.PeerConnectionState) {
		if s == webrtc.PeerConnectionStateConnected {
			p.ask()
		}
	})
	return nil
}

func (p *plain) ask() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.pub != nil {
		_ = p.pub.WriteRTCP([]rtcp.Packet{&rtcp.PictureLossIndication{MediaSSRC: uint32(p.ssrc)}}) // the next viewer asks again
	}
}
