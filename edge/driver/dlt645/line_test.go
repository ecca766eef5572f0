package dlt645

import (
	"context"
	"log/slog"
	"net"
	"reflect"
	"slices"
	"sync"
	"testing"
	"time"

	codec "gridhub/devices/codec/dlt645"
	"gridhub/devices/profile"
	"gridhub/devices/telemetry"
	"gridhub/edge/driver"
	"gridhub/edge/driver/modbus/modbustest"
	"gridhub/edge/driver/slave"
)

// meter is a layout with energy and three voltages in one answer.
func meter(t *testing.T) codec.Layout {
	t.Helper()
	layout, err := codec.New(codec.E2007, []codec.Field{
		{Metric: "energy", DI: 0x00010000, Bytes: 4, Scale: 0.01},
		{Metric: "a", DI: 0x0201FF00, Bytes: 2, Scale: 0.1},
		{Metric: "c", DI: 0x0201FF00, At: 4, Bytes: 2, Scale: 0.1},
	})
	if err != nil {
		t.Fatal(err)
	}
	return layout
}

func measured() map[string]float64 {
	return map[string]float64{"energy": 54623.71, "a": 221.4, "c": 219.9}
}

var want = []telemetry.Field{{Metric: "energy", Value: 54623.71}, {Metric: "a", Value: 221.4}, {Metric: "c", Value: 219.9}}

// onPTY serves devices on a pseudo-terminal and returns a line to them.
func onPTY(t *testing.T, f slave.Faults, devices ...slave.Device) *Line {
	t.Helper()
	pty, err := slave.OpenPTY()
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	var served sync.WaitGroup
	served.Go(func() { _ = slave.New(devices, f).ServePTY(ctx, pty) })
	l := profile.Line{Name: "bus", Kind: profile.Serial, Path: pty.Path(), Baud: 2400, Parity: "even"}
	l.Timeout = 300 * time.Millisecond
	line := New(l, slog.New(slog.DiscardHandler))
	t.Cleanup(func() {
		line.Close()
		stop()
		served.Wait()
	})
	return line
}

func TestRead(t *testing.T) {
	layout := meter(t)
	here := slave.Device{Address: "008866126775", Layout: layout, Values: measured}
	station := driver.Station{ID: "meter-1", Address: here.Address, Layout: layout}
	for name, f := range map[string]slave.Faults{"one frame": {}, "continued": {Chunk: 2}} {
		line := onPTY(t, f, here)
		r, err := line.Read(t.Context(), station)
		if err != nil || !reflect.DeepEqual(r.Values, want) || r.Quality != telemetry.Good {
			t.Errorf("%s: %+v, %v", name, r, err)
		}
		absent := station
		absent.Address = "1"
		if _, err := line.Read(t.Context(), absent); driver.Cause(err) != driver.Timeout || !driver.MayRetry(err) {
			t.Errorf("%s: a meter that is not there: %v", name, err)
		}
		if a, err := line.Find(t.Context(), codec.E2007); err != nil || a.String() != here.Address {
			t.Errorf("%s: the only meter is %v, %v", name, a, err)
		}
	}
}

func TestRead1997(t *testing.T) {
	layout, err := codec.New(codec.E1997, []codec.Field{{Metric: "energy", DI: 0x9010, Bytes: 4, Scale: 0.01}})
	if err != nil {
		t.Fatal(err)
	}
	line := onPTY(t, slave.Faults{Chunk: 2}, slave.Device{Address: "123", Layout: layout, Values: measured})
	r, err := line.Read(t.Context(), driver.Station{ID: "meter-1", Address: "123", Layout: layout})
	if err != nil || !reflect.DeepEqual(r.Values, want[:1]) {
		t.Errorf("got %+v, %v", r, err)
	}
	if a, err := line.Find(t.Context(), codec.E1997); err != nil || a.String() != "000000000123" {
		t.Errorf("the only meter is %v, %v", a, err)
	}
}

// TestRefused asks for what the meter has not.
func TestRefused(t *testing.T) {
	layout := meter(t)
	other, err := codec.New(codec.E2007, []codec.Field{{Metric: "x", DI: 0x02800001, Bytes: 3}})
	if err != nil {
		t.Fatal(err)
	}
	line := onPTY(t, slave.Faults{}, slave.Device{Address: "7", Layout: layout, Values: measured})
	_, err = line.Read(t.Context(), driver.Station{ID: "meter-1", Address: "7", Layout: other})
	if driver.Cause(err) != "exception-2" || driver.MayRetry(err) {
		t.Errorf("got %v", err)
	}
}

// TestAnswers gives every kind of answer that a line has been seen to give. A
// wrong value is never among the results.
func TestAnswers(t *testing.T) {
	layout, err := codec.New(codec.E2007, []codec.Field{{Metric: "energy", DI: 0x00010000, Bytes: 4, Scale: 0.01}})
	if err != nil {
		t.Fatal(err)
	}
	own, _ := codec.ParseAddress("7")
	other, _ := codec.ParseAddress("8")
	sound := codec.Frame{Address: own, Control: 0x91, Data: []byte{0, 0, 1, 0, 0x71, 0x23, 0x46, 0x05}}
	foreign := sound
	foreign.Address = other
	broken := sound.Bytes()
	broken[18] ^= 0x20
	for _, tt := range []struct {
		name  string
		bytes []byte
		cause string
	}{
		{"sound", sound.Bytes(), ""},
		{"without waking bytes", sound.Bytes()[4:], ""},
		{"noise first", slices.Concat([]byte{0x68, 1, 2, 0x68}, sound.Bytes()), ""},
		{"another meter first", slices.Concat(foreign.Bytes(), sound.Bytes()), ""},
		{"a damaged copy first", slices.Concat(broken, sound.Bytes()), ""},
		{"an echo first", slices.Concat(codec.E2007.Read(own, 0x00010000).Bytes(), sound.Bytes()), ""},
		{"damaged", broken, driver.Damaged},
		{"another meter alone", foreign.Bytes(), driver.Timeout},
		{"cut", sound.Bytes()[:15], driver.Timeout},
		{"silence", nil, driver.Timeout},
	} {
		t.Run(tt.name, func(t *testing.T) {
			// The scripted slave hands over eight bytes of a request at a time:
			// the answer follows the second lump, nothing follows others.
			bus := modbustest.NewBus(t, func(n int, _ []byte) []modbustest.Chunk {
				if n != 1 || tt.bytes == nil {
					return nil
				}
				return []modbustest.Chunk{{Bytes: tt.bytes}}
			})
			l := profile.Line{Name: "bus", Kind: profile.Serial, Path: bus.Path()}
			l.SetDefaults()
			l.Timeout = 300 * time.Millisecond
			line := New(l, slog.New(slog.DiscardHandler))
			defer line.Close()
			r, err := line.Read(t.Context(), driver.Station{ID: "meter-1", Address: "7", Layout: layout})
			if tt.cause == "" && (err != nil || len(r.Values) != 1 || r.Values[0].Value != 54623.71) || tt.cause != "" && driver.Cause(err) != tt.cause {
				t.Errorf("got %+v, %v, want cause %q", r, err, tt.cause)
			}
		})
	}
}

// TestOverTCP reads through a converter that hangs up now and then.
func TestOverTCP(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	layout := meter(t)
	slaves := slave.New([]slave.Device{{Address: "7", Layout: layout, Values: measured}}, slave.Faults{})
	ctx, stop := context.WithCancel(context.Background())
	var served sync.WaitGroup
	served.Go(func() { _ = slaves.Accept(ctx, l, false) })
	defer served.Wait()
	defer stop()
	at := profile.Line{Name: "net", Kind: profile.TCP, Address: l.Addr().String()}
	at.SetDefaults()
	line := New(at, slog.New(slog.DiscardHandler))
	defer line.Close()
	for n := range 2 {
		r, err := line.Read(t.Context(), driver.Station{ID: "meter-1", Address: "7", Layout: layout})
		if err != nil || !reflect.DeepEqual(r.Values, want) {
			t.Fatalf("reading %d: %+v, %v", n, r, err)
		}
		line.Close()
	}
}

func TestUnfit(t *testing.T) {
	line := New(profile.Line{Name: "bus"}, slog.New(slog.DiscardHandler))
	for _, s := range []driver.Station{{ID: "m", Address: "x", Layout: meter(t)}, {ID: "m", Address: "7"}} {
		if _, err := line.Read(t.Context(), s); driver.Cause(err) != driver.Unfit || driver.MayRetry(err) {
			t.Errorf("%+v: %v", s, err)
		}
	}
}

// TestUnplug pulls the adapter: no value, no endless loop, and no waiting with
// every reading.
func TestUnplug(t *testing.T) {
	pty, err := slave.OpenPTY()
	if err != nil {
		t.Fatal(err)
	}
	l := profile.Line{Name: "bus", Kind: profile.Serial, Path: pty.Path(), Baud: 2400, Parity: "even", Timeout: time.Second}
	line := New(l, slog.New(slog.DiscardHandler))
	defer line.Close()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	layout := meter(t)
	var served sync.WaitGroup
	served.Go(func() {
		_ = slave.New([]slave.Device{{Address: "7", Layout: layout, Values: measured}}, slave.Faults{}).ServePTY(ctx, pty)
	})
	station := driver.Station{ID: "meter-1", Address: "7", Layout: layout}
	if _, err := line.Read(t.Context(), station); err != nil {
		t.Fatal(err)
	}
	pty.Close()
	served.Wait()
	for range 3 {
		r, err := line.Read(t.Context(), station)
		if driver.Cause(err) != driver.LineDown || len(r.Values) != 0 || driver.MayRetry(err) {
			t.Fatalf("unplugged: %+v, %v", r, err)
		}
	}
}
