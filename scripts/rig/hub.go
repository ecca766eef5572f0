package rig

import (
	"bufio"
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"gridhub/scripts/hubclient"
)

// Hub is a running hub with nothing registered.
type Hub struct {
	*Program
	MQTT   string // host:port, plain
	HTTP   string // http://host:port
	Data   string // its data folder
	binary string
	config string

	password string // of the administrator
}

// StartHub starts the hub that Build has put into bin, on files in dir, with the
// demo street's matters and rules, and claims it. history is the block of that
// name in its configuration, without indent; more are further lines of it.
func StartHub(ctx context.Context, bin, dir, history string, more ...string) (*Hub, error) {
	var web, media string
	h := &Hub{binary: filepath.Join(bin, "hub"), config: filepath.Join(dir, "hub.yaml"), Data: filepath.Join(dir, "hub")}
	if err := FreeAddresses(&h.MQTT, &web, &media); err != nil {
		return nil, err
	}
	configs, err := filepath.Abs("configs")
	if err != nil {
		return nil, err
	}
	text := fmt.Sprintf("data: hub\nmatters: [%q]\nrules: [%q]\nhttp: {address: %q, secure: \"\"}\nmedia: {address: %q}\n"+
		"mqtt:\n  listeners: [{name: plain, network: tcp, address: %q}]\nhistory:\n  %s\n%s\n",
		filepath.Join(configs, "matters"), filepath.Join(configs, "rules"), web, media, h.MQTT,
		strings.ReplaceAll(strings.TrimSpace(history), "\n", "\n  "), strings.Join(more, "\n"))
	if err := os.WriteFile(h.config, []byte(text), 0o600); err != nil {
		return nil, err
	}
	if h.Program, err = start(dir, "hub", h.binary, nil, "serve", "--config", h.config); err != nil {
		return nil, err
	}
	h.HTTP = "http://" + web
	if err := h.Await(ctx, func() error { return answers(h.HTTP + "/readyz") }); err != nil {
		h.Stop()
		return nil, err
	}
	if err := h.claim(ctx); err != nil {
		h.Stop()
		return nil, err
	}
	return h, nil
}

// account is the hub's administrator.
const account = "rig"

// claim makes the administrator: before that no client is let in.
func (h *Hub) claim(ctx context.Context) error {
	token, err := os.ReadFile(filepath.Join(h.Data, "setup-token"))
	if err != nil {
		return err
	}
	h.password = rand.Text()
	in := map[string]string{"token": strings.TrimSpace(string(token)), "account": account, "password": h.password}
	if err := hubclient.New(h.HTTP).Call(ctx, http.MethodPost, "/api/v1/setup", in, nil); err != nil {
		return fmt.Errorf("claim the hub: %w", err)
	}
	return nil
}

// SignIn returns a client of the hub's administrator.
func (h *Hub) SignIn(ctx context.Context) (*hubclient.Client, error) {
	c := hubclient.New(h.HTTP)
	_, err := c.SignIn(ctx, account, h.password)
	return c, err
}

// InfluxHistory is the history block of a hub that writes into in.
func InfluxHistory(in *Influx) string {
	return fmt.Sprintf("store: influx\ninflux: {url: %q, version: 1, org: \"\", bucket: %q}", in.URL, Bucket)
}

// profileTime is how long a processor profile goes on, in seconds.
const profileTime = 6

// Profile takes a processor profile of the next seconds. The returned function
// waits for its end and writes it to file.
func (h *Hub) Profile(ctx context.Context, file string) (done func() error) {
	ended := make(chan error, 1)
	go func() { ended <- h.profile(ctx, file) }()
	return func() error { return <-ended }
}

func (h *Hub) profile(ctx context.Context, file string) error {
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", filepath.Join(h.Data, "hub.sock"))
	}
	transport := &http.Transport{DialContext: dial}
	defer transport.CloseIdleConnections()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, fmt.Sprintf("http://hub/debug/pprof/profile?seconds=%d", profileTime), nil)
	if err != nil {
		return err
	}
	res, err := (&http.Client{Transport: transport}).Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode != http.StatusOK {
		err = fmt.Errorf("profile: %s: %s", res.Status, b)
	}
	if err != nil {
		return err
	}
	return os.WriteFile(file, b, 0o600)
}

// Register adds a sensor of a kind and returns its secret.
func (h *Hub) Register(ctx context.Context, id, kind string) (secret string, err error) {
	return h.Add(ctx, id, "--kind", "sensor", "--profile", kind)
}

// Add registers an identity with the flags of hub device add and returns its
// secret.
func (h *Hub) Add(ctx context.Context, id string, flags ...string) (secret string, err error) {
	args := append(append([]string{"device", "add", id}, flags...), "--config", h.config)
	out, err := exec.CommandContext(ctx, h.binary, args...).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("hub device add %s: %w\n%s", id, err, out)
	}
	return strings.TrimSpace(string(out)), nil
}

// RegisterMany adds n sensors, prefix0 and so on, and writes their secrets, one
// in a line, to a file for the load.
func (h *Hub) RegisterMany(ctx context.Context, n int, prefix, kind, file string) error {
	var all strings.Builder
	for i := range n {
		secret, err := h.Register(ctx, fmt.Sprint(prefix, i), kind)
		if err != nil {
			return err
		}
		fmt.Fprintln(&all, secret)
	}
	return os.WriteFile(file, []byte(all.String()), 0o600)
}

// Metric reads one of the hub's counters that has no labels.
func (h *Hub) Metric(ctx context.Context, name string) (float64, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, h.HTTP+"/metrics", nil)
	if err != nil {
		return 0, err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, err
	}
	defer res.Body.Close()
	for lines := bufio.NewScanner(res.Body); lines.Scan(); {
		if v, ok := strings.CutPrefix(lines.Text(), name+" "); ok {
			return strconv.ParseFloat(v, 64)
		}
	}
	return 0, fmt.Errorf("the hub has no counter %s", name)
}
