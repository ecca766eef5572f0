package quarantine_test

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"gridhub/devices"
	"gridhub/devices/telemetry"
	"gridhub/devices/wire"
	"gridhub/hub/intake"
	"gridhub/hub/intake/ledger"
	"gridhub/hub/intake/quarantine"
	"gridhub/hub/store"
	"gridhub/hub/store/storetest"
	"gridhub/streams/journal"
)

const t0 = telemetry.Millis(1_760_000_400_000)

// hub is an intake with its quarantine and its ledger, on real files.
type hub struct {
	t    *testing.T
	in   *intake.Intake
	q    *quarantine.Quarantine
	l    *ledger.Ledger
	stop func()
}

func start(t *testing.T, cfg quarantine.Config, j *journal.Journal, db *store.DB) *hub {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	h := &hub{t: t}
	var err error
	if h.q, err = quarantine.Open(ctx, db, quarantine.Options{Config: cfg, Epoch: j.Epoch()}); err != nil {
		t.Fatal(err)
	}
	if h.l, err = ledger.Open(ctx, db, ledger.Options{Epoch: j.Epoch()}); err != nil {
		t.Fatal(err)
	}
	c := intake.Default()
	c.CommitEvery = time.Nanosecond
	if h.in, err = intake.New(c, j, intake.Options{Poison: h.q.Poison}, h.q, h.l); err != nil {
		t.Fatal(err)
	}
	h.q.Join(h.in)
	done := make(chan struct{})
	go func() { h.in.Run(ctx); close(done) }()
	h.stop = func() { cancel(); <-done }
	t.Cleanup(h.stop)
	return h
}

func fresh(t *testing.T, cfg quarantine.Config) *hub {
	t.Helper()
	j, err := journal.Open(t.TempDir(), journal.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { j.Close() })
	return start(t, cfg, j, storetest.Open(t))
}

// publish accepts a message and waits until it is durable.
func (h *hub) publish(from devices.ID, topic string, payload any) {
	h.t.Helper()
	p, ok := payload.([]byte)
	if !ok {
		p, _ = json.Marshal(payload)
	}
	done := make(chan error, 1)
	h.in.Accept(intake.Raw{At: t0, From: from, Topic: topic, Payload: p, QoS: 1}, func(err error) { done <- err })
	if err := <-done; err != nil {
		h.t.Fatal(err)
	}
}

// settle waits until all consumers have handled everything.
func (h *hub) settle() {
	h.t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for deadline := time.After(30 * time.Second); ; {
		lag := uint64(0)
		for _, s := range h.in.Stats() {
			lag += s.Lag
			if s.Error != "" {
				h.t.Fatalf("%+v", s)
			}
		}
		if lag == 0 {
			return
		}
		select {
		case <-tick.C:
		case <-deadline:
			h.t.Fatalf("%+v", h.in.Stats())
		}
	}
}

func (h *hub) list(f quarantine.Filter) []quarantine.Entry {
	h.t.Helper()
	all, err := h.q.List(context.Background(), f)
	if err != nil {
		h.t.Fatal(err)
	}
	return all
}

func (h *hub) hours() []ledger.Hour {
	h.t.Helper()
	all, err := h.l.Ledger(context.Background(), "", t0, t0+1)
	if err != nil {
		h.t.Fatal(err)
	}
	return all
}

func batch(recs ...wire.Record) wire.Batch {
	return wire.Batch{V: 1, Stream: wire.Data, Epoch: 1, First: recs[0].Seq, Last: recs[len(recs)-1].Seq, Floor: 1, Now: t0, Records: recs}
}

func rec(seq uint64, id devices.ID) wire.Record {
	return wire.Record{Seq: seq, Device: id, At: t0, Values: map[string]float64{"x": 1}}
}

func stock(ids ...devices.ID) wire.Stock {
	s := wire.Stock{V: 1}
	for _, id := range ids {
		s.Devices = append(s.Devices, wire.Entry{ID: id, Kind: "gas", Profile: "p@1"})
	}
	return s
}

func TestRefusedWaitsUntilAReplayBringsItOut(t *testing.T) {
	h := fresh(t, quarantine.Default())
	ctx := context.Background()
	h.publish("gw-1", wire.Inventory, stock("gas-1"))
	h.publish("gw-1", wire.Batches, batch(rec(1, "gas-1"), rec(2, "gas-2"), rec(3, "gas-3")))
	h.publish("gw-1", wire.Batches, []byte(`{"v":1,`+strings.Repeat("[", 10_000)))
	h.settle()

	if got := h.list(quarantine.Filter{Cause: intake.UnknownDevice}); len(got) != 2 || got[0].Number != 2 || got[0].Item != 1 || got[0].Device != "gas-2" || got[0].From != "gw-1" {
		t.Fatalf("%+v", got)
	}
	causes, err := h.q.Causes(ctx)
	if err != nil || len(causes) != 3 {
		t.Errorf("%+v, %v", causes, err)
	}
	raw, err := h.q.Payload(ctx, 2)
	if err != nil || raw.From != "gw-1" || !strings.Contains(string(raw.Payload), "gas-2") {
		t.Errorf("%+v, %v", raw, err)
	}

	// Too early: it is refused again, and waits on.
	if n, err := h.q.Replay(ctx, quarantine.Filter{Cause: intake.UnknownDevice}); n != 2 || err != nil {
		t.Fatal(n, err)
	}
	h.settle()
	if got := h.list(quarantine.Filter{Cause: intake.UnknownDevice}); len(got) != 2 || got[0].State != quarantine.Waiting {
		t.Fatalf("%+v", got)
	}

	// One of the two is named now, which is enough.
	h.publish("gw-1", wire.Inventory, stock("gas-1", "gas-2"))
	h.settle()
	if got := h.list(quarantine.Filter{Cause: intake.UnknownDevice}); len(got) != 1 || got[0].Device != "gas-3" {
		t.Fatalf("%+v", got)
	}
	if got := h.list(quarantine.Filter{Device: "gas-2", All: true}); len(got) != 1 || got[0].State != quarantine.Done {
		t.Fatalf("%+v", got)
	}
	want := []ledger.Hour{
		{Device: "gas-1", Begin: t0, Stored: 1}, {Device: "gas-2", Begin: t0, Stored: 1},
		{Device: "gas-3", Begin: t0, Quarantined: map[string]int64{intake.UnknownDevice: 1}},
		{Device: "gw-1", Begin: t0, Quarantined: map[string]int64{"shape": 1}},
	}
	if got := h.hours(); !reflect.DeepEqual(got, want) {
		t.Errorf("ledger\n%+v, want\n%+v", got, want)
	}
}

func TestDecodedAgainIsListedOnce(t *testing.T) {
	dir, db := t.TempDir(), storetest.Open(t)
	for i := range 3 {
		j, err := journal.Open(dir, journal.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if i > 0 { // as if the cursors had been lost: everything comes again
			for _, name := range []string{"quarantine", "ledger"} {
				if err := j.Remove(name); err != nil {
					t.Fatal(err)
				}
			}
		}
		h := start(t, quarantine.Default(), j, db)
		if i == 0 {
			h.publish("gw-1", wire.Batches, batch(rec(1, "gas-1")))
		}
		h.settle()
		if got := h.list(quarantine.Filter{}); len(got) != 1 {
			t.Fatalf("%+v", got)
		}
		if got := h.hours(); len(got) != 1 || got[0].Total() != 1 {
			t.Fatalf("%+v", got)
		}
		h.stop()
		j.Close()
	}
}

// A database that was restored beside a new journal: numbers begin anew, and
// nothing is taken for what it was before.
func TestNewJournalBesideAnOldDatabase(t *testing.T) {
	db := storetest.Open(t)
	for i := range 3 {
		j, err := journal.Open(t.TempDir(), journal.Options{Epoch: uint64(i + 1)})
		if err != nil {
			t.Fatal(err)
		}
		h := start(t, quarantine.Default(), j, db)
		h.publish("gw-1", wire.Batches, batch(rec(1, "gas-1")))
		h.settle()
		if got := h.list(quarantine.Filter{}); len(got) != i+1 || got[0].Number != 1 || got[i].Number > 1 {
			t.Fatalf("%+v", got)
		}
		if n, err := h.q.Replay(context.Background(), quarantine.Filter{}); n != 1 || err != nil {
			t.Errorf("%d replayed, %v; want the new one only", n, err)
		}
		h.settle()
		if got := h.hours(); len(got) != 1 || got[0].Total() != int64(i+1) {
			t.Errorf("ledger %+v", got)
		}
		h.stop()
		j.Close()
	}
}

// What no hub can read stays as it is, however often it is asked for.
func TestDamagedRecordsAreNotReplayed(t *testing.T) {
	dir := t.TempDir()
	j, err := journal.Open(dir, journal.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	if _, err := j.Append(context.Background(), []byte("of another making")); err != nil {
		t.Fatal(err)
	}
	h := start(t, quarantine.Default(), j, storetest.Open(t))
	defer h.stop()
	h.settle()
	if n, err := h.q.Replay(context.Background(), quarantine.Filter{}); n != 0 || err != nil {
		t.Error(n, err)
	}
	h.settle()
	if got := h.list(quarantine.Filter{}); len(got) != 1 || got[0].Cause != intake.Damaged || got[0].State != quarantine.Waiting {
		t.Errorf("%+v", got)
	}
}

func TestBoundsDropTheOldestAndCountThem(t *testing.T) {
	h := fresh(t, quarantine.Config{MaxMessages: 20, MaxBytes: 1 << 20})
	for i := range 50 {
		h.publish("p-1", "nonsense", fmt.Appendf(nil, "%d", i))
	}
	h.settle()
	got := h.list(quarantine.Filter{})
	if len(got) != 20 || got[0].Number != 50 || h.q.Dropped() != 30 {
		t.Errorf("%d entries, newest %d, %d dropped", len(got), got[0].Number, h.q.Dropped())
	}
	if _, err := h.q.Payload(context.Background(), 1); err == nil {
		t.Error("the first message is still there")
	}
}

func TestWhatTheHistoryRejectsIsListed(t *testing.T) {
	h := fresh(t, quarantine.Default())
	h.publish("gw-1", wire.Inventory, stock("gas-1"))
	h.publish("gw-1", wire.Batches, batch(rec(1, "gas-1")))
	h.settle()
	p := telemetry.Point{Device: "gas-1", Kind: "gas", At: t0, Key: telemetry.Key{Sender: "gw-1", Offset: 2}}
	for range 2 {
		if err := h.q.Reject(context.Background(), p, "field type conflict"); err != nil {
			t.Fatal(err)
		}
	}
	got := h.list(quarantine.Filter{Cause: quarantine.StoreRejected})
	if len(got) != 1 || got[0].Detail != "field type conflict" {
		t.Errorf("%+v", got)
	}
	before := h.hours()
	if n, err := h.q.Replay(context.Background(), quarantine.Filter{Cause: quarantine.StoreRejected}); n != 1 || err != nil {
		t.Fatal(n, err)
	}
	h.settle()
	if got := h.list(quarantine.Filter{}); len(got) != 0 || !reflect.DeepEqual(h.hours(), before) {
		t.Errorf("after a replay: %+v, ledger %+v", got, h.hours())
	}
	if raw, err := h.q.Payload(context.Background(), 2); err != nil || raw.Topic != wire.Batches {
		t.Errorf("%+v, %v", raw, err)
	}
}

func TestConfigNamesItsMistakes(t *testing.T) {
	if err := (quarantine.Config{}).Validate(); err == nil || !strings.Contains(err.Error(), "max_messages is 0") || !strings.Contains(err.Error(), "max_bytes") {
		t.Error(err)
	}
}
