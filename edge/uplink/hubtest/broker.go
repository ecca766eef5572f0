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
	"sync"
	"testing"
	"time"
)

// patience is how long a test waits for something that must happen.
const patience = 60 * time.Second

// Broker is a mosquitto process of the test's own.
type Broker struct {
	t      testing.TB
	port   int
	config string

	mu  sync.Mutex
	cmd *exec.Cmd
}

// StartBroker starts mosquitto on a free port of this machine; it ends with
// the test.
func StartBroker(t testing.TB) *Broker {
	t.Helper()
	b := &Broker{t: t, port: freePort(t), config: filepath.Join(t.TempDir(), "mosquitto.conf")}
	text := fmt.Sprintf("listener %d 127.0.0.1\nallow_anonymous true\nmax_inflight_messages 0\nmax_queued_messages 0\npersistence false\nlog_dest none\n", b.port)
	if err := os.WriteFile(b.config, []byte(text), 0o600); err != nil {
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
	b.cmd = exec.Command("mosquitto", "-c", b.config)
	b.cmd.Env = append(os.Environ(), "PATH=/usr/sbin:"+os.Getenv("PATH"))
	if path, err := exec.LookPath("/usr/sbin/mosquitto"); err == nil {
		b.cmd.Path, b.cmd.Err = path, nil
	}
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
