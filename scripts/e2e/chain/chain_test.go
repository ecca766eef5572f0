// Package chain_test runs the real programs the way a street does: hub and edge
// built once, started as processes on free loopback ports with folders of their
// own, and talked to by what talks to them in life: a foreign Modbus slave,
// mosquitto's clients, MQTT terminals, HTTP sessions. It kills them, stops them
// and starts them wrongly, and then counts what they hold. Nothing is mocked;
// what single packages promise is tested beside them.
package chain_test

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// patience is how long another process may take on a busy machine.
const patience = 30 * time.Second

// hubProgram and edgeProgram are built by TestMain.
var hubProgram, edgeProgram string

func TestMain(m *testing.M) { os.Exit(build(m)) }

func build(m *testing.M) int {
	dir, err := os.MkdirTemp("", "chain")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	cmd := exec.Command("go", "build", "-o", dir+string(filepath.Separator), "./edge", "./hub")
	cmd.Dir = filepath.Join("..", "..", "..")
	if out, err := cmd.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "%s%v\n", out, err)
		return 1
	}
	hubProgram, edgeProgram = filepath.Join(dir, "hub"), filepath.Join(dir, "edge")
	return m.Run()
}

// process is a program under test; it ends with the test at the latest.
type process struct {
	cmd  *exec.Cmd
	log  string // file that holds what it printed, over all its lives
	done chan struct{}
	err  error // of Wait; read it after done
}

// launch starts a program whose output is appended to log.
func launch(t testing.TB, log, program string, args ...string) *process {
	t.Helper()
	out, err := os.OpenFile(log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close() // the child has its own
	p := &process{cmd: exec.Command(program, args...), log: log, done: make(chan struct{})}
	p.cmd.Stdout, p.cmd.Stderr = out, out
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} // even if the test itself is killed
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		p.err = p.cmd.Wait()
		close(p.done)
	}()
	t.Cleanup(func() { p.end(t, syscall.SIGKILL) })
	return p
}

// end signals the program and waits until it is gone.
func (p *process) end(t testing.TB, sig syscall.Signal) {
	t.Helper()
	_ = p.cmd.Process.Signal(sig) // it may be gone already
	select {
	case <-p.done:
	case <-time.After(patience):
		_ = p.cmd.Process.Kill()
		t.Errorf("%s did not end on %v; it printed:\n%s", filepath.Base(p.cmd.Path), sig, p.printed())
	}
}

func (p *process) running() bool {
	select {
	case <-p.done:
		return false
	default:
		return true
	}
}

func (p *process) printed() string {
	b, err := os.ReadFile(p.log)
	if err != nil {
		return err.Error()
	}
	return string(b)
}

// eventually asks again until f is content: other processes need their time.
// f returns what is still wrong.
func eventually(t testing.TB, what string, f func() error) {
	t.Helper()
	var err error
	pause := 10 * time.Millisecond
	for end := time.Now().Add(patience); time.Now().Before(end); pause = min(2*pause, 500*time.Millisecond) {
		if err = f(); err == nil {
			return
		}
		time.Sleep(pause)
	}
	t.Fatalf("waited in vain for %s: %v", what, err)
}

// ports that were given out: the kernel may offer one again before it is used.
var (
	portsMu sync.Mutex
	ports   = map[string]bool{}
)

// free returns a loopback address on which nothing listens.
func free(t testing.TB) string {
	t.Helper()
	portsMu.Lock()
	defer portsMu.Unlock()
	for range 100 {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		address := l.Addr().String()
		l.Close()
		if !ports[address] {
			ports[address] = true
			return address
		}
	}
	t.Fatal("no free port")
	return ""
}

func write(t testing.TB, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// configs is the absolute path of something in the project's configs folder.
func configs(t testing.TB, name string) string {
	t.Helper()
	path, err := filepath.Abs(filepath.Join("..", "..", "..", "configs", name))
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// run runs a program to its end and returns what it printed to standard output;
// an error carries what it printed otherwise.
func run(program string, args ...string) (string, error) {
	var errs strings.Builder
	cmd := exec.Command(program, args...)
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		err = fmt.Errorf("%s: %w: %s", filepath.Base(program), err, errs.String())
	}
	return string(out), err
}
