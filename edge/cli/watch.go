package cli

import (
	"context"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"

	"gridhub/devices"
	"gridhub/devices/telemetry"
	"gridhub/devices/wire"
	"gridhub/edge/driver/slave"
	"gridhub/edge/gateway"
)

// watch shows live values: a table that stays in place on a terminal, else one
// line for each reading.
func watch(ctx context.Context, args []string, out, errs io.Writer) error {
	c := newCommand("watch", "FILE…")
	plain := c.Bool("plain", false, "one line for each reading, also on a terminal")
	paths, err := c.parse(args, 1, 1000)
	if err != nil {
		return err
	}
	s := &screen{out: out, still: !*plain && isTerminal(out), rows: map[devices.ID]string{}}
	return gateway.Watch(ctx, s.show, quiet, paths...)
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// screen shows records. It is safe for concurrent use.
type screen struct {
	out   io.Writer
	still bool // one row for each device

	mu   sync.Mutex
	rows map[devices.ID]string
}

// show is a poll.Sink.
func (s *screen) show(rec wire.Record, urgent bool) {
	row := describe(rec, urgent)
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.still {
		fmt.Fprintln(s.out, row)
		return
	}
	s.rows[rec.Device] = row
	var b strings.Builder
	b.WriteString("\x1b[H\x1b[J") // home, clear
	for _, id := range slices.Sorted(maps.Keys(s.rows)) {
		fmt.Fprintf(&b, "%s\n", s.rows[id])
	}
	io.WriteString(s.out, b.String())
}

// describe is one record on one line: time, device, quality, values.
func describe(rec wire.Record, urgent bool) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s  %-16s %-9s", rec.At.Time().Local().Format("15:04:05"), rec.Device, rec.Quality)
	if rec.Quality == telemetry.Bad {
		b.WriteString("  " + rec.Cause)
	}
	for _, name := range slices.Sorted(maps.Keys(rec.Values)) {
		fmt.Fprintf(&b, "  %s=%.6g", name, rec.Values[name])
	}
	if urgent {
		b.WriteString("  ALARM")
	}
	return b.String()
}

// simulate answers in place of devices.
func simulate(ctx context.Context, args []string, out io.Writer) error {
	c := newCommand("simulate", "FILE…")
	var f slave.Faults
	c.IntVar(&f.DamageEvery, "damage", 0, "damage every n-th answer, as a line without termination does")
	c.IntVar(&f.SilentEvery, "silent", 0, "leave out every n-th answer")
	c.DurationVar(&f.Delay, "delay", 0, "before each answer")
	dir := c.String("links", ".", "folder for the links to pseudo-terminals, one for each serial line")
	paths, err := c.parse(args, 1, 1000)
	if err != nil {
		return err
	}
	return gateway.Simulate(ctx, out, *dir, f, paths...)
}
