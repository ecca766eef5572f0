package chain_test

import (
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"gridhub/devices"
	"gridhub/hub/api"
)

// cli runs a subcommand that asks the running gateway.
func (e *edge) cli(args ...string) string {
	e.t.Helper()
	out, err := run(edgeProgram, append(args, "--config", e.config)...)
	if err != nil {
		e.t.Fatalf("edge %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return out
}

// cabinet is one gateway as the hub lists it.
func (s *session) cabinet(id devices.ID) (api.GatewayState, error) {
	var all []api.GatewayState
	if err := s.call("GET", "/api/v1/gateways", nil, &all); err != nil {
		return api.GatewayState{}, err
	}
	for _, g := range all {
		if g.ID == id {
			return g, nil
		}
	}
	return api.GatewayState{}, fmt.Errorf("%s is not listed", id)
}

// loss is how a hub comes to know less than its gateways delivered.
type loss struct {
	early func(h *hub)                   // before the readings
	late  func(h *hub, e *edge) *session // after them, with the hub stopped; it serves again
}

// TestHubLosesReadings takes from a hub what a gateway has delivered and still
// keeps: the hub sees that readings are unexplained, gets them when the gateway
// is asked to offer them again, and then its ledger is even. Asked once more,
// nothing changes.
func TestHubLosesReadings(t *testing.T) {
	for name, l := range map[string]loss{
		"its folder is gone": {
			early: func(*hub) {},
			late: func(h *hub, e *edge) *session {
				if err := os.RemoveAll(filepath.Join(h.dir, "data")); err != nil {
					t.Fatal(err)
				}
				h.serve()
				root := h.claim()
				write(t, filepath.Join(e.dir, "secret"), h.add("gw-1", "gateway")+"\n")
				return root
			},
		},
		"an older copy is put back": {
			early: func(h *hub) {
				h.stop()
				if out, err := exec.Command("cp", "-a", filepath.Join(h.dir, "data"), filepath.Join(h.dir, "copy")).CombinedOutput(); err != nil {
					t.Fatalf("%v\n%s", err, out)
				}
				h.serve()
			},
			late: func(h *hub, _ *edge) *session {
				data := filepath.Join(h.dir, "data")
				if err := os.RemoveAll(data); err != nil {
					t.Fatal(err)
				}
				if err := os.Rename(filepath.Join(h.dir, "copy"), data); err != nil {
					t.Fatal(err)
				}
				h.serve()
				return h.signIn(administrator, password)
			},
		},
	} {
		t.Run(name, func(t *testing.T) { l.happen(t) })
	}
}

func (l loss) happen(t *testing.T) {
	h, _ := open(t, "")
	e := h.gateway("gw-1", simulated("north", busy))
	text, err := os.ReadFile(e.config)
	if err != nil {
		t.Fatal(err)
	}
	write(t, e.config, strings.Replace(string(text), "hub:\n", "hub:\n  encoding: cbor\n", 1)) // the other tests speak JSON
	e.run()
	e.reaches("gridhub_edge_records_total", 100, 1e9)
	l.early(h)
	e.reaches("gridhub_edge_records_total", 300, 1e9)
	e.quieten(simulated("north", calm))
	e.reaches("gridhub_edge_polls_total", plantSize, plantSize)
	eventually(t, "delivery", func() error { _, err := e.delivered(); return err })
	h.stop()
	root := l.late(h, e)
	eventually(t, "what is missing to be seen", func() error {
		if sum := root.ledger("north-1"); sum.Unexplained <= 0 {
			return fmt.Errorf("the ledger says %+v", sum)
		}
		return nil
	})
	numbered, err := e.metric("gridhub_edge_records_total")
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if said := e.cli("resend", "--from", "2020-01-01"); !strings.HasPrefix(said, fmt.Sprintf("%v records", numbered)) {
			t.Errorf("resend says %q, want all %v", said, numbered)
		}
		eventually(t, "the history", func() error { return h.holds(root, int(numbered)) })
	}
	e.stop()
}

// holds reports what is wrong unless the hub has just so many readings of the
// plant, each once, and explains them all.
func (h *hub) holds(s *session, numbered int) error {
	stored, exported := 0, 0
	for i := range plantSize {
		id := fmt.Sprintf("north-%d", i)
		sum := s.ledger(devices.ID(id))
		if sum.Unexplained != 0 || sum.Stored != sum.Polled || sum.Pending != 0 {
			return fmt.Errorf("%s: the ledger says %+v", id, sum)
		}
		stored += int(sum.Stored)
		exported += strings.Count(h.cli("export", "--device", id), "gas,device="+id+" ")
	}
	missing := s.ledger("gw-1").Expired["missing"]
	if stored != numbered || exported != stored || missing != 0 {
		return fmt.Errorf("%d numbered, %d stored, %d exported, %d missing", numbered, stored, exported, missing)
	}
	return nil
}

// TestConfigurationChangesWhileItRuns lets a gateway take over another device
// file on SIGHUP and refuse a wrong one; the hub shows which it runs, and what
// is wrong.
func TestConfigurationChangesWhileItRuns(t *testing.T) {
	h, root := open(t, "")
	e := h.gateway("gw-1", simulated("north", busy))
	e.run()
	var first api.GatewayState
	eventually(t, "the gateway", func() (err error) {
		if first, err = root.cabinet("gw-1"); err == nil && (!first.Online || first.Config == "" || first.Seen == 0) {
			err = fmt.Errorf("listed as %+v", first)
		}
		return err
	})
	if first.Owner != "gateway" || first.Devices != plantSize || !strings.HasPrefix(first.Software, "gridhub edge") {
		t.Errorf("listed as %+v", first)
	}
	eventually(t, "readings of the device that goes", func() error {
		if sum := root.ledger("north-7"); sum.Stored == 0 {
			return fmt.Errorf("%+v", sum)
		}
		return nil
	})
	plant := filepath.Join(e.dir, "plant.yaml")
	write(t, plant, strings.Replace(simulated("north", busy), "gas-ch4@1", "gas-ch4@9", 1))
	if err := e.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the mistake", func() error {
		g, err := root.cabinet("gw-1")
		if err == nil && (!strings.Contains(g.Remark, "plant.yaml:3:") || g.Config != first.Config) {
			err = fmt.Errorf("listed as %+v", g)
		}
		return err
	})
	write(t, plant, strings.ReplaceAll(simulated("north", busy), "north-7", "south-7"))
	if err := e.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the new device, and the end of the old one", func() error {
		g, err := root.cabinet("gw-1")
		if err == nil && (g.Remark != "" || g.Config == first.Config || g.Devices != plantSize || g.Retired != 0) {
			err = fmt.Errorf("listed as %+v", g)
		}
		if sum := root.ledger("south-7"); err == nil && sum.Stored == 0 {
			err = fmt.Errorf("south-7: %+v", sum)
		}
		return err
	})
	e.stop()
	var waiting []api.QuarantineEntry
	if root.get("/api/v1/quarantine", &waiting); len(waiting) != 0 {
		t.Errorf("in quarantine: %+v", waiting)
	}
	e.run() // the account of the whole is told on connect
	eventually(t, "an even ledger", func() error {
		for _, id := range []devices.ID{"north-7", "north-6", "south-7"} {
			if sum := root.ledger(id); sum.Unexplained != 0 || !sum.Told || sum.Stored == 0 {
				return fmt.Errorf("%s: %+v", id, sum)
			}
		}
		return nil
	})
	e.stop()
}

// TestOneGatewayOnOneFolder holds that a second gateway on the same data folder
// refuses with a reason and leaves the first alone.
func TestOneGatewayOnOneFolder(t *testing.T) {
	h, _ := open(t, "")
	e := h.gateway("gw-1", simulated("north", busy))
	e.run()
	e.reaches("gridhub_edge_records_total", 5, 1e9)
	out, err := run(edgeProgram, "run", "--config", e.config)
	if err == nil || !strings.Contains(err.Error()+out, "in use") && !strings.Contains(err.Error()+out, "locked") {
		t.Errorf("a second gateway: %v\n%s", err, out)
	}
	e.reaches("gridhub_edge_records_total", 50, 1e9)
	e.stop()
}

// crowdSize is how many devices fill a spool soon.
const crowdSize = 200

func crowd(prefix string, period time.Duration) string {
	var b strings.Builder
	b.WriteString("lines: [{name: sim, kind: simulated, seed: 3, hazard_every: 20s}]\ndevices:\n")
	for i := range crowdSize {
		fmt.Fprintf(&b, "  - {id: %s-%d, profile: gas-ch4@1, line: sim, period: %s}\n", prefix, i, period)
	}
	return b.String()
}

// TestFullDiskAtTheGateway gives a gateway a disk of 4 MiB and no hub: urgent
// readings are all kept, ordinary ones drop oldest first with a gap that the
// hub is told, and the gateway knows whose they were.
func TestFullDiskAtTheGateway(t *testing.T) {
	h, root := open(t, "")
	e := h.gateway("gw-1", crowd("full", busy))
	data := filepath.Join(e.dir, "data")
	if err := os.Mkdir(data, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount("tmpfs", data, "tmpfs", 0, "size=4m"); err != nil {
		t.Fatalf("a disk of its own: %v", err)
	}
	t.Cleanup(func() {
		e.end(t, syscall.SIGKILL)
		if err := syscall.Unmount(data, 0); err != nil {
			t.Error(err)
		}
	})
	text, err := os.ReadFile(e.config)
	if err != nil {
		t.Fatal(err)
	}
	write(t, e.config, strings.Replace(string(text), "spool: {reserve: 0B}", "spool: {reserve: 1MiB, data: 64MiB, alarm: 64MiB}", 1))
	h.stop()
	e.run()
	eventually(t, "a full disk", func() error {
		if !e.running() {
			t.Fatalf("the gateway ended: %v\n%s", e.err, e.printed())
		}
		if !strings.Contains(e.printed(), "dropped records") {
			var st syscall.Statfs_t
			_ = syscall.Statfs(data, &st)
			n, _ := e.metric("gridhub_edge_records_total")
			return fmt.Errorf("nothing was dropped yet; %d bytes are free, %v readings numbered; it printed:\n%s", st.Bavail*uint64(st.Bsize), n, e.printed())
		}
		return nil
	})
	if refused, err := e.metric("gridhub_edge_refused_total"); err != nil || refused != 0 {
		t.Errorf("%v readings were refused, %v; it printed:\n%s", refused, err, e.printed())
	}
	h.serve()
	root = h.signIn(administrator, password)
	e.quieten(crowd("full", calm))
	eventually(t, "delivery", func() error { _, err := e.delivered(); return err })
	e.quieten(crowd("full", calm)) // it tells its account on connect
	eventually(t, "the account of what was dropped", func() error {
		var lost, unexplained int64
		for i := range crowdSize {
			sum := root.ledger(devices.ID(fmt.Sprintf("full-%d", i)))
			lost += sum.Expired["given-up"]
			unexplained += max(sum.Unexplained, -sum.Unexplained)
		}
		gap := root.ledger("gw-1").Expired["all"]
		if lost == 0 || gap == 0 || unexplained > 0 {
			return fmt.Errorf("%d given up, %d told as gaps, %d unexplained", lost, gap, unexplained)
		}
		return nil
	})
	e.stop()
	if strings.Contains(e.printed(), "panic") {
		t.Errorf("it panicked:\n%s", e.printed())
	}
}

// TestBitFlipAtTheGateway damages a sealed segment of the spool and the hub's
// place in it while the gateway is down: the damaged readings travel as a gap,
// the others arrive, and nothing is stored twice.
func TestBitFlipAtTheGateway(t *testing.T) {
	h, root := open(t, "")
	e := h.gateway("gw-1", crowd("north", busy))
	text, err := os.ReadFile(e.config)
	if err != nil {
		t.Fatal(err)
	}
	write(t, e.config, strings.Replace(string(text), "spool: {reserve: 0B}", "spool: {reserve: 0B, data: 1MiB}", 1)) // small segments
	e.run()
	e.reaches("gridhub_edge_records_total", 1, 1e9)
	h.stop()
	segments := func() []string {
		all, err := filepath.Glob(filepath.Join(e.dir, "data", "data", "*.seg"))
		if err != nil {
			t.Fatal(err)
		}
		return all
	}
	eventually(t, "a sealed segment", func() error {
		if n := len(segments()); n < 2 {
			return fmt.Errorf("%d segments in %v", n, listing(t, filepath.Join(e.dir, "data")))
		}
		return nil
	})
	e.end(t, syscall.SIGKILL)
	flip(t, segments()[0])
	cursor := filepath.Join(e.dir, "data", "data", "cursors", "hub.cur")
	write(t, cursor, "nonsense")
	h.serve()
	root = h.signIn(administrator, password)
	e.run()
	e.reaches("gridhub_edge_records_total", 1, 1e9)
	e.quieten(crowd("north", calm))
	eventually(t, "delivery", func() error { _, err := e.delivered(); return err })
	e.quieten(crowd("north", calm))
	e.reaches("gridhub_edge_polls_total", crowdSize, crowdSize)
	eventually(t, "the ledger", func() error {
		var sum api.LedgerHour
		for i := range crowdSize {
			s := root.ledger(devices.ID(fmt.Sprintf("north-%d", i)))
			sum.Polled, sum.Stored, sum.Unexplained = sum.Polled+s.Polled, sum.Stored+s.Stored, sum.Unexplained+s.Unexplained
		}
		numbered, err := e.metric("gridhub_edge_records_total")
		gap := root.ledger("gw-1").Expired["all"]
		if err == nil && (gap == 0 || float64(sum.Stored+gap) != numbered || sum.Unexplained != 0) {
			err = fmt.Errorf("%+v, and %d told as gaps of %v", sum, gap, numbered)
		}
		return err
	})
	e.stop()
}

// flip turns one bit in the middle of a file.
func flip(t *testing.T, path string) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	b[len(b)/4] ^= 1
	write(t, path, string(b))
}

func listing(t *testing.T, dir string) (all []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		all = append(all, path)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// TestOneGatewayOnOnePort holds that a second gateway on the same serial port
// says that it is in use, and that the first reads on undisturbed.
func TestOneGatewayOnOnePort(t *testing.T) {
	h, root := open(t, "")
	dir := t.TempDir()
	if err := os.Symlink(configs(t, "profiles"), filepath.Join(dir, "profiles")); err != nil {
		t.Fatal(err)
	}
	port := filepath.Join(dir, "cabinet")
	plant := func(prefix string) string {
		return fmt.Sprintf("lines: [{name: cabinet, kind: serial, path: %s}]\ndevices: [{id: %s-1, profile: temperature-humidity@1, line: cabinet, address: 5, period: 200ms}]\n", port, prefix)
	}
	write(t, filepath.Join(dir, "plant.yaml"), plant("first"))
	launch(t, filepath.Join(dir, "slaves.log"), edgeProgram, "simulate", "--links", dir, filepath.Join(dir, "plant.yaml"))
	eventually(t, "the slave", func() error { _, err := os.Stat(port); return err })
	first, second := h.gateway("gw-1", plant("first")), h.gateway("gw-2", plant("second"))
	first.run()
	read := func(n int64) func() error {
		return func() error {
			if sum := root.ledger("first-1"); sum.Stored < n || len(root.series("first-1", "temperature")) < int(n) {
				return fmt.Errorf("%+v", sum)
			}
			return nil
		}
	}
	eventually(t, "readings of the first", read(3))
	second.run()
	eventually(t, "the second's refusal", func() error {
		if log := second.printed(); !strings.Contains(log, "another program has the serial port") || !strings.Contains(log, port) {
			return fmt.Errorf("it printed:\n%s", log)
		}
		return nil
	})
	eventually(t, "more readings of the first", read(20))
	if n := len(root.series("second-1", "temperature")); n != 0 {
		t.Errorf("the second read %d values", n)
	}
	first.stop()
	second.stop()
}
