package chain_test

import (
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"gridhub/hub/health"
	"gridhub/hub/live"
)

// serialStreet is a line of meters on a serial port and a simulated one beside.
const serialStreet = `
lines:
  - {name: bus, kind: serial, path: %s, timeout: 100ms}
  - {name: sim, kind: simulated, seed: 5}
devices:
  - {id: meter-1, profile: electricity-sdm630@1, line: bus, address: 1, period: 1s}
  - {id: meter-2, profile: electricity-sdm630@1, line: bus, address: 2, period: 1s}
  - {id: meter-3, profile: electricity-sdm630@1, line: bus, address: 3, period: 1s}
  - {id: meter-4, profile: electricity-sdm630@1, line: bus, address: 4, period: 1s}
  - {id: noise-1, profile: noise@1, line: sim, period: 1s}
`

// longPatience covers what the hub waits on purpose before it calls a gateway
// lost.
const longPatience = 3 * patience

// wires is a simulated bus: stopped it is silent, killed its port is gone.
type wires struct {
	dir string
	*process
}

func (w *wires) path() string { return filepath.Join(w.dir, "bus") }

// plug makes the port; each time it is another device behind the same name.
func (w *wires) plug(t *testing.T) {
	_ = os.Symlink(configs(t, "profiles"), filepath.Join(w.dir, "profiles")) // there from the second time on
	plant := filepath.Join(w.dir, "plant.yaml")
	write(t, plant, fmt.Sprintf(serialStreet, w.path()))
	w.process = launch(t, filepath.Join(w.dir, "simulate.log"), edgeProgram, "simulate", "-links", w.dir, plant)
	eventually(t, "the port", func() error {
		_, err := os.Stat(w.path())
		return err
	})
}

// cpu is how long the gateway's program has computed (proc_pid_stat(5)).
func (e *edge) cpu() time.Duration {
	e.t.Helper()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", e.cmd.Process.Pid))
	if err != nil {
		e.t.Fatal(err)
	}
	rest := strings.Fields(string(b[strings.LastIndexByte(string(b), ')')+1:]))
	var user, system int64
	if _, err := fmt.Sscan(rest[11]+" "+rest[12], &user, &system); err != nil {
		e.t.Fatal(err)
	}
	return time.Duration(user+system) * time.Second / 100
}

// faults are those that last, in short.
func (s *session) faults(open bool) (all []health.Outage) {
	s.t.Helper()
	s.get("/api/v1/faults?"+url.Values{"open": {fmt.Sprint(open)}}.Encode(), &all)
	return all
}

func inShort(f health.Outage) string {
	return fmt.Sprintf("%s %s/%s%s x%d", f.Cause, f.Subject.Gateway, f.Subject.Line, f.Subject.Device, len(f.Devices))
}

// until waits for exactly these open faults.
func (s *session) until(want ...string) (all []health.Outage) {
	s.t.Helper()
	var got []string
	for end := time.Now().Add(longPatience); time.Now().Before(end); <-time.After(100 * time.Millisecond) {
		got, all = nil, s.faults(true)
		for _, f := range all {
			got = append(got, inShort(f))
		}
		if fmt.Sprint(got) == fmt.Sprint(want) {
			return all
		}
	}
	s.t.Fatalf("open faults are %q, want %q", got, want)
	return nil
}

// TestOneFaultForEachBreak cuts a bus, pulls its port, and kills the gateway,
// with the real programs: each is one fault with its cause, and none is left
// when all is well again.
func TestOneFaultForEachBreak(t *testing.T) {
	bus := &wires{dir: t.TempDir()}
	bus.plug(t)
	h := prepare(t, "")
	h.serve()
	root := h.claim()
	feed := root.watch()
	gw := h.gateway("gw-1", fmt.Sprintf(serialStreet, bus.path()))
	gw.run()
	read := func(what string) {
		t.Helper()
		eventually(t, what, func() error {
			var all []live.DeviceState
			root.get("/api/v1/devices", &all)
			well := 0
			for _, d := range all {
				if d.Quality == "good" && d.Heard > 0 && d.Fault == "" {
					well++
				}
			}
			if well != 5 {
				return fmt.Errorf("%d devices are well: %+v", well, all)
			}
			return nil
		})
	}
	read("all devices")
	root.until()

	if err := bus.cmd.Process.Signal(syscall.SIGSTOP); err != nil { // nobody on the bus answers
		t.Fatal(err)
	}
	silent := root.until("line gw-1/bus x4")[0]
	if !strings.Contains(silent.Why[0].EN, "none of the devices") || silent.Next[0].ZH == "" {
		t.Errorf("a silent bus: %+v", silent)
	}
	eventually(t, "the fault on the screens", func() error { return feed.has("fault", silent.ID, "gw-1") })
	if err := bus.cmd.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	root.until()

	began, used := time.Now(), gw.cpu()
	bus.end(t, syscall.SIGKILL) // the adapter is pulled out
	gone := root.until("line gw-1/bus x4")[0]
	t.Logf("port gone: known at the hub after %v", time.Since(began))
	<-time.After(3 * time.Second) // a port that is gone must not be asked without pause
	share := float64(gw.cpu()-used) / float64(time.Since(began))
	t.Logf("the gateway takes %.1f %% of a processor meanwhile", 100*share)
	if share > 0.3 {
		t.Errorf("the gateway spins while its port is gone: %.0f %% of a processor", 100*share)
	}
	if !strings.Contains(gone.Why[0].EN, "is not there") {
		t.Errorf("a pulled adapter: %+v", gone)
	}
	_ = os.Remove(bus.path())
	bus.plug(t) // it comes back as another device behind its name
	root.until()
	read("all devices after the adapter was plugged in again")

	gw.end(t, syscall.SIGKILL)
	lost := root.until("uplink gw-1/ x5")[0]
	gw.run()
	root.until()
	read("all devices after the gateway was started again")
	eventually(t, "why the gateway was away", func() error { // it says how long it has run after it is there
		for _, f := range root.faults(false) {
			if f.ID == lost.ID && (f.Cause != health.Gateway || f.Was != health.Uplink || f.Until == 0) {
				return fmt.Errorf("a killed gateway that returned: %+v", f)
			}
		}
		return nil
	})
	for _, f := range root.faults(false) {
		if f.Subject.Device != "" {
			t.Errorf("a sensor was called broken: %+v", f)
		}
	}
	gw.stop()
	h.stop()
}
