package live_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"gridhub/devices/telemetry"
	"gridhub/devices/wire"
	"gridhub/hub/live"
)

func described(now func() time.Time) *live.Board {
	b := live.NewBoard(now)
	b.Describe("gw-1", wire.Entry{ID: "gas-1", Kind: "gas", Period: 10_000, Metrics: []wire.Metric{{Name: "ch4", Unit: "%LEL"}}})
	return b
}

func point(at time.Time, v float64) *telemetry.Point {
	return &telemetry.Point{Device: "gas-1", Kind: "gas", At: telemetry.At(at), Fields: []telemetry.Field{{Metric: "ch4", Value: v}}}
}

func TestNewestNeverGoesBack(t *testing.T) {
	now := time.Now()
	b := described(func() time.Time { return now })
	b.Point(point(now, 5))
	b.Point(point(now.Add(-time.Minute), 50))
	b.Point(&telemetry.Point{Device: "stranger", At: telemetry.At(now)})
	got := b.Devices()
	if len(got) != 1 || *got[0].Values[0].Value != 5 || got[0].Heard != telemetry.At(now) || got[0].Health != "fresh" {
		t.Errorf("after an old point: %+v", got)
	}
	b.Point(&telemetry.Point{Device: "gas-1", At: telemetry.At(now) + 1, Quality: telemetry.Bad})
	if got = b.Devices(); got[0].Health != "fault" || *got[0].Values[0].Value != 5 {
		t.Errorf("a bad reading must show a fault and keep the value's own age: %+v", got)
	}
}

func TestScreensAreTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := described(time.Now)
		ctx, stop := context.WithCancel(t.Context())
		go func() { _ = b.Run(ctx) }()
		feed, cancel := b.Subscribe()
		for range 100 { // many changes at once are one
			b.Point(point(time.Now(), 7))
		}
		time.Sleep(time.Second)
		synctest.Wait()
		if n := len(feed); n != 1 {
			t.Errorf("%d changes told, want one", n)
		}
		<-feed
		for i := range 100 { // a backlog that drains
			b.Point(point(time.Now().Add(-time.Hour-time.Duration(i)*time.Second), 3))
		}
		time.Sleep(time.Second)
		synctest.Wait()
		if n := len(feed); n != 0 {
			t.Errorf("%d changes told of readings that are older than what is shown, want none", n)
		}
		time.Sleep(40 * time.Second)
		synctest.Wait()
		if d, ok := (<-feed).Body.(live.DeviceState); !ok || d.Health != "stale" {
			t.Errorf("after forty silent seconds: %+v, want stale", d)
		}
		for range 5000 {
			b.Publish("anything")
		}
		for range feed { // closed, because nobody read
		}
		cancel()
		stop()
	})
}

func TestWhoSpeaksForItselfShowsWhatItTells(t *testing.T) {
	now := time.Now()
	b := live.NewBoard(func() time.Time { return now })
	b.Describe("", wire.Entry{ID: "gas-1", Kind: "gas"})
	b.Point(point(now, 5))
	b.Describe("", wire.Entry{ID: "gas-1", Kind: "gas", Name: "cellar"})
	got := b.Devices()
	if len(got) != 1 || got[0].Name != "cellar" || len(got[0].Values) != 1 || *got[0].Values[0].Value != 5 {
		t.Errorf("after a reading: %+v, want the metric that it told", got)
	}
}
