// Program month plays a month of the demo street at the base rates of a city's
// published months, in minutes: collectors, call-takers, dispatchers, handlers of
// nineteen departments and checkers, by a script that follows from a seed, on the
// hub's own packages and under a clock of its own. It then compares the month's
// figures with what the script knows, seals every case that was archived, and has
// all seals examined.
//
//	go run ./scripts/month
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"sync"
	"time"

	"gridhub/hub/server"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := command(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "month:", err)
		os.Exit(1)
	}
}

func command(ctx context.Context, args []string) error {
	f := flag.NewFlagSet("month", flag.ContinueOnError)
	seed := f.Uint64("seed", 1, "another seed is another month")
	collected := f.Int("problems", published.collected, "how many are found; the other rates follow")
	from := f.String("from", "2026-10-01", "first `day`")
	days := f.Int("days", 31, "how many days the month has")
	config := f.String("config", filepath.Join("configs", "demo", "hub.yaml"), "the street's `file`")
	data := f.String("data", "", "`folder` to leave everything in; default: one in memory that is removed")
	if err := f.Parse(args); err != nil {
		return err
	}
	files, err := street(*config)
	if err != nil {
		return err
	}
	day, err := time.ParseInLocation(time.DateOnly, *from, files.Zone())
	if err != nil {
		return err
	}
	folder, remove, err := place(*data)
	if err != nil {
		return err
	}
	defer remove()
	m := newMonth(files, published.of(*collected), day, *days, *seed)
	return perform(ctx, m, files, folder)
}

// street reads what a hub of this street reads.
func street(config string) (server.Files, error) {
	c, err := server.Load(config)
	if err != nil {
		return server.Files{}, err
	}
	return server.ReadFiles(c)
}

// place is a folder to work in, in memory where the machine has such a one.
func place(named string) (string, func(), error) {
	if named != "" {
		return named, func() {}, os.MkdirAll(named, 0o700)
	}
	root := "/dev/shm"
	if info, err := os.Stat(root); err != nil || !info.IsDir() {
		root = ""
	}
	dir, err := os.MkdirTemp(root, "month-")
	return dir, func() { _ = os.RemoveAll(dir) }, err // only a copy of what the seed gives
}

// perform plays a month and shows what came of it.
func perform(ctx context.Context, m *month, files server.Files, folder string) error {
	began := time.Now()
	r, err := newRun(ctx, m, files, folder)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	var sealing sync.WaitGroup
	sealing.Go(func() { _ = r.archive.Run(ctx) }) // what it meets, Healthy tells
	defer func() { cancel(); sealing.Wait(); err = errors.Join(err, r.close()) }()

	script := m.script()
	say("%d problems, %d steps, %s to %s", len(m.problems), len(script), m.from.Format(time.DateOnly), m.to.AddDate(0, 0, -1).Format(time.DateOnly))
	for day := m.from; day.Before(m.to); day = day.AddDate(0, 0, 1) {
		if script, err = r.play(script, day.AddDate(0, 0, 1)); err != nil {
			return err
		}
		show("%s  %d steps", day.Format(time.DateOnly), r.done)
	}
	show("")
	say("played in %s", time.Since(began).Round(time.Second))
	if err := r.tell(); err != nil {
		return err
	}
	if _, err = r.play(script, m.to.AddDate(0, 0, follow)); err != nil {
		return err
	}
	if err := r.seal(ctx, func(n int) { show("%d sealed", n) }); err != nil {
		return err
	}
	show("")
	say("%d steps, %d files of evidence, %d seals after %s", r.done, r.puts.n, m.sealed(), time.Since(began).Round(time.Second))
	if err := r.examine(ctx); err != nil {
		return err
	}
	say("all in %s", time.Since(began).Round(time.Second))
	return nil
}

// tell shows the month's figures beside the base rates; one that is not the
// plan's is an error.
func (r *run) tell() error {
	counts, wrong, err := r.differences()
	if err != nil {
		return err
	}
	parts, err := r.components()
	if err != nil {
		return err
	}
	say("\n%-34s %10s %10s", "", "the month", "published")
	row := func(name string, got, want any) { say("%-34s %10v %10v", name, got, want) }
	share := func(n, of int) string { return fmt.Sprintf("%.2f %%", 100*float64(n)/float64(of)) }
	row("collected", counts["reported"]-r.rejected-r.repeated, published.collected)
	row("  of them components", share(parts, r.collected), "12.50 %")
	row("handled on the spot", counts["spot"], published.collected-published.dispatched)
	row("dispatched", counts["dispatched"], published.dispatched)
	row("done of the dispatched", share(counts["closed"], counts["dispatched"]), "95.57 %")
	row("overdue", r.overdueAtEnd(counts), published.overdue)
	row("rework", counts["rework"], published.rework)
	row("to another department", counts["redispatched"], published.moved)
	say("\n%d counts are what the plan says, %d are not\n", len(r.truth())-len(wrong), len(wrong))
	var errs []error
	for _, w := range wrong {
		errs = append(errs, errors.New(w))
	}
	return errors.Join(errs...)
}

// overdueAtEnd is what was due and not closed in time.
func (r *run) overdueAtEnd(counts map[string]int) int {
	return counts["due"] - counts["closed_on_time"]
}

// examine has every seal verified, and then one that was tampered with found.
func (r *run) examine(ctx context.Context) error {
	began := time.Now()
	valid, err := r.verify(ctx)
	if err != nil {
		return err
	}
	if valid != r.month.sealed() {
		return fmt.Errorf("%d seals are valid, want %d", valid, r.month.sealed())
	}
	say("hub verify: %d seals are valid, with the newest checkpoint, in %s", valid, time.Since(began).Round(time.Second))
	found, err := r.tamper(ctx)
	if err != nil {
		return err
	}
	say("one byte changed: %s", found)
	return nil
}

func say(format string, args ...any) { fmt.Printf(format+"\n", args...) }

// show writes over the line that it wrote before, on a terminal.
func show(format string, args ...any) {
	if info, err := os.Stdout.Stat(); err == nil && info.Mode()&os.ModeCharDevice != 0 {
		fmt.Printf("\r\033[K"+format, args...)
	}
}
