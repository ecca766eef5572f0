package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"time"

	"gridhub/devices"
	"gridhub/devices/telemetry"
	"gridhub/devices/wire"
	"gridhub/edge/uplink"
	"gridhub/scripts/rig"
)

// drain fills a spool with what a long outage leaves, starts the gateway on it
// and waits until the hub has acknowledged all of it, while the slaves are read
// as ever.
func (b *bench) drain(ctx context.Context) error {
	hub, err := b.hub(ctx, "drain")
	if err != nil {
		return err
	}
	defer hub.Stop()
	p, err := b.plant(ctx, "drain")
	if err != nil {
		return err
	}
	defer p.slaves.Stop()
	if err := p.fill(b.points / registers); err != nil {
		return err
	}
	screen, err := hub.Watch(ctx)
	if err != nil {
		return err
	}
	g, err := b.edge(ctx, hub, p)
	if err != nil {
		return err
	}
	defer g.Stop()
	lags := make(chan []time.Duration)
	go func() { lags <- listen(screen) }()
	began := time.Now()
	if err := b.emptied(ctx, g); err != nil {
		return err
	}
	took := time.Since(began)
	screen.Close()
	b.Drain = int(float64(b.points) / took.Seconds())
	ages := <-lags
	b.Lag = share(ages, 99).Milliseconds()
	fmt.Printf("%d points drained in %.1f s, meanwhile fresh readings were %d ms old on the screen, one in a hundred %d ms or more (%d readings)\n",
		b.points, took.Seconds(), share(ages, 50).Milliseconds(), b.Lag, len(ages))
	return nil
}

// fill writes the backlog, an hour and more old.
func (p *plant) fill(records int) error {
	spool, err := uplink.OpenSpool(filepath.Join(p.dir, "edge"), uplink.SpoolConfig{Data: 8 << 30, Alarm: 64 << 20, Keep: 24 * time.Hour}, slog.Default())
	if err != nil {
		return err
	}
	all := units()
	at := telemetry.At(time.Now().Add(-time.Hour - time.Duration(records/len(all))*period))
	for i := range records {
		rec := wire.Record{Device: devices.ID(all[i%len(all)].id()), At: at.Add(time.Duration(i/len(all)) * period), Values: map[string]float64{}}
		for r := range registers {
			rec.Values[fmt.Sprintf("m%d", r)] = float64(100 + (i+r)%50)
		}
		spool.Put(rec, false)
	}
	return spool.Close()
}

// emptied waits until little more than what is fresh waits, and shows progress.
func (b *bench) emptied(ctx context.Context, g *gateway) error {
	for shown := time.Now(); ; {
		waiting, err := g.metric("gridhub_edge_waiting")
		if err != nil {
			return err
		}
		if waiting <= slaves { // one period
			return nil
		}
		if time.Since(shown) > 10*time.Second {
			shown = time.Now()
			fmt.Printf("%.0f readings wait\n", waiting)
		}
		if err := pause(ctx, 100*time.Millisecond); err != nil {
			return err
		}
	}
}

// listen notes how old each fresh reading is when a screen hears of it, until
// the screen closes. A device of which something else changed is told again
// with the reading that it had.
func listen(s *rig.Screen) (lags []time.Duration) {
	heard := map[devices.ID]telemetry.Millis{}
	for {
		e, err := s.Next()
		if err != nil {
			return lags
		}
		var d struct {
			ID    devices.ID       `json:"id"`
			Heard telemetry.Millis `json:"heard"`
		}
		if e.Kind != "device" || json.Unmarshal(e.Data, &d) != nil || d.Heard <= heard[d.ID] {
			continue
		}
		heard[d.ID] = d.Heard
		if age := e.At.Sub(d.Heard.Time()); age < time.Hour { // the backlog is older
			lags = append(lags, age)
		}
	}
}

// share is what so many of a hundred do not exceed.
func share(all []time.Duration, of int) time.Duration {
	if len(all) == 0 {
		return -time.Millisecond
	}
	slices.Sort(all)
	return all[len(all)*of/100]
}
