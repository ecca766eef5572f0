package gateway

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"gridhub/devices"
	"gridhub/devices/wire"
	"gridhub/edge/uplink/hubtest"
)

// plantOf is a device file with simulated lines: name -> devices.
func plantOf(lines map[string][]string) string {
	var b strings.Builder
	b.WriteString("lines:\n")
	for _, name := range slices.Sorted(keys(lines)) {
		fmt.Fprintf(&b, "  - {name: %s, kind: simulated, seed: 7}\n", name)
	}
	b.WriteString("devices:\n")
	for _, name := range slices.Sorted(keys(lines)) {
		for _, id := range lines[name] {
			fmt.Fprintf(&b, "  - {id: %s, profile: gas-ch4@1, line: %s, period: 100ms}\n", id, name)
		}
	}
	return b.String()
}

func keys(m map[string][]string) func(func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

// job is a gateway at work in this process.
type job struct {
	t     *testing.T
	cfg   Config
	log   *bytes.Buffer // to be read after stop
	g     *Gateway
	stop  func()
	files string // where its device file lies
}

func work(t *testing.T, cfg Config) *job {
	t.Helper()
	j := &job{t: t, cfg: cfg, log: new(bytes.Buffer), files: filepath.Join(cfg.dir, "devices.yaml")}
	var err error
	if j.g, err = New(cfg, slog.New(slog.NewTextHandler(j.log, nil))); err != nil {
		t.Fatal(err)
	}
	j.g.lookEvery = 10 * time.Millisecond
	ctx, cancel := context.WithCancel(context.Background())
	var group sync.WaitGroup
	group.Go(func() {
		if err := j.g.Run(ctx); err != nil {
			t.Errorf("run: %v", err)
		}
	})
	j.stop = func() { cancel(); group.Wait() }
	t.Cleanup(j.stop)
	return j
}

func (j *job) workers() map[string]*worker {
	all := map[string]*worker{}
	for _, w := range j.g.crew.all() {
		all[w.Name()] = w
	}
	return all
}

// names lists an inventory; a retired device has a minus.
func names(s wire.Stock) string {
	var all []string
	for _, e := range s.Devices {
		if e.Retired {
			e.ID = "-" + e.ID
		}
		all = append(all, string(e.ID))
	}
	return strings.Join(all, " ")
}

func has(s hubtest.State, id devices.ID) bool {
	for _, r := range s.Records(wire.Data) {
		if r.Device == id {
			return true
		}
	}
	return false
}

// TestReload changes one line of two, while the hub acknowledges nothing: the
// other line is not touched, the new device's inventory comes before its first
// record (hubtest looks), and the removed device stays in the inventory until
// its last record is acknowledged.
func TestReload(t *testing.T) {
	broker := hubtest.StartBroker(t)
	hub := hubtest.New(t, broker.Address(), "edge-1")
	hub.Strict()
	cfg := street(t, broker.Address(), 1, "")
	write(t, filepath.Join(cfg.dir, "devices.yaml"), plantOf(map[string][]string{"a": {"a-1", "a-2"}, "b": {"b-1"}}))
	j := work(t, cfg)
	hub.Wait("all devices", func(s hubtest.State) bool { return has(s, "a-1") && has(s, "a-2") && has(s, "b-1") })
	before := j.workers()
	config := j.g.running().config
	hub.Silence()
	write(t, j.files, plantOf(map[string][]string{"a": {"a-1", "a-3"}, "b": {"b-1"}}))
	hub.Wait("the new device", func(s hubtest.State) bool { return has(s, "a-3") })
	after := j.workers()
	if before["b"] != after["b"] || before["a"] == after["a"] {
		t.Error("want line a anew, line b untouched")
	}
	hub.Wait("the inventory", func(s hubtest.State) bool {
		return names(s.Stock()) == "a-1 a-3 b-1 -a-2" && s.Stock().Config != config && s.Stock().Owner == "gateway" && s.Stock().Software != ""
	})
	hub.Speak()
	hub.Wait("the end of a-2", func(s hubtest.State) bool { return names(s.Stock()) == "a-1 a-3 b-1" })
	j.stop()
	// What was issued and what came agree, device by device.
	second := work(t, cfg)
	hub.Wait("the whole account", func(s hubtest.State) bool {
		count := map[devices.ID]uint64{}
		for _, stream := range []string{wire.Data, wire.Alarm} {
			for _, r := range s.Records(stream) {
				count[r.Device]++
			}
		}
		a := s.Account("a-2")
		return count["a-2"] > 0 && a.Polled == count["a-2"] && a.Lost == 0
	})
	second.stop()
}

// TestRemovedWhileNothingRan holds that a device which went away between two
// runs is named on until the hub has its records.
func TestRemovedWhileNothingRan(t *testing.T) {
	broker := hubtest.StartBroker(t)
	hub := hubtest.New(t, broker.Address(), "edge-1")
	hub.Strict()
	hub.Silence()
	cfg := street(t, broker.Address(), 1, "")
	write(t, filepath.Join(cfg.dir, "devices.yaml"), plantOf(map[string][]string{"a": {"a-1", "a-2"}}))
	first := work(t, cfg)
	hub.Wait("both", func(s hubtest.State) bool { return has(s, "a-1") && has(s, "a-2") })
	first.stop()
	write(t, first.files, plantOf(map[string][]string{"a": {"a-1"}}))
	work(t, cfg)
	hub.Wait("the retired device", func(s hubtest.State) bool { return names(s.Stock()) == "a-1 -a-2" })
	hub.Speak()
	hub.Wait("the end of a-2", func(s hubtest.State) bool { return names(s.Stock()) == "a-1" })
}

// TestReloadKeepsTheOld holds that files that are not sound change nothing, and
// that the log, the page, the caller and the hub get every place.
func TestReloadKeepsTheOld(t *testing.T) {
	broker := hubtest.StartBroker(t)
	hub := hubtest.New(t, broker.Address(), "edge-1")
	hub.Strict()
	cfg := street(t, broker.Address(), 1, "http: {address: \"127.0.0.1:0\"}\n")
	sound := plantOf(map[string][]string{"a": {"a-1"}, "b": {"b-1"}})
	write(t, filepath.Join(cfg.dir, "devices.yaml"), sound)
	j := work(t, cfg)
	before := j.workers()
	hub.Wait("both", func(s hubtest.State) bool { return has(s, "a-1") && has(s, "b-1") })
	wrong, err := os.ReadFile("testdata/wrong/devices/devices.yaml")
	if err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile("testdata/wrong/devices/want.txt")
	if err != nil {
		t.Fatal(err)
	}
	write(t, j.files, string(wrong))
	got := strings.ReplaceAll(fmt.Sprint(j.g.Reload()), cfg.dir+"/", "") + "\n"
	if got != string(want) {
		t.Errorf("reload says\n%swant\n%s", got, want)
	}
	var page struct {
		OK       bool
		Config   string
		Problems []string `json:"config_problems"`
	}
	if err := json.Unmarshal([]byte(get(t, j.g.Address(), "/healthz")), &page); err != nil || !page.OK || len(page.Problems) != strings.Count(string(want), "\n") {
		t.Errorf("the page says %+v, %v", page, err)
	}
	hub.Wait("the first problem", func(s hubtest.State) bool {
		cause := s.Presence()[len(s.Presence())-1].Cause
		return strings.Contains(cause, "devices.yaml:2:51: lines[0].boud") && strings.Contains(cause, "4 more") && s.Stock().Config == page.Config
	})
	if after := j.workers(); after["a"] != before["a"] || after["b"] != before["b"] {
		t.Error("a line was touched")
	}
	write(t, j.files, sound)
	hub.Wait("all well again", func(s hubtest.State) bool { return s.Presence()[len(s.Presence())-1].Cause == "" })
	j.stop()
	for _, line := range strings.Split(strings.TrimSpace(string(want)), "\n") {
		if place, _, _ := strings.Cut(line, " "); !strings.Contains(j.log.String(), place) {
			t.Errorf("the log lacks %s", place)
		}
	}
}

// TestOwner holds that the device files are the gateway's or the hub's, never
// both's.
func TestOwner(t *testing.T) {
	broker := hubtest.StartBroker(t)
	hub := hubtest.New(t, broker.Address(), "edge-1")
	hub.Strict()
	order := func(text string) wire.Order {
		return wire.Order{V: wire.Version, ID: "o1", To: "edge-1", Device: "edge-1", Files: map[string]string{"street.yaml": text}}
	}
	good := order(plantOf(map[string][]string{"a": {"a-1"}}))
	own := street(t, broker.Address(), 1, "")
	j := work(t, own)
	if r := j.g.Configure(t.Context(), good); r.State != wire.Refused || r.Cause != CauseOwner {
		t.Errorf("a gateway that owns its files says %+v", r)
	}
	j.stop()

	if _, err := Check(edgeOf(t, own, "owner: hub\n")); err == nil || !strings.Contains(err.Error(), "owner is hub") {
		t.Errorf("local files beside the hub's: %v", err)
	}
	if err := os.Remove(filepath.Join(own.dir, "devices.yaml")); err != nil {
		t.Fatal(err)
	}
	cfg, err := Load(edgeOf(t, own, "owner: hub\n"))
	if err != nil {
		t.Fatal(err)
	}
	j = work(t, cfg)
	hub.Wait("an empty gateway", func(s hubtest.State) bool { return s.Stock().Owner == "hub" })
	if r := j.g.Configure(t.Context(), good); r.State != wire.Executed {
		t.Fatalf("got %+v", r)
	}
	hub.Wait("a-1", func(s hubtest.State) bool { return has(s, "a-1") })
	for name, o := range map[string]wire.Order{
		"street.yaml:2:": order("lines:\n  - {nam: x}\n"),
		"../street.yaml": {ID: "o2", Files: map[string]string{"../street.yaml": ""}},
	} {
		r := j.g.Configure(t.Context(), o)
		if r.State != wire.Refused || r.Cause != CauseFiles || strings.HasPrefix(name, "street") && !strings.HasPrefix(r.Detail, name) {
			t.Errorf("%s: got %+v", name, r)
		}
	}
	j.stop()
	j = work(t, cfg) // it remembers
	if w := j.workers(); len(w) != 1 || w["a"] == nil {
		t.Errorf("after a restart: %v", w)
	}
	if folders, _ := filepath.Glob(filepath.Join(cfg.path(cfg.Data), "devices-*")); len(folders) != 1 {
		t.Errorf("folders left behind: %v", folders)
	}
}

// edgeOf writes cfg's file once more with something appended.
func edgeOf(t *testing.T, cfg Config, extra string) string {
	t.Helper()
	path := filepath.Join(cfg.dir, "edge.yaml")
	write(t, path, string(cfg.text)+extra)
	return path
}

// TestTheConfigurationFileChanges holds that other device files are taken over,
// that the hub, the page and edge reload hear of keys that need a restart, and
// that a file that is not sound stops nothing.
func TestTheConfigurationFileChanges(t *testing.T) {
	broker := hubtest.StartBroker(t)
	hub := hubtest.New(t, broker.Address(), "edge-1")
	cfg := street(t, broker.Address(), 1, "")
	write(t, filepath.Join(cfg.dir, "devices.yaml"), plantOf(map[string][]string{"sim": {"gas-000"}}))
	j := work(t, cfg)
	file := filepath.Join(cfg.dir, "edge.yaml")
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	text := string(raw)
	remark := func(s hubtest.State) string {
		if n := len(s.Presence()); n > 0 {
			return s.Presence()[n-1].Cause
		}
		return "not there"
	}
	hub.Wait("the first device", func(s hubtest.State) bool { return has(s, "gas-000") && remark(s) == "" })
	before := j.workers()["sim"]

	write(t, filepath.Join(cfg.dir, "more.yaml"), plantOf(map[string][]string{"a": {"a-1"}}))
	write(t, file, strings.Replace(text, "devices: [devices.yaml]", "devices: [devices.yaml, more.yaml]", 1))
	hub.Wait("the device of another file", func(s hubtest.State) bool { return has(s, "a-1") && remark(s) == "" })
	if j.workers()["sim"] != before {
		t.Error("a line that did not change was restarted")
	}
	named := strings.Replace(text, "devices: [devices.yaml]", "devices: [devices.yaml, more.yaml]", 1)

	write(t, file, strings.Replace(named, "linger: 20ms", "linger: 30ms", 1)+"poll: {retries: 1}\n")
	hub.Wait("what waits for a restart", func(s hubtest.State) bool {
		return strings.Contains(remark(s), "edge.yaml: hub.linger: was changed: restart the gateway (and 1 more)")
	})
	if said := serve(t, j.g); !strings.Contains(said, "2 lines, 2 devices run") || !strings.Contains(said, "poll.retries: was changed: restart the gateway") {
		t.Errorf("edge reload says %q", said)
	}
	write(t, filepath.Join(cfg.dir, "more.yaml"), plantOf(map[string][]string{"a": {"a-1", "a-2"}}))
	hub.Wait("device files all the same", func(s hubtest.State) bool { return has(s, "a-2") })

	write(t, file, named+"nonsense: 1\n")
	hub.Wait("a mistake", func(s hubtest.State) bool { return strings.Contains(remark(s), "nonsense") })
	write(t, filepath.Join(cfg.dir, "more.yaml"), plantOf(map[string][]string{"a": {"a-1", "a-2", "a-3"}}))
	hub.Wait("device files in spite of it", func(s hubtest.State) bool { return has(s, "a-3") })
	write(t, file, named)
	hub.Wait("nothing any more", func(s hubtest.State) bool { return remark(s) == "" })
}

func serve(t *testing.T, g *Gateway) string {
	t.Helper()
	w := httptest.NewRecorder()
	g.serveReload(w, nil)
	return w.Body.String()
}
