// Command cases measures the task pool with two years of a busy district in it:
// a million closed cases, on SQLite and on PostgreSQL.
//
// The cases are laid into the database before the hub starts, each with its nine
// chained events and what the hub keeps of an ended case. PostgreSQL waits for
// its disk. Then everything is asked over HTTP, as the pages do: the pool
// of open cases, single cases, the newest month's figures, what is alike a case.
// Last, dispatchers work at a steady rate. The last lines are one JSON object
// for each store.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"time"

	"gridhub/hub/store/storetest"
	"gridhub/scripts/rig"
)

// result is the last line of one store.
type result struct {
	Bench       string  `json:"bench"`
	Store       string  `json:"store"`
	Cases       int     `json:"cases"`
	Pool        float64 `json:"pool_p95_ms"`
	Case        float64 `json:"case_p95_ms"`
	Figures     float64 `json:"figures_s"`
	FiguresCold float64 `json:"figures_first_s"`
	Duplicates  float64 `json:"duplicates_ms"`
	Commands    float64 `json:"commands_per_s"`
	CommandsP99 float64 `json:"commands_p99_ms"`
	Load        string  `json:"load_average"`
}

type bench struct {
	cases    int
	seconds  time.Duration // of commands
	keep     string        // folder in which the filled databases stay
	profile  string
	bin, dir string
}

// rates are the commands asked for in a second.
var rates = map[string]int{"sqlite": 200, "postgres": 500}

// limit is the longest that everything may take.
const limit = time.Hour

func main() {
	var b bench
	only := flag.String("store", "", "sqlite or postgres; empty: both")
	flag.IntVar(&b.cases, "cases", 1_000_000, "closed cases in the pool")
	flag.DurationVar(&b.seconds, "work", 20*time.Second, "how long the dispatchers work")
	flag.StringVar(&b.keep, "keep", "", "folder in which the filled databases stay as they are, for the next run; empty: none do")
	flag.StringVar(&b.profile, "profile", "", "folder for a processor profile of the hub under commands")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	if err := b.run(ctx, *only); err != nil {
		fmt.Fprintln(os.Stderr, "cases:", err)
		os.Exit(1)
	}
}

func (b *bench) run(ctx context.Context, only string) (err error) {
	if b.dir, err = os.MkdirTemp("", "gridhub-cases-"); err != nil {
		return err
	}
	defer os.RemoveAll(b.dir)
	b.bin = filepath.Join(b.dir, "bin")
	if err := rig.Build(ctx, b.bin, "./hub"); err != nil {
		return err
	}
	var results []result
	for _, name := range []string{"sqlite", "postgres"} {
		if only != "" && only != name {
			continue
		}
		r, err := b.on(ctx, name)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		results = append(results, r)
	}
	for _, r := range results {
		if err := json.NewEncoder(os.Stdout).Encode(r); err != nil {
			return err
		}
	}
	return nil
}

// on measures one store.
func (b *bench) on(ctx context.Context, name string) (r result, err error) {
	dir := filepath.Join(b.dir, name)
	if err := os.MkdirAll(filepath.Join(dir, "hub"), 0o700); err != nil {
		return r, err
	}
	address, stop, err := b.prepare(ctx, name)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, stop()) }()
	hub, err := rig.StartHub(ctx, b.bin, dir, "store: sqlite", fmt.Sprintf("database: %q", address))
	if err != nil {
		return r, err
	}
	defer hub.Stop()
	r = result{Bench: "cases", Store: name, Cases: b.cases}
	d, err := newDesk(ctx, hub)
	if err != nil {
		return r, err
	}
	for _, step := range []func(context.Context, *result) error{d.open, d.pool, d.single, d.figures, d.duplicates} {
		if err := step(ctx, &r); err != nil {
			return r, err
		}
	}
	done := func() error { return nil }
	if b.profile != "" {
		done = hub.Profile(ctx, filepath.Join(b.profile, name+".prof"))
	}
	if err := errors.Join(d.commands(ctx, &r, rates[name], b.seconds), done()); err != nil {
		return r, err
	}
	r.Load = rig.LoadAverage()
	return r, nil
}

// prepare opens a filled database to work on: one that is kept is copied.
func (b *bench) prepare(ctx context.Context, name string) (address string, stop func() error, err error) {
	if err := os.Chmod(b.dir, 0o755); err != nil { // the database's user must get through
		return "", nil, err
	}
	kept, work := filepath.Join(b.keep, name+".data"), filepath.Join(b.dir, name+".data")
	if b.keep != "" {
		address, stop, err := serve(ctx, name, kept)
		if err != nil {
			return "", nil, err
		}
		if err := errors.Join(b.fill(ctx, address), stop()); err != nil {
			return "", nil, err
		}
		if out, err := exec.CommandContext(ctx, "sh", "-c", `cp -a "$0" "$1" && sync`, kept, work).CombinedOutput(); err != nil {
			return "", nil, fmt.Errorf("copy of %s: %w: %s", kept, err, out)
		}
	}
	if address, stop, err = serve(ctx, name, work); err != nil {
		return "", nil, err
	}
	if err := b.fill(ctx, address); err != nil { // finds what was copied
		return "", nil, errors.Join(err, stop())
	}
	return address, stop, nil
}

// serve is the database in a folder.
func serve(ctx context.Context, name, folder string) (address string, stop func() error, err error) {
	if name == "sqlite" {
		return "sqlite:" + filepath.Join(folder, "hub.db"), func() error { return nil }, nil
	}
	s, err := storetest.StartDurable(ctx, folder)
	if err != nil {
		return "", nil, err
	}
	return s.URL(), s.Stop, nil
}
