package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"

	"gridhub/configs"
	"gridhub/configs/words"
	"gridhub/devices/wire"
	"gridhub/edge/uplink/hubtest"
)

var update = flag.Bool("update", false, "rewrite the expected files")

const shipped = "../../configs"

// TestShippedIsDefault holds that the manual is complete and true: every key
// stands in it, with its default.
func TestShippedIsDefault(t *testing.T) {
	got := Config{dir: shipped} // no defaults: a key that is missing shows
	if err := configs.ReadFile(shipped+"/edge.yaml", &got); err != nil {
		t.Fatal(err)
	}
	got.dir = ""
	if want := Default(); !reflect.DeepEqual(got, want) {
		t.Errorf("configs/edge.yaml decodes to\n%+v\nDefault is\n%+v", got, want)
	}
}

func TestShippedIsSound(t *testing.T) {
	files, _ := filepath.Glob(shipped + "/devices/*.yaml")
	profiles, _ := filepath.Glob(shipped + "/profiles/*.yaml")
	if _, err := Check(append(append(files, profiles...), shipped+"/edge.yaml")...); err != nil {
		t.Error(err)
	}
}

// TestWrongConfigs compares what check says of a folder of wrong files with
// the texts beside it, one for each language.
func TestWrongConfigs(t *testing.T) {
	dirs, _ := filepath.Glob("testdata/wrong/*")
	if len(dirs) == 0 {
		t.Fatal("no cases")
	}
	for _, dir := range dirs {
		t.Run(filepath.Base(dir), func(t *testing.T) {
			_, err := Check(filepath.Join(dir, "edge.yaml"))
			if err == nil {
				t.Fatal("nothing was found wrong")
			}
			var problems configs.Problems
			if !errors.As(err, &problems) {
				t.Fatalf("got %v, want Problems", err)
			}
			for file, lang := range map[string]words.Lang{"want.txt": words.EN, "want.zh.txt": words.ZH} {
				got := strings.ReplaceAll(lang.Problems(problems).Error(), dir+"/", "") + "\n"
				if *update {
					write(t, filepath.Join(dir, file), got)
				}
				want, err := os.ReadFile(filepath.Join(dir, file))
				if err != nil {
					t.Fatal(err)
				}
				if got != string(want) {
					t.Errorf("%s: got\n%swant\n%s", file, got, want)
				}
			}
		})
	}
}

// street writes a configuration of simulated devices and returns it loaded.
func street(t *testing.T, broker string, devices int, extra string) Config {
	t.Helper()
	dir := t.TempDir()
	profiles, err := filepath.Abs(shipped + "/profiles")
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	b.WriteString("lines: [{name: sim, kind: simulated, seed: 7, hazard_every: 1m}]\ndevices:\n")
	for i := range devices {
		fmt.Fprintf(&b, "  - {id: gas-%03d, profile: gas-ch4@1, line: sim, period: 100ms}\n", i)
	}
	write(t, filepath.Join(dir, "devices.yaml"), b.String())
	write(t, filepath.Join(dir, "edge.yaml"), fmt.Sprintf(
		"id: edge-1\ndata: data\nprofiles: [%s]\ndevices: [devices.yaml]\nhub: {url: \"tcp://%s\", linger: 20ms, resend: 2s}\n%s", profiles, broker, extra))
	c, err := Load(filepath.Join(dir, "edge.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestStreetToHub runs a whole gateway in this process: simulated devices,
// journals on disk, a real broker.
func TestStreetToHub(t *testing.T) {
	broker := hubtest.StartBroker(t)
	hub := hubtest.New(t, broker.Address(), "edge-1")
	g, err := New(street(t, broker.Address(), 20, "http: {address: \"127.0.0.1:0\"}\n"), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var group sync.WaitGroup
	group.Go(func() {
		if err := g.Run(ctx); err != nil {
			t.Errorf("run: %v", err)
		}
	})
	// A hazard a minute that lasts six: at any time some devices are urgent.
	hub.Wait("readings of all devices, also urgent ones", func(s hubtest.State) bool {
		seen := map[string]bool{}
		for _, stream := range []string{wire.Data, wire.Alarm} {
			for _, r := range s.Records(stream) {
				seen[string(r.Device)] = true
			}
		}
		return len(seen) == 20 && len(s.Records(wire.Alarm)) > 0 && len(s.Records(wire.Data)) > 0 && len(s.Stock().Devices) == 20
	})
	checkPage(t, g.Address())
	cancel()
	group.Wait()
	hub.Wait("goodbye", func(s hubtest.State) bool { return !s.Presence()[len(s.Presence())-1].Online })
}

func checkPage(t *testing.T, address string) {
	t.Helper()
	var health struct{ OK, Hub bool }
	if err := json.Unmarshal([]byte(get(t, address, "/healthz")), &health); err != nil || !health.OK || !health.Hub {
		t.Errorf("healthz says %+v, %v", health, err)
	}
	text := get(t, address, "/metrics")
	for _, want := range []string{"gridhub_edge_hub_online 1\n", "gridhub_edge_records_total{stream=\"data\"} ", "gridhub_edge_polls_total{device=\"gas-000\"} "} {
		if !strings.Contains(text, want) {
			t.Errorf("metrics lack %q:\n%s", want, text)
		}
	}
}

func get(t *testing.T, address, path string) string {
	t.Helper()
	r, err := http.Get("http://" + address + path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	text, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestPortInUse holds that a page that cannot be served is told at the start,
// and that nothing stays open behind.
func TestPortInUse(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	cfg := street(t, "127.0.0.1:1", 1, fmt.Sprintf("http: {address: %q}\n", taken.Addr()))
	if _, err = New(cfg, slog.New(slog.DiscardHandler)); err == nil || !strings.Contains(err.Error(), "http.address") {
		t.Errorf("got %v, want the key that is wrong", err)
	}
	cfg.HTTP.Address = ""
	g, err := New(cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	g.Close()
}

// TestTwoOnOneSpool holds that a second gateway on the same data refuses.
func TestTwoOnOneSpool(t *testing.T) {
	cfg := street(t, "127.0.0.1:1", 1, "")
	first, err := New(cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer first.Close()
	if second, err := New(cfg, slog.New(slog.DiscardHandler)); err == nil {
		second.Close()
		t.Error("two gateways opened one spool")
	}
}

// TestForeignDataFolder holds that a folder which cannot be written is named at
// the start, before anything is read or opened.
func TestForeignDataFolder(t *testing.T) {
	cfg := street(t, "127.0.0.1:1", 1, "")
	cfg.Data = "/sys/kernel" // nobody's to write, not even root's
	if _, err := New(cfg, slog.New(slog.DiscardHandler)); err == nil || !strings.Contains(err.Error(), "data folder /sys/kernel ") {
		t.Errorf("got %v", err)
	}
}
