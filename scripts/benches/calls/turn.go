package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"gridhub/scripts/rig"
)

const sigterm = syscall.SIGTERM

// A server is a running side.
type server struct {
	*rig.Program
	address string // of its door
	secret  string // LiveKit's
}

// A side is who forwards.
type side struct {
	name  string
	start func(ctx context.Context, dir string) (server, error)
}

// sides take turns in this order.
var sides = []side{
	{"ours", func(ctx context.Context, dir string) (server, error) { return child(ctx, dir, "ours") }},
	{"livekit", startLiveKit},
	{"plain", func(ctx context.Context, dir string) (server, error) { return child(ctx, dir, "plain") }},
}

// child starts a server that is a role of this program.
func child(ctx context.Context, dir, role string) (server, error) {
	p, address, err := rig.StartListening(ctx, dir, role, self(), func(address string) []string {
		return []string{"-role", role, "-spec", address}
	})
	return server{Program: p, address: address}, err
}

func startLiveKit(ctx context.Context, dir string) (server, error) {
	l, err := rig.StartLiveKit(ctx, dir)
	if err != nil {
		return server{}, err
	}
	return server{Program: l.Program, address: l.HTTP, secret: l.Secret}, nil
}

// A task is what the process of the clients is to do.
type task struct {
	Side    string
	Address string
	Secret  string
	PID     int // of the server

	Viewers int
	Watch   time.Duration
	Loss    float64 // of the packets on their way to a viewer
	Joins   int
	Accepts int
	Profile string // file
}

// seen is what it reports.
type seen struct {
	Packets int64         // that reached viewers while it measured
	CPU     time.Duration // of the server, meanwhile
	RSSKB   int           // of the server, afterwards
	FirstMS []int64       // from the wish until the first key frame (or sound), sorted
	Dropped int64         // on purpose, the first time they came
	Missing int64         // and for good
	Leaked  int           // goroutines
	GrownKB int
}

func (v seen) perPacket() float64 {
	return float64(v.CPU.Microseconds()) / float64(max(1, v.Packets))
}
func (v seen) megabytes() float64 { return float64(v.RSSKB) / 1024 }
func (v seen) repaired() float64 {
	return 100 * (1 - float64(v.Missing)/float64(max(1, v.Dropped)))
}

// at is a percentile of FirstMS.
func (v seen) at(percent int) int64 {
	if len(v.FirstMS) == 0 {
		return 0
	}
	return v.FirstMS[min(len(v.FirstMS)-1, len(v.FirstMS)*percent/100)]
}

func (v seen) String() string {
	return fmt.Sprintf("%.1f µs of processor per packet (%d packets), %.0f MB, first key frame p50 %d ms, p95 %d ms, load average %s",
		v.perPacket(), v.Packets, v.megabytes(), v.at(50), v.at(95), rig.LoadAverage())
}

// turn starts the side, lets clients do t, and stops it.
func (p plan) turn(ctx context.Context, s side, t task) (v seen, err error) {
	dir, err := os.MkdirTemp(p.dir, s.name+"-")
	if err != nil {
		return v, err
	}
	srv, err := s.start(ctx, dir)
	if err != nil {
		return v, err
	}
	defer srv.Stop()
	t.Side, t.Address, t.Secret, t.PID = s.name, srv.address, srv.secret, srv.PID()
	if s.name == "ours" && t.Viewers == judged {
		t.Profile = p.profile
	}
	return clients(ctx, dir, t)
}

// clients runs the process of the clients.
func clients(ctx context.Context, dir string, t task) (v seen, err error) {
	spec, err := json.Marshal(t)
	if err != nil {
		return v, err
	}
	cmd := exec.CommandContext(ctx, self(), "-role", "clients", "-spec", string(spec))
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		logs, _ := filepath.Glob(filepath.Join(dir, "*.log"))
		for _, l := range logs {
			b, _ := os.ReadFile(l)
			said.Write(b[max(0, len(b)-2000):])
		}
		return v, fmt.Errorf("clients: %w\n%s", err, said.Bytes())
	}
	err = json.Unmarshal(out, &v)
	slices.Sort(v.FirstMS)
	return v, err
}

// result is the last line: all at 50 viewers unless it says otherwise.
type result struct {
	Bench           string  `json:"bench"`
	PerPacket       float64 `json:"us_per_packet"`
	RSS             float64 `json:"rss_mb"`
	KeyFrame        int64   `json:"keyframe_p95_ms"`
	LiveKit         float64 `json:"livekit_us_per_packet"`
	LiveKitRSS      float64 `json:"livekit_rss_mb"`
	LiveKitKeyFrame int64   `json:"livekit_keyframe_p95_ms"`
	Plain           float64 `json:"plain_us_per_packet"`
	PlainRSS        float64 `json:"plain_rss_mb"`
	PlainKeyFrame   int64   `json:"plain_keyframe_p95_ms"`
	Repaired        float64 `json:"repaired_percent"` // of 2 % loss, 10 viewers
	LiveKitRepaired float64 `json:"livekit_repaired_percent"`
	Accept          int64   `json:"accept_to_sound_ms"` // p50
	AcceptP95       int64   `json:"accept_to_sound_p95_ms"`
	Leaked          int     `json:"leaked_goroutines"`
	GrownMB         float64 `json:"grown_mb"`
	Load            string  `json:"load_average"`
}

func summarise(all map[string][]seen) result {
	ours, peer, plain := all["ours"], all["livekit"], all["plain"]
	keyFrame := func(v seen) float64 { return float64(v.at(95)) }
	return result{Bench: "calls",
		PerPacket: median(ours, seen.perPacket), RSS: median(ours, seen.megabytes), KeyFrame: int64(median(ours, keyFrame)),
		LiveKit: median(peer, seen.perPacket), LiveKitRSS: median(peer, seen.megabytes), LiveKitKeyFrame: int64(median(peer, keyFrame)),
		Plain: median(plain, seen.perPacket), PlainRSS: median(plain, seen.megabytes), PlainKeyFrame: int64(median(plain, keyFrame))}
}

// median keeps one decimal.
func median(all []seen, of func(seen) float64) float64 {
	v := make([]float64, len(all))
	for i, t := range all {
		v[i] = of(t)
	}
	slices.Sort(v)
	return round((v[(len(v)-1)/2]+v[len(v)/2])/2, 10)
}

// round keeps 1/unit.
func round(v, unit float64) float64 { return float64(int64(v*unit+0.5)) / unit }
