package survey

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	codec "gridhub/devices/codec/modbus"
	"gridhub/devices/profile"
	"gridhub/edge/driver/bus"
	"gridhub/edge/driver/slave"
)

// process starts a program that ends with the test.
func process(t *testing.T, name string, args ...string) {
	t.Helper()
	cmd := exec.Command(name, args...)
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

// foreign is a pair of pseudo-terminals with pymodbus at one end: unit 3 is an
// electricity meter of 230 V and 5 A (edge/driver/modbus/testdata/slave.py).
func foreign(t *testing.T) profile.Line {
	t.Helper()
	dir := t.TempDir()
	ours, theirs := filepath.Join(dir, "ours"), filepath.Join(dir, "theirs")
	process(t, "socat", "pty,raw,echo=0,link="+ours, "pty,raw,echo=0,link="+theirs)
	eventually(t, "the pair of terminals", func() bool {
		_, err1 := os.Stat(ours)
		_, err2 := os.Stat(theirs)
		return err1 == nil && err2 == nil
	})
	process(t, "/usr/bin/python3", "../../driver/modbus/testdata/slave.py", "rtu", theirs)
	l, err := ParseLine(ours)
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "the slave", func() bool {
		return Probe(t.Context(), new(bytes.Buffer), l, 3, Window{Table: codec.Input, Count: 2}) == nil
	})
	return l
}

// TestForeign probes and scans a slave that somebody else wrote.
func TestForeign(t *testing.T) {
	l := foreign(t)
	var out bytes.Buffer
	if err := Probe(t.Context(), &out, l, 3, Window{Table: codec.Input, Count: 14}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"input 0      0x4366  u16 17254", "ABCD  f32 230*", "input 6      0x40A0", "ABCD  f32 5*", "ABCD  f32 1150*"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("probe lacks %q:\n%s", want, out.String())
		}
	}
	library, err := profile.LoadLibrary("../../../configs/profiles")
	if err != nil {
		t.Fatal(err)
	}
	out.Reset()
	found, err := Scan(t.Context(), &out, l, Search{First: 1, Last: 5, Timeout: time.Second, Speeds: Usual()}, library)
	if err != nil || len(found) != 4 || found[2].Address != "3" || found[2].Speed != (Speed{9600, "none"}) {
		t.Fatalf("%+v, %v\n%s", found, err, out.String())
	}
	if g := found[2].Guesses; len(g) == 0 || !strings.Contains(out.String(), `address: "3"}`) {
		t.Errorf("no guess for a meter:\n%s", out.String())
	}
}

// TestMeter finds a meter of DL/T 645 and what it could be.
func TestMeter(t *testing.T) {
	p := &profile.Profile{Name: "meter", Version: 1, Source: "made up", Protocol: profile.DLT2007, Metrics: []profile.Metric{
		{Name: "voltage", DI: "02010100", Bytes: 2, Scale: 0.1, Range: &profile.Range{180, 260}}}}
	layout, err := p.Compile(nil)
	if err != nil {
		t.Fatal(err)
	}
	pty, err := slave.OpenPTY()
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	var served sync.WaitGroup
	defer served.Wait()
	defer stop()
	device := slave.Device{Address: "652022122018", Layout: layout, Values: func() map[string]float64 { return map[string]float64{"voltage": 229.5} }}
	served.Go(func() { _ = slave.New([]slave.Device{device}, slave.Faults{}).ServePTY(ctx, pty) })
	l, err := ParseLine(pty.Path())
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	found, err := Scan(t.Context(), &out, l, Search{First: 1, Last: 2, Timeout: 300 * time.Millisecond, Speeds: []Speed{{2400, "even"}}}, profile.Library{p.Ref(): p})
	if err != nil || len(found) != 1 || found[0].Address != "652022122018" || found[0].Protocol != profile.DLT2007 || len(found[0].Guesses) != 1 || found[0].Guesses[0].Values[0].Value != 229.5 {
		t.Errorf("%+v, %v\n%s", found, err, out.String())
	}
	for _, address := range []string{"", "652022122018"} {
		out.Reset()
		if err := ProbeMeter(t.Context(), &out, l, profile.DLT2007, address); err != nil ||
			!strings.Contains(out.String(), "02010100  voltage L1     229.5 V") || !strings.Contains(out.String(), "no such data") {
			t.Errorf("probe %q: %v\n%s", address, err, out.String())
		}
	}
	l.Timeout = 100 * time.Millisecond
	if err := ProbeMeter(t.Context(), &out, l, profile.DLT2007, "1"); err == nil || !strings.Contains(err.Error(), "A and B swapped") {
		t.Errorf("a meter that is not there: %v", err)
	}
}

// TestNothing says what to look at when nothing answers.
func TestNothing(t *testing.T) {
	pty, err := slave.OpenPTY()
	if err != nil {
		t.Fatal(err)
	}
	defer pty.Close()
	l, err := ParseLine(pty.Path())
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	found, err := Scan(t.Context(), &out, l, Search{First: 1, Last: 3, Timeout: 50 * time.Millisecond, Speeds: []Speed{{9600, "none"}}}, nil)
	if err != nil || len(found) != 0 || !strings.Contains(out.String(), "A and B swapped") {
		t.Errorf("%v, %v\n%s", found, err, out.String())
	}
	l.Timeout = 50 * time.Millisecond
	if err := Probe(t.Context(), &out, l, 1, Window{Count: 1}); err == nil || !strings.Contains(err.Error(), "A/B 接反") {
		t.Errorf("probe: %v", err)
	}
}

func TestLineIsGone(t *testing.T) {
	l, err := ParseLine(filepath.Join(t.TempDir(), "ttyUSB0"))
	if err != nil {
		t.Fatal(err)
	}
	var lost *bus.Lost
	if _, err := Scan(t.Context(), new(bytes.Buffer), l, Search{First: 1, Last: 3, Timeout: time.Second, Speeds: Usual()}, nil); !errors.As(err, &lost) {
		t.Errorf("got %v", err)
	}
	for _, s := range []string{"", "ttyUSB0", "192.168.1.2"} {
		if _, err := ParseLine(s); err == nil {
			t.Errorf("%q is a line", s)
		}
	}
}

func TestPlausible(t *testing.T) {
	raw := []byte{0x43, 0x66, 0, 0} // 230 as a big-endian float
	for _, order := range []codec.Order{codec.ABCD, codec.CDAB, codec.BADC, codec.DCBA} {
		if got := Plausible(codec.Number(raw, codec.F32, order), codec.F32); got != (order == codec.ABCD) {
			t.Errorf("%s: %v", order, got)
		}
	}
}
