package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"gridhub/scripts/rig"
)

const (
	measurement = "gas"
	payload     = `{"v":1,"at":{at},"values":{"temp":{x},"hum":{y}}}`
)

// A system is what stands between the clients and the database: its programs,
// where they take messages, and the load's further flags.
type system struct {
	programs []*rig.Program
	address  string
	load     []string
	hub      *rig.Hub // nil for the peer
}

func (s system) stop() {
	for _, p := range s.programs {
		p.Stop()
	}
}

// A side is who takes turns.
type side struct {
	name  string
	start func(ctx context.Context, p plan, dir string, in *rig.Influx) (system, error)
}

var sides = [2]side{{"ours", startOurs}, {"peer", startPeer}}

func startOurs(ctx context.Context, p plan, dir string, in *rig.Influx) (system, error) {
	h, err := rig.StartHub(ctx, p.bin, dir, rig.InfluxHistory(in))
	if err != nil {
		return system{}, err
	}
	secrets := filepath.Join(dir, "secrets")
	s := system{programs: []*rig.Program{h.Program}, address: h.MQTT, load: []string{"-passwords", secrets}, hub: h}
	if err := h.RegisterMany(ctx, p.connections, "t", measurement, secrets); err != nil {
		s.stop()
		return system{}, err
	}
	return s, nil
}

func startPeer(ctx context.Context, _ plan, dir string, in *rig.Influx) (system, error) {
	m, err := rig.StartMosquitto(ctx, dir)
	if err != nil {
		return system{}, err
	}
	t, err := rig.StartTelegraf(ctx, dir, m, in, measurement)
	if err != nil {
		m.Stop()
		return system{}, err
	}
	return system{programs: []*rig.Program{t, m.Program}, address: m.MQTT}, nil
}

// A turn is one run of one side.
type turn struct {
	took  time.Duration // from the first message until all can be queried
	acked time.Duration // until all are acknowledged
	cpu   time.Duration // of the system between clients and database
	parts []string      // the same for each of its programs
	lost  int
	sent  int
	busy  string // load average afterwards
}

func (t turn) perSecond() float64 { return float64(t.sent-t.lost) / t.took.Seconds() }

// perMessage is processor time in microseconds.
func (t turn) perMessage() float64 { return float64(t.cpu.Microseconds()) / float64(t.sent) }

func (t turn) String() string {
	return fmt.Sprintf("%.2f s (acknowledged after %.2f s), %.0f messages/s, %.1f µs of processor per message (%s), %d lost, load average %s",
		t.took.Seconds(), t.acked.Seconds(), t.perSecond(), t.perMessage(), strings.Join(t.parts, ", "), t.lost, t.busy)
}

// turn runs one side from an empty database.
func (p plan) turn(ctx context.Context, s side, name string) (t turn, err error) {
	dir := filepath.Join(p.dir, name)
	if err := os.Mkdir(dir, 0o700); err != nil {
		return t, err
	}
	defer os.RemoveAll(dir)
	in, err := rig.StartInflux(ctx, dir)
	if err != nil {
		return t, err
	}
	defer in.Stop()
	sys, err := s.start(ctx, p, dir, in)
	if err != nil {
		return t, err
	}
	defer sys.stop()
	if p.profile != "" && sys.hub != nil {
		done := sys.hub.Profile(ctx, p.profile)
		defer func() { err = errors.Join(err, done()) }()
	}
	return p.measure(ctx, sys, in)
}

func (p plan) measure(ctx context.Context, sys system, in *rig.Influx) (t turn, err error) {
	before, err := sys.used()
	if err != nil {
		return t, err
	}
	began := time.Now()
	args := append([]string{"-address", sys.address, "-connections", strconv.Itoa(p.connections), "-messages", strconv.Itoa(p.messages),
		"-window", strconv.Itoa(p.window), "-payload", payload, "-from", strconv.FormatInt(began.UnixMilli()-int64(p.messages/p.connections), 10)}, sys.load...)
	if _, err := rig.Load(ctx, p.bin, args...); err != nil {
		return t, err
	}
	t = turn{sent: p.messages, acked: time.Since(began)}
	stored, err := settled(ctx, in, p.messages)
	if err != nil {
		return t, err
	}
	t.took, t.lost, t.busy = time.Since(began), p.messages-stored, rig.LoadAverage()
	after, err := sys.used()
	if err != nil {
		return t, err
	}
	for i, p := range sys.programs {
		part := after[i] - before[i]
		t.cpu += part
		t.parts = append(t.parts, fmt.Sprintf("%s %v", p.Name(), part))
	}
	return t, nil
}

// used is the processor time of each program so far.
func (s system) used() ([]time.Duration, error) {
	all := make([]time.Duration, len(s.programs))
	var errs []error
	for i, p := range s.programs {
		var err error
		all[i], err = p.CPU()
		errs = append(errs, err)
	}
	return all, errors.Join(errs...)
}

// patience is how long nothing new may come before the rest counts as lost.
const patience = 20 * time.Second

// settled waits until the database has all, or nothing more comes, and returns
// how many it has.
func settled(ctx context.Context, in *rig.Influx, want int) (int, error) {
	have, since := -1, time.Now()
	for {
		n, err := in.Count(ctx, measurement, "hum")
		if err != nil || n >= want {
			return n, err
		}
		if n > have {
			have, since = n, time.Now()
		}
		if time.Since(since) > patience {
			return n, nil
		}
		select {
		case <-time.After(50 * time.Millisecond):
		case <-ctx.Done():
			return n, ctx.Err()
		}
	}
}

// result is the last line. Ratios above 1 are good for throughput, below 1 for
// the processor.
type result struct {
	Bench           string  `json:"bench"`
	Ours            float64 `json:"ours_per_s"`
	Peer            float64 `json:"peer_per_s"`
	ThroughputRatio float64 `json:"throughput_ratio"`
	OursCPU         float64 `json:"ours_cpu_us"`
	PeerCPU         float64 `json:"peer_cpu_us"`
	CPURatio        float64 `json:"cpu_ratio"`
	Lost            int     `json:"lost"` // of ours
	PeerLost        int     `json:"peer_lost"`
	Messages        int     `json:"messages"`
	Load            string  `json:"load_average"`
}

func summarise(ours, peer []turn) result {
	r := result{Bench: "ingest", Messages: ours[0].sent, Load: rig.LoadAverage(),
		Ours: median(ours, turn.perSecond), Peer: median(peer, turn.perSecond),
		OursCPU: median(ours, turn.perMessage), PeerCPU: median(peer, turn.perMessage)}
	r.ThroughputRatio, r.CPURatio = round(r.Ours/r.Peer, 100), round(r.OursCPU/r.PeerCPU, 1000)
	r.Ours, r.Peer, r.OursCPU, r.PeerCPU = round(r.Ours, 1), round(r.Peer, 1), round(r.OursCPU, 100), round(r.PeerCPU, 100)
	for i := range ours {
		r.Lost += ours[i].lost
		r.PeerLost += peer[i].lost
	}
	return r
}

func median(all []turn, of func(turn) float64) float64 {
	v := make([]float64, len(all))
	for i, t := range all {
		v[i] = of(t)
	}
	slices.Sort(v)
	return (v[(len(v)-1)/2] + v[len(v)/2]) / 2
}

// round keeps 1/unit.
func round(v float64, unit float64) float64 { return float64(int64(v*unit+0.5)) / unit }
