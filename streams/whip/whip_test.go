package whip_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pion/webrtc/v4"

	"gridhub/streams/sfu/sfutest"
	"gridhub/streams/whip"
)

// house is a service behind HTTP. Who says "guest" is refused.
type house struct {
	*whip.Service
	url  string
	left atomic.Int32
}

func newHouse(t *testing.T) *house {
	t.Helper()
	h := &house{}
	media := sfutest.Start(t, nil)
	h.Service = whip.New(media, func(r *http.Request, _ whip.Way) (whip.Visit, error) {
		if r.Header.Get("Authorization") == "Bearer guest" {
			return whip.Visit{}, &whip.Refusal{Status: http.StatusForbidden, Reason: "not for guests"}
		}
		return whip.Visit{Room: "camera/gate", Person: "somebody", Leave: func() { h.left.Add(1) }}, nil
	}, func(*http.Request) []string { return []string{`<turn:127.0.0.1:3478>; rel="ice-server"`} }, sfutest.Log(t))
	t.Cleanup(h.Close)
	mux := http.NewServeMux()
	mux.Handle("/watch", h.Endpoint(whip.Watch))
	mux.Handle("/send", h.Endpoint(whip.Send))
	name := func(r *http.Request) string { return r.PathValue("session") }
	mux.Handle("/watch/{session}", h.Session(name))
	mux.Handle("/send/{session}", h.Session(name))
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	h.url = s.URL
	return h
}

// ask makes a request and wants a status.
func (h *house) ask(t *testing.T, want int, method, path, kind, body string, header ...string) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, h.url+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", kind)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	if res.StatusCode != want {
		t.Fatalf("%s %s: %d %s, want %d", method, path, res.StatusCode, b, want)
	}
	return res, string(b)
}

// post opens a session.
func (h *house) post(t *testing.T, path string, at *string, tag *string) sfutest.Negotiate {
	return func(offer string) (string, error) {
		res, answer := h.ask(t, http.StatusCreated, "POST", path, "application/sdp", offer)
		*at, *tag = res.Header.Get("Location"), res.Header.Get("ETag")
		if res.Header.Get("Content-Type") != "application/sdp" || *tag == "" || !strings.HasPrefix(*at, path+"/") {
			t.Errorf("answered with %v", res.Header)
		}
		if !strings.Contains(res.Header.Get("Link"), "ice-server") {
			t.Errorf("no relay is named: %v", res.Header)
		}
		return answer, nil
	}
}

func TestAnEncoderAndAPlayer(t *testing.T) {
	h := newHouse(t)
	var in, out, tag, outTag string
	sender := sfutest.Connection(t)
	source := sfutest.Publish(t, sender, h.post(t, "/send", &in, &tag))
	go source.Play(t.Context())
	player := sfutest.Subscribe(t, sfutest.Connection(t), 1, 1, h.post(t, "/watch", &out, &outTag))
	player.More(t, 30)

	// The player's network changes: it restarts ICE.
	frag := restart(t, player.PC)
	h.ask(t, http.StatusPreconditionRequired, "PATCH", out, "application/trickle-ice-sdpfrag", frag)
	h.ask(t, http.StatusPreconditionFailed, "PATCH", out, "application/trickle-ice-sdpfrag", frag, "If-Match", `"77"`)
	res, answer := h.ask(t, http.StatusOK, "PATCH", out, "application/trickle-ice-sdpfrag", frag, "If-Match", outTag)
	if got := res.Header.Get("ETag"); got == outTag || got == "" {
		t.Errorf("the tag after a restart is %q, before it %q", got, outTag)
	}
	apply(t, player.PC, answer)
	player.More(t, 30)
	h.ask(t, http.StatusPreconditionFailed, "PATCH", out, "application/trickle-ice-sdpfrag", frag, "If-Match", outTag)
	// A candidate alone changes nothing.
	h.ask(t, http.StatusNoContent, "PATCH", out, "application/trickle-ice-sdpfrag", "a=candidate:1 1 udp 1 192.0.2.1 9 typ host\r\n", "If-Match", res.Header.Get("ETag"))

	h.ask(t, http.StatusOK, "DELETE", out, "", "")
	h.ask(t, http.StatusNotFound, "DELETE", out, "", "")
	if h.Open() != 1 || h.left.Load() != 1 {
		t.Errorf("%d sessions, %d have left; want the encoder's alone", h.Open(), h.left.Load())
	}
	h.ask(t, http.StatusOK, "DELETE", in, "", "")
	if h.Open() != 0 || h.left.Load() != 2 {
		t.Errorf("%d sessions, %d have left", h.Open(), h.left.Load())
	}
}

// restart is the fragment by which pc asks for a restart.
func restart(t *testing.T, pc *webrtc.PeerConnection) string {
	t.Helper()
	o, err := pc.CreateOffer(&webrtc.OfferOptions{ICERestart: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := pc.SetLocalDescription(o); err != nil {
		t.Fatal(err)
	}
	var out string
	for line := range strings.Lines(o.SDP) {
		if len(out) < 200 && (strings.HasPrefix(line, "a=ice-ufrag:") || strings.HasPrefix(line, "a=ice-pwd:")) {
			out += line
		}
	}
	return out
}

// apply puts the credentials and candidates of a fragment into what pc knows of
// the server.
func apply(t *testing.T, pc *webrtc.PeerConnection, frag string) {
	t.Helper()
	var u, p string
	for line := range strings.Lines(frag) {
		if v, ok := strings.CutPrefix(line, "a=ice-ufrag:"); ok && u == "" {
			u = v
		}
		if v, ok := strings.CutPrefix(line, "a=ice-pwd:"); ok && p == "" {
			p = v
		}
	}
	var sdp strings.Builder
	for line := range strings.Lines(pc.CurrentRemoteDescription().SDP) {
		switch {
		case strings.HasPrefix(line, "a=ice-ufrag:"):
			line = "a=ice-ufrag:" + u
		case strings.HasPrefix(line, "a=ice-pwd:"):
			line = "a=ice-pwd:" + p
		}
		sdp.WriteString(line)
	}
	if err := pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: sdp.String()}); err != nil {
		t.Fatal(err)
	}
}

func TestRequestsThatAreRefused(t *testing.T) {
	h := newHouse(t)
	pc := sfutest.Connection(t)
	if _, err := pc.AddTransceiverFromKind(webrtc.RTPCodecTypeVideo, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionRecvonly}); err != nil {
		t.Fatal(err)
	}
	offer := sfutest.Offer(t, pc)
	h.ask(t, http.StatusMethodNotAllowed, "GET", "/watch", "", "")
	h.ask(t, http.StatusUnsupportedMediaType, "POST", "/watch", "text/plain", offer)
	h.ask(t, http.StatusBadRequest, "POST", "/watch", "application/sdp", "v=0\r\n")
	h.ask(t, http.StatusBadRequest, "POST", "/watch", "application/sdp", "")
	h.ask(t, http.StatusRequestEntityTooLarge, "POST", "/watch", "application/sdp", strings.Repeat("a=x\r\n", 1<<18))
	h.ask(t, http.StatusForbidden, "POST", "/watch", "application/sdp", offer, "Authorization", "Bearer guest")
	h.ask(t, http.StatusNotFound, "PATCH", "/watch/guess", "application/trickle-ice-sdpfrag", "")
	if h.Open() != 0 {
		t.Errorf("%d sessions are open after refusals", h.Open())
	}
	var at, tag string
	if _, err := h.post(t, "/watch", &at, &tag)(offer); err != nil {
		t.Fatal(err)
	}
	h.ask(t, http.StatusBadRequest, "PATCH", at, "application/trickle-ice-sdpfrag", "a=ice-ufrag:only\r\n", "If-Match", "*")
	h.ask(t, http.StatusMethodNotAllowed, "GET", at, "", "")
}

// TestAPlayerThatVanishes closes its connection without a word.
func TestAPlayerThatVanishes(t *testing.T) {
	h := newHouse(t)
	var in, out, tag string
	source := sfutest.Publish(t, sfutest.Connection(t), h.post(t, "/send", &in, &tag))
	go source.Play(t.Context())
	player := sfutest.Subscribe(t, sfutest.Connection(t), 1, 1, h.post(t, "/watch", &out, &tag))
	player.More(t, 5)
	if err := player.PC.GracefulClose(); err != nil {
		t.Fatal(err)
	}
	limit := time.After(sfutest.Patience)
	for h.Open() != 1 {
		select {
		case <-limit:
			t.Fatalf("%d sessions are open", h.Open())
		case <-time.After(50 * time.Millisecond):
		}
	}
}
