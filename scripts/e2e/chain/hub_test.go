package chain_test

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// quickRules are those of the tests: the demo's are slow.
const quickRules = `
rules:
  - {name: water-on-the-road, kind: water-level, metric: depth, raise: ">= 150", clear: "< 80", for: 1s,
     matter: AQ08, severity: major, title: {zh: 路面积水过深, en: Deep water on the road}}
  - {name: methane-high, kind: gas, metric: ch4, raise: ">= 20", clear: "< 10", for: 0s,
     matter: AQ03, severity: critical, title: {zh: 甲烷浓度超限, en: Methane above its limit}}
`

const (
	name          = "hub.street.test" // of each hub, in its certificate
	administrator = "root"
	password      = "a street of the tests"
)

// hub is one hub's folder and its process, which may have several lives.
type hub struct {
	t      testing.TB
	dir    string
	config string
	http   string // addresses
	https  string
	mqtt   string
	mqtts  string
	media  string
	*process
}

// prepare writes a configuration: the demo's street with quickRules, on free
// ports. extra is appended to it.
func prepare(t testing.TB, extra string) *hub {
	t.Helper()
	dir := t.TempDir()
	h := &hub{t: t, dir: dir, config: filepath.Join(dir, "hub.yaml"), http: free(t), https: free(t), mqtt: free(t), mqtts: free(t), media: free(t)}
	write(t, filepath.Join(dir, "rules.yaml"), quickRules)
	h.configure(extra)
	return h
}

// configure writes the configuration once more, with the hub's present
// addresses.
func (h *hub) configure(extra string) {
	h.t.Helper()
	write(h.t, h.config, fmt.Sprintf(`data: data
street: %s
matters: [%s]
rules: [rules.yaml]
http: {address: %q, secure: %q, names: [%s]}
mqtt:
  listeners:
    - {name: plain, network: tcp, address: %q}
    - {name: tls, network: tls, address: %q}
media: {address: %q, loopback: true}
journal: {max: 256MiB, reserve: 0B}
%s`, configs(h.t, "demo"), configs(h.t, "matters"), h.http, h.https, name, h.mqtt, h.mqtts, h.media, extra))
}

// serve starts the hub and waits until it is ready. It returns how long that
// took.
func (h *hub) serve() time.Duration {
	h.t.Helper()
	began := time.Now()
	h.process = launch(h.t, filepath.Join(h.dir, "hub.log"), hubProgram, "serve", "--config", h.config)
	eventually(h.t, "readiness of the hub", func() error {
		if !h.running() {
			h.t.Fatalf("the hub ended (%v); it printed:\n%s", h.err, h.printed())
		}
		return h.readyz()
	})
	return time.Since(began)
}

func (h *hub) readyz() error {
	res, err := http.Get("http://" + h.http + "/readyz")
	if err != nil {
		return err
	}
	res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return errors.New(res.Status)
	}
	return nil
}

// stop ends the hub as an operator does, and holds that it was content.
func (h *hub) stop() {
	h.t.Helper()
	h.end(h.t, syscall.SIGTERM)
	if h.err != nil {
		h.t.Errorf("the hub ended with %v; it printed:\n%s", h.err, h.printed())
	}
}

// cli runs a subcommand that asks the running hub.
func (h *hub) cli(args ...string) string {
	h.t.Helper()
	out, err := run(hubProgram, append(args, "--config", h.config)...)
	if err != nil {
		h.t.Fatalf("hub %s: %v", strings.Join(args, " "), err)
	}
	return out
}

// add registers an identity and returns its secret.
func (h *hub) add(id, kind string, flags ...string) string {
	h.t.Helper()
	return strings.TrimSpace(h.cli(append([]string{"device", "add", id, "--kind", kind}, flags...)...))
}

// claim trades the setup token for the administrator and signs in as such.
func (h *hub) claim() *session {
	h.t.Helper()
	token, err := os.ReadFile(filepath.Join(h.dir, "data", "setup-token"))
	if err != nil {
		h.t.Fatal(err)
	}
	claim := map[string]string{"token": strings.TrimSpace(string(token)), "account": administrator, "password": password}
	nobody := &session{t: h.t, base: "http://" + h.http}
	nobody.post("/api/v1/setup", claim, nil)
	if err := nobody.call("POST", "/api/v1/setup", claim, nil); !isStatus(err, http.StatusGone) {
		h.t.Errorf("the setup token worked twice: %v", err)
	}
	return h.signIn(administrator, password)
}

func (h *hub) signIn(account, password string) *session {
	h.t.Helper()
	s := &session{t: h.t, base: "http://" + h.http}
	s.post("/api/v1/session", map[string]string{"account": account, "password": password}, nil)
	return s
}

// open starts a hub and claims it.
func open(t testing.TB, extra string) (*hub, *session) {
	t.Helper()
	h := prepare(t, extra)
	h.serve()
	return h, h.claim()
}
