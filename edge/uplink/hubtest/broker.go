// Package hubtest plays the hub for tests of what talks to it: a real
// mosquitto broker on loopback and the acknowledging side of the protocol,
// which can be told to lose messages and to keep silent.
package hubtest

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// patience is how long a test waits for something that must happen.
const patience = 120 * time.Second

// Broker is a mosquitto process of the test's own.
type Broker struct {
	t      testing.TB
	port   int
	config string

	mu  sync.Mutex
	cmd *exec.Cmd
}

// StartBroker starts mosquitto on a free port of this machine; it ends with
// the test. settings are further lines for its configuration.
func StartBroker(t testing.TB, settings ...string) *Broker {
	t.Helper()
	b := &Broker{t: t, port: freePort(t), config: filepath.Join(t.TempDir(), "mosquitto.conf")}
	lines := append([]string{
		fmt.Sprintf("listener %d 127.0.0.1", b.port),
		"max_inflight_messages 0", "max_queued_messages 0", "persistence false", "log_dest none",
	}, settings...)
	if len(settings) == 0 {
		lines = append(lines, "allow_anonymous true")
	}
	if err := os.WriteFile(b.config, []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	b.Start()
	t.Cleanup(b.Kill)
	return b
}

// Address is the broker's host:port; it stays the same after Kill and Start.
func (b *Broker) Address() string { return fmt.Sprintf("127.0.0.1:%d", b.port) }

// Start starts the process and waits until it answers.
func (b *Broker) Start() {
	b.t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	b.cmd = exec.Command("/usr/sbin/mosquitto", "-c", b.config)
	if err := b.cmd.Start(); err != nil {
		b.t.Fatalf("mosquitto: %v", err)
	}
	for end := time.Now().Add(patience); ; {
		c, err := net.DialTimeout("tcp", b.Address(), time.Second)
		if err == nil {
			c.Close()
			return
		}
		if time.Now().After(end) {
			b.t.Fatalf("mosquitto does not listen: %v", err)
		}
		time.Sleep(5 * time.Millisecond) // between two attempts to reach a process
	}
}

// Kill ends the process as a power cut would.
func (b *Broker) Kill() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.cmd != nil {
		_ = b.cmd.Process.Kill()
		_ = b.cmd.Wait()
		b.cmd = nil
	}
}

func freePort(t testing.TB) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}
