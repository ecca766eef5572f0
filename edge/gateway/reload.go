package gateway

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"gridhub/configs"
	"gridhub/devices/profile"
)

const (
	// lookEvery is how often the files are looked at. A change is taken over
	// when they have rested for one look, so that nobody's half-written file is.
	lookEvery = 2 * time.Second
	// settleEvery is how often devices that were removed are looked after.
	settleEvery = 5 * time.Second
)

// Reload reads the configuration file, profiles and device files again and takes
// over what changed, without losing a reading: lines that are defined as before
// are not touched. If anything is wrong the gateway goes on as it was; the error
// lists every mistake, and the log, /healthz and the hub hear of it. They also
// hear of keys of the configuration file that count from the next start on,
// which are no error.
func (g *Gateway) Reload() error {
	g.changing.Lock()
	defer g.changing.Unlock()
	broken, err := g.reload()
	if all := problemsOf(broken, err); len(all) > 0 {
		return all
	}
	return nil
}

// reload is Reload; changing is held. broken is what is wrong with the
// configuration file, which keeps no device file from being taken over.
func (g *Gateway) reload() (broken, err error) {
	files, fixed, broken := g.config().again()
	next, err := files.plan()
	if err == nil && next.config != g.running().config {
		err = g.adopt(files, next)
	}
	g.remark(append(problemsOf(broken, err), files.waiting(fixed)...))
	return broken, err
}

// adopt lets next run. The hub hears of new devices before their first record
// can be published.
func (g *Gateway) adopt(files Config, next plan) error {
	before := g.stock.now()
	if err := g.stock.renew(next, string(g.cfg.Owner)); err != nil {
		return err
	}
	g.uplink.Changed()
	if err := g.crew.change(next.lines); err != nil {
		return errors.Join(err, g.stock.restore(before))
	}
	g.mu.Lock()
	g.files, g.plan = files, next
	g.mu.Unlock()
	g.log.Info("configuration taken over", "config", next.config, "lines", len(next.lines), "devices", len(next.plant.Devices))
	return nil
}

// running is the plan at work.
func (g *Gateway) running() plan {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.plan
}

// remark notes what is wrong with the files; none: nothing.
func (g *Gateway) remark(problems configs.Problems) {
	g.mu.Lock()
	same := problems.Error() == g.problems.Error()
	g.problems = problems
	g.mu.Unlock()
	if same {
		return
	}
	for _, p := range problems {
		g.log.Error("configuration is not taken over, the former one runs on", "problem", p.String())
	}
	g.uplink.Changed()
}

// maxRemark bounds what the hub is told, in bytes.
const maxRemark = 400

// remarks is what the hub is told with the status: the first mistake, and how
// many more there are.
func (g *Gateway) remarks() string {
	problems := g.mistakes()
	if len(problems) == 0 {
		return ""
	}
	text := fmt.Sprintf("config: %s", problems[0])
	if more := len(problems) - 1; more > 0 {
		text += fmt.Sprintf(" (and %d more)", more)
	}
	return strings.ToValidUTF8(text[:min(len(text), maxRemark)], "")
}

// mistakes are those of the files since they were read last.
func (g *Gateway) mistakes() configs.Problems {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.problems
}

// look reloads when the files changed and rest, until ctx ends.
func (g *Gateway) look(ctx context.Context) {
	tick := time.NewTicker(g.lookEvery)
	defer tick.Stop()
	tried := g.seen
	before := tried
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		now := g.config().footprint()
		if now != tried && now == before {
			tried = now
			_ = g.Reload() // it tells everybody itself
		}
		before = now
	}
}

// settle tells the hub of devices that need not be named any more, until ctx
// ends.
func (g *Gateway) settle(ctx context.Context) {
	tick := time.NewTicker(settleEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		changed, err := g.stock.settle(g.spool.Delivered)
		if err != nil {
			g.log.Warn("inventory could not be saved", "error", err)
		}
		if changed {
			g.uplink.Changed()
		}
	}
}

// footprint changes when a file of the configuration is written, added or
// removed.
func (c Config) footprint() string {
	var b strings.Builder
	b.WriteString(c.look())
	for _, file := range profile.Files(append(c.paths(c.Profiles), c.devicePaths()...)...) {
		info, err := os.Stat(file)
		if err != nil {
			fmt.Fprintf(&b, "%s\n", file)
			continue
		}
		b.WriteString(printOf(file, info))
	}
	return b.String()
}

func printOf(file string, info os.FileInfo) string {
	return fmt.Sprintf("%s %d %d\n", file, info.Size(), info.ModTime().UnixNano())
}
