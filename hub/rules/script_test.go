package rules_test

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"gridhub/configs"
	"gridhub/devices"
	"gridhub/devices/telemetry"
	"gridhub/devices/wire"
	"gridhub/hub/rules"
)

// A script tells what a device measured and what must follow:
//
//	at 2m ch4{gas-1} 25          a point of device gas-1, two minutes after the start
//	expect raised methane since 1m
//	expect nothing
//	maintain gas-1 from 1m until 5m    somebody works on it
//	filed gas-1 true at 1m             its gateway's file says so
//
// After each point, all transitions must be expected before the next point.
type script struct {
	t       *testing.T
	engine  *rules.Engine
	rules   []rules.Rule
	pending []rules.Transition
	line    int
	reload  bool // save and restore the state before every point
}

const start = telemetry.Millis(1_763_900_000_000)

func TestScripts(t *testing.T) {
	files, err := filepath.Glob("testdata/*.script")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	for _, f := range files {
		for _, reload := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/reload=%v", filepath.Base(f), reload), func(t *testing.T) { run(t, f, reload) })
		}
	}
}

func run(t *testing.T, file string, reload bool) {
	var set struct {
		Rules []rules.Rule `yaml:"rules"`
	}
	if err := configs.ReadFile("testdata/rules.yaml", &set); err != nil {
		t.Fatal(err)
	}
	e, err := rules.New(set.Rules)
	if err != nil {
		t.Fatal(err)
	}
	s := &script{t: t, engine: e, rules: set.Rules, reload: reload}
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for in := bufio.NewScanner(f); in.Scan(); {
		s.line++
		s.obey(strings.Fields(strings.SplitN(in.Text(), "#", 2)[0]))
	}
	s.drained()
}

func (s *script) obey(w []string) {
	s.t.Helper()
	switch {
	case len(w) == 0:
	case w[0] == "at" && len(w) == 4:
		s.drained()
		s.point(w[1], w[2], w[3])
	case w[0] == "maintain" && len(w) == 6:
		s.drained()
		s.engine.Maintain(devices.ID(w[1]), s.offset(w[3]), s.offset(w[5]))
	case w[0] == "filed" && len(w) == 5:
		s.drained()
		s.engine.Describe(&wire.Stock{Devices: []wire.Entry{{ID: devices.ID(w[1]), Maintenance: w[2] == "true"}}}, s.offset(w[4]))
	case w[0] == "expect" && len(w) == 2 && w[1] == "nothing":
		s.drained()
	case w[0] == "expect" && len(w) == 5:
		s.expect(w[1], w[2], w[4])
	default:
		s.t.Fatalf("line %d: cannot read %q", s.line, w)
	}
}

func (s *script) drained() {
	s.t.Helper()
	if len(s.pending) > 0 {
		s.t.Fatalf("before line %d: unexpected %+v", s.line, s.pending)
	}
}

func (s *script) offset(text string) telemetry.Millis {
	d, err := time.ParseDuration(text)
	if err != nil {
		s.t.Fatalf("line %d: %v", s.line, err)
	}
	return start.Add(d)
}

func (s *script) point(at, subject, value string) {
	metric, device, _ := strings.Cut(strings.TrimSuffix(subject, "}"), "{")
	v, err := strconv.ParseFloat(value, 64)
	if err != nil {
		s.t.Fatalf("line %d: %v", s.line, err)
	}
	if s.reload {
		s.restart()
	}
	s.pending = s.engine.Step(&telemetry.Point{Device: devices.ID(device), Kind: "gas", At: s.offset(at),
		Fields: []telemetry.Field{{Metric: metric, Value: v}}})
}

// restart brings the engine back from its saved state, as after a crash.
func (s *script) restart() {
	saved, err := s.engine.State()
	if err != nil {
		s.t.Fatal(err)
	}
	if s.engine, err = rules.New(s.rules); err != nil {
		s.t.Fatal(err)
	}
	if err := s.engine.Restore(saved); err != nil {
		s.t.Fatal(err)
	}
}

func (s *script) expect(what, rule, since string) {
	s.t.Helper()
	if len(s.pending) == 0 {
		s.t.Fatalf("line %d: want %s %s, nothing happened", s.line, what, rule)
	}
	got := s.pending[0]
	s.pending = s.pending[1:]
	if got.What != what || got.Hazard.Rule != rule || got.Hazard.Since != s.offset(since) {
		s.t.Fatalf("line %d: got %s %s since %s, want %s %s since %s", s.line, got.What, got.Hazard.Rule,
			got.Hazard.Since.Sub(start), what, rule, since)
	}
	if want := rules.HazardFor(rule, got.Hazard.Device, got.Hazard.Since); got.Hazard.ID != want {
		s.t.Errorf("line %d: id %s, want %s", s.line, got.Hazard.ID, want)
	}
}
