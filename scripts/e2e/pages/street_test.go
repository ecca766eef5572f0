package pages_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

const (
	patience = 90 * time.Second // for a program to be ready on a busy machine
	goodbye  = 20 * time.Second // for a program to stop cleanly
)

// root is the module's folder.
func root(t *testing.T) string {
	t.Helper()
	dir, err := filepath.Abs("../../..")
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// programs builds the pages, if nobody has yet, and then hub, edge and the
// walkers, once for all tests of this package.
var programs = sync.OnceValues(func() (dir string, err error) {
	top, err := filepath.Abs("../../..")
	if err != nil {
		return "", err
	}
	if dir, err = os.MkdirTemp("", "pages-bin-"); err != nil {
		return "", err
	}
	steps := [][]string{{"go", "build", "-o", dir + "/", "./edge", "./hub", "./scripts/demowalkers"}}
	if _, err := os.Stat(filepath.Join(top, "hub/web/dist/index.html")); err != nil {
		steps = append([][]string{{"make", "--no-print-directory", "web"}}, steps...)
	}
	if _, err := os.Stat("node_modules/.package-lock.json"); err != nil {
		steps = append(steps, []string{"npm", "ci", "--prefix", "scripts/e2e/pages"})
	}
	for _, s := range steps {
		c := exec.Command(s[0], s[1:]...)
		c.Dir = top
		if out, err := c.CombinedOutput(); err != nil {
			return dir, fmt.Errorf("%s: %w\n%s", strings.Join(s, " "), err, out)
		}
	}
	return dir, nil
})

func TestMain(m *testing.M) {
	code := m.Run()
	if dir, _ := programs(); dir != "" {
		_ = os.RemoveAll(dir) // in the folder for temporary files anyhow
	}
	os.Exit(code)
}

// street is one running hub of the demo street and how to reach it.
type street struct {
	t      *testing.T
	bin    string
	dir    string
	config string
	URL    string `json:"url"`    // http://127.0.0.1:port
	Secure string `json:"secure"` // https://host:port, by the private CA
	mqtt   string
	from   *machine // where the flows run; nil: on this machine
	hub    *program
}

// place says where the phones are, nil: on this machine; and which file lists the
// street's cameras.
type place struct {
	phone   *machine
	cameras string
}

// open starts a hub with empty stores and waits until it is ready.
func open(t *testing.T, where place) *street {
	t.Helper()
	bin, err := programs()
	if err != nil {
		t.Fatal(err)
	}
	host := "127.0.0.1"
	if where.phone != nil {
		host = where.phone.here
	}
	s := &street{t: t, bin: bin, dir: t.TempDir(), from: where.phone}
	s.URL, s.Secure, s.mqtt = "http://"+freePort(t, "127.0.0.1"), "https://"+freePort(t, host), freePort(t, "127.0.0.1")
	s.config = s.write("hub.yaml", fmt.Sprintf(`data: hub
street: %[1]s/configs/demo
matters: [%[1]s/configs/matters]
rules: [%[1]s/configs/rules]
http: {address: "%[2]s", secure: "%[3]s", names: ["%[4]s"]}
mqtt:
  listeners:
    - {name: plain, network: tcp, address: "%[5]s"}
media: {address: "%[6]s", loopback: true}
cameras: [%[7]s]
`, root(t), strings.TrimPrefix(s.URL, "http://"), strings.TrimPrefix(s.Secure, "https://"), host, s.mqtt, freePort(t, "127.0.0.1"), where.cameras))
	s.hub = s.run("hub", "serve", "--config", s.config)
	s.awaitReady()
	return s
}

// program is one that runs.
type program struct {
	*exec.Cmd
	done   chan error
	killed bool
}

// restart kills the hub without a warning and starts it again.
func (s *street) restart() {
	s.t.Helper()
	s.hub.killed = true
	_ = s.hub.Process.Kill()
	<-s.hub.done
	s.hub = s.run("hub", "serve", "--config", s.config)
	s.awaitReady()
}

func freePort(t *testing.T, host string) string {
	t.Helper()
	l, err := net.Listen("tcp", net.JoinHostPort(host, "0"))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func (s *street) write(name, text string) string {
	s.t.Helper()
	path := filepath.Join(s.dir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		s.t.Fatal(err)
	}
	return path
}

// run starts a program that lives as long as the test. What it logged is shown
// when the test has failed.
func (s *street) run(name string, args ...string) *program {
	s.t.Helper()
	var log bytes.Buffer
	c := exec.Command(filepath.Join(s.bin, name), args...)
	c.Dir = root(s.t)
	c.Stdout, c.Stderr = &log, &log
	if err := c.Start(); err != nil {
		s.t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- c.Wait() }()
	p := &program{Cmd: c, done: done}
	s.t.Cleanup(func() {
		if p.killed {
			return
		}
		_ = c.Process.Signal(syscall.SIGTERM) // it may have ended
		select {
		case err := <-done:
			if err != nil {
				s.t.Errorf("%s: %v", name, err)
			}
		case <-time.After(goodbye):
			s.t.Errorf("%s did not stop within %v", name, goodbye)
			_ = c.Process.Kill()
			<-done
		}
		if s.t.Failed() {
			s.t.Logf("%s said:\n%s", name, tail(log.String()))
			_ = os.WriteFile(filepath.Join(shots(s.t), name+".log"), log.Bytes(), 0o600) // the end stands above
		}
	})
	return p
}

func tail(log string) string { return log[max(0, len(log)-8000):] }

func (s *street) awaitReady() {
	s.t.Helper()
	for limit := time.Now().Add(patience); ; {
		res, err := http.Get(s.URL + "/readyz")
		if err == nil {
			_ = res.Body.Close()
			if res.StatusCode == http.StatusOK {
				return
			}
		}
		if time.Now().After(limit) {
			s.t.Fatalf("the hub is not ready: %v", err)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// token is the one-time token of a hub that nobody has claimed.
func (s *street) token() string {
	s.t.Helper()
	b, err := os.ReadFile(filepath.Join(s.dir, "hub/setup-token"))
	if err != nil {
		s.t.Fatal(err)
	}
	return strings.TrimSpace(string(b))
}

const (
	admin    = "admin"
	password = "Reed-isle-7-lanterns" // of every account of these tests
)

// account is what the hub is told about somebody who may sign in.
type account struct {
	Name     string   `json:"name"`
	Person   string   `json:"person,omitempty"`
	Roles    []string `json:"roles"`
	Password string   `json:"password"`
}

// staff claims the hub and adds accounts: a dispatcher "desk" and a field
// worker for each number.
func (s *street) staff(persons ...string) {
	s.t.Helper()
	s.post("/api/v1/setup", "", map[string]string{"token": s.token(), "account": admin, "password": password})
	session := s.post("/api/v1/session", "", map[string]string{"account": admin, "password": password})
	s.post("/api/v1/accounts", session, account{Name: "desk", Roles: []string{"dispatcher", "checker"}, Password: password})
	for _, p := range persons {
		s.post("/api/v1/accounts", session, account{Name: p, Person: p, Roles: []string{"handler"}, Password: password})
	}
}

// post sends JSON and returns the session that the answer sets. The cookie is
// carried by hand, for it is Secure and this is plain HTTP.
func (s *street) post(path, session string, body any) string {
	s.t.Helper()
	b, err := json.Marshal(body)
	if err != nil {
		s.t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(s.t.Context(), "POST", s.URL+path, bytes.NewReader(b))
	if err != nil {
		s.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Cookie", session)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode >= 300 {
		said, _ := io.ReadAll(res.Body) // the status is error enough
		s.t.Fatalf("POST %s: %s %s", path, res.Status, said)
	}
	for _, c := range res.Cookies() {
		session = c.Name + "=" + c.Value
	}
	return session
}

var hazardEvery = regexp.MustCompile(`hazard_every: \w+`)

// sensors starts an edge with the demo street's devices; each line strikes one
// of them in every interval.
func (s *street) sensors(every time.Duration) {
	s.t.Helper()
	secret, err := exec.Command(filepath.Join(s.bin, "hub"), "device", "add", "gw-demo", "--kind", "gateway", "--config", s.config).Output()
	if err != nil {
		s.t.Fatalf("the gateway was not registered: %v", err)
	}
	demo, err := os.ReadFile(filepath.Join(root(s.t), "configs/demo/devices.yaml"))
	if err != nil {
		s.t.Fatal(err)
	}
	devices := s.write("devices.yaml", hazardEvery.ReplaceAllString(string(demo), "hazard_every: "+every.String()))
	config := s.write("edge.yaml", fmt.Sprintf(`id: gw-demo
data: edge
profiles: [%s/configs/profiles]
devices: [%s]
hub: {url: "tcp://%s", password_file: %s}
`, root(s.t), devices, s.mqtt, s.write("secret", string(secret))))
	s.run("edge", "run", "--config", config)
}

// walkers lets people walk the street and answer every task.
func (s *street) walkers(persons ...string) {
	s.t.Helper()
	var accounts strings.Builder
	for _, p := range persons {
		fmt.Fprintln(&accounts, p, password)
	}
	s.run("demowalkers", "-hub", s.URL, "-mqtt", "tcp://"+s.mqtt, "-every", "2s", "-answer", "1",
		"-passwords", s.write("accounts", accounts.String()), "-street", filepath.Join(root(s.t), "configs/demo"))
}
