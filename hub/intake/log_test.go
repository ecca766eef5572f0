package intake

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"gridhub/devices"
	"gridhub/devices/telemetry"
	"gridhub/devices/wire"
	"gridhub/streams/journal"
)

// sink is a consumer that remembers what it took, keyed so that what comes
// again must be equal, and that can be made to fail.
type sink struct {
	name string
	fail func(Decoded) error // may panic

	mu      sync.Mutex
	got     map[uint64]string
	last    uint64
	changed chan struct{}
}

func newSink(name string) *sink {
	return &sink{name: name, got: map[uint64]string{}, changed: make(chan struct{})}
}

func (s *sink) Name() string { return s.name }

func (s *sink) Handle(_ context.Context, batch []Decoded) error {
	for _, d := range batch {
		if s.fail != nil {
			if err := s.fail(d); err != nil {
				return err
			}
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, text := range stripped(batch) {
		n := batch[i].Number
		if old, ok := s.got[n]; ok && old != text {
			panic(fmt.Sprintf("record %d came again as\n%s\nwas\n%s", n, text, old))
		}
		s.got[n], s.last = text, n
	}
	close(s.changed)
	s.changed = make(chan struct{})
	return nil
}

// until waits for record n.
func (s *sink) until(t *testing.T, n uint64) {
	t.Helper()
	for deadline := time.After(time.Minute); ; {
		s.mu.Lock()
		last, changed := s.last, s.changed
		s.mu.Unlock()
		if last >= n {
			return
		}
		select {
		case <-changed:
		case <-deadline:
			t.Fatalf("%s stands at %d, want %d", s.name, last, n)
		}
	}
}

// settled waits until all consumers have handled everything, and returns how
// they do.
func settled(t *testing.T, in *Intake) []Stat {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for deadline := time.After(time.Minute); ; {
		all, lag := in.Stats(), uint64(0)
		for _, s := range all {
			lag += s.Lag
		}
		if lag == 0 {
			return all
		}
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("%+v", all)
		}
	}
}

func quick() Config {
	c := Default()
	c.CommitEvery, c.AckEvery = time.Nanosecond, time.Millisecond
	return c
}

func openJournal(t *testing.T, dir string) *journal.Journal {
	t.Helper()
	j, err := journal.Open(dir, journal.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { j.Close() })
	return j
}

// start runs an intake and returns it and what stops it.
func start(t *testing.T, cfg Config, j *journal.Journal, o Options, cs ...Consumer) (*Intake, func()) {
	t.Helper()
	in, err := New(cfg, j, o, cs...)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- in.Run(ctx) }()
	stop := sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(stop)
	return in, stop
}

func put(t *testing.T, j *journal.Journal, recs ...[]byte) {
	t.Helper()
	if _, err := j.Append(context.Background(), recs...); err != nil {
		t.Fatal(err)
	}
}

func expect(recs [][]byte) map[uint64]string {
	m := map[uint64]string{}
	for i, s := range stripped(fold(NewDecoder(), recs...)) {
		m[uint64(i+1)] = s
	}
	return m
}

func TestAcceptedMessagesReachEveryConsumer(t *testing.T) {
	j := openJournal(t, t.TempDir())
	a, b := newSink("a"), newSink("b")
	in, _ := start(t, quick(), j, Options{}, a, b)
	durable := make(chan error, 3)
	if err := in.Register(context.Background(), t0, Registration{Set: []Registered{{ID: "m-1", Kind: "gas"}}}); err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		in.Accept(Raw{At: t0, From: "m-1", Topic: wire.Telemetry, QoS: 1,
			Payload: fmt.Appendf(nil, `{"v":1,"at":%d,"values":{"x":%d}}`, t0+telemetry.Millis(i), i)}, func(err error) { durable <- err })
	}
	for range 3 {
		if err := <-durable; err != nil {
			t.Fatal(err)
		}
	}
	a.until(t, 4)
	b.until(t, 4)
	if !reflect.DeepEqual(a.got, b.got) || !strings.Contains(a.got[4], "Metric:x Value:2") {
		t.Errorf("a got %v, b got %v", a.got, b.got)
	}
}

func TestConsumerThatFellOutDecodesForItself(t *testing.T) {
	recs := traffic(rand.New(rand.NewPCG(5, 5)), 4000)
	j := openJournal(t, t.TempDir())
	cfg := quick()
	cfg.Batch, cfg.Window = 16, 64
	quickly, slow := newSink("quick"), newSink("slow")
	gate := make(chan struct{})
	slow.fail = func(Decoded) error { <-gate; return nil }
	in, _ := start(t, cfg, j, Options{}, quickly, slow)
	put(t, j, recs[:3000]...)
	quickly.until(t, 3000) // while slow holds its first batch
	close(gate)
	slow.until(t, 3000)
	put(t, j, recs[3000:]...)
	slow.until(t, 4000)
	quickly.until(t, 4000)
	want := expect(recs)
	if !reflect.DeepEqual(quickly.got, want) || !reflect.DeepEqual(slow.got, want) {
		t.Error("the two did not get what an undisturbed fold gives")
	}
	for _, s := range settled(t, in) {
		if s.Position != 4001 || s.Lag != 0 {
			t.Errorf("%+v", s)
		}
	}
}

func TestRestartsChangeNothing(t *testing.T) {
	for seed := range uint64(5) {
		r := rand.New(rand.NewPCG(seed, 9))
		recs := traffic(r, 600)
		dir := t.TempDir()
		got := map[string]map[uint64]string{"a": {}, "b": {}}
		for at := 0; at < len(recs); {
			n := min(len(recs), at+1+r.IntN(150))
			j := openJournal(t, dir)
			cfg := quick()
			cfg.Batch = 1 + r.IntN(40)
			cfg.Window = cfg.Batch * 2
			a, b := newSink("a"), newSink("b")
			a.got, b.got = got["a"], got["b"] // equal again, or it panics
			in, stop := start(t, cfg, j, Options{}, a, b)
			put(t, j, recs[at:n]...)
			a.until(t, uint64(n))
			if r.IntN(2) == 0 {
				b.until(t, uint64(n))
			}
			stop()
			for _, s := range in.Stats() {
				if s.Failures > 0 {
					t.Fatalf("%+v", s)
				}
			}
			j.Close()
			at = n
		}
		j := openJournal(t, dir)
		b := newSink("b")
		b.got = got["b"]
		_, stop := start(t, quick(), j, Options{}, b)
		put(t, j, recs[0])
		b.until(t, uint64(len(recs)+1))
		stop()
		j.Close()
		want := expect(append(recs, recs[0]))
		delete(want, uint64(len(recs)+1))
		delete(b.got, uint64(len(recs)+1))
		if !reflect.DeepEqual(got["a"], want) || !reflect.DeepEqual(b.got, want) {
			t.Fatalf("seed %d: not what an undisturbed fold gives", seed)
		}
	}
}

// A consumer that was stopped before it saved anything is not new: it must not
// be sent to where the others are.
func TestUnsavedConsumerIsNotNew(t *testing.T) {
	dir := t.TempDir()
	recs := traffic(rand.New(rand.NewPCG(1, 1)), 40)
	j := openJournal(t, dir)
	quickly, late := newSink("quick"), newSink("late")
	late.fail = func(Decoded) error { return errors.New("not now") }
	_, stop := start(t, quick(), j, Options{}, quickly, late)
	put(t, j, recs...)
	quickly.until(t, 40)
	stop()
	j.Close()

	j = openJournal(t, dir)
	late.fail = nil
	newcomer := newSink("newcomer")
	_, stop = start(t, quick(), j, Options{}, quickly, late, newcomer)
	put(t, j, recs[1])
	late.until(t, 41)
	newcomer.until(t, 41)
	stop()
	if len(late.got) != 41 {
		t.Errorf("the late one got %d records, want 41", len(late.got))
	}
	if !strings.Contains(newcomer.got[41], "Repeats") {
		t.Errorf("the newcomer got %v", newcomer.got)
	}
}

func TestDamagedCursorStartsOver(t *testing.T) {
	dir := t.TempDir()
	recs := traffic(rand.New(rand.NewPCG(1, 1)), 30)
	for range 2 {
		j := openJournal(t, dir)
		a, b := newSink("a"), newSink("b")
		_, stop := start(t, quick(), j, Options{}, a, b)
		if j.Next() == 1 {
			put(t, j, recs...)
		} else {
			put(t, j, recs[0])
			a.until(t, 31)
			if len(a.got) != 31 {
				t.Errorf("the damaged one got %d records, want all 31", len(a.got))
			}
		}
		a.until(t, 30)
		stop()
		j.Close()
		if err := os.WriteFile(filepath.Join(dir, "cursors", "a.cur"), []byte("garbage"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func TestPanicsPutOneMessageAside(t *testing.T) {
	j := openJournal(t, t.TempDir())
	s, other := newSink("s"), newSink("other")
	s.fail = func(d Decoded) error {
		if d.Number == 7 {
			panic("cannot bear it")
		}
		return nil
	}
	aside := make(chan Decoded, 1)
	in, _ := start(t, quick(), j, Options{Poison: func(_ context.Context, d Decoded) error { aside <- d; return nil }}, s, other)
	recs := traffic(rand.New(rand.NewPCG(1, 1)), 20)
	put(t, j, recs...)
	s.until(t, 20)
	other.until(t, 20)
	d := <-aside
	if d.Number != 7 || d.Refused[0].Cause != Poison || string(d.Raw) != string(recs[6]) {
		t.Errorf("put aside: %+v", d)
	}
	if _, ok := s.got[7]; ok || len(s.got) != 19 || len(other.got) != 20 {
		t.Errorf("%d and %d messages", len(s.got), len(other.got))
	}
	if st := settled(t, in)[0]; st.Poisoned != 1 || st.Error != "" {
		t.Errorf("%+v", st)
	}
}

func TestErrorsAreTriedAgain(t *testing.T) {
	j := openJournal(t, t.TempDir())
	s := newSink("s")
	left := 3
	s.fail = func(Decoded) error {
		if left--; left >= 0 {
			return errors.New("not now")
		}
		return nil
	}
	in, _ := start(t, quick(), j, Options{}, s)
	put(t, j, stock(t0, "gw-1", "gas-1"))
	s.until(t, 1)
	if st := settled(t, in)[0]; st.Failures != 3 {
		t.Errorf("%+v", st)
	}
}

// adder has memory of its own, which must fit its cursor exactly.
type adder struct {
	*sink
	n uint64
}

func (a *adder) Handle(ctx context.Context, batch []Decoded) error {
	if err := a.sink.Handle(ctx, batch); err != nil {
		return err
	}
	for _, d := range batch {
		a.n += d.Number
	}
	return nil
}
func (a *adder) Save() []byte { return fmt.Append(nil, a.n) }
func (a *adder) Restore(b []byte) error {
	if len(b) == 0 {
		return nil
	}
	_, err := fmt.Sscan(string(b), &a.n)
	return err
}

// brittle panics when it is asked for its state, the first few times.
type brittle struct {
	*sink
	left int
}

func (b *brittle) Restore([]byte) error { return nil }

func (b *brittle) Save() []byte {
	if b.left--; b.left >= 0 {
		panic("no state today")
	}
	return []byte("fine")
}

func TestPanicWhileSavingIsTheConsumersOwn(t *testing.T) {
	j := openJournal(t, t.TempDir())
	b, other := &brittle{sink: newSink("brittle"), left: 2}, newSink("other")
	in, _ := start(t, quick(), j, Options{}, b, other)
	var st Stat
	for i, rec := range traffic(rand.New(rand.NewPCG(1, 1)), 2000) { // a state is due now and then only
		put(t, j, rec)
		b.until(t, uint64(i+1))
		if st = settled(t, in)[0]; st.Failures == 2 {
			other.until(t, uint64(i+1))
			return
		}
	}
	t.Errorf("%+v", st)
}

func TestStateFitsTheCursor(t *testing.T) {
	dir := t.TempDir()
	recs := traffic(rand.New(rand.NewPCG(2, 2)), 300)
	for at := 0; at < 300; at += 50 {
		j := openJournal(t, dir)
		a := &adder{sink: newSink("adder")}
		_, stop := start(t, quick(), j, Options{}, a)
		put(t, j, recs[at:at+50]...)
		a.until(t, uint64(at+50))
		stop()
		j.Close()
		if n := uint64(at + 50); a.n != n*(n+1)/2 {
			t.Fatalf("after %d records: %d", n, a.n)
		}
	}
}

func TestAcknowledgementsFollowTheBatches(t *testing.T) {
	dir := t.TempDir()
	j := openJournal(t, dir)
	said := make(chan string, 100)
	now := regexp.MustCompile(`,"now":1[0-9]{12}}$`) // the hub's clock, for gateways without one
	o := Options{Acknowledge: func(to devices.ID, p []byte) {
		said <- string(to) + " " + now.ReplaceAllString(string(p), "} at its time")
	}}
	s := newSink("s")
	in, stop := start(t, quick(), j, o, s)
	put(t, j, stock(t0, "gw-1", "gas-1"), batch(t0, "gw-1", 1, 0, rec(1, "gas-1", t0, 1), rec(2, "gas-1", t0+1, 1)))
	if got, want := <-said, `gw-1 {"v":1,"stream":"data","epoch":7,"upto":2} at its time`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	put(t, j, batch(t0, "gw-1", 3, 0, rec(9, "nobody", t0, 1)))
	if got, want := <-said, `gw-1 {"v":1,"stream":"data","epoch":7,"upto":2,"ranges":[[9,9]]} at its time`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	again := batch(t0, "gw-1", 3, 0, rec(9, "nobody", t0, 1))
	put(t, j, again) // a re-delivery is answered too
	<-said
	s.until(t, 4)
	settled(t, in)
	stop()
	j.Close()

	j = openJournal(t, dir)
	in, _ = start(t, quick(), j, o, newSink("s"))
	put(t, j, again)
	<-said
	want := []wire.Acknowledgement{{V: 1, Stream: "data", Epoch: 7, Upto: 2, Ranges: [][2]uint64{{9, 9}}}}
	if got := in.Acks("gw-1"); !reflect.DeepEqual(got, want) {
		t.Errorf("after a restart: %+v", got)
	}
}

func TestConfigNamesItsMistakes(t *testing.T) {
	c := Config{Window: 1, Batch: 5}
	err := c.Validate()
	for _, key := range []string{"intake.window is 1", "commit_every", "ack_every", "attempts"} {
		if err == nil || !strings.Contains(err.Error(), key) {
			t.Errorf("%v does not name %s", err, key)
		}
	}
	if err := Default().Validate(); err != nil {
		t.Error(err)
	}
}
