// Command chain measures how long it takes from a sensor's publish until the
// case that it makes is on a screen.
//
// A smoke detector goes off, is acknowledged, journaled, decoded, judged by a
// rule, filed in the task pool and told to a page that has the stream of changes
// open, while other sensors publish all the time. Detectors take turns, each
// falls quiet again, and the moments are drawn at random. The last line is one
// JSON object.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"gridhub/scripts/rig"
)

type plan struct {
	alarms  int
	rate    int    // messages per second of the others
	history string // sqlite or influx
	dir     string
}

// limit is the longest that everything may take.
const limit = 8 * time.Minute

func main() {
	var p plan
	flag.IntVar(&p.alarms, "alarms", 500, "how often a detector goes off")
	flag.IntVar(&p.rate, "rate", 5000, "messages per second of other sensors")
	flag.StringVar(&p.history, "history", "influx", "store of the points: influx or sqlite")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	if err := run(ctx, p); err != nil {
		fmt.Fprintln(os.Stderr, "chain:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, p plan) error {
	var err error
	if p.dir, err = os.MkdirTemp("", "gridhub-chain-"); err != nil {
		return err
	}
	defer os.RemoveAll(p.dir)
	bin := filepath.Join(p.dir, "bin")
	if err := rig.Build(ctx, bin, "./hub", "./scripts/benches/load"); err != nil {
		return err
	}
	history := "store: sqlite"
	if p.history == "influx" {
		in, err := rig.StartInflux(ctx, p.dir)
		if err != nil {
			return err
		}
		defer in.Stop()
		history = rig.InfluxHistory(in)
	}
	hub, err := rig.StartHub(ctx, bin, p.dir, history)
	if err != nil {
		return err
	}
	defer hub.Stop()
	return p.measure(ctx, hub, bin)
}

func (p plan) measure(ctx context.Context, hub *rig.Hub, bin string) error {
	secrets := filepath.Join(p.dir, "secrets")
	if err := hub.RegisterMany(ctx, crowd, "t", "gas", secrets); err != nil {
		return err
	}
	all, err := detectors(ctx, hub)
	if err != nil {
		return err
	}
	defer func() {
		for _, d := range all {
			_ = d.Close() // all is measured
		}
	}()
	screen, err := hub.Watch(ctx)
	if err != nil {
		return err
	}
	defer screen.Close()
	during, end := context.WithCancel(ctx)
	defer end()
	noise := make(chan error, 1)
	go func() { noise <- p.noise(during, hub, bin, secrets) }()
	waits, rate, err := p.alarm(ctx, hub, all, screen, noise)
	if err != nil {
		return err
	}
	slices.Sort(waits)
	at := func(share float64) float64 { return ms(waits[int(share*float64(len(waits)-1))]) }
	return json.NewEncoder(os.Stdout).Encode(result{Bench: "chain", P50: at(0.5), P99: at(0.99), Max: at(1), Alarms: len(waits),
		Background: int(rate), History: p.history, Load: rig.LoadAverage()})
}

type result struct {
	Bench      string  `json:"bench"`
	P50        float64 `json:"p50_ms"`
	P99        float64 `json:"p99_ms"`
	Max        float64 `json:"max_ms"`
	Alarms     int     `json:"alarms"`
	Background int     `json:"background_per_s"` // measured: records of the journal
	History    string  `json:"history"`
	Load       string  `json:"load_average"`
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

const crowd = 50 // sensors that make the noise

// noise has other sensors publish until ctx ends.
func (p plan) noise(ctx context.Context, hub *rig.Hub, bin, secrets string) error {
	if p.rate == 0 {
		<-ctx.Done()
		return ctx.Err()
	}
	_, err := rig.Load(ctx, bin, "-address", hub.MQTT, "-connections", strconv.Itoa(crowd), "-passwords", secrets, "-timeout", limit.String(),
		"-messages", strconv.Itoa(p.rate*int(limit.Seconds())), "-rate", strconv.Itoa(p.rate), "-payload", `{"v":1,"at":{at},"values":{"temp":{x},"hum":{y}}}`)
	return errors.Join(errors.New("the noise ended early"), err)
}
