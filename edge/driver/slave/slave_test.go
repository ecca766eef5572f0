package slave

import (
	"bytes"
	"context"
	"maps"
	"net"
	"os/exec"
	"sync"
	"testing"

	"gridhub/devices/codec/modbus"
)

// device has registers of every kind.
func device(t *testing.T) Device {
	t.Helper()
	set := map[string]float64{"a": 70000, "b": -12.3, "c": 230, "e": 1}
	var mu sync.Mutex
	writable := []modbus.Field{
		{Metric: "f", Address: 7, Type: modbus.S16, Scale: 0.1},
		{Metric: "g", Address: 8, Type: modbus.U32, Order: modbus.CDAB},
		{Metric: "h", Table: modbus.Coil, Address: 9, Type: modbus.Bool},
	}
	layout, err := modbus.New(append([]modbus.Field{
		{Metric: "a", Address: 4, Type: modbus.U32, Order: modbus.CDAB},
		{Metric: "b", Address: 6, Type: modbus.S16, Scale: 0.1},
		{Metric: "c", Table: modbus.Input, Type: modbus.F32},
		{Metric: "d", Table: modbus.Discrete, Address: 0, Type: modbus.Bool},
		{Metric: "e", Table: modbus.Discrete, Address: 2, Type: modbus.Bool},
	}, writable...), 1, 0)
	if err != nil {
		t.Fatal(err)
	}
	return Device{Address: "1", Layout: layout, Values: func() map[string]float64 {
		mu.Lock()
		defer mu.Unlock()
		return maps.Clone(set)
	}, Write: func(w modbus.Write) bool {
		mu.Lock()
		defer mu.Unlock()
		for _, f := range writable {
			if v, ok := w.Read(f); ok {
				set[f.Metric] = v
				return true
			}
		}
		return false
	}}
}

const want = `holding [4464, 1, 65413]
input [17254, 0]
discrete [False, False, True]
refused 2
coil 5 True
register 6 [65413]
registers 16 [4464, 1]
nowhere 2
`

// master runs a foreign program and compares what it read.
func master(t *testing.T, args ...string) {
	t.Helper()
	var errs bytes.Buffer
	cmd := exec.Command("/usr/bin/python3", append([]string{"testdata/master.py"}, args...)...)
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil || string(out) != want {
		t.Errorf("%v: %v\n%swant\n%s%s", args, err, out, want, errs.String())
	}
}

// TestForeignMaster lets a master that somebody else wrote read our slaves,
// over both kinds of line.
func TestForeignMaster(t *testing.T) {
	slaves := New([]Device{device(t)}, Faults{})
	ctx, stop := context.WithCancel(context.Background())
	var serving sync.WaitGroup
	defer serving.Wait()
	defer stop()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	serving.Go(func() { _ = slaves.Accept(ctx, l, true) })
	host, port, _ := net.SplitHostPort(l.Addr().String())
	master(t, "tcp", host, port)
	pty, err := OpenPTY()
	if err != nil {
		t.Fatal(err)
	}
	serving.Go(func() { _ = slaves.ServePTY(ctx, pty) })
	master(t, "rtu", pty.Path())
}

// ends is a line whose other end is a buffer.
type ends struct {
	*bytes.Reader
	out bytes.Buffer
}

func (e *ends) Write(p []byte) (int, error) { return e.out.Write(p) }

// TestFaults holds that a bad line is bad as often as it was told to be.
func TestFaults(t *testing.T) {
	ask := modbus.RTU(1, modbus.Block{Address: 6, Count: 1}.Request())
	e := &ends{Reader: bytes.NewReader(bytes.Repeat(ask, 12))}
	if err := New([]Device{device(t)}, Faults{DamageEvery: 3, SilentEvery: 4}).Serve(t.Context(), e); err != nil {
		t.Fatal(err)
	}
	sound := modbus.RTU(1, []byte{3, 2, 0xFF, 0x85})
	if n := e.out.Len() / len(sound); n != 9 || bytes.Count(e.out.Bytes(), sound) != 6 {
		t.Errorf("%d answers of 12 questions, %d of them sound, want 9 and 6", n, bytes.Count(e.out.Bytes(), sound))
	}
}

// FuzzServe holds that no bytes make a slave panic.
func FuzzServe(f *testing.F) {
	f.Add(modbus.RTU(1, []byte{3, 0, 4, 0, 3}))
	f.Add(modbus.RTU(1, []byte{5, 0, 9, 0xFF, 0}))
	f.Add(modbus.RTU(1, []byte{16, 0, 8, 0, 2, 4, 0x11, 0x70, 0, 1}))
	f.Add([]byte{0xFE, 0x68, 0xAA, 0xAA, 0xAA, 0xAA, 0xAA, 0xAA, 0x68, 0x13, 0x00, 0xDF, 0x16})
	f.Fuzz(func(t *testing.T, p []byte) {
		s := New([]Device{device(t)}, Faults{})
		_ = s.Serve(t.Context(), &ends{Reader: bytes.NewReader(p)})
		_ = s.ServeTCP(t.Context(), &ends{Reader: bytes.NewReader(p)})
	})
}
