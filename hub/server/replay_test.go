package server

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gridhub/devices"
	"gridhub/devices/telemetry"
	"gridhub/devices/wire"
	"gridhub/hub/geo"
	"gridhub/hub/health"
	"gridhub/hub/history"
	"gridhub/hub/history/sqlite"
	"gridhub/hub/identity"
	"gridhub/hub/intake"
	"gridhub/hub/intake/ledger"
	"gridhub/hub/people"
	"gridhub/hub/registry"
	"gridhub/hub/rules"
	"gridhub/hub/store"
	"gridhub/hub/tasks"
	"gridhub/streams/journal"
)

const dawn = telemetry.Millis(1_763_860_000_000)

// publish is one message of the gateway; a repeat is one that came before.
type publish struct {
	raw    intake.Raw
	repeat bool
}

// shift is a morning of one gateway with three gas sensors whose values wander
// across the limit, with re-deliveries in between.
func shift(r *rand.Rand, n int) (all []publish) {
	now, seq := dawn, uint64(0)
	level := []float64{5, 15, 25}
	put := func(topic string, v any) {
		p, _ := json.Marshal(v) // plain values
		all = append(all, publish{raw: intake.Raw{At: now, From: "gw-1", Topic: topic, Payload: p, QoS: 1}})
	}
	stock := wire.Stock{V: 1}
	for i := range level {
		stock.Devices = append(stock.Devices, wire.Entry{ID: sensor(i), Kind: "gas", Profile: "gas@1",
			Line: "bus", Period: 5000, Metrics: []wire.Metric{{Name: "ch4", Unit: "%LEL"}}, Place: wire.Place{Grid: "G01", Lon: 120.15 + float64(i)/1000, Lat: 30.27}})
	}
	put(wire.Inventory, stock)
	for len(all) < n {
		now += 5000
		if r.IntN(6) == 0 {
			again := all[r.IntN(len(all))]
			again.raw.At, again.repeat = now, true
			all = append(all, again)
			continue
		}
		b := wire.Batch{V: 1, Stream: wire.Data, Epoch: 1, First: seq + 1, Floor: seq + 1, Now: now}
		for i := range level {
			seq++
			level[i] = min(max(level[i]+r.NormFloat64()*6, 0), 60)
			rec := wire.Record{Seq: seq, Device: sensor(i), At: now - 500, Values: map[string]float64{"ch4": level[i]}}
			if n := len(all) % 80; n >= 70 || n >= 60 && i == 1 { // one falls silent, then the line
				rec.Quality, rec.Cause, rec.Values = telemetry.Bad, "timeout", nil
			}
			b.Records = append(b.Records, rec)
		}
		b.Last = seq
		put(wire.Batches, b)
	}
	return all
}

func sensor(i int) devices.ID { return devices.ID(fmt.Sprintf("gas-%d", i+1)) }

// folder is a hub's data, opened again and again.
type folder struct {
	t   *testing.T
	dir string
}

func (f folder) must(err error) {
	if err != nil {
		f.t.Helper()
		f.t.Fatal(err)
	}
}

func (f folder) pool(db *store.DB) *tasks.Pool {
	gas := tasks.Matter{Code: "AQ03", Domain: "safety", Privacy: "public", Name: people.Name{ZH: "燃气安全隐患"}, Lead: "ES", Auto: []tasks.EventType{tasks.Screened, tasks.Filed}}
	p, err := tasks.Open(context.Background(), db, tasks.Options{Matters: []tasks.Matter{gas}, Calendar: tasks.OfficeHours(time.UTC),
		Now: func() time.Time { return dawn.Time() }})
	f.must(err)
	return p
}

func methane() rules.Rule {
	return rules.Rule{Name: "methane", Kind: "gas", Metric: "ch4", Raise: rules.Condition{Op: ">=", Limit: 20},
		Clear: rules.Condition{Op: "<", Limit: 10}, For: 10 * time.Second, Matter: "AQ03", Severity: "critical", Title: people.Name{ZH: "甲烷超限"}}
}

// live opens the folder, takes messages, and stops when they are handled or,
// when rushed, wherever it happens to be.
func (f folder) live(messages []publish, rush time.Duration, settle bool) {
	f.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	j, err := journal.Open(filepath.Join(f.dir, "intake"), journal.Options{})
	f.must(err)
	defer j.Close()
	db, err := store.Open(ctx, "sqlite:"+filepath.Join(f.dir, "hub.db"))
	f.must(err)
	defer db.Close()
	points, err := sqlite.Open(filepath.Join(f.dir, "points.db"))
	f.must(err)
	defer points.Close()
	reg, err := registry.Open(ctx, db, time.Now)
	f.must(err)
	staff, err := people.OpenDirectory(ctx, db)
	f.must(err)
	led, err := ledger.Open(ctx, db, ledger.Options{Epoch: j.Epoch()})
	f.must(err)
	book, err := rules.OpenBook(ctx, db, f.pool(db), geo.Point{Lon: 120, Lat: 30}, nil)
	f.must(err)
	engine, err := rules.New([]rules.Rule{methane()})
	f.must(err)
	w := history.NewWriter(points, history.WriterOptions{Batch: 50})
	faults, err := health.OpenBook(ctx, db)
	f.must(err)
	cfg := intake.Default()
	cfg.CommitEvery, cfg.Batch, cfg.Window = time.Millisecond, 16, 64
	in, err := intake.New(cfg, j, intake.Options{}, &keeper{Writer: w, duties: duties{reg, staff}}, led, &watch{engine: engine, book: book},
		&conditions{book: faults, tell: func(health.Outage) {}, judge: health.NewEvaluator(nil)})
	f.must(err)
	done := make(chan error, 2)
	go func() { done <- in.Run(ctx) }()
	go func() { done <- w.Run(ctx) }()
	for _, m := range messages {
		durable := make(chan error, 1)
		in.Accept(m.raw, func(err error) { durable <- err })
		f.must(<-durable)
	}
	if settle {
		f.settle(ctx, in, j, w, led)
	} else {
		<-time.NewTimer(rush).C // where it strikes does not matter, only that it does
	}
	cancel()
	<-done
	<-done
}

func (f folder) settle(ctx context.Context, in *intake.Intake, j *journal.Journal, w *history.Writer, led *ledger.Ledger) {
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for range tick.C {
		there := true
		for _, s := range in.Stats() {
			there = there && s.Position >= j.Next()
		}
		if there && w.Flush(ctx) == nil && led.Flush(ctx) == nil {
			return
		}
	}
}

// result is everything that must be the same: points, ledger, hazards, and the
// hashed bytes of every case.
func (f folder) result() string {
	ctx := context.Background()
	var out bytes.Buffer
	points, err := sqlite.Open(filepath.Join(f.dir, "points.db"))
	f.must(err)
	defer points.Close()
	for i := range 3 {
		f.must(points.Export(ctx, &out, history.Query{Device: sensor(i), From: 1, To: dawn.Add(1000 * time.Hour)}))
	}
	db, err := store.Open(ctx, "sqlite:"+filepath.Join(f.dir, "hub.db"))
	f.must(err)
	defer db.Close()
	led, err := ledger.Open(ctx, db, ledger.Options{})
	f.must(err)
	hours, err := led.Ledger(ctx, "", 0, dawn.Add(1000*time.Hour))
	f.must(err)
	fmt.Fprintf(&out, "%+v\n", hours)
	broken, err := health.OpenBook(ctx, db)
	f.must(err)
	outages, err := broken.List(ctx, false, 0, 1000)
	f.must(err)
	for _, o := range outages {
		fmt.Fprintf(&out, "%+v\n", o)
	}
	pool := f.pool(db)
	book, err := rules.OpenBook(ctx, db, pool, geo.Point{}, nil)
	f.must(err)
	hazards, err := book.List(ctx, false, 1000)
	f.must(err)
	for _, h := range hazards {
		fmt.Fprintf(&out, "%+v\n", h)
		f.chain(&out, pool, h.Case)
	}
	return out.String()
}

func (f folder) chain(out *bytes.Buffer, pool *tasks.Pool, id identity.CaseID) {
	chain, err := pool.Canonical(context.Background(), id)
	f.must(err)
	f.must(tasks.VerifyChain(chain))
	for _, b := range chain {
		fmt.Fprintf(out, "%s\n", b)
	}
}

// TestCrashesChangeNothing is contract 9 up to the case: crashes at any moment
// and re-deliveries at any place give byte-identical points, ledger, hazards
// and case events.
func TestCrashesChangeNothing(t *testing.T) {
	for seed := range uint64(4) {
		r := rand.New(rand.NewPCG(seed, 23))
		messages := shift(r, 220)
		var clean []publish
		for _, m := range messages {
			if !m.repeat {
				clean = append(clean, m)
			}
		}
		calm := folder{t, t.TempDir()}
		calm.live(clean, 0, true)
		want := calm.result()
		if n := bytes.Count([]byte(want), []byte(`"type":"filed"`)); n < 3 {
			t.Fatalf("seed %d: only %d cases, nothing is shown", seed, n)
		}
		if !strings.Contains(want, "Cause:sensor") || !strings.Contains(want, "Cause:line") {
			t.Fatalf("seed %d: no sensor's or no line's fault in\n%s", seed, want)
		}
		hard := folder{t, t.TempDir()}
		for at := 0; at < len(messages); {
			n := min(len(messages), at+1+r.IntN(50))
			hard.live(messages[at:n], time.Duration(r.IntN(15_000))*time.Microsecond, false)
			at = n
		}
		hard.live(nil, 0, true)
		if got := hard.result(); got != want {
			t.Fatalf("seed %d differs after crashes:\n%s\nundisturbed:\n%s", seed, different(got, want), different(want, got))
		}
	}
}

func different(a, b string) string {
	x, y := bytes.Split([]byte(a), []byte("\n")), bytes.Split([]byte(b), []byte("\n"))
	for i := range x {
		if i >= len(y) || !bytes.Equal(x[i], y[i]) {
			return fmt.Sprintf("line %d: %.600s", i+1, x[i])
		}
	}
	return "(shorter)"
}
