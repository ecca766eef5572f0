package server_test

import (
	"context"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"gridhub/configs"
	"gridhub/hub/server"
)

const shipped = "../../configs"

// TestShippedConfigIsTheManual reads configs/hub.yaml over nothing: it must
// name every key, with the default.
func TestShippedConfigIsTheManual(t *testing.T) {
	got := server.Config{}
	got.History.Store = "sqlite"
	got.HTTP.Names = []string{}
	if err := configs.ReadFile(filepath.Join(shipped, "hub.yaml"), &got); err != nil {
		t.Fatal(err)
	}
	want := server.Default()
	got.MQTT.Origins, want.MQTT.Origins = nil, nil       // empty and absent lists are alike
	got.Media.Advertise, want.Media.Advertise = nil, nil // likewise
	if !reflect.DeepEqual(got, want) {
		t.Errorf("configs/hub.yaml decodes to\n%+v\nDefault is\n%+v", got, want)
	}
}

func TestShippedFilesAreSound(t *testing.T) {
	for _, f := range []string{"hub.yaml", "demo/hub.yaml", "conformance.yaml"} {
		cfg, err := server.Load(filepath.Join(shipped, f))
		if err != nil {
			t.Errorf("%s: %v", f, err)
			continue
		}
		if _, err := server.ReadFiles(cfg); err != nil {
			t.Errorf("%s: %v", f, err)
		}
	}
}

// TestAllMistakesAtOnce holds that a bad file names every mistake with its
// place, and that nothing is started.
func TestAllMistakesAtOnce(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "hub.yaml")
	bad := "data: d\nhttp:\n  adress: 127.0.0.1:0\nhistory:\n  store: mysql\njournal:\n  max: lots\n"
	if err := os.WriteFile(file, []byte(bad), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := server.Load(file)
	if err == nil {
		t.Fatal("a file with three mistakes was accepted")
	}
	for _, want := range []string{file + ":3:", "adress", "address", file + ":5:", "mysql", "sqlite or influx", file + ":7:", "lots"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the report lacks %q:\n%v", want, err)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "d")); err == nil {
		t.Error("the data folder was made although the configuration is bad")
	}
}

// TestPortInUse holds that a start that cannot have its port leaves nothing
// behind that would stop the next one.
func TestPortInUse(t *testing.T) {
	cfg := server.Default()
	cfg.Data, cfg.Matters, cfg.Rules = t.TempDir(), nil, nil
	cfg.HTTP.Address, cfg.HTTP.Secure = "127.0.0.1:0", ""
	cfg.Media.Address = "127.0.0.1:0"
	cfg.Data = filepath.Join(cfg.Data, "hub")
	first, err := server.New(context.Background(), cfg, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := server.New(context.Background(), cfg, nil); err == nil {
		t.Error("two hubs opened one data folder")
	}
	if err := first.Close(); err != nil {
		t.Error(err)
	}
	again, err := server.New(context.Background(), cfg, nil)
	if err != nil {
		t.Fatalf("after the first was closed: %v", err)
	}
	if err := again.Close(); err != nil {
		t.Error(err)
	}
}

// TestRunLooksAtEveryPort holds that scripts/run asks, before it builds, for
// every port that the demo street listens on.
func TestRunLooksAtEveryPort(t *testing.T) {
	cfg, err := server.Load(filepath.Join(shipped, "demo/hub.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"tcp:" + cfg.HTTP.Address, "tcp:" + cfg.HTTP.Secure, "tcp:" + cfg.Media.Address, "udp:" + cfg.Media.Address}
	for _, l := range cfg.MQTT.Listeners {
		want = append(want, "tcp:"+l.Address)
	}
	script, err := os.ReadFile("../../scripts/run")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, m := range regexp.MustCompile(`(?m)^\t((?:tcp|udp):[0-9.]+:\d+):`).FindAllStringSubmatch(string(script), -1) {
		got = append(got, m[1])
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("scripts/run looks at\n%v\nthe hub listens on\n%v", got, want)
	}
}

// TestEveryLimitOfCommandsIsExplained gives each key a value that cannot be: all
// are reported, with the key's whole name.
func TestEveryLimitOfCommandsIsExplained(t *testing.T) {
	bad := map[string]string{"within": "30h", "again": "1ms", "again_max": "30h", "grace": "-1s", "per_device": "0", "all": "-1", "keep": "1h", "keep_most": "0"}
	text := "commands:\n"
	for key, value := range bad {
		text += "  " + key + ": " + value + "\n"
	}
	file := filepath.Join(t.TempDir(), "hub.yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	err := server.Check(file)
	for key := range bad {
		if err == nil || !strings.Contains(err.Error(), "commands."+key+":") {
			t.Errorf("the report lacks commands.%s:\n%v", key, err)
		}
	}
}
