package recordings

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"gridhub/devices/telemetry"
	"gridhub/hub/geo"
	"gridhub/hub/identity"
	"gridhub/hub/people"
	"gridhub/hub/store/storetest"
	"gridhub/hub/tasks"
	"gridhub/streams/call"
	"gridhub/streams/journal/fsx"
	"gridhub/streams/record"
	"gridhub/streams/sfu/sfutest"
)

var (
	monday = time.Date(2026, 5, 4, 8, 0, 0, 0, time.UTC)
	desk   = identity.Principal{Account: "desk", Roles: []identity.Role{identity.Dispatcher}}
)

// hall is a desk of recordings with a real pool, database and SFU.
type hall struct {
	t     *testing.T
	pool  *tasks.Pool
	desk  *Desk
	now   time.Time
	acts  []string
	fails error // of the audit
}

func newHall(t *testing.T, policy string) *hall {
	t.Helper()
	h := &hall{t: t, now: monday}
	clock := func() time.Time { return h.now }
	db := storetest.SQLite(t)
	matter := tasks.Matter{Code: "HB02", Name: people.Name{ZH: "商业/生活噪声", EN: "noise"}, Lead: "EP", Domain: "environment", Privacy: "internal", Recording: policy,
		Limits: []tasks.Limit{{Name: "handle", From: tasks.Dispatched, Until: tasks.Claimed, Kind: tasks.WorkingHours, Value: "4h"}},
		Auto:   []tasks.EventType{tasks.Screened, tasks.Filed}}
	var err error
	h.pool, err = tasks.Open(t.Context(), db, tasks.Options{Matters: []tasks.Matter{matter}, Calendar: tasks.OfficeHours(time.UTC), Now: clock})
	h.must(err)
	h.desk, err = Open(t.Context(), db, Options{Folder: filepath.Join(t.TempDir(), "recordings"), Rooms: sfutest.Start(t, nil), Pool: h.pool,
		Keep: Config{Keep: 24 * time.Hour}, Clock: clock, Log: sfutest.Log(t),
		Audit: func(_ context.Context, who identity.Principal, act, subject, _, _ string) error {
			h.acts = append(h.acts, who.Account+" "+act+" "+subject)
			return h.fails
		}})
	h.must(err)
	t.Cleanup(h.desk.Close)
	return h
}

func (h *hall) must(err error) {
	h.t.Helper()
	if err != nil {
		h.t.Fatal(err)
	}
}

func (h *hall) report() identity.CaseID {
	h.t.Helper()
	c, err := h.pool.Report(h.t.Context(), desk, tasks.Report{ID: "r1", Matter: "HB02", Source: "desk", Title: "夜市噪声", Place: geo.Point{Lon: 120.16, Lat: 30.27}, At: telemetry.At(h.now)})
	h.must(err)
	return c.ID
}

// talk is a whole call about a case.
func (h *hall) talk(id call.ID, task string) {
	h.t.Helper()
	for _, kind := range []call.Kind{call.Created, call.IsRinging, call.Accepted, call.HasEnded} {
		h.desk.Follow(h.t.Context(), call.Event{Call: id, Kind: kind, At: h.now, Task: task, Reason: "left"})
	}
	h.desk.work.Wait()
}

func TestACallOnACaseIsRecordedAndNamedInIt(t *testing.T) {
	h := newHall(t, "")
	id := h.report()
	h.talk("c1", string(id))
	list, err := h.desk.OfCase(t.Context(), id)
	h.must(err)
	if len(list) != 1 || list[0].State != stateDone || list[0].Head == "" {
		t.Fatalf("recordings %+v", list)
	}
	_, events, err := h.pool.Get(t.Context(), id)
	h.must(err)
	if last := events[len(events)-1]; last.Type != tasks.Called || last.Body.Kind != Recorded || last.Body.Evidence != list[0].Head {
		t.Errorf("the case ends with %+v", last)
	}
	b, faults, err := record.Verify(fsx.OS{}, h.desk.Folder("c1"))
	if err != nil || len(faults) > 0 || !b.Finished || b.Head != list[0].Head {
		t.Errorf("%+v, %v, %v", b, faults, err)
	}
}

func TestWhatMustNotBeRecordedIsNot(t *testing.T) {
	for _, policy := range []string{Never, OnDemand} {
		h := newHall(t, policy)
		id := h.report()
		h.talk("c1", string(id))
		h.talk("c2", "")
		if list, err := h.desk.OfCase(t.Context(), id); err != nil || len(list) > 0 || h.desk.exists("c1") || h.desk.exists("c2") {
			t.Errorf("%s: recorded %v, %v", policy, list, err)
		}
	}
}

func TestEveryPlayingIsInTheAuditFirst(t *testing.T) {
	h := newHall(t, Always)
	h.talk("c1", string(h.report()))
	h.fails = errors.New("disk full")
	if _, err := h.desk.Play(t.Context(), desk, "c1", "", ""); !errors.Is(err, h.fails) {
		t.Errorf("played without an audit: %v", err)
	}
	h.fails = nil
	ticket, err := h.desk.Play(t.Context(), desk, "c1", "complaint", "")
	h.must(err)
	if want := []string{"desk recording.play c1", "desk recording.play c1"}; !slices.Equal(h.acts, want) {
		t.Errorf("audit %v", h.acts)
	}
	other := identity.Principal{Account: "mallory"}
	for what, try := range map[string]func() error{
		"without a ticket": func() error { _, err := h.desk.Part(t.Context(), desk, "c1", "0001.webm", ""); return err },
		"another's ticket": func() error { _, err := h.desk.Part(t.Context(), other, "c1", "0001.webm", ticket); return err },
		"an old ticket": func() error {
			h.now = h.now.Add(3 * time.Hour)
			_, err := h.desk.Part(t.Context(), desk, "c1", "0001.webm", ticket)
			return err
		},
	} {
		if err := try(); !errors.Is(err, ErrNotFound) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func TestRecordingsOfOpenCasesStay(t *testing.T) {
	h := newHall(t, Always)
	id := h.report()
	h.talk("c1", string(id))
	h.now = h.now.Add(72 * time.Hour)
	h.must(h.desk.expire(t.Context()))
	if list, _ := h.desk.OfCase(t.Context(), id); list[0].State != stateDone {
		t.Fatalf("the recording of an open case is %s", list[0].State)
	}
	_, err := h.pool.Do(t.Context(), desk, tasks.Command{ID: "command-0001", Case: id, Type: tasks.Voided, Why: "duplicate", At: telemetry.At(h.now)})
	h.must(err)
	h.must(h.desk.expire(t.Context()))
	if list, _ := h.desk.OfCase(t.Context(), id); list[0].State != stateErased {
		t.Errorf("the recording of a voided case is %s", list[0].State)
	}
	if b, faults, err := record.Verify(fsx.OS{}, h.desk.Folder("c1")); err != nil || len(faults) > 0 || !b.Erased {
		t.Errorf("%+v, %v, %v", b, faults, err)
	}
}
