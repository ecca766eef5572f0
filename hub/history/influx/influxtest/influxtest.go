// Package influxtest runs a real InfluxDB 1.8 on loopback, for tests that kill
// it, freeze it and start it again on the same files. It leaves out fakes:
// those that an answer needs are in the tests themselves.
package influxtest

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Install is what puts the server where Path looks for it.
const Install = "go install github.com/influxdata/influxdb/cmd/influxd@v1.8.10"

// Path returns influxd: $GRIDHUB_INFLUXD, else from $PATH, else from ~/go/bin.
// The test fails when there is none.
func Path(t testing.TB) string {
	t.Helper()
	if p := os.Getenv("GRIDHUB_INFLUXD"); p != "" {
		return p
	}
	if p, err := exec.LookPath("influxd"); err == nil {
		return p
	}
	home, _ := os.UserHomeDir()
	if p, err := exec.LookPath(filepath.Join(home, "go", "bin", "influxd")); err == nil {
		return p
	}
	t.Fatalf("this test needs influxd 1.8: run\n\t%s\nor name it in GRIDHUB_INFLUXD", Install)
	return ""
}

// Server is an influxd with one database.
type Server struct {
	URL    string
	Bucket string // database/retention-policy
	path   string
	dir    string
	addr   string
	cmd    *exec.Cmd
}

// Start starts influxd with an empty database, and stops it when the test ends.
func Start(t testing.TB) *Server {
	t.Helper()
	s := &Server{path: Path(t), dir: t.TempDir(), addr: freeAddress(t), Bucket: "gridhub/autogen"}
	s.URL = "http://" + s.addr
	t.Cleanup(s.Kill)
	s.Restart(t)
	res, err := http.Post(s.URL+"/query?q=CREATE+DATABASE+gridhub", "", nil)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	return s
}

func freeAddress(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// Restart starts influxd again on its files and address, and waits until it
// answers.
func (s *Server) Restart(t testing.TB) {
	t.Helper()
	log, err := os.OpenFile(filepath.Join(s.dir, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close() // the child has its own
	s.cmd = exec.Command(s.path, "-config", os.DevNull)
	s.cmd.Stdout, s.cmd.Stderr = log, log
	s.cmd.Env = append(os.Environ(),
		"INFLUXDB_META_DIR="+filepath.Join(s.dir, "meta"), "INFLUXDB_DATA_DIR="+filepath.Join(s.dir, "data"),
		"INFLUXDB_DATA_WAL_DIR="+filepath.Join(s.dir, "wal"), "INFLUXDB_HTTP_BIND_ADDRESS="+s.addr,
		"INFLUXDB_BIND_ADDRESS=127.0.0.1:0", "INFLUXDB_HTTP_FLUX_ENABLED=true", "INFLUXDB_REPORTING_DISABLED=true",
		"INFLUXDB_MONITOR_STORE_ENABLED=false", "INFLUXDB_HTTP_LOG_ENABLED=false", "INFLUXDB_DATA_QUERY_LOG_ENABLED=false",
		"INFLUXDB_LOGGING_LEVEL=warn")
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if err := s.ready(30 * time.Second); err != nil {
		b, _ := os.ReadFile(filepath.Join(s.dir, "log"))
		t.Fatalf("influxd: %v\n%s", err, b)
	}
}

func (s *Server) ready(limit time.Duration) error {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.URL+"/health", nil)
		if err != nil {
			return err
		}
		res, err := http.DefaultClient.Do(req)
		if err == nil {
			res.Body.Close()
			if res.StatusCode == http.StatusOK {
				return nil
			}
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("does not answer: %w", err)
		}
	}
}

// Kill ends influxd as a power cut of its process would.
func (s *Server) Kill() {
	if s.cmd != nil && s.cmd.Process != nil {
		s.cmd.Process.Signal(syscall.SIGCONT)
		s.cmd.Process.Kill()
		s.cmd.Wait()
		s.cmd = nil
	}
}

// Freeze stops influxd where it is: it keeps its connections and answers
// nothing.
func (s *Server) Freeze() { s.cmd.Process.Signal(syscall.SIGSTOP) }

// Thaw lets it go on.
func (s *Server) Thaw() { s.cmd.Process.Signal(syscall.SIGCONT) }

// Database returns the name before the slash.
func (s *Server) Database() string {
	db, _, _ := strings.Cut(s.Bucket, "/")
	return db
}
