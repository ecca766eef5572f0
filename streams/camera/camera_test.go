package camera_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bluenviron/gortsplib/v4"
	"github.com/bluenviron/gortsplib/v4/pkg/base"
	"github.com/bluenviron/gortsplib/v4/pkg/description"
	"github.com/bluenviron/gortsplib/v4/pkg/format"
	"github.com/pion/rtp"

	"gridhub/streams/camera"
	"gridhub/streams/sfu"
	"gridhub/streams/sfu/sfutest"
)

// server starts GStreamer's RTSP servers: one for everybody, one with a password.
func server(t *testing.T) (open, locked string, stop func()) {
	t.Helper()
	cmd := exec.Command("/usr/bin/python3", "testdata/server.py")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = t.Output()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	stop = sync.OnceFunc(func() {
		_ = in.Close()
		if err := cmd.Wait(); err != nil {
			t.Logf("the server ended: %v", err)
		}
	})
	t.Cleanup(stop)
	var one, two int
	if _, err := fmt.Fscan(bufio.NewReader(out), &one, &two); err != nil {
		t.Fatalf("the server said no ports: %v", err)
	}
	return fmt.Sprintf("rtsp://127.0.0.1:%d", one), fmt.Sprintf("rtsp://127.0.0.1:%d", two), stop
}

// wall is a Wall whose states can be waited for.
type wall struct {
	*camera.Wall
	media *sfu.SFU
	told  chan camera.State
}

func newWall(t *testing.T, s ...camera.Source) *wall {
	t.Helper()
	w := &wall{media: sfutest.Start(t, nil), told: make(chan camera.State, 100)}
	var err error
	w.Wall, err = camera.NewWall(w.media, s, func(_ string, s camera.State) { w.told <- s }, sfutest.Log(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.Close)
	return w
}

// until waits for a phase.
func (w *wall) until(t *testing.T, want camera.Phase) camera.State {
	t.Helper()
	limit := time.After(sfutest.Patience)
	for {
		select {
		case s := <-w.told:
			if s.Phase == want {
				return s
			}
		case <-limit:
			t.Fatalf("the camera never was %s", want)
		}
	}
}

// viewer watches a camera's room.
func (w *wall) viewer(t *testing.T, id, name string) *sfutest.Sink {
	t.Helper()
	room, err := w.media.Room(camera.Room(id))
	if err != nil {
		t.Fatal(err)
	}
	if err := room.Join(sfu.Member{ID: name, Person: name}); err != nil {
		t.Fatal(err)
	}
	if err := room.Gate(name, sfu.Gate{Receive: true}); err != nil {
		t.Fatal(err)
	}
	return sfutest.Subscribe(t, sfutest.Connection(t), 0, 1, func(offer string) (string, error) {
		return room.Subscribe(context.Background(), name, offer)
	})
}

func look(t *testing.T, w *wall, id string) func() {
	t.Helper()
	release, err := w.Look(id)
	if err != nil {
		t.Fatal(err)
	}
	return release
}

func TestPicturesOfACamera(t *testing.T) {
	at, _, _ := server(t)
	w := newWall(t, camera.Source{ID: "gate", URL: at + "/good"})
	if s, _ := w.State("gate"); s.Phase != camera.Idle {
		t.Errorf("before anybody looks: %s", s.Phase)
	}
	defer look(t, w, "gate")()
	first := w.viewer(t, "gate", "desk-1")
	w.until(t, camera.Live)
	got := first.Wait(t, "video", 100)
	checkPictures(t, got)
	// Who comes later gets the pictures since the last key frame, at once: the
	// camera sends one in two seconds.
	second := w.viewer(t, "gate", "desk-2")
	sfutest.Connected(t, second.PC)
	began := time.Now()
	late := second.Wait(t, "video", 1)
	if d := time.Since(began); d > 5*time.Second {
		t.Errorf("the first packet came after %s", d)
	}
	checkPictures(t, late)
}

// checkPictures wants packets that fit, the first of them with what a decoder
// needs.
func checkPictures(t *testing.T, got []rtp.Packet) {
	t.Helper()
	if !startsWithParameters(got[0].Payload) {
		t.Errorf("the first packet begins % x, want a sequence parameter set", got[0].Payload[:4])
	}
	for _, p := range got {
		if len(p.Payload) > 1200 {
			t.Fatalf("a packet of %d bytes", len(p.Payload))
		}
	}
}

func TestAUserAndAPassword(t *testing.T) {
	_, at, _ := server(t)
	w := newWall(t, camera.Source{ID: "right", URL: at + "/secret", User: "viewer", Password: "p@ss:word"},
		camera.Source{ID: "wrong", URL: at + "/secret", User: "viewer", Password: "guess"})
	release := look(t, w, "right")
	w.until(t, camera.Live)
	release()
	defer look(t, w, "wrong")()
	if s := w.until(t, camera.Failed); s.Fault.Code != "auth" {
		t.Errorf("fault %v, want auth", s.Fault)
	}
}

func TestFaultsNameTheSetting(t *testing.T) {
	at, _, _ := server(t)
	closed := free(t)
	for name, tt := range map[string]struct{ url, code, says string }{
		"B-frames":     {at + "/bframes", "b-frames", "switch B-frames"},
		"no such path": {at + "/none", "not-found", "path"},
		"H.265":        {h265(t), "h265", "H.264"},
		"nobody there": {"rtsp://" + closed, "unreachable", "address"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWall(t, camera.Source{ID: "c", URL: tt.url})
			defer look(t, w, "c")()
			if s := w.until(t, camera.Failed); s.Fault.Code != tt.code || !strings.Contains(s.Fault.Text, tt.says) {
				t.Errorf("fault %+v, want %s that says %q", s.Fault, tt.code, tt.says)
			}
		})
	}
}

// free is an address at which nobody listens.
func free(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// h265 is a camera that offers nothing else.
func h265(t *testing.T) string {
	t.Helper()
	h := &only265{}
	s := &gortsplib.Server{Handler: h, RTSPAddress: free(t)}
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	h.stream = gortsplib.NewServerStream(s, &description.Session{Medias: []*description.Media{
		{Type: description.MediaTypeVideo, Formats: []format.Format{&format.H265{PayloadTyp: 96}}}}})
	t.Cleanup(h.stream.Close)
	return fmt.Sprintf("rtsp://%s/main", s.RTSPAddress)
}

type only265 struct{ stream *gortsplib.ServerStream }

func (h *only265) OnDescribe(*gortsplib.ServerHandlerOnDescribeCtx) (*base.Response, *gortsplib.ServerStream, error) {
	return &base.Response{StatusCode: base.StatusOK}, h.stream, nil
}

// TestACameraComesBack ends the server under a viewer and starts another at the
// same place.
func TestACameraComesBack(t *testing.T) {
	at, _, stop := server(t)
	through := newDetour(t, strings.TrimPrefix(at, "rtsp://"))
	w := newWall(t, camera.Source{ID: "gate", URL: "rtsp://" + through.address + "/good"})
	defer look(t, w, "gate")()
	v := w.viewer(t, "gate", "desk")
	w.until(t, camera.Live)
	v.Wait(t, "video", 50)
	stop()
	w.until(t, camera.Failed)
	before := len(v.Got("video"))
	again, _, _ := server(t)
	through.lead(strings.TrimPrefix(again, "rtsp://"))
	w.until(t, camera.Live)
	got := v.Wait(t, "video", before+50)
	for i := 1; i < len(got); i++ {
		if d := got[i].SequenceNumber - got[i-1].SequenceNumber; d != 1 {
			t.Fatalf("packet %d follows %d", got[i].SequenceNumber, got[i-1].SequenceNumber)
		}
	}
}

// detour is a door that leads now here, now there.
type detour struct {
	address string
	mu      sync.Mutex
	to      string
}

func newDetour(t *testing.T, to string) *detour {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	d := &detour{address: l.Addr().String(), to: to}
	go func() {
		for {
			in, err := l.Accept()
			if err != nil {
				return
			}
			go d.carry(in)
		}
	}()
	return d
}

func (d *detour) lead(to string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.to = to
}

func (d *detour) carry(in net.Conn) {
	defer in.Close()
	d.mu.Lock()
	to := d.to
	d.mu.Unlock()
	out, err := net.Dial("tcp", to)
	if err != nil {
		return
	}
	defer out.Close()
	go func() { _, _ = io.Copy(out, in); _ = out.Close() }()
	_, _ = io.Copy(in, out)
}

func TestACameraWithoutViewersIsLeftAlone(t *testing.T) {
	at, _, _ := server(t)
	w := newWall(t, camera.Source{ID: "gate", URL: at + "/good"})
	camera.Linger(w.Wall, 50*time.Millisecond)
	release := look(t, w, "gate")
	w.until(t, camera.Live)
	release()
	w.until(t, camera.Idle)
	defer look(t, w, "gate")() // and again
	w.until(t, camera.Live)
}

func TestAddressesThatAreNone(t *testing.T) {
	for _, u := range []string{"", "http://10.0.0.1/x", "rtsp://", "rtsp://admin:12345@10.0.0.1/x", "://"} {
		s := camera.Source{ID: "c", URL: u}
		if err := s.Validate(); err == nil {
			t.Errorf("%q is taken for an address", u)
		} else if strings.Contains(err.Error(), "12345") {
			t.Errorf("the error shows the password: %v", err)
		}
	}
}

// startsWithParameters reports whether a payload begins with a sequence parameter
// set, alone or in front of others (RFC 6184, 5.7.1).
func startsWithParameters(b []byte) bool {
	const sps, together = 7, 24
	return len(b) > 3 && (b[0]&0x1f == sps || b[0]&0x1f == together && b[3]&0x1f == sps)
}
