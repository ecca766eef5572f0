// Command edge measures a gateway at work and a gateway that catches up.
//
// 64 Modbus slaves with ten registers each hang on four serial lines and one
// TCP port, and are read every second: by our edge, and then by Telegraf, both
// into the same kind of hub. Then a spool is filled with a backlog, and drains
// into the hub while the slaves go on. Last, batches are decoded as the hub
// does. The slaves are a process of their own; processor time and memory are
// the gateway's alone. The last line is one JSON object.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"time"

	"gridhub/scripts/rig"
)

// result is the last line.
type result struct {
	Bench         string  `json:"bench"`
	RSS           float64 `json:"rss_mb"`
	CPU           float64 `json:"cpu_pct"` // of one core
	Missed        int     `json:"missed"`  // periods without a reading
	Drain         int     `json:"drain_points_per_s"`
	Lag           int64   `json:"live_lag_ms"` // of fresh readings during the drain, 99 of 100
	JSON          int     `json:"decode_json_per_s"`
	CBOR          int     `json:"decode_cbor_per_s"`
	TelegrafRatio float64 `json:"telegraf_cpu_ratio"` // our processor time per point to theirs
	Spool         int     `json:"spool_20ms_per_s"`   // readings that a spool takes whose syncs take 20 ms more
	TelegrafRSS   float64 `json:"telegraf_rss_mb"`
	Load          string  `json:"load_average"`
}

// bench is what to measure, and where.
type bench struct {
	watch    time.Duration // how long each gateway is looked at
	points   int           // of the backlog
	bin, dir string
	result
}

// limit is the longest that everything may take.
const limit = 12 * time.Minute

func main() {
	b := bench{result: result{Bench: "edge"}}
	flag.DurationVar(&b.watch, "watch", 30*time.Second, "how long each gateway is looked at")
	flag.IntVar(&b.points, "points", 10_000_000, "points of the backlog")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	if err := b.run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "edge:", err)
		os.Exit(1)
	}
}

func (b *bench) run(ctx context.Context) error {
	var err error
	if b.dir, err = os.MkdirTemp("", "gridhub-edge-"); err != nil {
		return err
	}
	defer os.RemoveAll(b.dir)
	b.bin = filepath.Join(b.dir, "bin")
	if err := rig.Build(ctx, b.bin, "./hub", "./edge"); err != nil {
		return err
	}
	for _, part := range []func(context.Context) error{b.polling, b.drain, b.decode, b.slow} {
		if err := part(ctx); err != nil {
			return err
		}
	}
	b.Load = rig.LoadAverage()
	return json.NewEncoder(os.Stdout).Encode(b.result)
}

// polling looks at both gateways, one after the other, on the same slaves.
func (b *bench) polling(ctx context.Context) error {
	hub, err := b.hub(ctx, "polling")
	if err != nil {
		return err
	}
	defer hub.Stop()
	plant, err := b.plant(ctx, "polling")
	if err != nil {
		return err
	}
	defer plant.slaves.Stop()
	ours, err := b.ours(ctx, hub, plant)
	if err != nil {
		return err
	}
	theirs, err := b.theirs(ctx, hub, plant)
	if err != nil {
		return err
	}
	b.RSS, b.CPU, b.Missed = ours.rss, ours.cpu, ours.missed
	b.TelegrafRSS, b.TelegrafRatio = theirs.rss, ratio(ours.cpu/float64(ours.points), theirs.cpu/float64(theirs.points))
	return nil
}

func ratio(a, b float64) float64 { return float64(int(a/b*1000+0.5)) / 1000 }

// hub starts a fresh hub.
func (b *bench) hub(ctx context.Context, name string) (*rig.Hub, error) {
	dir := filepath.Join(b.dir, name)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	return rig.StartHub(ctx, b.bin, dir, "store: sqlite")
}
