// Command calls measures what forwarding one picture to many viewers costs.
//
// It sends one VP8 picture of 1.5 Mbit/s through this project's media plane,
// through LiveKit and through the shortest forwarder that can be written with
// pion, to 10, 50 and 200 viewers in turn, and asks /proc what the server used.
// Viewers are another process. Of ours alone it also asks what is repaired of
// 2 % loss, how soon after accept sound is heard, and what 500 joins and leaves
// leave behind. The last line is one JSON object.
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
	sizes   []int
	rounds  int // at the size that the JSON is about
	watch   time.Duration
	joins   int
	only    string
	profile string
	dir     string
}

const (
	// limit is the longest that everything may take.
	limit = 8 * time.Minute
	// judged is the number of viewers that the JSON is about.
	judged = 50
)

func main() {
	p := plan{sizes: []int{10, judged, 200}}
	var role, spec string
	flag.StringVar(&role, "role", "", "what a child process of the benchmark is: ours, plain or clients")
	flag.StringVar(&spec, "spec", "", "what a child process is told")
	flag.IntVar(&p.rounds, "rounds", 1, "turns of each side with 50 viewers")
	flag.DurationVar(&p.watch, "watch", 8*time.Second, "how long each turn measures")
	flag.IntVar(&p.joins, "joins", 500, "joins and leaves")
	flag.StringVar(&p.only, "only", "", "ours, plain or livekit: leave out the others, all sizes but 50, and the JSON")
	flag.StringVar(&p.profile, "profile", "", "`file` for a processor profile of ours with 50 viewers")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, sigterm)
	defer stop()
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	if err := start(ctx, role, spec, p); err != nil {
		fmt.Fprintln(os.Stderr, "calls:", err)
		os.Exit(1)
	}
}

func start(ctx context.Context, role, spec string, p plan) error {
	switch role {
	case "ours":
		return serveOurs(ctx, spec)
	case "plain":
		return servePlain(ctx, spec)
	case "clients":
		return attend(ctx, spec)
	}
	return run(ctx, p)
}

func run(ctx context.Context, p plan) error {
	var err error
	if p.dir, err = os.MkdirTemp("", "gridhub-calls-"); err != nil {
		return err
	}
	defer os.RemoveAll(p.dir)
	if p.only != "" {
		p.sizes = []int{judged}
	}
	all := map[string][]seen{} // of judged viewers, by side
	for _, n := range p.sizes {
		rounds := 1
		if n == judged {
			rounds = p.rounds
		}
		for range rounds {
			if err := p.round(ctx, n, all); err != nil {
				return err
			}
		}
	}
	if p.only != "" {
		return nil
	}
	r := summarise(all)
	if err := p.extras(ctx, &r); err != nil {
		return err
	}
	r.Load = rig.LoadAverage()
	return json.NewEncoder(os.Stdout).Encode(r)
}

// round lets every side show the picture to n viewers.
func (p plan) round(ctx context.Context, n int, all map[string][]seen) error {
	for _, s := range sides {
		if p.only != "" && p.only != s.name {
			continue
		}
		v, err := p.turn(ctx, s, task{Viewers: n, Watch: p.watch})
		if err != nil {
			return fmt.Errorf("%s, %d viewers: %w", s.name, n, err)
		}
		fmt.Printf("%3d viewers, %-8s %v\n", n, s.name+":", v)
		if n == judged {
			all[s.name] = append(all[s.name], v)
		}
	}
	return nil
}

// extras are what only ours is asked.
func (p plan) extras(ctx context.Context, r *result) error {
	for _, s := range sides {
		if s.name == "plain" { // it repairs by the library's default
			continue
		}
		v, err := p.turn(ctx, s, task{Viewers: 10, Watch: p.watch, Loss: 0.02})
		if err != nil {
			return fmt.Errorf("%s, loss: %w", s.name, err)
		}
		fmt.Printf("2 %% loss, %s: %d packets dropped on their first way, %.2f %% of them repaired\n", s.name, v.Dropped, v.repaired())
		if s.name == "ours" {
			r.Repaired = round(v.repaired(), 100)
		} else {
			r.LiveKitRepaired = round(v.repaired(), 100)
		}
	}
	v, err := p.turn(ctx, sides[0], task{Joins: p.joins, Accepts: 20})
	if err != nil {
		return fmt.Errorf("joins and accepts: %w", err)
	}
	fmt.Printf("accept to sound: p50 %d ms, p95 %d ms; %d joins and leaves leave %d goroutines and %.1f MB\n",
		v.at(50), v.at(95), p.joins, v.Leaked, float64(v.GrownKB)/1024)
	r.Accept, r.AcceptP95, r.Leaked, r.GrownMB = v.at(50), v.at(95), v.Leaked, round(float64(v.GrownKB)/1024, 10)
	return nil
}

// children of this program are this program.
func self() string {
	path, err := os.Executable()
	if err != nil {
		return filepath.Clean(os.Args[0])
	}
	return path
}
