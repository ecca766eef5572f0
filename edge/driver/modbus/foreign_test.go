package modbus

import (
	"fmt"
	"log/slog"
	"math"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"gridhub/devices/profile"
	"gridhub/edge/driver"
)

// The interpreter is the distribution's: python3-pymodbus and python3-serial
// are installed for it.
const python = "/usr/bin/python3"

// process starts a program that ends with the test.
func process(t *testing.T, name string, args ...string) {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
}

// eventually tries until f returns true: a foreign process needs its time.
func eventually(t *testing.T, what string, f func() bool) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); !f(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited in vain for %s", what)
		}
	}
}

// TestForeignTCP reads shipped profiles from a slave that somebody else wrote.
func TestForeignTCP(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := fmt.Sprint(l.Addr().(*net.TCPAddr).Port)
	l.Close()
	process(t, python, "testdata/slave.py", "tcp", "127.0.0.1", port)
	eventually(t, "the slave", func() bool {
		c, err := net.Dial("tcp", "127.0.0.1:"+port)
		if err == nil {
			c.Close()
		}
		return err == nil
	})
	line := profile.Line{Name: "net", Kind: profile.TCP, Address: "127.0.0.1:" + port}
	line.SetDefaults()
	readForeign(t, New(line, slog.New(slog.DiscardHandler)))
}

// TestForeignRTU does the same over a pair of pseudo-terminals.
func TestForeignRTU(t *testing.T) {
	dir := t.TempDir()
	ours, theirs := filepath.Join(dir, "ours"), filepath.Join(dir, "theirs")
	process(t, "socat", "pty,raw,echo=0,link="+ours, "pty,raw,echo=0,link="+theirs)
	eventually(t, "the pair of terminals", func() bool {
		_, err1 := os.Stat(ours)
		_, err2 := os.Stat(theirs)
		return err1 == nil && err2 == nil
	})
	process(t, python, "testdata/slave.py", "rtu", theirs)
	line := profile.Line{Name: "bus", Kind: profile.Serial, Path: ours}
	line.SetDefaults()
	readForeign(t, New(line, slog.New(slog.DiscardHandler)))
}

func readForeign(t *testing.T, line *Line) {
	defer line.Close()
	library, err := profile.LoadLibrary("../../../configs/profiles")
	if err != nil {
		t.Fatal(err)
	}
	at := func(unit byte, ref profile.Ref) driver.Station {
		p := library[ref]
		layout, err := p.Layout(nil)
		if err != nil {
			t.Fatal(err)
		}
		return driver.Station{ID: "dev", Address: fmt.Sprint(unit), Profile: p, Layout: layout}
	}
	eventually(t, "the first answer", func() bool {
		_, err := line.Read(t.Context(), at(1, "gas-ch4@1"))
		return err == nil
	})
	for _, tt := range []struct {
		unit byte
		ref  profile.Ref
		want map[string]float64
	}{
		{1, "gas-ch4@1", map[string]float64{"ch4": 3.1, "fault": 0}},
		{2, "smoke@1", map[string]float64{"smoke": 1, "battery": 3.3}},
		{3, "electricity-meter@1", map[string]float64{"voltage": 230, "current": 5, "power": 1150, "energy": 309}},
		{4, "water-level@1", map[string]float64{"depth": -2}},
	} {
		r, err := line.Read(t.Context(), at(tt.unit, tt.ref))
		if err != nil || len(r.Values) != len(tt.want) {
			t.Errorf("unit %d: %+v, %v", tt.unit, r, err)
			continue
		}
		for _, f := range r.Values {
			if math.Abs(f.Value-tt.want[f.Metric]) > 1e-9 {
				t.Errorf("unit %d: %s is %v, want %v", tt.unit, f.Metric, f.Value, tt.want[f.Metric])
			}
		}
	}
	if _, err := line.Read(t.Context(), at(9, "gas-ch4@1")); driver.Cause(err) != driver.Timeout {
		t.Errorf("a unit that is not there: %v, want a timeout", err)
	}
	writeForeign(t, line, at)
	beyond := *library["gas-ch4@1"]
	beyond.Metrics = beyond.Metrics[:1:1]
	address := uint16(60000)
	beyond.Metrics[0].Holding = &address
	layout, err := beyond.Layout(nil)
	if err != nil {
		t.Fatal(err)
	}
	_, err = line.Read(t.Context(), driver.Station{ID: "dev", Address: "1", Profile: &beyond, Layout: layout})
	if driver.Cause(err) != "exception-2" || driver.MayRetry(err) {
		t.Errorf("a register that is not there: %v, want exception 2 without retry", err)
	}
}
