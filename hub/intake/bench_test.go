package intake_test

import (
	"context"
	"fmt"
	"sync"
	"syscall"
	"testing"
	"time"

	"gridhub/devices"
	"gridhub/devices/telemetry"
	"gridhub/hub/history"
	"gridhub/hub/history/influx"
	"gridhub/hub/history/influx/influxtest"
	"gridhub/hub/history/sqlite"
	"gridhub/hub/intake"
	"gridhub/streams/journal"
)

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

// BenchmarkIntake takes single readings of 1,000 devices all the way from
// Accept to the history, and says what that costs this process.
func BenchmarkIntake(b *testing.B) {
	b.Run("influx", func(b *testing.B) {
		server := influxtest.Start(b)
		s, err := influx.Open(influx.Config{URL: server.URL, Version: 1, Bucket: server.Bucket, Timeout: 30 * time.Second})
		if err != nil {
			b.Fatal(err)
		}
		benchmark(b, s)
	})
	b.Run("sqlite", func(b *testing.B) {
		s, err := sqlite.Open(b.TempDir() + "/points.db")
		if err != nil {
			b.Fatal(err)
		}
		benchmark(b, s)
	})
}

func benchmark(b *testing.B, s history.Store) {
	defer s.Close()
	j, err := journal.Open(b.TempDir(), journal.Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer j.Close()
	w := history.NewWriter(s, history.WriterOptions{})
	in, err := intake.New(intake.Default(), j, intake.Options{}, keeper{w})
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { in.Run(ctx) })
	wg.Go(func() { w.Run(ctx) })
	defer wg.Wait()
	defer cancel()

	const t0 = telemetry.Millis(1_760_000_400_000)
	var reg intake.Registration
	for i := range 1000 {
		reg.Set = append(reg.Set, intake.Registered{ID: devices.ID(fmt.Sprint("sensor-", i)), Kind: "gas"})
	}
	if err := in.Register(ctx, t0, reg); err != nil {
		b.Fatal(err)
	}
	var durable sync.WaitGroup
	before, begun, n := processor(), time.Now(), 0
	var p []byte
	for b.Loop() {
		at := t0 + telemetry.Millis(n/1000)*1000
		p = fmt.Appendf(p[:0], `{"v":1,"at":%d,"values":{"ch4":%d.25,"humidity":61.5,"temp":21.75}}`, at, n%77)
		durable.Add(1)
		in.Accept(intake.Raw{At: at, From: reg.Set[n%1000].ID, Topic: "telemetry", QoS: 1, Payload: p}, func(err error) {
			if err != nil {
				b.Error(err)
			}
			durable.Done()
		})
		n++
	}
	durable.Wait()
	for tick := time.NewTicker(time.Millisecond); in.Stats()[0].Lag > 0; {
		<-tick.C
	}
	if err := w.Flush(ctx); err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(n)/time.Since(begun).Seconds(), "msg/s")
	b.ReportMetric(float64((processor()-before).Nanoseconds())/float64(n), "cpu-ns/msg")
	if t := w.Totals(); t.Stored != uint64(n) {
		b.Fatalf("%+v of %d", t, n)
	}
}

// processor is the time that all threads of this process have used.
func processor() time.Duration {
	var u syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
