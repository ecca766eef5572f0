// Package call_test makes real calls between two headless Chromium, through
// the hub's signalling and media packages, with the TypeScript of its pages.
package call_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/evanw/esbuild/pkg/api"

	"gridhub/streams/call"
	"gridhub/streams/radio"
	"gridhub/streams/sfu"
	"gridhub/streams/sfu/sfutest"
	"gridhub/streams/signaling"
)

// patience is how long one step of a call may take on a busy machine.
const patience = 60 * time.Second

// measured is what a page reads from getStats about what it receives.
type measured struct {
	FramesDecoded int     `json:"framesDecoded"`
	Width         int     `json:"width"`
	Samples       float64 `json:"samples"` // of sound, without those made up
	Energy        float64 `json:"energy"`
	Freezes       int     `json:"freezes"`
}

// over is what a page says when its call has ended.
type over struct {
	Reason   string `json:"reason"`
	Released bool   `json:"released"` // camera and microphone
}

// relayServer is a relay as a browser is told of it.
type relayServer struct {
	URLs       []string `json:"urls"`
	Username   string   `json:"username"`
	Credential string   `json:"credential"`
}

// report is one message of a page to the test. With "flowing" and "resumed"
// the page waits for the reply, which says what to do next.
type report struct {
	path, person string
	body         []byte
	reply        chan string
}

// hub is the part of the hub that a call needs.
type hub struct {
	t       *testing.T
	web     *httptest.Server
	calls   atomic.Pointer[http.Handler] // of the running service
	stop    func()
	reports chan report
	queue   []report
	media   *sfu.SFU // of the running service
	folder  string   // of the recording that is played
	host    string
	far     []string // what begins a command on the machine where browsers run now; none: on this one
	change  []func(*sfu.Config)
	relays  []relayServer // of which the browsers are told

	mu     sync.Mutex
	stored []call.Event
}

func (h *hub) Devices(string) []string     { return nil } // all are on the WebSocket
func (h *hub) Permit(_, _, _ string) error { return nil }
func (h *hub) Send(string, []byte) error   { return errors.New("offline") }
func (h *hub) Record(_ context.Context, e call.Event) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.stored = append(h.stored, e)
	return nil
}

func (h *hub) kinds() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	var out []string
	for _, e := range h.stored {
		out = append(out, string(e.Kind))
	}
	return strings.Join(out, " ")
}

func start(t *testing.T) *hub { return startAt(t, "127.0.0.1") }

// startAt starts a hub on an address of this machine.
func startAt(t *testing.T, host string, change ...func(*sfu.Config)) *hub {
	t.Helper()
	h := &hub{t: t, host: host, change: change, reports: make(chan report, 16), relays: []relayServer{}}
	h.boot()
	l, err := net.Listen("tcp", host+":0")
	if err != nil {
		t.Fatal(err)
	}
	h.web = &httptest.Server{Listener: l, Config: &http.Server{Handler: h.routes()}}
	h.web.Start()
	t.Cleanup(func() { h.stop(); h.web.CloseClientConnections(); h.web.Close() })
	return h
}

// boot starts signalling and media, with what was stored before.
func (h *hub) boot() {
	h.t.Helper()
	media, stopMedia := sfutest.StartStop(h.t, func(c *sfu.Config) {
		c.Address = h.host + ":0"
		for _, f := range h.change {
			f(c)
		}
	})
	h.media = media
	service, err := signaling.New(signaling.Default(), media, h, h, h, sfutest.Log(h.t))
	if err != nil {
		h.t.Fatal(err)
	}
	h.mu.Lock()
	stored := append([]call.Event(nil), h.stored...)
	h.mu.Unlock()
	if len(stored) > 0 {
		service.Restore(stored)
	}
	groups, err := radio.New(radio.Default(), media, talkers{h}, talkers{h}, service.Send, sfutest.Log(h.t))
	if err != nil {
		h.t.Fatal(err)
	}
	service.Accompany(radio.Prefix, groups)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 2)
	go func() { done <- service.Run(ctx) }()
	go func() { done <- groups.Run(ctx) }()
	h.stop = sync.OnceFunc(func() { cancel(); <-done; <-done; stopMedia() })
	calls := service.Handler(func(r *http.Request) (string, string, error) {
		return r.URL.Query().Get("person"), r.URL.Query().Get("device"), nil
	})
	h.calls.Store(&calls)
}

func (h *hub) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /calls", func(w http.ResponseWriter, r *http.Request) { (*h.calls.Load()).ServeHTTP(w, r) })
	mux.HandleFunc("GET /api/v1/calls/relay", func(w http.ResponseWriter, _ *http.Request) {
		_ = json.NewEncoder(w).Encode(map[string]any{"iceServers": h.relays})
	})
	for _, name := range []string{"page", "talk", "path"} {
		script := bundle(h.t, name)
		mux.HandleFunc("GET /"+name, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			_, _ = io.WriteString(w, `<!doctype html><title>call</title><body><script src="`+name+`.js"></script>`)
		})
		mux.HandleFunc("GET /"+name+".js", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/javascript")
			_, _ = w.Write(script)
		})
	}
	mux.HandleFunc("GET /play.html", playPage)
	mux.HandleFunc("GET /parts/{part}", h.part)
	mux.HandleFunc("POST /", h.hear)
	return mux
}

// bundle compiles a page with the hub's own call code.
func bundle(t *testing.T, name string) []byte {
	t.Helper()
	out := api.Build(api.BuildOptions{EntryPoints: []string{"testdata/" + name + ".ts"}, Bundle: true, Target: api.ES2022})
	for _, e := range out.Errors {
		t.Error(e.Text, e.Location)
	}
	if len(out.OutputFiles) != 1 {
		t.Fatal("the page did not compile")
	}
	return out.OutputFiles[0].Contents
}

func (h *hub) hear(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(io.LimitReader(r.Body, 64<<10))
	m := report{strings.TrimPrefix(r.URL.Path, "/"), r.URL.Query().Get("person"), body, make(chan string, 1)}
	select {
	case h.reports <- m:
	case <-r.Context().Done():
		return
	}
	if !slices.Contains([]string{"flowing", "resumed", "ready", "report"}, m.path) {
		return
	}
	select {
	case todo := <-m.reply:
		_, _ = io.WriteString(w, todo)
	case <-r.Context().Done():
	}
}

// await returns the next report of person about path; others wait their turn.
func (h *hub) await(person, path string, into any) report {
	h.t.Helper()
	limit := time.After(patience)
	for seen := 0; ; {
		for ; seen < len(h.queue); seen++ {
			if m := h.queue[seen]; m.person == person && m.path == path {
				h.queue = append(h.queue[:seen:seen], h.queue[seen+1:]...)
				if err := json.Unmarshal(m.body, into); err != nil {
					h.t.Fatal(err)
				}
				return m
			}
		}
		select {
		case m := <-h.reports:
			if m.path == "error" {
				h.t.Errorf("%s: %s", m.person, m.body)
			}
			h.queue = append(h.queue, m)
		case <-limit:
			h.t.Fatalf("no %q from %s in %v; stored: %s", path, person, patience, h.kinds())
		}
	}
}

// browse opens a page in a browser of its own.
func (h *hub) browse(query string, flags ...string) {
	h.t.Helper()
	page := "/page?"
	if name, rest, ok := strings.Cut(query, "&"); ok && !strings.Contains(name, "=") {
		page, query = "/"+name+"?", rest
	}
	h.browseTo(page+query, flags...)
}

func (h *hub) browseTo(path string, flags ...string) {
	h.t.Helper()
	profile, err := os.MkdirTemp("", "call-browser-")
	if err != nil {
		h.t.Fatal(err)
	}
	run := append(h.far, append(append([]string{"chromium"}, flags...), "--headless=new", "--no-sandbox", "--disable-gpu",
		"--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream",
		"--autoplay-policy=no-user-gesture-required", "--allow-loopback-in-peer-connection",
		"--unsafely-treat-insecure-origin-as-secure="+h.web.URL,
		"--user-data-dir="+profile, h.web.URL+path)...)
	chromium := exec.Command(run[0], run[1:]...)
	chromium.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // it has children
	if err := chromium.Start(); err != nil {
		h.t.Fatalf("Chromium is needed for this test: %v", err)
	}
	h.t.Cleanup(func() {
		_ = syscall.Kill(-chromium.Process.Pid, syscall.SIGKILL)
		_ = chromium.Wait()
		_ = os.RemoveAll(profile) // a child may still be writing: then it stays in /tmp
	})
}

func (h *hub) flows(person string) report {
	h.t.Helper()
	var m measured
	r := h.await(person, "flowing", &m)
	h.t.Logf("%s receives %+v", person, m)
	if m.FramesDecoded == 0 || m.Samples == 0 || m.Energy == 0 || m.Width == 0 {
		h.t.Errorf("%s: %+v", person, m)
	}
	return r
}

func (h *hub) ends(person, reason string) {
	h.t.Helper()
	var o over
	h.await(person, "over", &o)
	if o.Reason != reason || !o.Released {
		h.t.Errorf("%s: the call ended %+v, want %s with camera and microphone released", person, o, reason)
	}
}

// pair opens the field's page, then the centre's, which calls it.
func (h *hub) pair() (centre, field report) {
	h.t.Helper()
	h.browse("person=wang")
	h.await("wang", "online", new(struct{}))
	h.browse("person=centre&calls=wang")
	return h.flows("centre"), h.flows("wang")
}

func TestTwoBrowsersSeeAndHearEachOther(t *testing.T) {
	h := start(t)
	centre, field := h.pair()
	field.reply <- ""
	centre.reply <- "hangup"
	h.ends("centre", "left")
	h.ends("wang", "left")
	if got, want := h.kinds(), "created ringing accepted left ended"; got != want {
		t.Errorf("stored %q, want %q", got, want)
	}
}

// The centre's connection breaks while they talk: its seat waits, it dials
// again and has the call back, and picture and sound go on.
func TestBrowserComesBackIntoItsCall(t *testing.T) {
	h := start(t)
	centre, field := h.pair()
	field.reply <- ""
	centre.reply <- "drop"
	h.resumes("centre").reply <- "hangup"
	h.ends("centre", "left")
	h.ends("wang", "left")
	if got, want := h.kinds(), "created ringing accepted resuming resumed left ended"; got != want {
		t.Errorf("stored %q, want %q", got, want)
	}
}

// The hub is started again while they talk: both browsers come back into the
// same call, over new connections.
func TestHubRestartsDuringACall(t *testing.T) {
	h := start(t)
	centre, field := h.pair()
	field.reply <- "stay"
	centre.reply <- "stay"
	h.stop()
	h.boot()
	h.resumes("wang").reply <- ""
	h.resumes("centre").reply <- "hangup"
	h.ends("centre", "left")
	h.ends("wang", "left")
	if got, want := h.kinds(), "created ringing accepted resuming resuming resumed resumed left ended"; got != want {
		t.Errorf("stored %q, want %q", got, want)
	}
}

func (h *hub) resumes(person string) report {
	h.t.Helper()
	var m measured
	r := h.await(person, "resumed", &m)
	h.t.Logf("%s receives %+v after it came back", person, m)
	return r
}
