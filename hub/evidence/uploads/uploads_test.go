package uploads

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"gridhub/hub/evidence"
	"gridhub/hub/identity"
	"gridhub/hub/store"
)

// street is a desk with a real vault, in a folder, at an address.
type street struct {
	t      testing.TB
	desk   *Desk
	vault  *evidence.Store
	folder string
	url    string
	now    time.Time
}

var (
	noon   = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	worker = "p-017"
)

// handlerOf serves a desk to whom the request's header names.
func handlerOf(d *Desk) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		who := r.Header.Get("Who")
		d.ServeHTTP(w, r, identity.Principal{Account: who, Person: identity.PersonID(who)})
	})
}

func open(ctx context.Context, folder string, now func() time.Time) (*Desk, *evidence.Store, error) {
	db, err := store.Open(ctx, "sqlite:"+filepath.Join(folder, "hub.db"))
	if err != nil {
		return nil, nil, err
	}
	vault, err := evidence.Open(ctx, db, evidence.Config{Folder: filepath.Join(folder, "evidence"), Zone: time.UTC, Clock: now})
	if err != nil {
		return nil, nil, err
	}
	d, err := Open(Options{Folder: filepath.Join(folder, "uploads"), Vault: vault, Clock: now, PerAccount: 3})
	return d, vault, err
}

func newStreet(t testing.TB) *street {
	s := &street{t: t, folder: t.TempDir(), now: noon}
	var err error
	if s.desk, s.vault, err = open(t.Context(), s.folder, func() time.Time { return s.now }); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(handlerOf(s.desk))
	t.Cleanup(server.Close)
	s.url = server.URL
	return s
}

// picture is a JPEG of about so many bytes.
func picture(seed uint64, side int) []byte {
	dice := rand.New(rand.NewPCG(seed, 1))
	img := image.NewRGBA(image.Rect(0, 0, side, side))
	for i := range img.Pix {
		img.Pix[i] = uint8(dice.IntN(256))
	}
	img.SetRGBA(0, 0, color.RGBA{1, 2, 3, 255})
	var b bytes.Buffer
	_ = jpeg.Encode(&b, img, &jpeg.Options{Quality: 90})
	return b.Bytes()
}

func sumOf(b []byte) string {
	h := sha256.Sum256(b)
	return hex.EncodeToString(h[:])
}

// metadata is written as the protocol wants it.
func metadata(pairs ...string) string {
	var out []string
	for i := 0; i < len(pairs); i += 2 {
		out = append(out, pairs[i]+" "+base64.StdEncoding.EncodeToString([]byte(pairs[i+1])))
	}
	return strings.Join(out, ",")
}

var capture = []string{"kind", "photo-after", "at", "1795500000000", "case", "c-1", "lon", "120.16", "lat", "30.27", "accuracy", "7.5"}

func (s *street) ask(method, url, who string, body []byte, headers ...string) *http.Response {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), method, url, bytes.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	r.Header.Set("Tus-Resumable", "1.0.0")
	r.Header.Set("Who", who)
	if method == http.MethodPatch {
		r.Header.Set("Content-Type", "application/offset+octet-stream")
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	a, err := http.DefaultClient.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	b, err := io.ReadAll(a.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	_ = a.Body.Close()
	a.Body = io.NopCloser(bytes.NewReader(b))
	return a
}

// announce begins an upload and returns its address.
func (s *street) announce(size int, pairs ...string) string {
	s.t.Helper()
	a := s.ask("POST", s.url+Path, worker, nil, "Upload-Length", strconv.Itoa(size), "Upload-Metadata", metadata(pairs...))
	if a.StatusCode != http.StatusCreated || a.Header.Get("Upload-Expires") == "" {
		b, _ := io.ReadAll(a.Body)
		s.t.Fatalf("announced: %s %s", a.Status, b)
	}
	return a.Header.Get("Location")
}

func (s *street) piece(url string, offset int, data []byte) *http.Response {
	return s.ask("PATCH", url, worker, data, "Upload-Offset", strconv.Itoa(offset))
}

// files counts what lies in a folder of the street.
func (s *street) files(folder string) (n int) {
	_ = filepath.WalkDir(filepath.Join(s.folder, folder), func(_ string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			n++
		}
		return nil
	})
	return n
}

func TestInPieces(t *testing.T) {
	s := newStreet(t)
	data := picture(1, 200)
	url := s.announce(len(data), append(capture, "sha256", sumOf(data))...)
	for at := 0; at < len(data); at += 10_000 {
		a := s.piece(url, at, data[at:min(at+10_000, len(data))])
		want := strconv.Itoa(min(at+10_000, len(data)))
		if a.StatusCode != http.StatusNoContent || a.Header.Get("Upload-Offset") != want {
			t.Fatalf("piece at %d: %s, offset %s", at, a.Status, a.Header.Get("Upload-Offset"))
		}
		head := s.ask("HEAD", url, worker, nil)
		if head.Header.Get("Upload-Offset") != want || (head.Header.Get(evidenceHeader) != "") != (want == strconv.Itoa(len(data))) {
			t.Fatalf("after %s: offset %s, evidence %q", want, head.Header.Get("Upload-Offset"), head.Header.Get(evidenceHeader))
		}
	}
	item, err := s.vault.Get(t.Context(), sumOf(data))
	if err != nil || item.Case != "c-1" || item.Kind != "photo-after" || item.By != "p-017" || item.At != 1795500000000 || item.Place == nil || item.Place.Lon != 120.16 || item.Accuracy != 7.5 {
		t.Errorf("evidence %+v, %v", item, err)
	}
	if a := s.piece(url, 5, data[5:9]); a.StatusCode != http.StatusConflict {
		t.Errorf("a piece at another offset: %s, want 409", a.Status)
	}
	if n := s.files("evidence"); n != 3 || s.files("uploads") != 1 {
		t.Errorf("%d files in the vault, %d beside it; want 3 forms, and what the upload became", n, s.files("uploads"))
	}
	// The same photo once more, by another upload, is kept once.
	url = s.announce(len(data), capture...)
	if a := s.piece(url, 0, data); a.Header.Get(evidenceHeader) != sumOf(data) || s.files("evidence") != 3 {
		t.Errorf("again: %s, %d files", a.Header.Get(evidenceHeader), s.files("evidence"))
	}
}

func TestWhatIsRefused(t *testing.T) {
	s := newStreet(t)
	whole := picture(2, 60)
	for name, data := range map[string][]byte{
		"no photo":         []byte(strings.Repeat("MZ this is a program ", 20)),
		"a broken picture": whole[:len(whole)/3],
		"a bomb":           bomb(),
	} {
		a := s.piece(s.announce(len(data), capture...), 0, data)
		b, _ := io.ReadAll(a.Body)
		if a.StatusCode != http.StatusUnprocessableEntity || !bytes.Contains(b, []byte(`"detail":"`)) {
			t.Errorf("%s: %s %s, want 422 and why", name, a.Status, b)
		}
	}
	if a := s.piece(s.announce(len(whole), append(capture, "sha256", sumOf(whole[1:]))...), 0, whole); a.StatusCode != http.StatusUnprocessableEntity {
		t.Errorf("other bytes than announced: %s, want 422", a.Status)
	}
	if n := s.files("uploads") + s.files("evidence"); n != 0 {
		t.Errorf("%d files are left of what was refused", n)
	}
	for _, tt := range []struct {
		size  string
		pairs []string
		want  int
	}{
		{strconv.Itoa(evidence.MaxVideo + 1), capture, http.StatusRequestEntityTooLarge},
		{"0", capture, http.StatusBadRequest},
		{"", capture, http.StatusBadRequest},
		{"10", []string{"kind", "photo-after"}, http.StatusBadRequest},
		{"10", []string{"at", "1795500000000"}, http.StatusBadRequest},
		{"10", append([]string{"sha256", "XYZ"}, capture...), http.StatusBadRequest},
	} {
		if a := s.ask("POST", s.url+Path, worker, nil, "Upload-Length", tt.size, "Upload-Metadata", metadata(tt.pairs...)); a.StatusCode != tt.want {
			t.Errorf("length %q with %v: %s, want %d", tt.size, tt.pairs, a.Status, tt.want)
		}
	}
	for _, id := range []string{"../../hub.db", strings.Repeat("a", 32), ".about-1", "%2e%2e%2fhub"} {
		if a := s.ask("HEAD", s.url+Path+id, worker, nil); a.StatusCode != http.StatusNotFound {
			t.Errorf("upload %q: %s", id, a.Status)
		}
	}
}

// bomb is a PNG that claims to be 60,000 pixels wide and high.
func bomb() []byte {
	return []byte("\x89PNG\r\n\x1a\n\x00\x00\x00\x0dIHDR\x00\x00\xea\x60\x00\x00\xea\x60\x08\x06\x00\x00\x00\xa5\x1f\x0b\xdb")
}

func TestAnAccountsUploadsAreItsOwnAndFew(t *testing.T) {
	s := newStreet(t)
	url := s.announce(100, capture...)
	for _, method := range []string{"HEAD", "PATCH", "DELETE"} {
		if a := s.ask(method, url, "p-018", []byte("x"), "Upload-Offset", "0"); a.StatusCode != http.StatusNotFound {
			t.Errorf("%s by another: %s, want 404", method, a.Status)
		}
	}
	s.now = s.now.Add(time.Second)
	second := s.announce(100, capture...)
	s.now = s.now.Add(time.Second)
	third := s.announce(100, capture...)
	if a := s.piece(url, 0, []byte("touched")); a.StatusCode != http.StatusNoContent {
		t.Fatal(a.Status)
	}
	s.announce(100, capture...) // the fourth: the one that rested longest gives way
	gone := func(url string) bool { return s.ask("HEAD", url, worker, nil).StatusCode == http.StatusNotFound }
	if !gone(second) || gone(url) || gone(third) || s.files("uploads") != 6 {
		t.Errorf("of four the second is to go: gone %v, %v, %v; %d files", gone(url), gone(second), gone(third), s.files("uploads"))
	}
	s.desk.o.Announced = 350
	s.now = s.now.Add(time.Second)
	last := s.announce(240, capture...)
	if gone(last) || s.files("uploads") != 4 {
		t.Errorf("with more bytes than one account may announce %d files are left, want those of two", s.files("uploads"))
	}
	if a := s.ask("DELETE", last, worker, nil); a.StatusCode != http.StatusNoContent || s.files("uploads") != 2 {
		t.Errorf("dropped: %s, %d files left, want 2", a.Status, s.files("uploads"))
	}
	s.announce(100, capture...)
	s.announce(100, capture...)
	s.now = s.now.Add(s.desk.o.Keep - time.Minute)
	if err := s.desk.sweep(); err != nil || s.files("uploads") != 6 {
		t.Errorf("before their time: %d files, %v", s.files("uploads"), err)
	}
	s.now = s.now.Add(2 * time.Minute)
	if err := s.desk.sweep(); err != nil || s.files("uploads") != 0 {
		t.Errorf("after it: %d files, %v", s.files("uploads"), err)
	}
}

// TestACrashBeforeTheEnd finds an upload with all its bytes that never became
// evidence: whoever asks how far it got ends it.
func TestACrashBeforeTheEnd(t *testing.T) {
	s := newStreet(t)
	good, bad := picture(3, 80), []byte(strings.Repeat("nothing to see ", 9))
	for _, tt := range []struct {
		data []byte
		want int
	}{{good, http.StatusOK}, {bad, http.StatusUnprocessableEntity}} {
		url := s.announce(len(tt.data), capture...)
		if err := os.WriteFile(s.desk.pieces.bytes(url[strings.LastIndex(url, "/")+1:]), tt.data, 0o600); err != nil {
			t.Fatal(err)
		}
		a := s.ask("HEAD", url, worker, nil)
		if a.StatusCode != tt.want || tt.want == http.StatusOK && a.Header.Get(evidenceHeader) != sumOf(tt.data) {
			t.Errorf("%s, evidence %q; want %d", a.Status, a.Header.Get(evidenceHeader), tt.want)
		}
	}
	if _, err := s.vault.Get(t.Context(), sumOf(good)); err != nil {
		t.Error(err)
	}
}

// TestMain serves instead of testing where TestKilled asks for it.
func TestMain(m *testing.M) {
	folder := os.Getenv("UPLOADS_SERVE")
	if folder == "" {
		os.Exit(m.Run())
	}
	d, _, err := open(context.Background(), folder, time.Now)
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	server := httptest.NewServer(handlerOf(d))
	fmt.Println(server.URL)
	select {}
}

// serve starts a hub's desk as a process of its own.
func serve(t *testing.T, folder string) (*exec.Cmd, string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), "UPLOADS_SERVE="+folder)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	line := make([]byte, 64)
	n, err := out.Read(line)
	if err != nil {
		t.Fatal(err)
	}
	return cmd, strings.TrimSpace(string(line[:n]))
}

// TestKilled kills the process with SIGKILL in the middle of a piece, again and
// again: each time the upload goes on where the disk says, never before what was
// acknowledged, and the photo is there once in the end.
func TestKilled(t *testing.T) {
	folder := t.TempDir()
	s := &street{t: t, folder: folder}
	data := picture(4, 1200)
	dice := rand.New(rand.NewPCG(1, 2))
	hub, url := serve(t, folder)
	s.url = url
	at := s.announce(len(data), append(capture, "sha256", sumOf(data))...)
	id := at[strings.LastIndex(at, "/"):]
	acked := 0
	for kill := range 6 {
		if a := s.piece(s.url+strings.TrimSuffix(Path, "/")+id, acked, data[acked:acked+50_000]); a.StatusCode != http.StatusNoContent {
			t.Fatalf("after %d kills: %s", kill, a.Status)
		}
		acked += 50_000
		r, w := io.Pipe()
		req, err := http.NewRequestWithContext(t.Context(), "PATCH", s.url+strings.TrimSuffix(Path, "/")+id, r)
		if err != nil {
			t.Fatal(err)
		}
		for k, v := range map[string]string{"Tus-Resumable": "1.0.0", "Who": worker, "Content-Type": "application/offset+octet-stream", "Upload-Offset": strconv.Itoa(acked)} {
			req.Header.Set(k, v)
		}
		done := make(chan error, 1)
		go func() { _, err := http.DefaultClient.Do(req); done <- err }()
		if _, err := w.Write(data[acked : acked+10_000+dice.IntN(40_000)]); err != nil {
			t.Fatal(err)
		}
		if err := hub.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = hub.Wait()
		_ = w.CloseWithError(io.ErrUnexpectedEOF)
		if err := <-done; err == nil {
			t.Fatal("the piece was answered by a dead process")
		}
		hub, s.url = serve(t, folder)
		head := s.ask("HEAD", s.url+strings.TrimSuffix(Path, "/")+id, worker, nil)
		offset, err := strconv.Atoi(head.Header.Get("Upload-Offset"))
		if err != nil || offset < acked || offset > acked+50_000 {
			t.Fatalf("after kill %d: offset %q (%s), %d were acknowledged", kill+1, head.Header.Get("Upload-Offset"), head.Status, acked)
		}
		acked = offset
	}
	a := s.piece(s.url+strings.TrimSuffix(Path, "/")+id, acked, data[acked:])
	if a.StatusCode != http.StatusNoContent || a.Header.Get(evidenceHeader) != sumOf(data) {
		b, _ := io.ReadAll(a.Body)
		t.Fatalf("the last piece: %s %s", a.Status, b)
	}
	if n := s.files("evidence"); n != 3 {
		t.Errorf("%d files in the vault, want one photo in three forms", n)
	}
}
