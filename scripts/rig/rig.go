// Package rig runs the real programs that a benchmark measures, each on a free
// port of the loopback and in a folder of its own: the hub, the load, InfluxDB,
// Mosquitto, Telegraf. It tells what processor time a program used. It leaves
// out what is measured: that is the benchmark's.
package rig

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Build compiles commands of this module into dir, each under its last name.
func Build(ctx context.Context, dir string, packages ...string) error {
	for _, p := range packages {
		cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", filepath.Join(dir, filepath.Base(p)), p)
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("go build %s: %w\n%s", p, err, out)
		}
	}
	return nil
}

// FreeAddresses fills each of into with an address of the loopback on which
// nobody listens just now; all differ.
func FreeAddresses(into ...*string) error {
	var open []net.Listener
	var errs []error
	for _, s := range into {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			errs = append(errs, err)
			break
		}
		*s, open = l.Addr().String(), append(open, l)
	}
	for _, l := range open {
		errs = append(errs, l.Close())
	}
	return errors.Join(errs...)
}

// A Program is a process that ends with this one.
type Program struct {
	name string
	cmd  *exec.Cmd
	log  string // file with what it said
}

// start runs a program whose output goes to a file in dir.
func start(dir, name, path string, env []string, args ...string) (*Program, error) {
	p := &Program{name: name, cmd: exec.Command(path, args...), log: filepath.Join(dir, name+".log")}
	out, err := os.Create(p.log)
	if err != nil {
		return nil, err
	}
	defer out.Close() // the child has its own
	p.cmd.Stdout, p.cmd.Stderr, p.cmd.Env = out, out, append(os.Environ(), env...)
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	return p, p.cmd.Start()
}

// Launch starts any program and waits until ready says nil; without ready it
// does not wait.
func Launch(ctx context.Context, dir, name, path string, ready func() error, args ...string) (*Program, error) {
	p, err := start(dir, name, path, nil, args...)
	if err != nil {
		return nil, err
	}
	if ready == nil {
		return p, nil
	}
	if err := p.Await(ctx, ready); err != nil {
		p.Stop()
		return nil, err
	}
	return p, nil
}

// Stop asks the program to end, and makes it after ten seconds.
func (p *Program) Stop() {
	_ = p.cmd.Process.Signal(syscall.SIGTERM) // it may have ended by itself
	hurry := time.AfterFunc(10*time.Second, func() { _ = p.cmd.Process.Kill() })
	defer hurry.Stop()
	_ = p.cmd.Wait() // how it ended is in its log
}

// Await asks until ready says nil; what the program said explains a failure.
func (p *Program) Await(ctx context.Context, ready func() error) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	for {
		err := ready()
		if err == nil {
			return nil
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-ctx.Done():
			said, _ := os.ReadFile(p.log) // an empty log says as much
			return fmt.Errorf("%s does not answer: %w\n%s", p.name, err, bytes.TrimSpace(said))
		}
	}
}

// answers reports whether a GET gets a success.
func answers(url string) error {
	res, err := http.Get(url)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode >= 300 {
		return errors.New(res.Status)
	}
	return nil
}

// Dials reports whether somebody listens.
func Dials(address string) error {
	c, err := net.Dial("tcp", address)
	if err != nil {
		return err
	}
	return c.Close()
}

// tick is the unit of processor time in /proc (USER_HZ, 100 on every Linux).
const tick = 10 * time.Millisecond

// Name is the program's.
func (p *Program) Name() string { return p.name }

// Said is everything that the program has written so far.
func (p *Program) Said() string {
	b, _ := os.ReadFile(p.log) // nothing yet
	return string(b)
}

// CPU is the processor time that the program used so far, all its threads, in
// user and kernel.
func (p *Program) CPU() (time.Duration, error) { return CPUOf(p.PID()) }

// PID is the process's number.
func (p *Program) PID() int { return p.cmd.Process.Pid }

// CPUOf is CPU for any process.
func CPUOf(pid int) (sum time.Duration, err error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, err
	}
	_, rest, _ := bytes.Cut(b, []byte(") ")) // behind the name, which may hold anything
	f := strings.Fields(string(rest))
	if len(f) < 13 {
		return 0, fmt.Errorf("stat of process %d is cut: %q", pid, b)
	}
	for _, v := range f[11:13] { // utime and stime, proc(5)
		n, err := strconv.Atoi(v)
		if err != nil {
			return 0, fmt.Errorf("stat of process %d: %w", pid, err)
		}
		sum += time.Duration(n) * tick
	}
	return sum, nil
}

// MemoryOf is what a process holds in memory now, in kB (VmRSS, proc(5)).
func MemoryOf(pid int) (kb int, err error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	_, rest, found := bytes.Cut(b, []byte("VmRSS:"))
	if !found {
		return 0, fmt.Errorf("status of process %d tells no memory", pid)
	}
	_, err = fmt.Sscan(string(rest), &kb)
	return kb, err
}

// LoadAverage is that of the last minute: more than the bench itself makes of
// it says that others took part in the figures.
func LoadAverage() string {
	b, _ := os.ReadFile("/proc/loadavg") // elsewhere than on Linux there is none
	first, _, _ := strings.Cut(string(b), " ")
	return first
}
