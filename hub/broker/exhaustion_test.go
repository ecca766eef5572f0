package broker

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// fewFiles makes the test binary a broker with 64 file descriptors.
const fewFiles = "GRIDHUB_TEST_FEW_FILES"

// TestBrokerWithFewFiles is that broker: it prints its address, then its
// health for every line it reads. Without the variable it does nothing.
func TestBrokerWithFewFiles(t *testing.T) {
	if os.Getenv(fewFiles) == "" {
		return
	}
	r := start(t, nil, Events{})
	limit := syscall.Rlimit{Cur: 64, Max: 64}
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	fmt.Println("listening", r.addr)
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		fmt.Println("health", r.Healthy())
	}
}

// Out of file descriptors, the broker keeps serving those it has, says that it
// is unwell, and takes new ones as soon as it can.
func TestOutOfFileDescriptors(t *testing.T) {
	child := exec.Command(os.Args[0], "-test.run=^TestBrokerWithFewFiles$")
	child.Env = append(os.Environ(), fewFiles+"=1")
	in, err := child.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = in.Close(); _ = child.Wait() }()
	lines := bufio.NewScanner(out)
	next := func(prefix string) string {
		for lines.Scan() {
			if rest, ok := strings.CutPrefix(lines.Text(), prefix+" "); ok {
				return rest
			}
		}
		t.Fatalf("the broker ended without saying %q", prefix)
		return ""
	}
	health := func() string {
		_, _ = fmt.Fprintln(in)
		return next("health")
	}
	r := &running{addr: next("listening")}
	live := r.dial(t)
	live.join(hello{})
	var crowd []net.Conn
	for range 100 {
		nc, err := net.Dial("tcp", r.addr) // the kernel takes them, the broker cannot
		if err != nil {
			t.Fatal(err)
		}
		crowd = append(crowd, nc)
	}
	eventually(t, "health says too many open files", func() bool { return strings.Contains(health(), "too many open files") })
	live.publish("gh/1/a/up/telemetry", 1, 1, "still here")
	live.expect(0x40, 2, 0, 1)
	for _, nc := range crowd {
		_ = nc.Close()
	}
	eventually(t, "it is well again", func() bool { return health() == "<nil>" })
	r.dial(t).join(hello{id: "b", user: "b", password: "bb"})
}

// Two thousand strangers who say nothing leave room for those who have
// something to say.
func TestManySilentStrangers(t *testing.T) {
	r := start(t, func(c *Config) { c.MaxPerAddress = 0 }, Events{})
	for range 2000 {
		nc, err := net.Dial("tcp", r.addr)
		if err != nil {
			t.Fatal(err)
		}
		defer nc.Close()
		_, _ = nc.Write([]byte{0x10, 0x7f})
	}
	p := r.dial(t)
	p.join(hello{})
	p.publish("gh/1/a/up/telemetry", 1, 1, "x")
	p.expect(0x40, 2, 0, 1)
}

// Two devices with one identity fight for it; whatever either of them got
// acknowledged has reached the sink.
func TestFlappingLosesNothing(t *testing.T) {
	r := start(t, func(c *Config) { c.TakeoverInterval = time.Millisecond }, Events{})
	var mu sync.Mutex
	acked := map[string]bool{}
	var all sync.WaitGroup
	for device := range 2 {
		all.Go(func() {
			for n := range 50 {
				nc, err := net.Dial("tcp", r.addr)
				if err != nil {
					t.Error(err)
					return
				}
				p := &peer{t: t, nc: nc}
				payload := fmt.Sprint(device, "/", n)
				_, _ = nc.Write(append(hello{persist: true}.packet(), publishPacket(false, "gh/1/a/up/event", 1, 1, payload)...))
				for range 2 {
					if head, _, err := p.tryRead(patience); err == nil && head == 0x40 {
						mu.Lock()
						acked[payload] = true
						mu.Unlock()
					}
				}
				_ = nc.Close()
			}
		})
	}
	all.Wait()
	for _, m := range r.sink.messages() {
		delete(acked, string(m.Payload))
	}
	if len(acked) > 0 {
		t.Errorf("acknowledged but not in the sink: %v", acked)
	}
	if r.Stats()["takeovers"] == 0 {
		t.Error("no takeover was counted")
	}
}
