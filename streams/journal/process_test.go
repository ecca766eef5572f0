//go:build linux

package journal_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"gridhub/streams/journal"
)

// childDir names the environment variable that makes the test binary a writer
// to be killed.
const childDir = "JOURNAL_TEST_CHILD_DIR"

func TestMain(m *testing.M) {
	if dir := os.Getenv(childDir); dir != "" {
		if err := writeUntilKilled(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	os.Exit(m.Run())
}

// writeUntilKilled prints each number once it is acknowledged, with its record.
func writeUntilKilled(dir string) error {
	j, err := journal.Open(dir, journal.Options{SegmentBytes: 64 << 10})
	if err != nil {
		return err
	}
	var mu sync.Mutex
	failed := make(chan error)
	for w := range 8 {
		go func() {
			for i := 0; ; i++ {
				rec := fmt.Sprintf("%d/%d/%d", os.Getpid(), w, i)
				n, err := j.Append(context.Background(), []byte(rec))
				if err != nil {
					failed <- err
					return
				}
				mu.Lock()
				fmt.Printf("%d %s\n", n, rec) // one write: whole lines only
				mu.Unlock()
			}
		}()
	}
	return <-failed
}

// A child process writes and is killed with SIGKILL after some hundred
// acknowledgements, again and again; the parent keeps the ledger.
func TestKilledProcess(t *testing.T) {
	dir := t.TempDir()
	ledger := map[uint64]string{}
	for round := range 10 {
		killedWriter(t, dir, 100+round*97, ledger)
		j, err := journal.Open(dir, journal.Options{SegmentBytes: 64 << 10})
		if err != nil {
			t.Fatal(err)
		}
		there := map[uint64]string{}
		for _, r := range readAll(t, j, 1) {
			if r.Kind != journal.Data {
				t.Fatalf("round %d: gap %+v", round, r)
			}
			there[r.Number] = string(r.Data)
		}
		for n, rec := range ledger {
			if there[n] != rec {
				t.Fatalf("round %d: number %d is %q, %q was acknowledged", round, n, there[n], rec)
			}
		}
		j.Close()
	}
}

// killedWriter runs a child until it has printed lines acknowledgements, kills
// it, and enters everything it printed into the ledger.
func killedWriter(t *testing.T, dir string, lines int, ledger map[uint64]string) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childDir+"="+dir)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	in := bufio.NewScanner(out)
	got := 0
	for ; in.Scan(); got++ {
		var n uint64
		var rec string
		if _, err := fmt.Sscan(in.Text(), &n, &rec); err != nil {
			break // the line that the kill cut off
		}
		if old, ok := ledger[n]; ok {
			t.Errorf("number %d was %q, is given to %q", n, old, rec)
		}
		ledger[n] = rec
		if got == lines {
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	_ = cmd.Wait() // killed
	if got < lines {
		t.Fatalf("the child ended by itself after %d lines", got)
	}
}

// A real disk of 4 MiB, where the process may mount one; in memory the same is
// TestFullDiskResumesByItself.
func TestFullTmpfs(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=4m"); err != nil {
		t.Logf("no right to mount a tmpfs (%v): the test on the disk in memory stands alone", err)
		return
	}
	defer func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	}()
	ballast := filepath.Join(dir, "ballast")
	if err := os.WriteFile(ballast, make([]byte, 2<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	j, err := journal.Open(filepath.Join(dir, "j"), journal.Options{SegmentBytes: 256 << 10, Reserve: 128 << 10})
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	n, err := fill(j, 100000)
	if !errors.Is(err, journal.ErrDiskFull) {
		t.Fatalf("append: %v, want ErrDiskFull", err)
	}
	if got := len(readAll(t, j, 1)); got != n {
		t.Fatalf("%d records readable, %d acknowledged", got, n)
	}
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(20 * time.Second); j.Healthy() != nil; time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("space is back, but: %v", j.Healthy())
		}
	}
	if got := mustAppend(t, j, "again"); got != uint64(n)+1 {
		t.Errorf("number %d, want %d", got, n+1)
	}
}

func TestOpenExplainsWhatIsWrong(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := journal.Open(filepath.Join(file, "j"), journal.Options{})
	if err == nil || !strings.Contains(err.Error(), file) {
		t.Errorf("a file where a folder must be: %v, want an error with its name", err)
	}
	if _, err := journal.Open(t.TempDir(), journal.Options{MaxBytes: -1}); err == nil {
		t.Error("a negative limit was accepted")
	}
}
