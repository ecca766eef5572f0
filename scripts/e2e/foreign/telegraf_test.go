package foreign_test

import (
	"bytes"
	"fmt"
	"io"
	"math"
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"gridhub/devices"
	"gridhub/hub/api"
)

// telegrafProgram is on the PATH, or where the set-up has built it.
func telegrafProgram(t testing.TB) string {
	t.Helper()
	path, err := exec.LookPath("telegraf")
	if err != nil {
		path, err = exec.LookPath(filepath.Join(root, ".cache", "bin", "telegraf"))
	}
	if err != nil {
		t.Fatalf("%v: ./scripts/setup --tests builds it", err)
	}
	return path
}

// telegraf writes the same to all doors: what this machine's memory is, and a
// file of line protocol.
const telegraf = `
[agent]
  interval = "1s"
  flush_interval = "1s"
  hostname = "web-7"
  logtarget = "stderr"
[[inputs.mem]]
[[inputs.file]]
  files = ["%s"]
  data_format = "influx"
[[outputs.influxdb_v2]]
  urls = ["http://%s"]
  token = "%s"
  organization = "any"
  bucket = "any"
[[outputs.influxdb]]
  urls = ["http://%s"]
  username = "version-1"
  password = "%s"
[[outputs.mqtt]]
  servers = ["tcp://%s"]
  topic = 'telegraf/{{ .Hostname }}/{{ .PluginName }}'
  username = "over-mqtt"
  password = "%s"
  qos = 1
  data_format = "influx"
`

// TestTelegraf points a Telegraf at the hub as if it were InfluxDB 2, InfluxDB 1
// and a broker.
func TestTelegraf(t *testing.T) {
	h := open(t)
	token := h.add("racks", "--kind", "gateway", "--convention", "influx", "--profile", "server")
	secret := h.add("over-mqtt", "--kind", "sensor", "--convention", "influx", "--profile", "server")
	old := h.add("version-1", "--kind", "sensor", "--convention", "influx", "--profile", "server")
	lines := filepath.Join(h.dir, "lines")
	write(t, lines, "pump,bay=north flow=1.5,state=\"on\",running=true\nserver load=2i\n")
	config := filepath.Join(h.dir, "telegraf.conf")
	write(t, config, fmt.Sprintf(telegraf, lines, h.http, token, h.http, old, h.mqtt, secret))
	p := launch(t, filepath.Join(h.dir, "telegraf.log"), telegrafProgram(t), "--config", config)
	defer func() {
		if t.Failed() {
			t.Logf("telegraf printed:\n%s", p.printed())
		}
	}()
	for _, id := range []string{"racks.web-7", "version-1", "over-mqtt"} {
		h.has(devices.ID(id), "pump.north.flow", 1.5)
		h.has(devices.ID(id), "pump.north.running", 1)
		h.has(devices.ID(id), "load", 2) // its measurement is the device's kind
		h.has(devices.ID(id), "mem.used_percent", math.NaN())
	}
	p.end(syscall.SIGTERM)
	if said := p.printed(); strings.Contains(said, "E!") || strings.Contains(said, "dropped") {
		t.Errorf("telegraf complains:\n%s", said)
	}
}

// post writes lines as a client of InfluxDB does.
func (h *hub) post(token, query, lines string) (int, string) {
	h.t.Helper()
	req, err := http.NewRequestWithContext(h.t.Context(), "POST", "http://"+h.http+"/api/v2/write?org=o&bucket=b"+query, bytes.NewReader([]byte(lines)))
	if err != nil {
		h.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Token "+token)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		h.t.Fatal(err)
	}
	defer res.Body.Close()
	said, err := io.ReadAll(res.Body)
	if err != nil {
		h.t.Fatal(err)
	}
	return res.StatusCode, string(said)
}

// TestWriteIsDurable kills the hub the moment it has answered, again and again,
// and wants everything that was answered with success.
func TestWriteIsDurable(t *testing.T) {
	h := open(t)
	token := h.add("box", "--kind", "sensor", "--convention", "influx", "--profile", "box")
	for n := range 3 {
		if code, said := h.post(token, "&precision=ms", fmt.Sprintf("box n%d=%d %d", n, n, time.Now().UnixMilli())); code != 204 {
			t.Fatalf("answered %d: %s", code, said)
		}
		h.end(syscall.SIGKILL)
		h.serve()
	}
	for n := range 3 {
		h.has("box", fmt.Sprint("n", n), float64(n))
	}
}

func TestWriteErrors(t *testing.T) {
	h := open(t)
	token := h.add("box", "--kind", "sensor", "--convention", "influx", "--profile", "box")
	code, said := h.post(token, "", "box a=1\nbox b=\nbox c=3")
	if code != 400 || !strings.Contains(said, `"code":"invalid"`) || !strings.Contains(said, `"line":2`) {
		t.Errorf("answered %d: %s", code, said)
	}
	h.has("box", "a", 1)
	h.has("box", "c", 3)
	h.quarantined("box", "malformed", 1)
	exported, err := exec.Command(hubProgram, "export", "--device", "box", "--config", h.config).Output()
	if err != nil {
		t.Fatal(err)
	}
	if code, said := h.post(token, "&precision=ms", string(exported)); code != 204 || len(exported) == 0 {
		t.Errorf("what the hub exports, %q, is answered %d: %s", exported, code, said)
	}
	h.eventually("the ledger", func() error { // what was exported and came back is a repeat, if it means the same
		var hours []api.LedgerHour
		err := h.Call(t.Context(), "GET", "/api/v1/devices/box/ledger", nil, &hours)
		if err == nil && (len(hours) == 0 || hours[0].Stored != 2 || hours[0].Repeated == 0) {
			err = fmt.Errorf("have %+v", hours)
		}
		return err
	})
	native := h.add("own", "--kind", "sensor", "--profile", "gas")
	for token, want := range map[string]int{"wrong": 401, "": 401, native: 401, "own:" + native: 204, "own:wrong": 401, "box": 401} {
		if code, said := h.post(token, "", "gas ch4=1"); code != want {
			t.Errorf("token %.8s is answered %d: %s", token, code, said)
		}
	}
	h.has("own", "ch4", 1)
	for _, path := range []string{"/ping", "/api/v2/ping", "/health"} {
		res, err := http.Get("http://" + h.http + path)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode > 204 {
			t.Errorf("%s: %s", path, res.Status)
		}
	}
}
