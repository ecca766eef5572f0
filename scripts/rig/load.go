package rig

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os/exec"
	"path/filepath"
	"syscall"
)

// Sent is what the load says in the end: see scripts/benches/load.
type Sent struct {
	Messages  int     `json:"messages"`
	Seconds   float64 `json:"seconds"`
	PerSecond float64 `json:"per_second"`
	P50       float64 `json:"p50_ms"` // from publish to acknowledgement
	P99       float64 `json:"p99_ms"`
}

// Load runs the load that Build has put into bin, a process of its own, to its
// end.
func Load(ctx context.Context, bin string, args ...string) (s Sent, err error) {
	cmd := exec.CommandContext(ctx, filepath.Join(bin, "load"), args...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		return s, fmt.Errorf("load: %w\n%s", err, said.Bytes())
	}
	return s, json.Unmarshal(out, &s)
}
