package uplink

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"gridhub/devices"
	"gridhub/devices/telemetry"
	"gridhub/devices/wire"
	"gridhub/edge/uplink/hubtest"
)

const gateway = devices.ID("edge-1")

// quick is a configuration with short times.
func quick(address string) Config {
	c := Default()
	c.URL, c.Linger, c.Resend, c.BacklogRate = "tcp://"+address, 5*time.Millisecond, time.Second, 1_000_000
	c.BatchRecords = 50
	return c
}

func openSpool(t testing.TB, dir string) *Spool {
	t.Helper()
	s, err := OpenSpool(dir, DefaultSpool(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// start runs an uplink; stop ends it and waits.
func start(t testing.TB, cfg Config, s *Spool) (stop func()) {
	t.Helper()
	_, stop = begin(t, cfg, s)
	return stop
}

// run runs an uplink until the test ends.
func run(t testing.TB, cfg Config, s *Spool) *Uplink {
	t.Helper()
	u, _ := begin(t, cfg, s)
	return u
}

func begin(t testing.TB, cfg Config, s *Spool) (u *Uplink, stop func()) {
	t.Helper()
	u, err := New(cfg, Options{ID: gateway, Spool: s, Stock: func() wire.Stock {
		return wire.Stock{V: 1, Hash: "h", Devices: []wire.Entry{{ID: "gas-1"}}}
	}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var group sync.WaitGroup
	group.Go(func() {
		if err := u.Run(ctx); err != nil {
			t.Errorf("run: %v", err)
		}
	})
	stop = func() {
		cancel()
		group.Wait()
	}
	t.Cleanup(stop)
	return u, stop
}

func sample(n int) wire.Record {
	return wire.Record{
		Device: devices.ID(fmt.Sprintf("gas-%d", n%7)), At: telemetry.Millis(1_700_000_000_000 + n),
		Values: map[string]float64{"ch4": float64(n) / 10, "fault": 0},
	}
}

func TestDeliversAndIntroduces(t *testing.T) {
	broker := hubtest.StartBroker(t)
	hub := hubtest.New(t, broker.Address(), gateway)
	spool := openSpool(t, t.TempDir())
	for n := range 500 {
		spool.Put(sample(n), n%100 == 0)
	}
	stop := start(t, quick(broker.Address()), spool)
	hub.Wait("all records", func(s hubtest.State) bool { return s.Upto(wire.Data) == 495 && s.Upto(wire.Alarm) == 5 })
	hub.Wait("inventory and status", func(s hubtest.State) bool {
		return s.Stock().Hash == "h" && len(s.Presence()) > 0 && s.Presence()[0].Online
	})
	waitFloor(t, spool, 6, 496)
	stop()
	hub.Wait("goodbye", func(s hubtest.State) bool {
		last := s.Presence()[len(s.Presence())-1]
		return !last.Online && last.Cause == "stopped"
	})
}

// waitFloor waits until acknowledgements have reached the streams.
func waitFloor(t testing.TB, s *Spool, alarm, data uint64) {
	t.Helper()
	for _, w := range []struct {
		stream *stream
		want   uint64
	}{{s.alarm, alarm}, {s.data, data}} {
		for {
			changed := w.stream.changed()
			if w.stream.floor() == w.want {
				break
			}
			select {
			case <-changed:
			case <-time.After(60 * time.Second):
				t.Fatalf("%s: floor %d, want %d", w.stream.name, w.stream.floor(), w.want)
			}
		}
	}
}

// TestPubackDeletesNothing holds that only down/ack lets a record go.
func TestPubackDeletesNothing(t *testing.T) {
	broker := hubtest.StartBroker(t)
	hub := hubtest.New(t, broker.Address(), gateway)
	hub.Silence()
	dir := t.TempDir()
	spool := openSpool(t, dir)
	for n := range 300 {
		spool.Put(sample(n), false)
	}
	stop := start(t, quick(broker.Address()), spool)
	hub.Wait("all records", func(s hubtest.State) bool { return s.Upto(wire.Data) == 300 })
	hub.Wait("a second sending", func(s hubtest.State) bool { return s.Times(wire.Data, 300) > 1 })
	if got := spool.data.floor(); got != 1 {
		t.Errorf("floor moved to %d without acknowledgement", got)
	}
	stop()
	if err := spool.Close(); err != nil {
		t.Fatal(err)
	}
	again := openSpool(t, dir)
	if got := again.data.floor(); got != 1 {
		t.Errorf("after a restart the floor is %d", got)
	}
	start(t, quick(broker.Address()), again)
	hub.Speak()
	waitFloor(t, again, 1, 301)
}

// TestAcknowledgedIsNotSentAgain starts a second session after everything was
// acknowledged: only what is new may come.
func TestAcknowledgedIsNotSentAgain(t *testing.T) {
	broker := hubtest.StartBroker(t)
	hub := hubtest.New(t, broker.Address(), gateway)
	dir := t.TempDir()
	spool := openSpool(t, dir)
	stop := start(t, quick(broker.Address()), spool)
	for n := range 200 {
		spool.Put(sample(n), false)
	}
	waitFloor(t, spool, 1, 201)
	stop()
	if err := spool.Close(); err != nil {
		t.Fatal(err)
	}
	seen := 0
	hub.Wait("now", func(s hubtest.State) bool { seen = len(s.Batches()); return true })
	again := openSpool(t, dir)
	start(t, quick(broker.Address()), again)
	again.Put(sample(200), false)
	waitFloor(t, again, 1, 202)
	hub.Wait("now", func(s hubtest.State) bool {
		if later := s.Batches()[seen:]; len(later) != 1 || later[0].First != 201 || later[0].Floor != 201 {
			t.Errorf("after a restart came %+v, want one batch with 201", later)
		}
		return true
	})
}

// TestLiveBeforeBacklog holds that fresh and urgent records do not queue
// behind what waited.
func TestLiveBeforeBacklog(t *testing.T) {
	broker := hubtest.StartBroker(t)
	hub := hubtest.New(t, broker.Address(), gateway)
	spool := openSpool(t, t.TempDir())
	const waiting = 2000
	for n := range waiting - 1 {
		spool.Put(sample(n), false)
	}
	if _, err := spool.data.journal.Append(t.Context(), encode(reading{Record: sample(waiting - 1)})); err != nil { // returns when all are on disk
		t.Fatal(err)
	}
	cfg := quick(broker.Address())
	cfg.BacklogRate = 2000 // one batch of 50 every 25 ms, a second in all
	start(t, cfg, spool)
	hub.Wait("the first batch", func(s hubtest.State) bool { return len(s.Batches()) > 0 })
	spool.Put(sample(waiting), false)
	spool.Put(sample(waiting+1), true)
	hub.Wait("the fresh and the urgent one", func(s hubtest.State) bool {
		return s.Times(wire.Data, waiting+1) > 0 && s.Times(wire.Alarm, 1) > 0
	})
	hub.Wait("now", func(s hubtest.State) bool {
		if s.Upto(wire.Data) >= waiting {
			t.Error("the backlog was through before the fresh record")
		}
		return true
	})
	waitFloor(t, spool, 2, waiting+2)
}

// TestLossesOnTheWay is the ledger test: connections are cut at random while
// records are made, the hub loses some batches and keeps silent at times. In
// the end it has every record, each number always meant the same, and the
// spool has let go of everything.
func TestLossesOnTheWay(t *testing.T) {
	broker := hubtest.StartBroker(t)
	hub := hubtest.New(t, broker.Address(), gateway)
	cut := newCutter(t, broker.Address())
	spool := openSpool(t, t.TempDir())
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	chance := rand.New(rand.NewPCG(seed, 1))
	var mu sync.Mutex
	hub.Drop(func(wire.Batch) bool {
		mu.Lock()
		defer mu.Unlock()
		return chance.IntN(8) == 0
	})
	start(t, quick(cut.address()), spool)
	const total, cuts = 3000, 8
	for n := range total {
		spool.Put(sample(n), n%50 == 0)
		if n%(total/cuts) == total/cuts/2 {
			upto := uint64(n / 3)
			hub.Wait("a third of it", func(s hubtest.State) bool {
				return uint64(len(s.Records(wire.Data))) >= upto
			})
			cut.cut()
		}
	}
	broker.Kill()
	broker.Start()
	hub.Drop(nil)
	hub.Wait("everything", func(s hubtest.State) bool {
		return s.Upto(wire.Data) == total-total/50 && s.Upto(wire.Alarm) == total/50
	})
	waitFloor(t, spool, total/50+1, total-total/50+1)
	hub.Wait("the contents", func(s hubtest.State) bool {
		for seq, r := range s.Records(wire.Data) {
			n := int(r.At - 1_700_000_000_000)
			if r.Lost != 0 || r.Device != sample(n).Device || r.Values["ch4"] != sample(n).Values["ch4"] {
				t.Errorf("record %d came as %+v", seq, r)
			}
		}
		return true
	})
}

// TestOverrunIsTold fills the data journal beyond its room.
func TestOverrunIsTold(t *testing.T) {
	broker := hubtest.StartBroker(t)
	hub := hubtest.New(t, broker.Address(), gateway)
	room := DefaultSpool()
	room.Data, room.Reserve = 1<<20, 0
	spool, err := OpenSpool(t.TempDir(), room, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { spool.Close() })
	const total = 30_000
	for n := range total {
		spool.Put(sample(n), false)
	}
	start(t, quick(broker.Address()), spool)
	hub.Wait("everything that is left, and the gap", func(s hubtest.State) bool { return s.Upto(wire.Data) == total })
	hub.Wait("the gap", func(s hubtest.State) bool {
		first := s.Records(wire.Data)[1]
		if first.Lost == 0 || first.Lost >= total || first.Cause == "" {
			t.Errorf("number 1 came as %+v, want a gap with a cause", first)
		}
		return true
	})
	waitFloor(t, spool, 1, total+1)
}

// TestOldCopyOfTheSpool holds that the hub's knowledge of numbers that were
// never given out is told, not believed.
func TestOldCopyOfTheSpool(t *testing.T) {
	spool := openSpool(t, t.TempDir())
	st := spool.data
	if _, err := st.journal.Append(t.Context(), encode(reading{Record: sample(1)})); err != nil {
		t.Fatal(err)
	}
	st.acknowledge(wire.Acknowledgement{Epoch: st.journal.Epoch() - 1, Upto: 1})
	if status := spool.Status()[1]; status.Err != nil || status.Floor != 1 {
		t.Errorf("status %+v after a word of the spool before this one", status)
	}
	st.acknowledge(wire.Acknowledgement{Epoch: st.journal.Epoch() + 1, Upto: 1})
	if status := spool.Status()[1]; status.Err == nil || !strings.Contains(status.Err.Error(), "another gateway") || status.Floor != 1 {
		t.Errorf("status %+v after a word of somebody else's spool", status)
	}
	st.acknowledge(wire.Acknowledgement{Epoch: st.journal.Epoch(), Upto: 0})
	if status := spool.Status()[1]; status.Err != nil {
		t.Errorf("status %+v after a word of our own", status)
	}
	st.acknowledge(wire.Acknowledgement{Epoch: st.journal.Epoch(), Upto: 9})
	if status := spool.Status()[1]; status.Err == nil || status.Floor != 1 {
		t.Errorf("status %+v, want an error and floor 1", status)
	}
}

// cutter is a TCP proxy whose connections can be cut.
type cutter struct {
	listener net.Listener
	target   string
	mu       sync.Mutex
	open     map[net.Conn]bool
}

func newCutter(t *testing.T, target string) *cutter {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := &cutter{listener: l, target: target, open: map[net.Conn]bool{}}
	t.Cleanup(func() { l.Close(); c.cut() })
	go func() {
		for {
			in, err := l.Accept()
			if err != nil {
				return
			}
			out, err := net.Dial("tcp", target)
			if err != nil {
				in.Close()
				continue
			}
			go c.copy(in, out)
			go c.copy(out, in)
		}
	}()
	return c
}

func (c *cutter) address() string { return c.listener.Addr().String() }

func (c *cutter) copy(from, to net.Conn) {
	c.mu.Lock()
	c.open[from] = true
	c.mu.Unlock()
	buf := make([]byte, 4096)
	for {
		n, err := from.Read(buf)
		if n > 0 {
			if _, err := to.Write(buf[:n]); err != nil {
				break
			}
		}
		if err != nil {
			break
		}
	}
	from.Close()
	to.Close()
	c.mu.Lock()
	delete(c.open, from)
	c.mu.Unlock()
}

func (c *cutter) cut() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for conn := range c.open {
		conn.Close()
	}
}

// TestFullAlarmSpool holds that urgent records are refused and counted when
// there is no room, and none that was taken is dropped.
func TestFullAlarmSpool(t *testing.T) {
	room := DefaultSpool()
	room.Alarm = 1 << 20
	spool, err := OpenSpool(t.TempDir(), room, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { spool.Close() })
	const total = 30_000
	for n := range total {
		spool.Put(sample(n), true)
	}
	if err := spool.Close(); err != nil {
		t.Fatal(err)
	}
	st := spool.Status()[0]
	if st.First != 1 || st.Refused == 0 || st.Next-1+st.Refused != total {
		t.Errorf("%d given out, %d refused of %d, first is %d", st.Next-1, st.Refused, total, st.First)
	}
}

// BenchmarkDrain is a backlog on its way to the hub: journal, MQTT through a
// real broker, acknowledgement, cursor. One operation is one record.
func BenchmarkDrain(b *testing.B) {
	broker := hubtest.StartBroker(b)
	hubtest.New(b, broker.Address(), gateway)
	spool := openSpool(b, b.TempDir())
	for n := range b.N - 1 {
		spool.Put(sample(n), false)
	}
	if _, err := spool.data.journal.Append(b.Context(), encode(reading{Record: sample(b.N)})); err != nil {
		b.Fatal(err)
	}
	cfg := quick(broker.Address())
	cfg.BatchRecords = Default().BatchRecords
	b.ResetTimer()
	start(b, cfg, spool)
	waitFloor(b, spool, 1, uint64(b.N)+1)
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "records/s")
}
