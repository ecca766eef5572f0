package archive

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"gridhub/devices/telemetry"
	"gridhub/hub/evidence"
	"gridhub/hub/geo"
	"gridhub/hub/identity"
	"gridhub/hub/people"
	"gridhub/hub/store"
	"gridhub/hub/store/storetest"
	"gridhub/hub/tasks"
)

var (
	zone   = time.FixedZone("CST", 8*3600)
	monday = time.Date(2026, 11, 23, 10, 0, 0, 0, zone)
	desk   = identity.Principal{Account: "desk", Roles: []identity.Role{identity.Dispatcher, identity.Auditor}}
	worker = identity.Principal{Account: "p-017", Person: "p-017", Roles: []identity.Role{identity.Handler}}
)

var noise = tasks.Matter{Code: "HB02", Name: people.Name{ZH: "商业/生活噪声", EN: "noise"}, Lead: "EP", Domain: "environment", Privacy: "internal",
	Limits: []tasks.Limit{{Name: "handle", From: tasks.Dispatched, Until: tasks.Claimed, Kind: tasks.WorkingHours, Value: "4h"}},
	Auto:   []tasks.EventType{tasks.Screened, tasks.Filed}}

// street is a pool, its evidence and its archive, on real stores.
type street struct {
	t       *testing.T
	db      *store.DB
	pool    *tasks.Pool
	proofs  *evidence.Store
	archive *Archive
	folder  string
	now     time.Time
	n       int
}

func newStreet(t *testing.T) *street {
	s := &street{t: t, db: storetest.SQLite(t), folder: filepath.Join(t.TempDir(), "archive"), now: monday}
	clock := func() time.Time { return s.now }
	var err error
	s.pool, err = tasks.Open(t.Context(), s.db, tasks.Options{Matters: []tasks.Matter{noise}, Calendar: tasks.OfficeHours(zone), Now: clock})
	s.must(err)
	s.proofs, err = evidence.Open(t.Context(), s.db, evidence.Config{Folder: filepath.Join(t.TempDir(), "evidence"), Zone: zone, Clock: clock})
	s.must(err)
	s.open()
	return s
}

func (s *street) open() {
	s.t.Helper()
	var err error
	s.archive, err = Open(s.t.Context(), s.db, Options{Folder: s.folder, Pool: s.pool, Evidence: s.proofs, Zone: zone, Clock: func() time.Time { return s.now }})
	s.must(err)
}

func (s *street) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s *street) do(who identity.Principal, id identity.CaseID, c tasks.Command) {
	s.t.Helper()
	s.n++
	s.now = s.now.Add(7 * time.Minute)
	c.ID, c.Case, c.At = fmt.Sprintf("command-%04d", s.n), id, telemetry.At(s.now)
	_, err := s.pool.Do(s.t.Context(), who, c)
	s.must(err)
}

// photo is a small real picture, another one for each number.
func (s *street) photo(n int) string {
	s.t.Helper()
	img := image.NewRGBA(image.Rect(0, 0, 24, 16))
	for y := range 16 {
		for x := range 24 {
			img.SetRGBA(x, y, color.RGBA{uint8(x * 10), uint8(y * 16), uint8(n * 40), 255})
		}
	}
	var b bytes.Buffer
	s.must(jpeg.Encode(&b, img, &jpeg.Options{Quality: 40}))
	item, err := s.proofs.Put(s.t.Context(), evidence.Meta{Kind: "photo-after", By: "p-017", At: telemetry.At(s.now)}, &b)
	s.must(err)
	return item.Hash
}

const absent = "eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee"

// archived takes a case through its life, with personal words, two photos, and
// one hash that nobody ever uploaded.
func (s *street) archived(report string) identity.CaseID {
	s.t.Helper()
	c, err := s.pool.Report(s.t.Context(), desk, tasks.Report{ID: report, Matter: "HB02", Source: "hotline", Title: "夜市噪声",
		Text: "楼下夜市吵到凌晨", Reporter: "王先生 13800001111", Place: geo.Point{Lon: 120.16, Lat: 30.27}, At: telemetry.At(s.now)})
	s.must(err)
	s.do(desk, c.ID, tasks.Command{Type: tasks.Dispatched, Assignee: "p-017"})
	s.do(desk, c.ID, tasks.Command{Type: tasks.Suspended, Why: "王先生出差"})
	s.do(desk, c.ID, tasks.Command{Type: tasks.Resumed})
	s.do(worker, c.ID, tasks.Command{Type: tasks.Accepted})
	s.do(worker, c.ID, tasks.Command{Type: tasks.Onscene, Place: &geo.Point{Lon: 120.1601, Lat: 30.27}})
	for _, hash := range []string{s.photo(s.n), s.photo(s.n + 1), absent} {
		s.do(worker, c.ID, tasks.Command{Type: tasks.Evidence, Evidence: hash, Kind: "photo-after"})
	}
	s.do(worker, c.ID, tasks.Command{Type: tasks.Claimed, Text: "已劝离，王先生满意"})
	s.close(c.ID)
	return c.ID
}

func (s *street) close(id identity.CaseID) {
	s.t.Helper()
	for _, step := range []tasks.EventType{tasks.Checked, tasks.Closed, tasks.Archived} {
		s.do(desk, id, tasks.Command{Type: step})
	}
}

func (s *street) trust() Trust {
	s.t.Helper()
	t, err := NewTrust(s.archive.PublicKey(), "")
	s.must(err)
	return t
}

func (s *street) file(id identity.CaseID, seal int) []byte {
	s.t.Helper()
	b, err := os.ReadFile(s.archive.path(id, seal))
	s.must(err)
	return b
}

func (s *street) read(id identity.CaseID, seal int, cut Cut) []byte {
	s.t.Helper()
	f, err := s.archive.Read(s.t.Context(), id, seal, cut)
	s.must(err)
	defer f.Close()
	b, err := io.ReadAll(f)
	s.must(err)
	return b
}

func verify(b []byte, t Trust) *Report { return Verify(bytes.NewReader(b), int64(len(b)), t) }

func TestAnArchivedCaseIsSealedOnceAndVerifies(t *testing.T) {
	s := newStreet(t)
	id := s.archived("call-0001")
	s.must(s.archive.Seal(t.Context(), id))
	first := s.file(id, 1)
	s.now = s.now.Add(time.Hour)
	s.must(s.archive.Seal(t.Context(), id))
	seals, err := s.archive.Seals(t.Context(), id)
	if err != nil || len(seals) != 1 || !seals[0].Ready || seals[0].Events != 15 {
		t.Fatalf("seals %+v, %v; want one over 15 events", seals, err)
	}
	if !bytes.Equal(first, s.file(id, 1)) {
		t.Error("sealing again wrote another file")
	}
	r := verify(first, s.trust())
	if !r.OK() || len(r.Withheld) != 0 || len(r.Missing) != 1 || r.Missing[0] != absent || r.Case != string(id) || r.Number != "261123-001" {
		t.Errorf("report %+v", r)
	}
	other := newStreet(t)
	if r := verify(first, other.trust()); r.OK() || r.Faults[0].Code != BadSignature {
		t.Errorf("another hub's key: %+v, want a bad signature", r.Faults)
	}
}

func TestAReopenedCaseGetsASealThatNamesTheFormer(t *testing.T) {
	s := newStreet(t)
	id := s.archived("call-0001")
	s.must(s.archive.Seal(t.Context(), id))
	s.do(desk, id, tasks.Command{Type: tasks.Filed})
	s.do(desk, id, tasks.Command{Type: tasks.Dispatched, Assignee: "p-017"})
	s.do(worker, id, tasks.Command{Type: tasks.Accepted})
	s.do(worker, id, tasks.Command{Type: tasks.Onscene})
	s.do(worker, id, tasks.Command{Type: tasks.Claimed})
	s.close(id)
	s.must(s.archive.Seal(t.Context(), id))
	one, two := verify(s.file(id, 1), s.trust()), verify(s.file(id, 2), s.trust())
	Together(s.trust(), []*Report{one, two})
	if !one.OK() || !two.OK() || two.Former == "" || two.Former != sum(one.statement) || two.Events <= one.Events {
		t.Errorf("first %+v, second %+v", one, two)
	}
	c, _, err := s.pool.Get(t.Context(), id)
	s.must(err)
	if k := c.Clocks[0]; k.Started <= c.Reopened || k.Light != "green" || len(c.Former) != 1 || !bytes.Contains(s.file(id, 2), fmt.Appendf(nil, `"started":%d`, k.Started)) {
		t.Errorf("the second seal counts from %v, want since it was opened again at %v", k.Started, c.Reopened)
	}
}

func TestSealingGoesOnWhereACrashLeftIt(t *testing.T) {
	s := newStreet(t)
	a, b := s.archived("call-0001"), s.archived("call-0002")
	s.must(s.archive.Seal(t.Context(), a))
	want := s.file(a, 1)
	// The log has the seal, the file was not written: what a crash between the
	// two leaves. A folder in the way of the file is such a crash for a case.
	s.must(os.Mkdir(s.archive.path(b, 1), 0o700))
	if err := s.archive.Seal(t.Context(), b); err == nil {
		t.Fatal("a file was written over a folder")
	}
	if seals, err := s.archive.Seals(t.Context(), b); err != nil || len(seals) != 1 || seals[0].Ready {
		t.Fatalf("seals %+v, %v; want one that is not ready", seals, err)
	}
	if _, err := s.archive.Read(t.Context(), b, 1, Cut{}); err == nil {
		t.Error("a file that is not there was given out")
	}
	s.must(os.Remove(s.archive.path(b, 1)))
	c := s.archived("call-0003")
	s.now = s.now.Add(24 * time.Hour)
	s.open()
	s.run(func() bool {
		seals, err := s.archive.Seals(t.Context(), c)
		s.must(err)
		return len(seals) == 1 && seals[0].Ready
	})
	var reports []*Report
	for _, id := range []identity.CaseID{a, b, c} {
		r := verify(s.file(id, 1), s.trust())
		reports = append(reports, r)
	}
	heads, err := s.archive.Checkpoints(t.Context(), 10)
	if err != nil || len(heads) != 3 {
		t.Fatalf("checkpoints %v, %v; want 3", heads, err)
	}
	known, err := NewTrust(s.archive.PublicKey(), heads[0].Note)
	s.must(err)
	Together(known, reports)
	for _, r := range reports {
		if !r.OK() {
			t.Errorf("%s: %+v", r.Case, r.Faults)
		}
	}
	if !bytes.Equal(want, s.file(a, 1)) {
		t.Error("the restart changed a sealed file")
	}
}

// run lets the archive work until done says so.
func (s *street) run(done func() bool) {
	s.t.Helper()
	ctx, stop := context.WithTimeout(s.t.Context(), 30*time.Second)
	ended := make(chan error, 1)
	go func() { ended <- s.archive.Run(ctx) }()
	for !done() && ctx.Err() == nil {
		time.Sleep(time.Millisecond)
	}
	if ctx.Err() != nil {
		s.t.Error("the archive did not get there")
	}
	stop()
	s.must(<-ended)
}

func TestRunHearsOfEachCase(t *testing.T) {
	s := newStreet(t)
	id := s.archived("call-0001")
	s.run(func() bool {
		seals, err := s.archive.Seals(t.Context(), id)
		s.must(err)
		if len(seals) == 0 || !seals[0].Ready {
			return false
		}
		if s.n < 50 {
			s.n = 50
			s.archive.Archived(s.archived("call-0002"))
		}
		size, err := s.archive.treeSize(t.Context())
		s.must(err)
		return size == 2
	})
}

func TestEvidenceThatRottedIsNotSealed(t *testing.T) {
	s := newStreet(t)
	id := s.archived("call-0001")
	rot := rotten{s.proofs}
	s.archive.evidence = rot
	if err := s.archive.Seal(t.Context(), id); err == nil {
		t.Error("a photo whose bytes do not have their own sum was sealed")
	}
	if seals, err := s.archive.Seals(t.Context(), id); err != nil || len(seals) != 0 {
		t.Errorf("seals %v, %v; want none", seals, err)
	}
	s.run(func() bool { return s.archive.Healthy() != nil })
	s.archive.evidence = s.proofs // somebody brought the file back from a backup
	s.run(func() bool {
		seals, err := s.archive.Seals(t.Context(), id)
		s.must(err)
		return len(seals) == 1 && seals[0].Ready && s.archive.Healthy() == nil
	})
}

// rotten gives each original with its first byte changed.
type rotten struct{ Originals }

func (r rotten) Open(ctx context.Context, hash, form string) (io.ReadSeekCloser, string, error) {
	f, kind, err := r.Originals.Open(ctx, hash, form)
	if err != nil {
		return nil, "", err
	}
	defer f.Close()
	b, err := io.ReadAll(f)
	b[0] ^= 1
	return closing{bytes.NewReader(b)}, kind, err
}

type closing struct{ *bytes.Reader }

func (closing) Close() error { return nil }

func TestTheKeyIsKeptAndGuarded(t *testing.T) {
	s := newStreet(t)
	public := s.archive.PublicKey()
	key := filepath.Join(s.folder, keyFile)
	info, err := os.Stat(key)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("key %v, %v; want mode 0600", info, err)
	}
	s.open()
	if s.archive.PublicKey() != public {
		t.Error("another start made another key")
	}
	reopen := func() error {
		_, err := Open(t.Context(), s.db, Options{Folder: s.folder, Pool: s.pool, Evidence: s.proofs, Zone: zone, Clock: time.Now})
		return err
	}
	s.must(os.Chmod(key, 0o644))
	if reopen() == nil {
		t.Error("a key that everybody can read was used")
	}
	s.must(os.Chmod(key, 0o600))
	s.must(s.archive.Seal(t.Context(), s.archived("call-0001")))
	s.must(os.Remove(key))
	if reopen() == nil {
		t.Error("an archive with seals got a new key")
	}
}

func TestADownloadIsTheFile(t *testing.T) {
	s := newStreet(t)
	id := s.archived("call-0001")
	s.must(s.archive.Seal(t.Context(), id))
	if !bytes.Equal(s.read(id, 1, Cut{}), s.file(id, 1)) {
		t.Error("the download is not the file")
	}
}
