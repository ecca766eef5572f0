package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"gridhub/scripts/rig"
)

// figures are what one gateway used and did while it was watched.
type figures struct {
	rss    float64 // MB
	cpu    float64 // per cent of one core
	points int
	missed int // periods without a reading
}

// settle is how long a gateway runs before it is watched.
const settle = 5 * time.Second

// watched looks at a program for a while; count says how many readings it has
// made since it started.
func (b *bench) watched(ctx context.Context, p *rig.Program, count func() (int, error)) (f figures, err error) {
	if err := pause(ctx, settle); err != nil {
		return f, err
	}
	cpu, err1 := p.CPU()
	before, err2 := count()
	began := time.Now()
	if err := errors.Join(err1, err2, pause(ctx, b.watch)); err != nil {
		return f, err
	}
	after, err1 := count()
	used, err2 := p.CPU()
	kb, err3 := rig.MemoryOf(p.PID())
	took := time.Since(began)
	readings := after - before
	f = figures{rss: float64(kb) / 1024, cpu: 100 * (used - cpu).Seconds() / took.Seconds(), points: readings * registers}
	f.missed = max(0, slaves*int(took/period)-readings)
	fmt.Printf("%-10s %5.1f MB, %5.2f %% of a core, %d readings in %.1f s, %d missed\n", p.Name(), f.rss, f.cpu, readings, took.Seconds(), f.missed)
	return f, errors.Join(err1, err2, err3)
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// gateway is a running edge.
type gateway struct {
	*rig.Program
	page string // http://host:port
}

// edge starts ours between a plant and a hub.
func (b *bench) edge(ctx context.Context, hub *rig.Hub, p *plant) (*gateway, error) {
	secret, err := hub.Add(ctx, "gw-bench", "--kind", "gateway")
	if err != nil {
		return nil, err
	}
	var page string
	if err := rig.FreeAddresses(&page); err != nil {
		return nil, err
	}
	config := filepath.Join(p.dir, "edge.yaml")
	text := fmt.Sprintf("id: gw-bench\ndata: edge\nprofiles: [profiles]\ndevices: [plant.yaml]\n"+
		"hub: {url: \"tcp://%s\", password_file: secret, backlog_rate: 15000}\nspool: {data: 8GiB, reserve: 0B}\nhttp: {address: %q}\n", hub.MQTT, page)
	if err := errors.Join(os.WriteFile(config, []byte(text), 0o600),
		os.WriteFile(filepath.Join(p.dir, "secret"), []byte(secret), 0o600)); err != nil {
		return nil, err
	}
	g := &gateway{page: "http://" + page}
	g.Program, err = rig.Launch(ctx, p.dir, "edge", filepath.Join(b.bin, "edge"), func() error { return rig.Dials(page) }, "run", "--config", config)
	return g, err
}

// metric sums one of the gateway's metrics over its labels.
func (g *gateway) metric(name string) (sum float64, err error) {
	res, err := http.Get(g.page + "/metrics")
	if err != nil {
		return 0, err
	}
	defer res.Body.Close()
	lines := bufio.NewScanner(res.Body)
	for lines.Scan() {
		key, value, _ := strings.Cut(lines.Text(), " ")
		if key, _, _ = strings.Cut(key, "{"); key != name {
			continue
		}
		v, err := strconv.ParseFloat(value, 64)
		if err != nil {
			return 0, err
		}
		sum += v
	}
	return sum, lines.Err()
}

// answered is how many readings had an answer.
func (g *gateway) answered() (int, error) {
	polls, err1 := g.metric("gridhub_edge_polls_total")
	failed, err2 := g.metric("gridhub_edge_polls_failed_total")
	return int(polls - failed), errors.Join(err1, err2)
}

func (b *bench) ours(ctx context.Context, hub *rig.Hub, p *plant) (figures, error) {
	g, err := b.edge(ctx, hub, p)
	if err != nil {
		return figures{}, err
	}
	defer g.Stop()
	return b.watched(ctx, g.Program, g.answered)
}

// theirs is Telegraf with a request for each slave, writing to the hub as it
// would to InfluxDB.
func (b *bench) theirs(ctx context.Context, hub *rig.Hub, p *plant) (figures, error) {
	token, err := hub.Add(ctx, "telegraf-bench", "--kind", "sensor", "--profile", "electricity")
	if err != nil {
		return figures{}, err
	}
	var stats string
	if err := rig.FreeAddresses(&stats); err != nil {
		return figures{}, err
	}
	config := filepath.Join(p.dir, "telegraf.conf")
	if err := os.WriteFile(config, []byte(telegraf(hub.HTTP, token, p)), 0o600); err != nil {
		return figures{}, err
	}
	t, err := rig.Launch(ctx, p.dir, "telegraf", "telegraf", func() error { return nil }, "--config", config)
	if err != nil {
		return figures{}, err
	}
	defer t.Stop()
	// Each reading is one line, and every line is one message's item at the hub.
	return b.watched(ctx, t, func() (int, error) { return countLines(filepath.Join(p.dir, "telegraf.out")) })
}

// telegraf is Telegraf's configuration.
func telegraf(hub, token string, p *plant) string {
	var s strings.Builder
	fmt.Fprintf(&s, "[agent]\n  interval = \"1s\"\n  flush_interval = \"1s\"\n  omit_hostname = true\n[[outputs.influxdb_v2]]\n  urls = [%q]\n  token = %q\n  organization = \"\"\n  bucket = \"b\"\n", hub, token)
	fmt.Fprintf(&s, "[[outputs.file]]\n  files = [%q]\n  data_format = \"influx\"\n", filepath.Join(p.dir, "telegraf.out"))
	line := ""
	for _, u := range units() {
		if u.line != line {
			line = u.line
			controller := "file://" + filepath.Join(p.dir, line)
			if line == "port" {
				fmt.Fprintf(&s, "[[inputs.modbus]]\n  name = %q\n  controller = \"tcp://%s\"\n", line, p.port)
			} else {
				fmt.Fprintf(&s, "[[inputs.modbus]]\n  name = %q\n  controller = %q\n  baud_rate = 115200\n  parity = \"N\"\n  transmission_mode = \"RTU\"\n", line, controller)
			}
			s.WriteString("  timeout = \"1s\"\n  configuration_type = \"request\"\n") // its own default reads nothing from a serial line
		}
		fmt.Fprintf(&s, "  [[inputs.modbus.request]]\n    slave_id = %d\n    byte_order = \"ABCD\"\n    register = \"holding\"\n    fields = [", u.address)
		for r := range registers {
			fmt.Fprintf(&s, "{address=%d, name=\"m%d\", type=\"UINT16\"}, ", r, r)
		}
		fmt.Fprintf(&s, "]\n    [inputs.modbus.request.tags]\n      device = %q\n", u.id())
	}
	return s.String()
}

func countLines(path string) (n int, err error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); n++ {
	}
	return n, nil
}
