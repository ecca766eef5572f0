// Package foreign_test holds that what was made for other hubs works with this
// one unchanged: a real hub process, and against it mosquitto's client as a
// Tasmota and a Home Assistant device, Python's paho as a Sparkplug node, and
// Telegraf with nothing but the hub's address and a token. What arrives is
// asked back over the hub's API.
package foreign_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"gridhub/devices"
	"gridhub/hub/api"
	"gridhub/hub/live"
	"gridhub/scripts/hubclient"
)

// patience is how long another process may take on a busy machine.
const patience = 30 * time.Second

// root is the folder of the project; hubProgram is built by TestMain.
var root, hubProgram string

func TestMain(m *testing.M) { os.Exit(build(m)) }

func build(m *testing.M) int {
	dir, err := os.MkdirTemp("", "foreign")
	if err == nil {
		root, err = filepath.Abs(filepath.Join("..", "..", ".."))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	hubProgram = filepath.Join(dir, "hub")
	cmd := exec.Command("go", "build", "-o", hubProgram, "./hub")
	cmd.Dir = root
	if out, err := cmd.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "%s%v\n", out, err)
		return 1
	}
	return m.Run()
}

// process is a program that ends with the test at the latest.
type process struct {
	cmd  *exec.Cmd
	log  string
	done chan struct{}
}

func launch(t testing.TB, log, program string, args ...string) *process {
	t.Helper()
	out, err := os.OpenFile(log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close() // the child has its own
	p := &process{cmd: exec.Command(program, args...), log: log, done: make(chan struct{})}
	p.cmd.Stdout, p.cmd.Stderr = out, out
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		_ = p.cmd.Wait() // how it ended is in its log
		close(p.done)
	}()
	t.Cleanup(func() { p.end(syscall.SIGKILL) })
	return p
}

func (p *process) end(sig syscall.Signal) {
	_ = p.cmd.Process.Signal(sig) // it may be gone already
	<-p.done
}

func (p *process) printed() string {
	b, _ := os.ReadFile(p.log) // an empty log says as much
	return string(bytes.TrimSpace(b))
}

// hub is one hub's folder and its process.
type hub struct {
	*process
	*hubclient.Client
	t          testing.TB
	dir        string
	config     string
	http, mqtt string // host:port
}

const (
	account  = "root"
	password = "a street of the tests"
)

// open starts a hub with nothing registered and claims it.
func open(t testing.TB) *hub {
	t.Helper()
	h := &hub{t: t, dir: t.TempDir(), http: free(t), mqtt: free(t)}
	h.config = filepath.Join(h.dir, "hub.yaml")
	h.Client = hubclient.New("http://" + h.http)
	text := fmt.Sprintf("data: data\nmatters: [%q]\nrules: []\nhttp: {address: %q, secure: \"\"}\nmedia: {address: %q, loopback: true}\n"+
		"journal: {max: 256MiB, reserve: 0B}\nmqtt:\n  listeners: [{name: plain, network: tcp, address: %q}]\n",
		filepath.Join(root, "configs", "matters"), h.http, free(t), h.mqtt)
	write(t, h.config, text)
	h.serve()
	token, err := os.ReadFile(filepath.Join(h.dir, "data", "setup-token"))
	if err != nil {
		t.Fatal(err)
	}
	h.call("POST", "/api/v1/setup", map[string]string{"token": strings.TrimSpace(string(token)), "account": account, "password": password}, nil)
	if _, err := h.SignIn(t.Context(), account, password); err != nil {
		t.Fatal(err)
	}
	return h
}

func (h *hub) serve() {
	h.t.Helper()
	h.process = launch(h.t, filepath.Join(h.dir, "hub.log"), hubProgram, "serve", "--config", h.config)
	h.eventually("readiness of the hub", func() error {
		res, err := http.Get("http://" + h.http + "/readyz")
		if err != nil {
			return err
		}
		res.Body.Close()
		if res.StatusCode != http.StatusOK {
			return errors.New(res.Status)
		}
		return nil
	})
}

// eventually asks until f says nil.
func (h *hub) eventually(what string, f func() error) {
	h.t.Helper()
	ctx, cancel := context.WithTimeout(h.t.Context(), patience)
	defer cancel()
	for {
		err := f()
		if err == nil {
			return
		}
		select {
		case <-time.After(50 * time.Millisecond):
		case <-ctx.Done():
			h.t.Fatalf("%s: %v; the hub printed:\n%s", what, err, h.printed())
		}
	}
}

func (h *hub) call(method, path string, in, out any) {
	h.t.Helper()
	if err := h.Call(h.t.Context(), method, path, in, out); err != nil {
		h.t.Fatal(err)
	}
}

// add registers an identity and returns its secret.
func (h *hub) add(id string, flags ...string) string {
	h.t.Helper()
	args := append([]string{"device", "add", id, "--config", h.config}, flags...)
	out, err := exec.Command(hubProgram, args...).CombinedOutput()
	if err != nil {
		h.t.Fatalf("hub %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(string(out))
}

// has waits until the newest value of a metric is there, and is near to want;
// NaN is any.
func (h *hub) has(id devices.ID, metric string, want float64) {
	h.t.Helper()
	h.eventually(fmt.Sprintf("%s of %s", metric, id), func() error {
		var all []api.Sample
		if err := h.Call(h.t.Context(), "GET", fmt.Sprintf("/api/v1/devices/%s/series?every=0&metric=%s", id, metric), nil, &all); err != nil {
			return err
		}
		if len(all) == 0 || !math.IsNaN(want) && math.Abs(all[len(all)-1].Value-want) > 1e-6 {
			return fmt.Errorf("have %+v, want %v", all, want)
		}
		return nil
	})
}

// shows waits until the board has the device as check wants it.
func (h *hub) shows(id devices.ID, check func(d live.DeviceState) error) {
	h.t.Helper()
	h.eventually("the board's "+string(id), func() error {
		var all []live.DeviceState
		if err := h.Call(h.t.Context(), "GET", "/api/v1/devices", nil, &all); err != nil {
			return err
		}
		i := slices.IndexFunc(all, func(d live.DeviceState) bool { return d.ID == id })
		if i < 0 {
			return fmt.Errorf("not among %d devices", len(all))
		}
		return check(all[i])
	})
}

// withUnit wants a metric with a unit on the board.
func withUnit(metric, unit string) func(live.DeviceState) error {
	return func(d live.DeviceState) error {
		for _, v := range d.Values {
			if v.Name == metric && v.Unit == unit && v.Value != nil {
				return nil
			}
		}
		return fmt.Errorf("no %s in %s among %+v", metric, unit, d.Values)
	}
}

// quarantined waits until as many of the device's messages are in quarantine
// for this cause.
func (h *hub) quarantined(id devices.ID, cause string, n int) {
	h.t.Helper()
	h.eventually("quarantine of "+string(id), func() error {
		var all []api.QuarantineEntry
		if err := h.Call(h.t.Context(), "GET", fmt.Sprintf("/api/v1/quarantine?device=%s&cause=%s", id, cause), nil, &all); err != nil {
			return err
		}
		if len(all) != n {
			return fmt.Errorf("%d entries, want %d: %+v", len(all), n, all)
		}
		return nil
	})
}

// pub publishes as mosquitto's client does; with QoS 1 it succeeds only if the
// hub acknowledges.
func (h *hub) pub(topic, payload string, flags ...string) {
	h.t.Helper()
	host, port, err := net.SplitHostPort(h.mqtt)
	if err != nil {
		h.t.Fatal(err)
	}
	cmd := exec.Command("mosquitto_pub", append([]string{"-h", host, "-p", port, "-t", topic, "-s"}, flags...)...)
	cmd.Stdin = strings.NewReader(payload)
	if out, err := cmd.CombinedOutput(); err != nil {
		h.t.Fatalf("mosquitto_pub on %s: %v: %s", topic, err, out)
	}
}

// free returns an address of the loopback on which nobody listens just now.
func free(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func write(t testing.TB, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
