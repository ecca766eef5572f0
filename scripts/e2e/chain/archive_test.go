package chain_test

import (
	"bytes"
	"fmt"
	"image/jpeg"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"gridhub/hub/archive"
	"gridhub/hub/audit"
	"gridhub/hub/evidence"
	"gridhub/hub/geo"
	"gridhub/hub/tasks"
)

// TestASealedCaseConvincesAStranger takes a case to the archive and gives its
// file, and the public key, to somebody who has neither the hub nor its data.
func TestASealedCaseConvincesAStranger(t *testing.T) {
	s := &street{t: t}
	s.hub, s.root = open(t, "")
	for name, account := range map[string]map[string]any{
		"desk": {"roles": []string{"dispatcher", "call-taker"}}, "checker": {"roles": []string{"checker"}},
		worker: {"roles": []string{"handler"}, "person": worker}, "auditor": {"roles": []string{"auditor"}},
	} {
		account["name"], account["password"] = name, password
		s.root.post("/api/v1/accounts", account, nil)
	}
	s.desk, s.check = s.hub.signIn("desk", password), s.hub.signIn("checker", password)
	auditor := s.hub.signIn("auditor", password)

	c := s.archived()
	s.hub.end(t, syscall.SIGKILL) // the seal may be anywhere on its way
	s.hub.serve()
	path := "/api/v1/cases/" + string(c.ID) + "/seals"
	eventually(t, "the seal", func() error {
		var seals []archive.Seal
		auditor.get(path, &seals)
		if len(seals) != 1 || !seals[0].Ready {
			return fmt.Errorf("have %+v", seals)
		}
		return nil
	})
	if err := s.desk.call("GET", path+"/1/file", nil, nil); !isStatus(err, http.StatusForbidden) {
		t.Errorf("the desk asks for the whole seal: %v, want 403", err)
	}
	if err := auditor.call("GET", path+"/2/file", nil, nil); !isStatus(err, http.StatusNotFound) {
		t.Errorf("a seal that is not there: %v, want 404", err)
	}

	away := t.TempDir()
	key := filepath.Join(away, "key.pub")
	(&session{t: t, base: s.desk.base}).download("/api/v1/archive/key", key)
	whole, redacted := filepath.Join(away, "whole.zip"), filepath.Join(away, "redacted.zip")
	auditor.download(path+"/1/file", whole)
	s.desk.download(path+"/1/redacted", redacted)
	said, err := run(hubProgram, "verify", away, "--key", key, "--lang", "zh")
	if err != nil || !strings.Contains(said, "whole.zip：有效") || !strings.Contains(said, "有效（脱敏版）") || !strings.Contains(said, "未出示：第 1 个事件的反映人") {
		t.Errorf("hub verify: %v\n%s", err, said)
	}
	if b := contents(t, redacted); strings.Contains(b, "13800001111") || !strings.Contains(contents(t, whole), "13800001111") {
		t.Error("the redacted copy holds the reporter's number, or the whole one does not")
	}
	bent := []byte(contents(t, whole))
	bent[len(bent)/2] ^= 1
	write(t, whole, string(bent))
	said, err = run(hubProgram, "verify", whole, "--key", key, "--lang", "en")
	if err == nil || !strings.Contains(said, "FAULTY") || !strings.Contains(said, "entry ") {
		t.Errorf("hub verify of a changed file: %v\n%s", err, said)
	}
	var heads []archive.Checkpoint
	s.desk.get("/api/v1/archive/checkpoints", &heads)
	var read []audit.Line
	auditor.get("/api/v1/audit?act=seal", &read)
	read = slices.DeleteFunc(read, func(e audit.Line) bool { return e.Detail["failed"] != "" || strings.HasSuffix(e.Subject, "-2") })
	if len(heads) != 1 || len(read) != 2 || read[1].Account != "auditor" || read[0].Account != "desk" || read[0].From != "127.0.0.1" {
		t.Errorf("checkpoints %+v, downloads %+v", heads, read)
	}
}

// archived takes a case from a call to the archive.
func (s *street) archived() tasks.Case {
	s.t.Helper()
	var c tasks.Case
	s.desk.post("/api/v1/cases", map[string]any{"id": "hotline-0001", "matter": "AQ03", "source": "hotline", "text": "垃圾堆了三天",
		"reporter": "王先生 13800001111", "place": geo.Point{Lon: gaugeLon, Lat: gaugeLat}}, &c)
	s.step(s.desk, c, tasks.Command{Type: tasks.Dispatched, Assignee: worker})
	w := s.hub.handheld(worker)
	s.handle(c, w)
	s.step(w.session, c, tasks.Command{Type: tasks.Claimed, Text: "已清运"})
	s.step(s.check, c, tasks.Command{Type: tasks.Checked})
	s.step(s.desk, c, tasks.Command{Type: tasks.Closed})
	s.step(s.desk, c, tasks.Command{Type: tasks.Archived})
	return c
}

// download keeps what the hub gives in a file.
func (s *session) download(path, file string) {
	s.t.Helper()
	res, err := s.request(s.t.Context(), "GET", path, "", nil)
	if err != nil {
		s.t.Fatal(err)
	}
	defer res.Body.Close()
	f, err := os.Create(file)
	if err != nil {
		s.t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.ReadFrom(res.Body); err != nil || res.StatusCode != http.StatusOK {
		s.t.Fatalf("%s: %s, %v", path, res.Status, err)
	}
}

func contents(t *testing.T, file string) string {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestAPhotoUsedBeforeIsNoted claims a case with a photo that was the proof of
// another one, saved again.
func TestAPhotoUsedBeforeIsNoted(t *testing.T) {
	s := &street{t: t}
	s.hub, s.root = open(t, "")
	for name, account := range map[string]map[string]any{
		"desk": {"roles": []string{"dispatcher", "call-taker"}}, worker: {"roles": []string{"handler"}, "person": worker},
	} {
		account["name"], account["password"] = name, password
		s.root.post("/api/v1/accounts", account, nil)
	}
	s.desk = s.hub.signIn("desk", password)
	w := s.hub.handheld(worker)
	first := photo(t)
	img, err := jpeg.Decode(bytes.NewReader(first))
	if err != nil {
		t.Fatal(err)
	}
	var again bytes.Buffer
	if err := jpeg.Encode(&again, img, &jpeg.Options{Quality: 55}); err != nil {
		t.Fatal(err)
	}
	for i, data := range [][]byte{first, photo(t), again.Bytes()} {
		var c tasks.Case
		s.desk.post("/api/v1/cases", map[string]any{"id": fmt.Sprintf("hotline-%04d", i), "matter": "AQ03", "source": "hotline",
			"place": geo.Point{Lon: gaugeLon, Lat: gaugeLat}}, &c)
		s.step(s.desk, c, tasks.Command{Type: tasks.Dispatched, Assignee: worker})
		var item evidence.Item
		if err := w.send("POST", fmt.Sprintf("/api/v1/evidence?kind=photo-after&at=1&case=%s", c.ID), "image/jpeg", data, &item); err != nil {
			t.Fatal(err)
		}
		s.step(w.session, c, tasks.Command{Type: tasks.Evidence, Evidence: item.Hash, Kind: "photo-after"})
		s.step(w.session, c, tasks.Command{Type: tasks.Evidence, Evidence: item.Hash, Kind: "photo-after"}) // the answer was lost
		s.desk.get("/api/v1/cases/"+string(c.ID), &c)
		if want := map[int]int{2: 1}[i]; c.Reused != want {
			t.Errorf("case %d: %d photos used before, want %d", i, c.Reused, want)
		}
	}
}
