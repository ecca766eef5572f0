package poll

import (
	"context"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"gridhub/devices"
	"gridhub/devices/telemetry"
	"gridhub/devices/wire"
	"gridhub/edge/driver"
)

// speech is a source that says what the test wants.
type speech func(ctx context.Context, deliver driver.Deliver)

func (s speech) Listen(ctx context.Context, deliver driver.Deliver) error {
	s(ctx, deliver)
	<-ctx.Done()
	return nil
}

// TestListener follows devices that speak: each reading is a record, an urgent
// one and the first that no longer is go ahead, strangers leave none, and
// silence is told once for each while that it lasts.
func TestListener(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		value := func(v float64) driver.Reading {
			return driver.Reading{Values: []telemetry.Field{{Metric: "ch4", Value: v}}, Own: 7}
		}
		source := speech(func(ctx context.Context, deliver driver.Deliver) {
			for _, v := range []float64{-1, 5, -1, -1} {
				deliver("dev-0", value(v), nil)
				sleep(ctx, time.Second)
			}
			deliver("stranger", value(1), nil)
			deliver("dev-0", driver.Reading{}, silent("dev-0"))
		})
		var mu sync.Mutex
		var all []got
		l := Listen("push", source, tasks(time.Minute, 1), func(r wire.Record, urgent bool) {
			mu.Lock()
			defer mu.Unlock()
			all = append(all, got{r, urgent})
		}, slog.New(slog.DiscardHandler))
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- l.Run(ctx) }()
		time.Sleep(7 * time.Minute)
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		var urgent []bool
		for _, g := range all[:4] {
			urgent = append(urgent, g.urgent)
			if g.rec.Device != "dev-0" || g.rec.Own != 7 || len(g.rec.Values) != 1 {
				t.Errorf("got %+v", g)
			}
		}
		if urgent[0] || !urgent[1] || !urgent[2] || urgent[3] {
			t.Errorf("urgent: %v", urgent)
		}
		if all[4].rec.Cause != driver.Timeout || all[4].rec.Quality != telemetry.Bad {
			t.Errorf("got %+v", all[4])
		}
		if len(all) != 7 || all[5].rec.Cause != Silent || all[6].rec.At.Sub(all[5].rec.At) < 3*time.Minute {
			t.Errorf("%d records, want two of silence in seven minutes: %+v", len(all), all[5:])
		}
		if st := l.Stats()[devices.ID("dev-0")]; st.Polls != 7 || st.Failed != 3 || st.Cause != Silent || l.Name() != "push" {
			t.Errorf("stats %+v", st)
		}
	})
}
