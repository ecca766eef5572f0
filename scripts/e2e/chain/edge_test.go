package chain_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// edge is one gateway's folder and its process, which may have several lives.
type edge struct {
	t      testing.TB
	dir    string
	config string
	page   string
	*process
}

// gateway registers a gateway at the hub and writes its configuration; plant is
// its file of lines and devices.
func (h *hub) gateway(id, plant string) *edge {
	h.t.Helper()
	secret := h.add(id, "gateway")
	return configure(h.t, id, secret, fmt.Sprintf("url: \"tcp://%s\"", h.mqtt), plant)
}

// configure writes the configuration of a gateway; way are the keys that lead
// to the hub.
func configure(t testing.TB, id, secret, way, plant string) *edge {
	t.Helper()
	dir := t.TempDir()
	e := &edge{t: t, dir: dir, config: filepath.Join(dir, "edge.yaml"), page: free(t)}
	write(t, filepath.Join(dir, "secret"), secret+"\n")
	write(t, filepath.Join(dir, "plant.yaml"), plant)
	write(t, e.config, fmt.Sprintf(`id: %s
data: data
profiles: [%s]
devices: [plant.yaml]
hub:
  %s
  password_file: secret
  linger: 50ms
  resend: 2s
spool: {reserve: 0B}
http: {address: %q}
`, id, configs(t, "profiles"), way, e.page))
	return e
}

// run starts the gateway.
func (e *edge) run() {
	e.t.Helper()
	e.process = launch(e.t, filepath.Join(e.dir, "edge.log"), edgeProgram, "run", "--config", e.config)
}

// stop ends the gateway as an operator does.
func (e *edge) stop() {
	e.t.Helper()
	e.end(e.t, syscall.SIGTERM)
	if e.err != nil {
		e.t.Errorf("edge ended with %v; it printed:\n%s", e.err, e.printed())
	}
}

// metric sums a metric of the gateway's page over its labels.
func (e *edge) metric(name string) (sum float64, err error) {
	res, err := http.Get("http://" + e.page + "/metrics")
	if err != nil {
		return 0, err
	}
	defer res.Body.Close()
	in := bufio.NewScanner(res.Body)
	for in.Scan() {
		key, value, _ := strings.Cut(in.Text(), " ")
		if key != name && !strings.HasPrefix(key, name+"{") {
			continue
		}
		v, err := strconv.ParseFloat(value, 64)
		if err != nil {
			return 0, err
		}
		sum += v
	}
	return sum, in.Err()
}

// delivered returns how many readings the gateway ever numbered. It is an error
// while the hub has not acknowledged them all.
func (e *edge) delivered() (int, error) {
	waiting, err := e.metric("gridhub_edge_waiting")
	if err == nil && waiting > 0 {
		err = fmt.Errorf("%v readings wait", waiting)
	}
	if err != nil {
		return 0, err
	}
	records, err := e.metric("gridhub_edge_records_total")
	return int(records), err
}

// quieten starts the gateway anew with a plant that is read once, so that its
// numbers come to rest.
func (e *edge) quieten(plant string) {
	e.t.Helper()
	e.stop()
	write(e.t, filepath.Join(e.dir, "plant.yaml"), plant)
	e.run()
}

// slave is a foreign Modbus TCP slave.
type slave struct {
	t       testing.TB
	address string
	in      io.Writer
}

// python is the distribution's: python3-pymodbus is installed for it.
const python = "/usr/bin/python3"

func startSlave(t testing.TB, units ...string) *slave {
	t.Helper()
	s := &slave{t: t, address: free(t)}
	host, port, err := net.SplitHostPort(s.address)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(python, append([]string{"testdata/slave.py", host, port}, units...)...)
	cmd.Stderr = t.Output() // pymodbus calls every closed connection an error
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	s.in = in
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		var killed *exec.ExitError
		if err := cmd.Wait(); !errors.As(err, &killed) {
			t.Errorf("the slave: %v", err)
		}
	})
	eventually(t, "the slave", func() error {
		c, err := net.Dial("tcp", s.address)
		if err == nil {
			c.Close()
		}
		return err
	})
	return s
}

// set changes a holding register.
func (s *slave) set(unit, register, value int) {
	s.t.Helper()
	if _, err := fmt.Fprintln(s.in, unit, register, value); err != nil {
		s.t.Fatal(err)
	}
}
