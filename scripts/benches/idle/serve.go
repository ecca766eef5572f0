package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/debug"
	"runtime/pprof"
	"strconv"

	"gridhub/devices"
	"gridhub/hub/broker"
)

// everyone is an Authority that believes usernames and a Sink that keeps nothing.
type everyone struct{}

func (everyone) Authenticate(_ context.Context, c broker.Credentials) (broker.Principal, error) {
	return broker.Principal{ID: devices.ID(c.Username), Kind: devices.Terminal}, nil
}

func (everyone) Accept(_ *broker.Message, ack broker.Ack) { ack.Done(nil) }

// serve runs a broker, prints its address and answers every line of in with a
// measurement until in ends. With IDLE_PROFILE set it leaves a heap profile in
// that file, with IDLE_CPU a processor profile of the whole run.
func serve(in io.Reader, out io.Writer) error {
	if name := os.Getenv("IDLE_CPU"); name != "" {
		f, err := os.Create(name)
		if err != nil {
			return err
		}
		if err := pprof.StartCPUProfile(f); err != nil {
			return err
		}
		defer pprof.StopCPUProfile()
	}
	cfg := broker.Default()
	cfg.Listeners[0].Address = "127.0.0.1:0"
	cfg.MaxPerAddress = 0
	b, err := broker.New(cfg, everyone{}, everyone{}, nil, broker.Events{})
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- b.Run(ctx) }()
	select {
	case <-b.Ready():
	case err := <-ended:
		stop()
		return err
	}
	fmt.Fprintln(out, b.Addr(cfg.Listeners[0].Name))
	for lines := bufio.NewScanner(in); lines.Scan(); {
		if err := json.NewEncoder(out).Encode(measure()); err != nil {
			break
		}
	}
	stop()
	return <-ended
}

// measure collects garbage until stacks have shrunk too (each cycle halves
// them at most) and reads the figures.
func measure() (m measurement) {
	for range 6 {
		runtime.GC()
	}
	debug.FreeOSMemory()
	var ms runtime.MemStats
	runtime.ReadMemStats(&ms)
	m.Heap, m.Stacks, m.RSS = int64(ms.HeapAlloc), int64(ms.StackInuse), resident()
	if name := os.Getenv("IDLE_PROFILE"); name != "" {
		if f, err := os.Create(name); err == nil {
			_ = pprof.WriteHeapProfile(f)
			_ = f.Close()
		}
	}
	return m
}

// resident reads VmRSS, in bytes; 0 where there is no /proc.
func resident() int64 {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	_, rest, _ := bytes.Cut(status, []byte("VmRSS:"))
	fields := bytes.Fields(rest)
	if len(fields) == 0 {
		return 0
	}
	kb, _ := strconv.ParseInt(string(fields[0]), 10, 64)
	return kb << 10
}
