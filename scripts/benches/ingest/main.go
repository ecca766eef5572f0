// Command ingest measures the way of a reading from a publish to the database.
//
// It sends the same QoS 1 messages, two values each, from many connections, once to the
// hub and once to Mosquitto, from where Telegraf takes them, and waits each time
// until all of them can be queried in a real InfluxDB 1.8. The two take turns on
// fresh databases; the medians count. The processor time is that of the hub,
// and of Mosquitto and Telegraf together; the database's and the load's own are
// left out. The hub acknowledges what is on disk, its peer what is in memory.
// The last line is one JSON object.
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

// A plan is what to measure.
type plan struct {
	messages    int
	connections int
	window      int // unacknowledged messages of a connection
	rounds      int
	only        string // "ours" or "peer"; empty: both
	profile     string // file for a processor profile of the hub
	bin, dir    string
}

// limit is the longest that everything may take.
const limit = 8 * time.Minute

func main() {
	var p plan
	flag.IntVar(&p.messages, "messages", 200_000, "messages in each turn")
	flag.IntVar(&p.connections, "connections", 50, "clients")
	flag.IntVar(&p.window, "window", 100, "unacknowledged messages per client")
	flag.IntVar(&p.rounds, "rounds", 3, "turns of each side")
	flag.StringVar(&p.only, "only", "", "ours or peer: leave the other out, and the JSON")
	flag.StringVar(&p.profile, "profile", "", "`file` for a processor profile of the hub's last turn")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	if err := run(ctx, p); err != nil {
		fmt.Fprintln(os.Stderr, "ingest:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, p plan) error {
	var err error
	if p.dir, err = os.MkdirTemp("", "gridhub-ingest-"); err != nil {
		return err
	}
	defer os.RemoveAll(p.dir)
	p.bin = filepath.Join(p.dir, "bin")
	if err := rig.Build(ctx, p.bin, "./hub", "./scripts/benches/load"); err != nil {
		return err
	}
	var all [2][]turn
	for round := range p.rounds {
		for side, s := range sides {
			if p.only != "" && p.only != s.name {
				continue
			}
			t, err := p.turn(ctx, s, fmt.Sprintf("%s-%d", s.name, round))
			if err != nil {
				return fmt.Errorf("%s, round %d: %w", s.name, round+1, err)
			}
			fmt.Printf("round %d, %s: %v\n", round+1, s.name, t)
			all[side] = append(all[side], t)
		}
	}
	if p.only != "" {
		return nil
	}
	return json.NewEncoder(os.Stdout).Encode(summarise(all[0], all[1]))
}
