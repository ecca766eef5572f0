package modbus

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"testing"
	"time"

	codec "gridhub/devices/codec/modbus"
	"gridhub/devices/profile"
	"gridhub/devices/telemetry"
	"gridhub/edge/driver"
	"gridhub/edge/driver/modbus/modbustest"
	"gridhub/edge/driver/slave"
)

func layout(t *testing.T, gap uint16, addresses ...uint16) codec.Layout {
	t.Helper()
	var fields []codec.Field
	for _, a := range addresses {
		fields = append(fields, codec.Field{Metric: fmt.Sprintf("r%d", a), Address: a})
	}
	l, err := codec.New(fields, gap, 0)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// serve puts a device with the registers of has at the end of a TCP line and
// returns a driver's line to it.
func serve(t *testing.T, framing profile.Framing, has codec.Layout) *Line {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	values := func() map[string]float64 {
		v := map[string]float64{}
		for a := range 20 {
			v[fmt.Sprintf("r%d", a)] = float64(100 + a)
		}
		return v
	}
	slaves := slave.New([]slave.Device{{Address: "1", Layout: has, Values: values}}, slave.Faults{})
	ctx, stop := context.WithCancel(context.Background())
	var served sync.WaitGroup
	served.Go(func() { _ = slaves.Accept(ctx, l, framing != profile.RTU) })
	at := profile.Line{Name: "net", Kind: profile.TCP, Address: l.Addr().String(), Framing: framing}
	at.SetDefaults()
	at.Timeout = 300 * time.Millisecond
	line := New(at, slog.New(slog.DiscardHandler))
	t.Cleanup(func() {
		line.Close()
		stop()
		served.Wait()
	})
	return line
}

// TestSplit reads devices that lack some of their profile's registers: what
// they have is read all the same, marked as uncertain where a metric is
// missing, and the way it works is remembered.
func TestSplit(t *testing.T) {
	for _, tt := range []struct {
		name    string
		has     []uint16
		want    int // values
		quality telemetry.Quality
	}{
		{"all", []uint16{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}, 6, telemetry.Good},
		{"holes may not be read", []uint16{0, 1, 2, 6, 7, 9}, 6, telemetry.Good},
		{"one is missing", []uint16{0, 1, 2, 6, 7}, 5, telemetry.Uncertain},
		{"most are missing", []uint16{2}, 1, telemetry.Uncertain},
	} {
		t.Run(tt.name, func(t *testing.T) {
			line := serve(t, profile.RTU, layout(t, 0, tt.has...))
			s := driver.Station{ID: "dev", Address: "1", Layout: layout(t, 10, 0, 1, 2, 6, 7, 9)}
			for range 3 {
				r, err := line.Read(t.Context(), s)
				if err != nil || len(r.Values) != tt.want || r.Quality != tt.quality {
					t.Fatalf("got %+v, %v", r, err)
				}
				for _, f := range r.Values {
					if f.Metric != fmt.Sprintf("r%v", f.Value-100) {
						t.Errorf("%s is %v", f.Metric, f.Value)
					}
				}
			}
		})
	}
	line := serve(t, profile.MBAP, layout(t, 0, 50))
	_, err := line.Read(t.Context(), driver.Station{ID: "dev", Address: "1", Layout: layout(t, 10, 0, 1, 2)})
	if driver.Cause(err) != "exception-2" || driver.MayRetry(err) {
		t.Errorf("a device that has none of it: %v", err)
	}
}

// TestSplitIsForgotten holds that a device gets another chance: it may have
// been replaced.
func TestSplitIsForgotten(t *testing.T) {
	s := splits{}
	whole, part := layout(t, 10, 0, 9), layout(t, 0, 0)
	s.learn("dev", part)
	for range forget {
		if len(s.known("dev", whole).Blocks()) != len(part.Blocks()) {
			t.Fatal("forgotten too early")
		}
	}
	if got := s.known("dev", whole).Blocks(); got[0].Count != 10 {
		t.Errorf("still %v", got)
	}
}

// TestBothFramings reads one device over Modbus TCP and as RTU through a
// transparent converter.
func TestBothFramings(t *testing.T) {
	for _, framing := range []profile.Framing{"", profile.MBAP, profile.RTU} {
		line := serve(t, framing, layout(t, 0, 3))
		r, err := line.Read(t.Context(), driver.Station{ID: "dev", Address: "1", Layout: layout(t, 0, 3)})
		if err != nil || len(r.Values) != 1 || r.Values[0].Value != 103 {
			t.Errorf("%q: %+v, %v", framing, r, err)
		}
		if _, err := line.Read(t.Context(), driver.Station{ID: "dev", Address: "2", Layout: layout(t, 0, 3)}); driver.Cause(err) != driver.Timeout {
			t.Errorf("%q: an absent unit: %v", framing, err)
		}
	}
}

// TestSymptoms holds that what an installer sees on a bad line can be told
// apart.
func TestSymptoms(t *testing.T) {
	stranger := codec.RTU(9, []byte{3, 4, 1, 2, 3, 4})
	for name, tt := range map[string]struct {
		reply func(r []byte) []modbustest.Chunk
		want  driver.Symptom
	}{
		"sound":                {func([]byte) []modbustest.Chunk { return chunks(sound) }, driver.Sound},
		"silence":              {func([]byte) []modbustest.Chunk { return nil }, driver.Silence},
		"an echo alone":        {func(r []byte) []modbustest.Chunk { return chunks(r) }, driver.Silence},
		"wrong speed":          {func([]byte) []modbustest.Chunk { return chunks([]byte{0xF8, 0x00, 0x80, 0xF8, 0x78}) }, driver.Garbage},
		"damaged":              {func([]byte) []modbustest.Chunk { return chunks(damage(sound, 5)) }, driver.Checksum},
		"somebody else":        {func([]byte) []modbustest.Chunk { return chunks(stranger) }, driver.Stranger},
		"two devices, in turn": {func([]byte) []modbustest.Chunk { return chunks(append(sound[:len(sound):len(sound)], sound...)) }, driver.Overlap},
		"two devices, together": {func([]byte) []modbustest.Chunk {
			return chunks(append(sound[:len(sound):len(sound)], damage(sound, 5)...))
		}, driver.Overlap},
	} {
		bus := modbustest.NewBus(t, func(_ int, r []byte) []modbustest.Chunk { return tt.reply(r) })
		line := serialLine(bus.Path())
		r, err := line.Read(t.Context(), station(t, 1))
		if got := driver.SymptomOf(r, err); got != tt.want {
			t.Errorf("%s: symptom %d, want %d: %+v, %v", name, got, tt.want, r, err)
		}
		line.Close()
	}
}
