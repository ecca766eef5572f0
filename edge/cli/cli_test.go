package cli

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"gridhub/devices"
	"gridhub/devices/telemetry"
	"gridhub/devices/wire"
	"gridhub/edge/uplink/hubtest"
)

// build compiles the program once per test that runs it as a process.
func build(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "edge")
	if out, err := exec.Command("go", "build", "-o", path, "gridhub/edge").CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	return path
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestKill9 kills the running program several times without warning. At the
// end the hub has every number once given out, without a hole: nothing that
// was made durable is lost, and no number means two things (the hub of the
// test compares repetitions).
func TestKill9(t *testing.T) {
	program := build(t)
	broker := hubtest.StartBroker(t)
	hub := hubtest.New(t, broker.Address(), "edge-1")
	config := street(t, broker.Address())
	const rounds = 5
	for round := range rounds {
		if round == 2 {
			hub.Silence() // a round without acknowledgements leaves all of it to the next
		}
		before := uint64(0)
		hub.Wait("now", func(s hubtest.State) bool { before = s.Upto(wire.Data); return true })
		cmd := exec.Command(program, "run", "--config", config)
		cmd.Stderr = os.Stderr
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		hub.Wait("new readings", func(s hubtest.State) bool { return s.Upto(wire.Data) > before+150 })
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = cmd.Wait()
		hub.Speak()
	}
	cmd := exec.Command(program, "run", "--config", config)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	hub.Wait("a complete stream after the last kill", func(s hubtest.State) bool {
		highest := uint64(0)
		for n := range s.Records(wire.Data) {
			highest = max(highest, n)
		}
		return s.Upto(wire.Data) == highest && highest > (rounds+1)*150
	})
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("a clean stop ended with %v", err)
	}
	hub.Wait("the contents", func(s hubtest.State) bool {
		for n, r := range s.Records(wire.Data) {
			if r.Lost != 0 {
				t.Errorf("number %d was lost: %s", n, r.Cause)
			}
		}
		return true
	})
}

func street(t *testing.T, broker string) string {
	t.Helper()
	dir := t.TempDir()
	profiles, err := filepath.Abs("../../configs/profiles")
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	b.WriteString("lines: [{name: sim, kind: simulated, seed: 3}]\ndevices:\n")
	for i := range 20 {
		fmt.Fprintf(&b, "  - {id: noise-%03d, profile: noise@1, line: sim, period: 100ms}\n", i)
	}
	write(t, filepath.Join(dir, "devices.yaml"), b.String())
	path := filepath.Join(dir, "edge.yaml")
	write(t, path, fmt.Sprintf("data: data\nprofiles: [%s]\ndevices: [devices.yaml]\nhub: {url: \"tcp://%s\", linger: 20ms, resend: 2s}\n", profiles, broker))
	return path
}

// TestCheck runs the command as a person does.
func TestCheck(t *testing.T) {
	program := build(t)
	good := exec.Command(program, "check", "../../configs/edge.yaml", "../../configs/profiles/gas-ch4.yaml", "../../configs/devices/demo.yaml")
	if out, err := good.CombinedOutput(); err != nil || bytes.Count(out, []byte("\n")) != 3 {
		t.Errorf("check of shipped files: %v\n%s", err, out)
	}
	dir := t.TempDir()
	for _, folder := range []string{"profiles", "devices"} {
		if err := os.Mkdir(filepath.Join(dir, folder), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	bad := filepath.Join(dir, "edge.yaml")
	write(t, bad, "id: edge-1\nhub:\n  ulr: ssl://hub:8883\nspool: {keep: 1}\n")
	out, err := exec.Command(program, "check", bad).CombinedOutput()
	exit, ok := err.(*exec.ExitError)
	want := bad + ":3:3: hub.ulr: ssl://hub:8883: not known here, did you mean url?\n" +
		bad + ":4:15: spool.keep: 1: want a duration such as 500ms, 30s, 5m or 1h30m\n"
	if !ok || exit.ExitCode() != 1 || string(out) != want {
		t.Errorf("check: %v\n%swant\n%s", err, out, want)
	}
}

func TestCommandLine(t *testing.T) {
	for _, args := range [][]string{{}, {"rnu"}, {"check"}, {"run", "--config", "nowhere.yaml"}, {"run", "--nonsense"}} {
		var out, errs bytes.Buffer
		if err := Run(t.Context(), args, &out, &errs); err == nil {
			t.Errorf("%v succeeded", args)
		}
	}
	var out bytes.Buffer
	if err := Run(t.Context(), []string{"help"}, &out, &out); err != nil || !strings.Contains(out.String(), "edge check") {
		t.Errorf("help: %v %s", err, out.String())
	}
}

// TestTraining simulates the devices of a file, scans, probes and watches them,
// as an installer does before the real ones are there.
func TestTraining(t *testing.T) {
	dir := t.TempDir()
	profiles, err := filepath.Abs("../../configs/profiles")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(profiles, filepath.Join(dir, "profiles")); err != nil {
		t.Fatal(err)
	}
	plant := "lines: [{name: cabinet, kind: serial, path: " + filepath.Join(dir, "cabinet") + "}]\n" +
		"devices: [{id: climate-1, profile: temperature-humidity@1, line: cabinet, address: 5, period: 200ms}]\n"
	file := filepath.Join(dir, "plant.yaml")
	write(t, file, plant)
	ctx, stop := context.WithCancel(t.Context())
	made := notify{found: make(chan bool, 1), want: "1 devices answer"}
	var group sync.WaitGroup
	defer group.Wait()
	defer stop()
	group.Go(func() {
		if err := Run(ctx, []string{"simulate", "--links", dir, file}, &made, &made); err != nil {
			t.Errorf("simulate: %v", err)
		}
	})
	<-made.found
	for command, want := range map[string]string{
		"scan --baud 9600 --first 5 --last 5 --profiles " + profiles + " " + filepath.Join(dir, "cabinet"): "temperature-humidity@1",
		"scan --baud 9600 --first 5 --last 5 " + filepath.Join(dir, "cabinet"):                             "none is guessed",
		"probe --from 1 --count 2 " + filepath.Join(dir, "cabinet") + " 5":                                 "its input registers",
		"probe --table input --from 1 --count 2 " + filepath.Join(dir, "cabinet") + " 5":                   "input 2",
	} {
		var out bytes.Buffer
		if err := Run(ctx, strings.Fields(command), &out, &out); err != nil || !strings.Contains(out.String(), want) {
			t.Errorf("%s: %v\n%s", command, err, out.String())
		}
	}
	seen := notify{found: make(chan bool, 1), want: "humidity="}
	watching, enough := context.WithCancel(ctx)
	group.Go(func() {
		if err := Run(watching, []string{"watch", file}, &seen, &seen); err != nil {
			t.Errorf("watch: %v", err)
		}
	})
	<-seen.found
	enough()
}

// notify is a writer that tells when it has seen a text.
type notify struct {
	want  string
	found chan bool // capacity 1
	text  strings.Builder
}

func (n *notify) Write(p []byte) (int, error) {
	n.text.Write(p)
	if strings.Contains(n.text.String(), n.want) {
		select {
		case n.found <- true:
		default: // it is known already
		}
	}
	return len(p), nil
}

func TestScreen(t *testing.T) {
	var out bytes.Buffer
	s := screen{out: &out, still: true, rows: map[devices.ID]string{}}
	s.show(wire.Record{Device: "b", Quality: telemetry.Bad, Cause: "timeout"}, false)
	s.show(wire.Record{Device: "a", Values: map[string]float64{"ch4": 45.5}}, true)
	_, last, _ := strings.Cut(out.String()[1:], "\x1b[H\x1b[J")
	if a, b := strings.Index(last, "ch4=45.5  ALARM"), strings.Index(last, "timeout"); a < 0 || b < a {
		t.Errorf("got %q", last)
	}
}
