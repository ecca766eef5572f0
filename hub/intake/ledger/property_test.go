package ledger_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"testing"
	"time"

	"gridhub/devices"
	"gridhub/devices/telemetry"
	"gridhub/devices/wire"
	"gridhub/hub/history"
	"gridhub/hub/history/sqlite"
	"gridhub/hub/intake"
	"gridhub/hub/intake/ledger"
	"gridhub/hub/intake/quarantine"
	"gridhub/hub/store"
	"gridhub/streams/journal"
)

const t0 = telemetry.Millis(1_760_000_400_000)

// keeper is the history as a consumer, as the composition root joins them.
type keeper struct{ *history.Writer }

func (keeper) Name() string { return "history" }

func (k keeper) Handle(ctx context.Context, batch []intake.Decoded) error {
	for i := range batch {
		if err := k.Put(ctx, batch[i].Points, batch[i].Positions); err != nil {
			return err
		}
	}
	return nil
}

// event is one thing that happens to the hub.
type event struct {
	raw    intake.Raw
	repeat bool // a re-delivery: the undisturbed run does not see it
}

// day is random traffic of two gateways, one of which has a bad clock, and a
// terminal: backlog after live data, holes, losses, devices before their
// inventory, nonsense, and re-deliveries of what has numbers.
func day(r *rand.Rand, n int) (all []event) {
	now := t0
	seq := map[devices.ID]uint64{}
	put := func(from devices.ID, topic string, v any) {
		p, _ := json.Marshal(v)
		all = append(all, event{raw: intake.Raw{At: now, From: from, Topic: topic, Payload: p, QoS: 1}})
	}
	for len(all) < n {
		now += telemetry.Millis(r.IntN(20_000))
		gw := devices.ID(fmt.Sprintf("gw-%d", r.IntN(2)))
		skew := time.Duration(0)
		if gw == "gw-1" {
			skew = -40 * 24 * time.Hour
		}
		switch r.IntN(8) {
		case 0:
			put(gw, wire.Inventory, wire.Stock{V: 1, Devices: []wire.Entry{{ID: gw + "-a", Kind: "gas"}, {ID: gw + "-b", Kind: "noise"}}})
		case 1:
			put("p-1", wire.Positions, wire.Fix{Stamp: wire.Stamp{V: 1, Epoch: 1, Seq: uint64(len(all) + 1), Now: now}, At: now - 1000, Lon: 116, Lat: 39 + r.Float64()})
		case 2:
			all = append(all, event{raw: intake.Raw{At: now, From: gw, Topic: wire.Batches, Payload: []byte(`{"v":1,"stream":`)}})
		case 3, 4:
			if again := all[r.IntN(max(1, len(all)))%max(1, len(all)):]; len(again) > 0 && (again[0].raw.Topic == wire.Batches && again[0].raw.Payload[len(again[0].raw.Payload)-1] == '}' || again[0].raw.Topic == wire.Positions) {
				e := again[0]
				e.raw.At, e.repeat = now, true
				all = append(all, e)
			}
		default:
			put(gw, wire.Batches, someBatch(r, gw, now.Add(skew), seq))
		}
	}
	return all
}

func someBatch(r *rand.Rand, gw devices.ID, now telemetry.Millis, seq map[devices.ID]uint64) wire.Batch {
	b := wire.Batch{V: 1, Stream: wire.Data, Epoch: 1, First: seq[gw] + 1, Floor: max(1, seq[gw]) - min(seq[gw], uint64(r.IntN(3))), Now: now}
	b.Floor = max(1, b.Floor)
	for range 1 + r.IntN(5) {
		seq[gw]++
		rec := wire.Record{Seq: seq[gw], Device: gw + devices.ID([]string{"-a", "-b", "-c"}[r.IntN(3)]), At: now - telemetry.Millis(r.IntN(4)*1000),
			Values: map[string]float64{"x": float64(r.IntN(4)), "y": r.NormFloat64()}}
		switch r.IntN(12) {
		case 0:
			rec.At = now.Add(time.Hour) // the future
		case 1:
			rec.Values, rec.Lost, rec.Cause = nil, 2, "disk-full"
			seq[gw]++
		case 2:
			seq[gw]++ // a hole
		}
		b.Records = append(b.Records, rec)
	}
	b.Last = seq[gw]
	return b
}

// life is a hub's data folder, and what opens it again and again.
type life struct {
	t   *testing.T
	dir string
}

// live starts everything on the folder, appends events, and stops after they
// are handled or, when abrupt, wherever it happens to be.
func (l life) live(events []event, abrupt time.Duration, settle bool) {
	l.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	must := func(err error) {
		if err != nil {
			l.t.Helper()
			l.t.Fatal(err)
		}
	}
	j, err := journal.Open(filepath.Join(l.dir, "journal"), journal.Options{})
	must(err)
	defer j.Close()
	db, err := store.Open(ctx, "sqlite:"+filepath.Join(l.dir, "hub.db"))
	must(err)
	defer db.Close()
	points, err := sqlite.Open(filepath.Join(l.dir, "points.db"))
	must(err)
	defer points.Close()
	q, err := quarantine.Open(ctx, db, quarantine.Options{Config: quarantine.Default(), Epoch: j.Epoch()})
	must(err)
	led, err := ledger.Open(ctx, db, ledger.Options{Epoch: j.Epoch()})
	must(err)
	w := history.NewWriter(points, history.WriterOptions{Batch: 50})
	cfg := intake.Default()
	cfg.CommitEvery, cfg.Batch, cfg.Window = time.Millisecond, 16, 64
	in, err := intake.New(cfg, j, intake.Options{Poison: q.Poison}, keeper{w}, led, q)
	must(err)
	q.Join(in)
	done := make(chan struct{}, 2)
	go func() { in.Run(ctx); done <- struct{}{} }()
	go func() { w.Run(ctx); done <- struct{}{} }()
	for _, e := range events {
		durable := make(chan error, 1)
		in.Accept(e.raw, func(err error) { durable <- err })
		must(<-durable)
	}
	if settle {
		tick := time.NewTicker(time.Millisecond)
		defer tick.Stop()
		for range tick.C {
			// A consumer may append, but does so before it moves on: when all stand
			// at the end, and that is still the end, there is nothing to come.
			end, there := j.Next(), true
			for _, s := range in.Stats() {
				there = there && s.Position >= end
			}
			if there && j.Next() == end && w.Flush(ctx) == nil && led.Flush(ctx) == nil {
				break
			}
		}
	} else {
		wait := time.NewTimer(abrupt) // where it strikes does not matter, only that it does
		<-wait.C
	}
	cancel()
	<-done
	<-done
}

// result is everything that must be the same: points, ledger, quarantine.
func (l life) result() string {
	l.t.Helper()
	ctx := context.Background()
	var out bytes.Buffer
	points, err := sqlite.Open(filepath.Join(l.dir, "points.db"))
	if err != nil {
		l.t.Fatal(err)
	}
	defer points.Close()
	for _, id := range []devices.ID{"gw-0-a", "gw-0-b", "gw-1-a", "gw-1-b", "p-1"} {
		if err := points.Export(ctx, &out, history.Query{Device: id, From: 1, To: t0.Add(10_000 * time.Hour)}); err != nil {
			l.t.Fatal(err)
		}
	}
	db, err := store.Open(ctx, "sqlite:"+filepath.Join(l.dir, "hub.db"))
	if err != nil {
		l.t.Fatal(err)
	}
	defer db.Close()
	led, err := ledger.Open(ctx, db, ledger.Options{})
	if err != nil {
		l.t.Fatal(err)
	}
	hours, err := led.Ledger(ctx, "", 0, t0.Add(10_000*time.Hour))
	if err != nil {
		l.t.Fatal(err)
	}
	for _, h := range hours {
		fmt.Fprintf(&out, "%+v\n", h)
	}
	return out.String()
}

// TestAnyHistoryOfCrashesComesToTheSame is contract 9 for points and ledger:
// crashes at any moment and re-deliveries at any place change nothing.
func TestAnyHistoryOfCrashesComesToTheSame(t *testing.T) {
	for seed := range uint64(5) {
		r := rand.New(rand.NewPCG(seed, 17))
		events := day(r, 250)
		var clean []event
		for _, e := range events {
			if !e.repeat {
				clean = append(clean, e)
			}
		}
		calm := life{t, t.TempDir()}
		calm.live(clean, 0, true)
		want := calm.result()
		if len(want) < 1000 {
			t.Fatalf("seed %d: nothing happened:\n%s", seed, want)
		}

		hard := life{t, t.TempDir()}
		for at := 0; at < len(events); {
			n := min(len(events), at+1+r.IntN(60))
			hard.live(events[at:n], time.Duration(r.IntN(15_000))*time.Microsecond, false)
			at = n
		}
		hard.live(nil, 0, true)
		if got := hard.result(); got != want {
			t.Fatalf("seed %d: after crashes\n%s\nundisturbed\n%s", seed, firstDifference(got, want), firstDifference(want, got))
		}
	}
}

// firstDifference is the line of a that differs from b's.
func firstDifference(a, b string) string {
	x, y := bytes.Split([]byte(a), []byte("\n")), bytes.Split([]byte(b), []byte("\n"))
	for i := range x {
		if i >= len(y) || !bytes.Equal(x[i], y[i]) {
			return fmt.Sprintf("line %d: %s", i+1, x[i])
		}
	}
	return "(shorter)"
}
