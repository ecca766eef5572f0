package call_test

import (
	"context"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"gridhub/streams/journal/fsx"
	"gridhub/streams/record"
	"gridhub/streams/sfu/sfutest"
)

// playPage plays one part and posts how that went.
func playPage(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/html")
	_, _ = io.WriteString(w, `<!doctype html><title>play</title><video id="v" muted></video><script>
const q = new URLSearchParams(location.search), v = document.getElementById('v')
const post = (path, body) => fetch('/' + path + '?person=' + q.get('person'), { method: 'POST', body: JSON.stringify(body) })
v.onerror = () => post('error', { code: v.error.code, message: v.error.message })
v.src = '/parts/' + q.get('part')
v.onloadedmetadata = async () => {
  const duration = v.duration, seekable = v.seekable.length ? v.seekable.end(0) : 0
  await v.play()
  while (v.currentTime < Math.min(1, duration * 0.4)) await new Promise((r) => setTimeout(r, 50))
  const readyState = v.readyState
  v.currentTime = duration * 0.6
  await new Promise((r) => { v.onseeked = r })
  await v.play()
  const from = v.currentTime
  while (v.currentTime < from + 0.5 && !v.ended) await new Promise((r) => setTimeout(r, 50))
  post('played', { duration, seekable, readyState, width: v.videoWidth, frames: v.getVideoPlaybackQuality().totalVideoFrames, sought: from, audio: v.webkitAudioDecodedByteCount })
}
</script>`)
}

// part serves a part of the recording, by ranges.
func (h *hub) part(w http.ResponseWriter, r *http.Request) {
	b, err := record.Read(fsx.OS{}, h.folder)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	v, err := b.View(fsx.OS{}, h.folder, r.PathValue("part"))
	if err != nil {
		http.Error(w, err.Error(), http.StatusNotFound)
		return
	}
	defer v.Close()
	w.Header().Set("Content-Type", v.Type)
	http.ServeContent(w, r, "", time.Time{}, v)
}

// keep records the call into folder until the returned function is called.
func (h *hub) keep(folder string) (finish func(reason string)) {
	h.t.Helper()
	k := &record.Keeper{FS: fsx.OS{}, Dir: folder, Room: h.callID(), Rooms: h.media, Clock: time.Now, Log: sfutest.Log(h.t),
		About: record.About{Call: h.callID(), Task: "case-7", Policy: "always"}}
	over, done := make(chan string, 1), make(chan error, 1)
	ctx, cancel := context.WithCancel(context.Background())
	go func() { _, err := k.Run(ctx, over); done <- err }()
	h.t.Cleanup(cancel)
	return func(reason string) {
		over <- reason
		if err := <-done; err != nil {
			h.t.Error(err)
		}
		cancel()
	}
}

func (h *hub) callID() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return string(h.stored[0].Call)
}

// interrupted is what a kill of the process leaves of a recording: what was
// written by then, the last of it torn.
func (h *hub) interrupted(folder string) string {
	h.t.Helper()
	to := filepath.Join(h.t.TempDir(), h.callID())
	if err := os.CopyFS(to, os.DirFS(folder)); err != nil {
		h.t.Fatal(err)
	}
	files, _ := filepath.Glob(filepath.Join(to, "*.webm"))
	if len(files) == 0 {
		h.t.Fatal("nothing is recorded yet")
	}
	f, err := os.OpenFile(files[0], os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		h.t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.Write(make([]byte, 700)); err != nil {
		h.t.Fatal(err)
	}
	return to
}

// Two browsers talk, the hub dies in between, and both come back: the recording
// has both halves and the gap, verifies, decodes in a foreign player without an
// error, and plays and seeks in a browser.
func TestRecordedCallSurvivesTheHub(t *testing.T) {
	h := start(t)
	centre, field := h.pair()
	folder := filepath.Join(t.TempDir(), h.callID())
	stop := h.keep(folder)
	time.Sleep(6 * time.Second) // of conversation
	left := h.interrupted(folder)
	field.reply <- "stay"
	centre.reply <- "stay"
	h.stop()
	stop("killed")
	h.boot()
	stop = h.keep(left)
	again, caller := h.resumes("wang"), h.resumes("centre")
	time.Sleep(6 * time.Second)
	again.reply <- ""
	caller.reply <- "hangup"
	h.ends("centre", "left")
	stop("left")

	b, faults, err := record.Verify(fsx.OS{}, left)
	if err != nil || len(faults) > 0 {
		t.Fatal(err, faults)
	}
	restart := false
	for _, g := range b.Gaps {
		t.Logf("gap %d–%d %s %s %v", g.Start, g.End, g.Person, g.Cause, g.Media)
		restart = restart || g.Cause == record.Restart
	}
	if !restart || len(b.Parts) < 4 {
		t.Errorf("restart marked: %v, %d parts", restart, len(b.Parts))
	}
	h.folder = left
	for i, p := range b.Parts {
		t.Logf("%s %s %v–%v %d bytes", p.Name, p.Person, p.Start, p.End, p.Bytes)
		h.foreign(p)
		h.plays(p, "viewer"+strconv.Itoa(i))
	}
}

// foreign decodes a part with FFmpeg.
func (h *hub) foreign(p record.Part) {
	h.t.Helper()
	out, err := exec.Command("ffmpeg", "-v", "error", "-i", h.web.URL+"/parts/"+p.Name, "-fps_mode", "passthrough", "-enc_time_base", "-1", "-f", "null", "-").CombinedOutput()
	if err != nil || len(out) > 0 {
		h.t.Errorf("%s: ffmpeg: %v\n%s", p.Name, err, out)
	}
	raw, err := exec.Command("ffprobe", "-v", "error", "-show_entries", "format=duration:stream=codec_name", "-of", "csv=p=0", h.web.URL+"/parts/"+p.Name).Output()
	text := strings.Join(strings.Fields(string(raw)), " ")
	if err != nil || !strings.Contains(text, "opus") || !strings.Contains(text, "vp8") {
		h.t.Errorf("%s: ffprobe: %q, %v", p.Name, text, err)
	}
}

// plays plays and seeks a part in Chromium.
func (h *hub) plays(p record.Part, viewer string) {
	h.t.Helper()
	var m struct {
		Duration, Seekable, Sought float64
		ReadyState, Width, Frames  int
		Audio                      int
	}
	h.browseTo("/play.html?person=" + viewer + "&part=" + p.Name)
	h.await(viewer, "played", &m)
	h.t.Logf("%s plays: %+v", p.Name, m)
	length := (p.End - p.Start).Seconds()
	if m.Duration < length-0.2 || m.Duration > length+0.2 || m.ReadyState < 2 || m.Frames == 0 || m.Width == 0 || m.Sought < length*0.5 || m.Audio == 0 {
		h.t.Errorf("%s of %.1f s: %+v", p.Name, length, m)
	}
}
